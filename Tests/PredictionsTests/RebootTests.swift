import LabModel
import NetworkTypes
import Predictions
import Testing

/// Nodes that reboot, and scripts that make them whole again.
@Suite struct RebootTests {
    /// 30 s away and 30 s of sleep, less the time in which daemons end; more are daemons that start, an address that is asked for again,
    /// and handshakes.
    @Test(arguments: [("vpc2-ec2", "backup-inside"), ("vcn2-vm", "backup-inside"), ("vcn2-vm", "backup-routers")])
    func `The articles' hosts`(_ node: String, _ probe: String) throws {
        let lab = try PredictedLab.awsOci()
        let prediction = try PredictedLab.predict("node \(node) rebooted", for: probe, in: lab)
        let window = try #require(prediction.effect.window)
        #expect(window.earliest == .milliseconds(59_900) && window.contains(.seconds(60)))
        #expect(window.latest < .seconds(62.2))
        #expect(prediction.comeback == nil)
        for word in ["boot-time", "boot-takes", "\(node)-vpnstart.sh", "shuts down"] {
            #expect(prediction.reasons.contains { $0.contains(word) }, "\(prediction.reasons)")
        }
    }

    @Test func `Who goes another way notices nothing`() throws {
        let lab = try PredictedLab.awsOci()
        #expect(try PredictedLab.predict("node vpc2-ec2 rebooted", for: "workload", in: lab).effect == .none)
    }

    @Test func `With the main path shut it is the workload's only way`() throws {
        let lab = try PredictedLab.awsOci()
        let alone = try PredictedLab.predict(
            "node vpc2-ec2 rebooted", with: ["bgp main shut"], for: "workload", in: lab)
        #expect(try #require(alone.outage).first == 59_900)
        let beside = try PredictedLab.predict(
            "node vpc2-ec2 rebooted", with: ["daemon vcn2-vm/pluto stopped"], for: "backup-inside", in: lab)
        #expect(beside.effect.kind == "unpredictable")
        let during = try PredictedLab.predict(
            "bgp main shut", with: ["node vpc2-ec2 rebooted"], for: "workload", in: lab)
        #expect(during.effect.kind == "unpredictable")
    }

    @Test func `Times that the lab file gives`() throws {
        let lab = try PredictedLab.awsOci {
            $0.replacing("    boot-takes: 30s..30.1s", with: "    boot-takes: 40s..50s\n    boot-time: 60s")
        }
        let window = try #require(
            try PredictedLab.predict("node vpc2-ec2 rebooted", for: "backup-inside", in: lab).effect.window)
        #expect(window.earliest == .milliseconds(99_900))
        #expect(window.latest > .seconds(111) && window.latest < .seconds(113))
    }

    /// A script's text is not run to find out.
    @Test func `What nobody has said is not computed`() throws {
        let lab = try PredictedLab.awsOci { $0.replacing("    boot-takes: 30s..30.1s\n", with: "") }
        let prediction = try PredictedLab.predict("node vpc2-ec2 rebooted", for: "backup-inside", in: lab)
        guard case .unpredictable(let why) = prediction.effect else {
            Issue.record("\(prediction)")
            return
        }
        #expect(why.contains("how long the boot script vpc2-ec2-vpnstart.sh of vpc2-ec2 takes"))
        #expect(why.contains("boot-takes:"))
        // Without power it is as before, and when it comes back is not said.
        let down = try PredictedLab.predict("node vpc2-ec2 down", for: "backup-inside", in: lab)
        #expect(down.effect == .untilHealed && down.comeback == nil)
    }

    /// libreswan makes vti1 when the tunnel comes up: a script that is too early finds no interface.
    @Test func `A script that may be too early`() throws {
        let lab = try PredictedLab.awsOci { $0.replacing("boot-takes: 30s..30.1s", with: "boot-takes: 0s..1s") }
        let prediction = try PredictedLab.predict("node vpc2-ec2 rebooted", for: "backup-inside", in: lab)
        guard case .unpredictable(let why) = prediction.effect else {
            Issue.record("\(prediction)")
            return
        }
        #expect(why.contains("may come before there is vti1"))
    }

    /// Less 3 s in which a packet may wait for the address of its next hop.
    @Test func `Without a script it is the boot time, and what daemons take`() throws {
        let lab = try PredictedLab.awsOci()
        let router = try #require(
            try PredictedLab.predict("node vpc2 rebooted", for: "backup-routers", in: lab).effect.window)
        #expect(router.earliest == .seconds(27) && router.latest < .seconds(32))
    }

    /// Where BGP is told of the end, the other way carries before the node is back, and goes on to.
    @Test func `The main path's gateway`() throws {
        let lab = try PredictedLab.awsOci()
        let prediction = try PredictedLab.predict("node drg rebooted", for: "workload", in: lab)
        // drg is on both ways.
        #expect(prediction.effect.kind != "none")
    }

    @Test func `A node that is mended runs its script`() throws {
        let lab = try PredictedLab.awsOci()
        let comeback = try #require(
            try PredictedLab.predict("node vpc2-ec2 down", for: "backup-inside", in: lab).comeback)
        #expect(comeback.earliest == .seconds(30) && comeback.latest < .seconds(33))
    }

    /// `left <-> a <-> mid <-> b <-> right` by BGP, and beside it a line of its own between a and b, which is static.
    private static let detour = """
        name: detour
        nodes:
          left: {role: router, routes: {0.0.0.0/0: 10.1.0.1}}
          a: {role: router, routes: {10.0.0.0/8: 192.0.2.6}}
          mid: {role: router}
          b: {role: router, routes: {10.0.0.0/8: 192.0.2.5}}
          right: {role: router, routes: {0.0.0.0/0: 10.2.0.1}}
        links:
          west: {ends: {left:eth0: 10.1.0.2/24, a:lan: 10.1.0.1/24}}
          east: {ends: {right:eth0: 10.2.0.2/24, b:lan: 10.2.0.1/24}}
          near: {ends: {a:one: 192.0.2.1/30, mid:a: 192.0.2.2/30}}
          far: {ends: {mid:b: 192.0.2.9/30, b:one: 192.0.2.10/30}}
          second: {ends: {a:two: 192.0.2.5/30, b:two: 192.0.2.6/30}, delay: 5ms}
        bgp:
          near: {over: near, speakers: {a: {asn: 64512, advertise: 10.1.0.0/24}, mid: {asn: 64513, transit: on}}}
          far: {over: far, speakers: {mid: {asn: 64513, transit: on}, b: {asn: 64514, advertise: 10.2.0.0/24}}}
        probes:
          across: {from: left, to: right}

        """

    @Test func `Another way takes over, and carries on while the node starts`() throws {
        let lab = try PredictedLab.resolve(Self.detour)
        let prediction = try PredictedLab.predict("node mid rebooted", for: "across", in: lab)
        #expect(prediction.effect.kind == "moment", "\(prediction)")
        let end = try PredictedLab.predict("node right rebooted", for: "across", in: lab)
        #expect(try #require(end.effect.window).earliest == .seconds(27))
    }
}
