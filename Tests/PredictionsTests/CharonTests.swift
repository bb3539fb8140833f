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
}
