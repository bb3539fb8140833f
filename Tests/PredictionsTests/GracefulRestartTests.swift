import Daemons
import LabModel
import Testing

@testable import Predictions

/// Two routers with BGP over one of two links: what a daemon's end costs where it is waited for, and BFD that ends alone.
@Suite("Predictions of graceful restart and of BFD that stops")
struct GracefulRestartTests {
    private static func lab(_ session: String, a: String = "bird", b: String = "bird", second: Bool = false) throws
        -> Topology
    {
        var text = PredictedLab.pair.replacing("a: {role: router,", with: "a: {role: router, bgp: \(a),")
            .replacing("b: {role: router,", with: "b: {role: router, bgp: \(b),")
            .replacing("    over: first", with: "\(session)    over: first")
        // Without the static routes by the second link nothing else carries the probe.
        if !second {
            text = text.replacing(", routes: {10.0.0.0/8: 192.0.2.6}", with: "")
                .replacing(", routes: {10.0.0.0/8: 192.0.2.5}", with: "")
        }
        return try PredictedLab.resolve(text)
    }

    private static let graceful = "    graceful-restart: 60s\n"

    @Test(arguments: [("bird", "bird"), ("frr", "bird")])
    func `A daemon that is waited for restarts for nothing`(_ a: String, _ b: String) throws {
        let without = try PredictedLab.predict("daemon a/\(a) restarted", for: "across", in: Self.lab("", a: a, b: b))
        #expect(without.effect.kind == "outage", "\(without.reasons)")
        let with = try PredictedLab.predict(
            "daemon a/\(a) restarted", for: "across", in: Self.lab(Self.graceful, a: a, b: b))
        #expect(with.effect == .none, "\(with.reasons)")
        #expect(with.reasons.contains { $0.contains("ends without a word") })
    }

    @Test(arguments: ["bird", "frr"])
    func `FRR may not have waited, and that is said`(_ a: String) throws {
        let anew = try PredictedLab.predict(
            "daemon a/\(a) restarted", for: "across", in: Self.lab(Self.graceful, a: a, b: "frr"))
        #expect(try #require(anew.outage)[0] == 0)
        #expect(anew.reasons.contains { $0.contains("At best its kernel and its peers keep the routes") })
    }

    @Test func `A daemon that is gone is waited for as long as it has said`() throws {
        let gone = try PredictedLab.predict("daemon a/bird killed", for: "across", in: Self.lab(Self.graceful))
        #expect(gone.effect == .untilHealed)
        // The turn of BIRD's loop, and 2 ms of link.
        #expect(gone.begins?.milliseconds == [60_000, 63_007], "\(gone.reasons)")
        let frr = try PredictedLab.predict("daemon a/bird killed", for: "across", in: Self.lab(Self.graceful, b: "frr"))
        #expect(frr.begins?.milliseconds == [60_000, 60_107], "\(frr.reasons)")
        let without = try PredictedLab.predict("daemon a/bird killed", for: "across", in: Self.lab(""))
        #expect(without.effect == .untilHealed)
        #expect(without.begins?.milliseconds == [0, 2], "\(without.reasons)")
    }

    /// By a peer's interface, a NOTIFICATION or a hold timer a session ends as ever.
    @Test func `Graceful restart is for connections that break off alone`() throws {
        for fault in ["blackhole first", "link first down", "bgp direct-line shut", "node a down"] {
            let with = try PredictedLab.predict(fault, for: "across", in: Self.lab(Self.graceful, second: true))
            let without = try PredictedLab.predict(fault, for: "across", in: Self.lab("", second: true))
            #expect(with.effect == without.effect, "\(fault): \(with.reasons)")
        }
    }

    @Test func `What a restart leaves open is not computed`() throws {
        // FRR says nothing when it is told to end.
        let reboot = try PredictedLab.predict("node a rebooted", for: "across", in: Self.lab(Self.graceful))
        #expect(reboot.effect.kind == "unpredictable")
        let bfd = try PredictedLab.predict(
            "daemon a/bird restarted", for: "across", in: Self.lab(Self.graceful + "    bfd: {}\n"))
        #expect(bfd.effect.kind == "unpredictable" && bfd.effect != .none)
        let transit = try PredictedLab.resolve(
            PredictedLab.pair.replacing("    over: first", with: "\(Self.graceful)    over: first")
                .replacing("hold: 9s,", with: "hold: 9s, transit: on,"))
        let passing = try PredictedLab.predict("daemon a/bird restarted", for: "across", in: transit)
        #expect(passing.effect.kind == "unpredictable")
    }

    @Test(arguments: [("bird", "bird"), ("frr", "frr")])
    func `BFD that stops alone ends the session once, and BGP brings it up again`(_ a: String, _ b: String) throws {
        let bfd = "    bfd: {interval: 300ms, multiplier: 3}\n"
        let alone = try PredictedLab.predict(
            "bfd direct-line stopped at a", for: "across", in: Self.lab(bfd, a: a, b: b))
        #expect(alone.effect.kind == "outage", "\(alone.reasons)")
        #expect(
            alone.reasons.contains { $0.contains("600ms to 907ms after the fault") }, "\(alone.reasons)")
        let other = try PredictedLab.predict(
            "bfd direct-line stopped at a", for: "across", in: Self.lab(bfd, a: a, b: b, second: true))
        #expect(other.effect.kind == "moment", "\(other.reasons)")
    }

    /// BFD that has been stopped notices nothing more: only the hold timer does.
    @Test func `A silence after that is noticed by hold timers alone`() throws {
        let lab = try Self.lab("    bfd: {interval: 300ms, multiplier: 3}\n", second: true)
        let quick = try PredictedLab.predict("blackhole first", for: "across", in: lab)
        let slow = try PredictedLab.predict(
            "blackhole first", with: ["bfd direct-line stopped at a"], for: "across", in: lab)
        #expect(try #require(quick.outage)[1] < 1_000)
        #expect(try #require(slow.outage)[0] > 3_000, "\(slow.reasons)")
    }
}
