import LabModel
import NetworkTypes
import Testing

/// What is predicted of tunnels with strongSwan: only what differs from libreswan.
struct CharonTests {
    /// aws-oci with strongSwan at both ends of the main tunnel.
    private func lab() throws -> Topology {
        try PredictedLab.awsOci { text in
            ["summary: Transit Gateway, AS 64512", "summary: Dynamic Routing Gateway, AS 31898"].reduce(text) {
                $0.replacing($1, with: "\($1)\n    ike: strongswan")
            }
            .replacing("daemon tgw/pluto", with: "daemon tgw/charon")
        }
    }

    @Test func `charon's end leaves the kernel its associations, pluto's takes them`() throws {
        let faults = "daemon tgw/charon killed"
        #expect(try PredictedLab.predict(faults, for: "workload", in: lab()).effect.kind == "none")
        let libreswan = try PredictedLab.predict("daemon tgw/pluto killed", for: "workload", in: PredictedLab.awsOci())
        #expect(libreswan.effect.kind != "none")
    }

    @Test func `A restart makes new associations at once`() throws {
        let prediction = try PredictedLab.predict("daemon drg/charon restarted", for: "workload", in: lab())
        #expect(prediction.outage.map { $0[1] < 5000 } == true, "\(prediction)")
        #expect(prediction.reasons.contains { $0.contains("start_action = start") }, "\(prediction.reasons)")
    }

    @Test func `There is no pluto to break where charon runs`() throws {
        let topology = try lab()
        let error = #expect(throws: FaultError.self) { try Fault("daemon tgw/pluto killed", in: topology) }
        #expect(error?.description.contains("tgw/charon") == true)
    }

    /// Two gateways and a tunnel whose initiator forgets a silent peer.
    private static func clearing(_ daemon: String) -> String {
        """
        name: clearing
        nodes:
          host: {routes: {0.0.0.0/0: 10.1.0.1}}
          a: {role: router, ike: \(daemon)}
          b: {role: router, ike: \(daemon)}
          far: {routes: {0.0.0.0/0: 10.2.0.1}}
        links:
          west: {ends: {host:e0: 10.1.0.2/24, a:lan: 10.1.0.1/24}}
          wire: {ends: {a:e0: 192.0.2.1/24, b:e0: 192.0.2.2/24}}
          east: {ends: {far:e0: 10.2.0.2/24, b:lan: 10.2.0.1/24}}
        tunnels:
          vpn:
            psk: example-key
            ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
            esp: {encryption: aes-256-cbc, integrity: sha2-256}
            dpd: {delay: 10s, timeout: 30s}
            ends:
              a: {address: 192.0.2.1, interface: v, dpd-action: clear, routes: 10.2.0.0/24}
              b: {address: 192.0.2.2, interface: v, startup: listen, dpd-action: clear, routes: 10.1.0.0/24}
        probes: {there: {from: host, to: far}}
        """
    }

    @Test func `What charon has cleared nobody negotiates anew, and pluto revives it`() throws {
        for (daemon, comesBack) in [("strongswan", false), ("libreswan", true)] {
            let topology = try PredictedLab.resolve(Self.clearing(daemon))
            let prediction = try PredictedLab.predict("blackhole wire", for: "there", in: topology)
            #expect((prediction.comeback != nil) == comesBack, "\(daemon): \(prediction)")
        }
    }

    @Test func `A user's own strongswan.conf decides when a silent peer is given up, as far as it is understood`()
        throws
    {
        let predict = { (settings: String?) in
            var topology = try PredictedLab.resolve(
                Self.clearing("strongswan").replacing("interface: v, dpd-action: clear", with: "interface: v"))
            let index = try #require(topology.nodes.firstIndex { $0.name == "a" })
            topology.nodes[index].keySettings = settings
            return try PredictedLab.predict("blackhole wire", for: "there", in: topology)
        }
        let usual = try #require(try predict(nil).comeback)
        let own = try predict("charon { retransmit_tries = 9\n retransmit_timeout = 1\n retransmit_base = 1\n}")
        #expect(try #require(own.comeback).milliseconds[1] < usual.milliseconds[1] - 5000, "\(own)")
        let open = try predict("charon { retransmit_jitter = 50\n}")
        #expect(open.effect.kind == "unpredictable", "\(open)")
        #expect("\(open)".contains("retransmit_jitter = 50 (line 1)"), "\(open)")
    }
}
