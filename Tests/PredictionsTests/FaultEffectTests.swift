import LabModel
import Predictions
import Testing

/// What each kind of fault does to the probes of aws-oci; about half of them were seen in the running lab as well.
@Suite struct FaultEffectTests {
    /// What takes away one protocol takes away flows over that alone: what netlab's own datagrams are, its faults and rules tell from pings.
    @Test(arguments: [
        ("drop udp on first", "none", "untilHealed"), ("drop icmp on first", "untilHealed", "none"),
        ("drop tcp on west", "none", "none"),
    ])
    func `What a probe sends decides`(fault: String, ping: String, datagrams: String) throws {
        let lab = try PredictedLab.resolve(PredictedLab.pair)
        let predictor = Predictor(topology: lab, versions: .measured)
        let (fault, probe) = (try Fault(fault, in: lab), try #require(lab.probe(named: "across")))
        #expect(predictor.predict(fault, for: probe).effect.kind == ping)
        #expect(predictor.predicting(.datagrams).predict(fault, for: probe).effect.kind == datagrams)
    }

    /// Pings of 56 bytes need no “fragmentation needed”; full segments do where no clamp makes them fit, and then it has to arrive at the
    /// sender: not at the other end, and not by the way that loses it.
    @Test(
        arguments: [
            ("drop frag-needed on vpc1-workload", true, "vpc1-workload loses frag-needed"),
            ("drop frag-needed on vpc1-workload", false, nil),
            ("drop frag-needed on vpc1-workload from vpc1-ec2", true, nil),
            ("drop frag-needed on vcn1-workload", true, "a full segment of vcn1-vm's makes a packet of 1500 bytes"),
            ("drop icmp on aws-vpn-1", true, nil), ("drop tcp on vcn1-workload", false, "vcn1-workload loses tcp"),
            ("drop bgp on vcn1-workload", false, nil), ("drop udp on main", true, nil),
            ("mtu tgw wan1 1400", false, nil),
        ] as [(String, Bool, String?)])
    func `A transfer hangs where pings notice nothing`(fault: String, isUnclamped: Bool, why: String?) throws {
        let lab = try PredictedLab.awsOci { text in
            isUnclamped
                ? text.replacing("mss: clamp-to-pmtu", with: "mss: off").replacing("mss: 1398", with: "mss: off") : text
        }
        let prediction = Predictor(topology: lab, versions: .measured).predictWithTransfers(
            [try Fault(fault, in: lab)], for: try #require(lab.probe(named: "workload")))
        #expect(prediction.effect == .none)
        switch (prediction.transfers, why) {
        case (.asPings, nil): break
        case (.hang(let said), let why?): #expect(said.contains(why), "\(said)")
        default: Issue.record("\(prediction)")
        }
    }

    private static func policies(_ west: String, mss: String) -> String {
        """
        name: policies
        nodes:
          left: {role: instance, routes: {0.0.0.0/0: 10.1.0.1}}
          west: {role: router, routes: {0.0.0.0/0: 192.0.2.2}}
          east: {role: router, routes: {0.0.0.0/0: 192.0.2.1}}
          right: {role: instance, routes: {0.0.0.0/0: 10.2.0.1}}
        links:
          here: {ends: {left:eth0: 10.1.0.2/24, west:lan: 10.1.0.1/24}}
          wire: {ends: {west:wan: 192.0.2.1/30, east:wan: 192.0.2.2/30}}
          there: {ends: {right:eth0: 10.2.0.2/24, east:lan: 10.2.0.1/24}}
        tunnels:
          vpn:
            psk: an-example-key
            ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
            esp: {encryption: aes-256-cbc, integrity: sha2-256}
            mss: \(mss)
            selectors: [{west: \(west), east: \(west == "0.0.0.0/0" ? west : "10.2.0.0/24")}]
            ends: {west: {address: 192.0.2.1}, east: {address: 192.0.2.2, startup: listen}}
        probes: {app: {from: left, to: right}}
        """
    }

    /// The kernel drops in clear what its policies want in ESP (XfrmInTmplMismatch): policies for all addresses take in no host's packets.
    @Test func `Policies for everything keep out what comes in clear`() throws {
        let lab = try PredictedLab.resolve(Self.policies("0.0.0.0/0", mss: "off"))
        guard case .unpredictable(let why) = try PredictedLab.predict("blackhole wire", for: "app", in: lab).effect
        else {
            Issue.record("a probe was predicted")
            return
        }
        #expect(why.contains("west takes that only out of vpn"), "\(why)")
    }

    /// By policies alone there is no interface whose clamp could be looked up.
    @Test(arguments: [("off", "hang"), ("1300", "asPings"), ("clamp-to-pmtu", "unknown")])
    func `Clamps of policies count`(mss: String, outcome: String) throws {
        let lab = try PredictedLab.resolve(Self.policies("10.1.0.0/24", mss: mss))
        let transfers = Predictor(topology: lab, versions: .measured).predictWithTransfers(
            [try Fault("drop frag-needed on here", in: lab)], for: try #require(lab.probe(named: "app"))
        ).transfers
        #expect("\(try #require(transfers))".hasPrefix(outcome), "\(String(describing: transfers))")
    }

    /// The echo port has to be open, too.
    @Test func `A rule that lets in pings alone keeps datagrams out`() throws {
        for (rule, isKnown) in [("protocol: icmp", false), ("protocol: udp, ports: [7]", true)] {
            let lab = try PredictedLab.resolve(
                PredictedLab.pair.replacing(
                    "right: {role: router,", with: "right: {role: instance, security: [{from: 10.1.0.0/24, \(rule)}],"))
            let prediction = Predictor(topology: lab, versions: .measured).predicting(.datagrams)
                .predict(try Fault("link first down", in: lab), for: try #require(lab.probe(named: "across")))
            #expect((prediction.effect.kind == "unpredictable") != isKnown, "\(prediction)")
        }
    }

    /// One letter a probe: workload, workload-back, backup-inside, backup-routers. `-` not touched, `O` outage until the
    /// other way is in use, `m` no more than a moment, `X` until healed, `d` degraded, `?` nothing can be said.
    @Test(arguments: [
        // The underlay of the main tunnel.
        ("link aws-vpn-1 down", "OO--"), ("blackhole aws-vpn-1", "OO--"), ("blackhole oci-vpn-1 from drg", "OO--"),
        ("loss aws-vpn-1 100%", "OO--"), ("drop esp on aws-vpn-1", "OO--"), ("drop esp on aws-vpn-2", "----"),
        ("drop esp-in-udp on aws-vpn-1", "----"), ("drop ike on aws-vpn-1", "----"), ("link aws-vpn-2 down", "----"),
        ("blackhole aws-vpn-2", "----"), ("drop icmp on aws-vpn-1", "----"), ("drop bgp on aws-vpn-1", "----"),
        ("drop frag-needed on aws-vpn-1", "----"),
        // What a tunnel carries.
        ("drop bgp on main", "mm--"), ("drop bgp on main from tgw", "mm--"), ("drop icmp on main", "XX--"),
        ("drop icmp on main from drg", "XX--"), ("drop udp on main", "----"), ("drop icmp on backup", "--XX"),
        // What a tunnel is made of.
        ("drop esp on main", "OO--"), ("drop esp on main from drg", "OO--"), ("drop ike on main", "----"),
        ("drop esp-in-udp on main", "----"), ("drop esp on backup", "----"), ("drop esp-in-udp on backup", "--XX"),
        ("drop udp-4500 on backup from vcn2-vm", "--XX"), ("drop udp on backup", "----"),
        // The backup tunnel's, whose routes are static.
        ("blackhole aws-internet", "--XX"), ("drop esp-in-udp on aws-internet from internet", "--XX"),
        ("drop esp on aws-internet", "----"), ("drop udp-4500 on oci-internet", "--XX"),
        ("link vcn2-attachment down", "---X"),
        // Both tunnels', and neither's.
        ("link vpc1-workload down", "XX--"), ("blackhole vcn1-attachment", "XX--"),
        // Impairments.
        ("loss aws-vpn-1 30%", "dd--"), ("loss aws-vpn-1 60%", "??--"), ("delay vcn1-attachment 20ms", "dd--"),
        ("jitter aws-internet 2ms", "--dd"), ("rate aws-vpn-1 10mbit", "dd--"), ("corruption oci-vpn-1 1%", "dd--"),
        ("duplication aws-vpn-1 5%", "dd--"), ("reordering aws-vpn-1 5%", "dd--"), ("delay aws-vpn-1 20s", "??--"),
        ("mtu tgw wan1 1400", "----"), ("mtu tgw wan1 120", "??--"), ("mtu tgw vpn1 1280", "----"),
        // NAT, security rules, checks: nobody notices.
        ("nat aws-igw flushed", "--dd"), ("nat aws-igw 203.0.113.20 to 10.3.1.77", "--XX"),
        ("security vcn1-vm without 10.2.0.0/16", "----"), ("security vpc2-ec2 without 10.3.0.0/16", "----"),
        ("source-destination-check vpc2-ec2 on", "---X"),
        // Daemons.
        ("daemon tgw/pluto killed", "OO--"), ("daemon drg/pluto killed", "OO--"),
        ("daemon vpc2-ec2/pluto killed", "--XX"), ("daemon tgw/pluto stopped", "----"),
        ("daemon tgw/pluto restarted", "mm--"), ("daemon vpc2-ec2/pluto restarted", "--mm"),
        ("daemon tgw/bird killed", "mm--"), ("daemon tgw/bird stopped", "mm--"), ("daemon tgw/bird restarted", "mm--"),
        // IPsec and BGP.
        ("mismatch main psk", "OO--"), ("mismatch main ike at drg", "OO--"), ("mismatch main esp", "OO--"),
        ("mismatch backup psk at vcn2-vm", "--XX"), ("sa main deleted at tgw", "mO--"),
        ("sa backup deleted at vcn2-vm", "--m?"), ("bgp main shut", "mm--"), ("bgp main shut at drg", "mm--"),
        ("maintenance main", "mm--"), ("maintenance main at drg", "mm--"), ("maintenance backup", "--XX"),
        ("bgp main hold 9s", "mm--"), ("bgp main md5 wrong", "mm--"),
        // Nodes.
        ("node tgw down", "XX-X"), ("node internet down", "XXXX"), ("node vpc2-ec2 down", "--XX"),
        ("node vcn1 down", "XX--"), ("zone oci down", "XXXX"),
    ])
    func `Effects`(fault: String, expected: String) throws {
        let lab = try PredictedLab.awsOci()
        let letters = [
            "none": "-", "outage": "O", "moment": "m", "untilHealed": "X", "degraded": "d", "unpredictable": "?",
        ]
        let predictions = try ["workload", "workload-back", "backup-inside", "backup-routers"].map {
            try PredictedLab.predict(fault, for: $0, in: lab)
        }
        #expect(predictions.compactMap { letters[$0.effect.kind] }.joined() == expected)
        #expect(
            predictions.allSatisfy { $0.fault == (try? Fault(fault, in: lab))?.description && $0.reasons.count > 1 })
    }

    /// While main is down the backup's faults matter to the workload, and are the end of it.
    @Test(arguments: [
        ("blackhole aws-internet", "untilHealed"), ("source-destination-check vpc2-ec2 on", "untilHealed"),
        ("daemon vcn2-vm/pluto killed", "untilHealed"), ("blackhole aws-vpn-2", "none"),
        ("loss oci-internet 3%", "degraded"),
        ("security vcn2-vm without 10.105.0.0/16", "none"),
    ])
    func `After the first fault`(fault: String, kind: String) throws {
        let lab = try PredictedLab.awsOci()
        let prediction = try PredictedLab.predict(fault, with: ["blackhole aws-vpn-1"], for: "workload", in: lab)
        #expect(prediction.effect.kind == kind)
        #expect(prediction.before == Prediction.Way(forth: ["backup"], back: ["backup"]))
    }

    /// The security rule matters when the backup path has not been used yet: its fabric does not know the conversation.
    @Test func `A rule that only the other way needs`() throws {
        let lab = try PredictedLab.awsOci()
        let both = try PredictedLab.predict(
            "blackhole aws-vpn-1", "security vpc2-ec2 without 10.2.0.0/16", for: "workload", in: lab)
        #expect(both.effect == .untilHealed)
        #expect(both.reasons.contains { $0.lowercased().contains("no security rule of vpc2-ec2") })
        let alone = try PredictedLab.predict("security vpc2-ec2 without 10.2.0.0/16", for: "workload", in: lab)
        #expect(alone.effect == .none)
    }

    @Test func `Both tunnels cut together`() throws {
        let lab = try PredictedLab.awsOci()
        let prediction = try PredictedLab.predict(
            "blackhole aws-vpn-1", "blackhole aws-internet", for: "workload", in: lab)
        #expect(prediction.effect == .untilHealed)
        #expect(prediction.reasons.contains { $0.contains("no other route is left") })
        #expect(prediction.fault == "blackhole aws-vpn-1, blackhole aws-internet")
    }

    @Test func `A probe that is not answered anyway`() throws {
        let lab = try PredictedLab.awsOci()
        let prediction = try PredictedLab.predict(
            "loss aws-vpn-1 1%", with: ["link vpc1-workload down"], for: "workload", in: lab)
        #expect(prediction.effect.kind == "unpredictable")
    }
}
