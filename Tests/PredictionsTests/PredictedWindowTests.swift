import DaemonProfiles
import Daemons
import NetworkTypes
import Testing

/// The windows' arithmetic: what each timer contributes.
@Suite struct PredictedWindowTests {
    /// 30 s less a quarter less a keepalive of 10 s; 30 s, a turn of BIRD's loop, and what packets and poll() take.
    @Test func `Hold timer`() throws {
        let lab = try PredictedLab.awsOci()
        let prediction = try PredictedLab.predict("blackhole aws-vpn-1", for: "workload", in: lab)
        #expect(prediction.outage == [12_500, 33_010])
        #expect(prediction.reasons.contains { $0.contains("22.5s to 30s after the last keepalive") })
        #expect(prediction.reasons.contains { $0.contains("RFC 4271") })
    }

    /// The negotiated time is the smaller one, and the keepalives shrink with it (RFC 4271, section 4.2).
    @Test(
        arguments: [
            ("keepalive: 10s, hold: 30s", "keepalive: 20s, hold: 60s", [25_000, 63_010]),
            ("keepalive: 10s, hold: 30s", "keepalive: 10s, hold: 240s", [128_000, 183_010]),
            ("keepalive: 10s, hold: 30s", "keepalive: 1s, hold: 3s", [1_250, 6_010]),
        ] as [(String, String, [Int64])])
    func `Other timers`(old: String, new: String, window: [Int64]) throws {
        let lab = try PredictedLab.awsOci { $0.replacing(old, with: new) }
        // The other side proposes keepalives of 60 s with 180 s: a third of what is negotiated. Where its 180 s are the
        // smaller, this one's keepalives are 7 s, so that the other speaker's timer is later: 135 s less 7 s at least.
        #expect(try PredictedLab.predict("blackhole aws-vpn-1", for: "workload", in: lab).outage == window)
    }

    /// A fault that is there already may have changed the timers.
    @Test func `After another hold time`() throws {
        let lab = try PredictedLab.awsOci()
        let shorter = try PredictedLab.predict(
            "blackhole aws-vpn-1", with: ["bgp main hold 9s"], for: "workload", in: lab)
        #expect(shorter.outage == [3_750, 12_010])
        // A hold time of zero never ends a session (RFC 4271, section 4.2): no failover.
        let never = try PredictedLab.predict(
            "blackhole aws-vpn-1", with: ["bgp main hold 0s at drg"], for: "workload", in: lab)
        #expect(never.effect == .untilHealed)
    }

    /// One direction cut: the peer's NOTIFICATION still arrives, or the own timer is first, after one more keepalive.
    @Test func `One way`() throws {
        let lab = try PredictedLab.awsOci()
        #expect(
            try PredictedLab.predict("blackhole aws-vpn-1 from tgw", for: "workload", in: lab).outage == [
                12_500, 43_010,
            ])
        // Without liveness nothing takes the tunnel away, and the NOTIFICATION still waits behind what is not acknowledged.
        let still = try PredictedLab.awsOci { text in
            text.replacing(
                "    dpd: {delay: 10s, timeout: 30s}\n    mtu: 1438                ",
                with: "    mtu: 1438                "
            )
            .replacing(", dpd-action: clear", with: "").replacing(", dpd-action: restart", with: "")
        }
        #expect(
            try PredictedLab.predict("blackhole aws-vpn-1 from tgw", for: "workload", in: still).outage == [
                12_500, 43_010,
            ])
    }

    /// An interface that goes down is known at once; a link that goes silent is not.
    @Test func `Link state`() throws {
        let lab = try PredictedLab.resolve(PredictedLab.pair)
        let down = try PredictedLab.predict("link first down", for: "across", in: lab)
        #expect(
            down.outage == [0, 10]
                && down.reasons.contains { $0.contains("tells BIRD at once") || $0.contains("forget the routes") })
        // 9 s: the smaller proposal; 6.75 s less 3 s, and 9 s with a turn.
        let silent = try PredictedLab.predict("blackhole first", for: "across", in: lab)
        #expect(silent.outage == [3_750, 12_017])
    }

    /// What comes back: IKE's longest wait, BGP's connection and a turn; or only what had been lost.
    @Test(
        arguments: [
            ("blackhole aws-vpn-1", 16_018), ("drop esp on aws-vpn-1", 6_018), ("bgp main shut", 6_018),
            ("daemon drg/pluto killed", 6_643), ("mismatch main psk", 6_643), ("link vpc1-workload down", 1_018),
            ("blackhole aws-internet", nil), ("loss aws-vpn-1 1%", nil),
        ] as [(String, Int64?)])
    func `Comeback`(fault: String, latest: Int64?) throws {
        let lab = try PredictedLab.awsOci()
        let prediction = try PredictedLab.predict(fault, for: "workload", in: lab)
        #expect(prediction.comeback?.milliseconds == latest.map { [0, $0] })
    }

    /// What runs in aws-oci was measured 20 times and more a fault: the least and the most, in milliseconds from the fault
    /// (or from its mending) to the first answer by the other way, with 100 ms between questions.
    @Test(
        arguments: [
            ("blackhole aws-vpn-1", [21_720, 31_770], [580, 5_390]),
            ("blackhole aws-vpn-1 from tgw", [17_860, 37_210], [3_130, 9_220]),
            ("blackhole aws-vpn-1 from internet", [17_560, 31_150], [3_210, 11_490]),
            ("link aws-vpn-1 down", [21_950, 32_310], [3_080, 7_960]),
            ("daemon tgw/pluto killed", [23_590, 31_190], [3_260, 7_960]),
            ("drop esp on oci-vpn-1", [21_970, 29_310], [2_750, 4_200]),
            ("daemon drg/pluto killed", [19_980, 31_680], [100, 3_760]),
            ("mismatch main psk", [21_170, 30_580], [2_170, 3_710]),
            ("mismatch main ike at drg", [17_570, 32_120], [3_080, 3_890]),
        ] as [(String, [Int64], [Int64])])
    func `Contains what was measured`(fault: String, outages: [Int64], comebacks: [Int64]) throws {
        let lab = try PredictedLab.awsOci()
        let prediction = try PredictedLab.predict(fault, for: "workload", in: lab)
        let window = try #require(prediction.effect.window)
        let comeback = try #require(prediction.comeback)
        for outage in outages { #expect(window.contains(.milliseconds(outage))) }
        for time in comebacks { #expect(comeback.contains(.milliseconds(time))) }
    }

    /// A hold timer changed behind netlab's back is found: its outages lie outside.
    @Test func `Another hold timer is outside`() throws {
        let lab = try PredictedLab.awsOci()
        let prediction = try PredictedLab.predict("blackhole aws-vpn-1", for: "workload", in: lab)
        let window = try #require(prediction.effect.window)
        // A hold time of 9 s ends after 3.75 s to 12 s, one of 90 s after 37.5 s at least.
        #expect(!window.contains(.milliseconds(12_017)) && !window.contains(.milliseconds(37_500)))
    }

    @Test func `Windows that say nothing`() throws {
        #expect(!Window(.seconds(12.5), .seconds(33)).saysNothing)
        #expect(Window(.zero, .seconds(31)).saysNothing)
        #expect(!Window(.zero, .seconds(30)).saysNothing)
        #expect(!Window(.seconds(75), .seconds(183)).saysNothing)
        #expect(Window(.seconds(50), .seconds(201)).saysNothing)
        let lab = try PredictedLab.awsOci()
        for fault in ["blackhole aws-vpn-1", "link aws-vpn-1 down", "daemon tgw/pluto killed", "mismatch main psk"] {
            let window = try #require(PredictedLab.predict(fault, for: "workload", in: lab).effect.window)
            #expect(!window.saysNothing)
        }
    }

    /// A speaker that keeps its timers waits its own hold time, and makes the other's session flap where it is shorter.
    @Test func `Fixed timers`() throws {
        let lab = try PredictedLab.awsOci {
            $0.replacing(
                "drg: {asn: 31898, keepalive: 60s, hold: 180s,",
                with: "drg: {asn: 31898, keepalive: 10s, hold: 180s, negotiate: off,")
        }
        // TGW withdraws after 12.5 s to 33 s and DRG, whose own timer alone is left, after 135 s less 10 s to 183 s.
        let cut = try PredictedLab.predict("blackhole aws-vpn-1", for: "workload", in: lab)
        #expect(cut.outage == [125_000, 183_010], "\(cut)")
        let flapping = try PredictedLab.awsOci {
            $0.replacing("drg: {asn: 31898,", with: "drg: {asn: 31898, negotiate: off,")
        }
        let never = try PredictedLab.predict("blackhole aws-vpn-1", for: "workload", in: flapping)
        #expect(never.effect.kind == "unpredictable", "\(never)")
    }

    /// Associations that are gone at one end come back with its next packet.
    @Test func `Acquired`() throws {
        let lab = try PredictedLab.awsOci()
        #expect(try PredictedLab.predict("sa main deleted at tgw", for: "workload", in: lab).outage == [0, 7])
        #expect(
            try PredictedLab.predict("sa main deleted at tgw", for: "workload-back", in: lab).outage == [0, 10_007])
        // Without IKE there are none.
        let mute = try PredictedLab.predict("sa main deleted at tgw", "drop ike on aws-vpn-1", for: "workload", in: lab)
        #expect(mute.outage == [12_500, 33_010])
    }
}

@Suite struct DaemonVersionTests {
    @Test(
        arguments: [
            ("Libreswan 4.10", "4.10"), ("Libreswan 5.2 (netkey) on 6.1", "5.2"), ("BIRD version 2.0.12", "2.0.12"),
            ("Linux Libreswan 4.12\n", "4.12"), ("BIRD version 2.15.1", "2.15.1"), ("none", nil), ("", nil), ("5", nil),
        ] as [(String, String?)])
    func `Read`(text: String, version: String?) {
        #expect(DaemonVersion(output: text)?.description == version)
    }

    @Test func `Order`() {
        #expect(DaemonVersion(major: 4, minor: 10) > DaemonVersion(major: 4, minor: 9))
        #expect(DaemonVersion(major: 5, minor: 3) < DaemonVersion(major: 5, minor: 4))
    }
}
