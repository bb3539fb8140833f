import Expectations
import LabFiles
import LabModel
import NetworkTypes
import Predictions
import Testing

/// What is wrong with a scenario that only a prediction shows.
@Suite struct ScenarioProblemTests {
    private func problems(_ fault: String, traffic: String, claims: String = "") throws -> [LabFileDiagnostic] {
        let text = """
            name: paths
            nodes: {a: {routes: {10.0.2.0/24: 10.0.1.2}}, r: {role: router}, b: {routes: {0.0.0.0/0: 10.0.2.1}}}
            links:
              left: {ends: {a:e: 10.0.1.1/24, r:a: 10.0.1.2/24}}
              right: {ends: {r:b: 10.0.2.1/24, b:e: 10.0.2.2/24}}
            probes: {there: {from: a, to: b}, near: {from: a, to: r}}
            scenarios:
              cut:
                traffic: \(traffic)
                timeline:
                  - {at: 10s, fail: \(fault)}
                  - {at: 40s, heal: all}
                lasts: 60s
                \(claims)

            """
        let topology = try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().topology
        let plan = ScenarioPlan(try #require(topology.scenario(named: "cut")), of: topology)
        return plan.problems(predictor: Predictor(topology: topology, versions: .measured), file: "lab.yaml")
    }

    @Test func `A scenario that can pass has none`() throws {
        #expect(try problems("blackhole right", traffic: "{there: 1s, near: 1s}", claims: "outage: {near: none}") == [])
        #expect(try problems("blackhole right", traffic: "{there: 1s}", claims: "outage: {there: 35s}") == [])
    }

    @Test func `A claim that contradicts the prediction is refused`() throws {
        let found = try problems("blackhole right", traffic: "{there: 1s}", claims: "outage: {there: 20s}")
        #expect(found.map(\.line) == [14])
        #expect(found.first?.message.contains("there is out for 30s at least") == true, "\(found)")
        #expect(found.first?.message.contains("20s is claimed") == true, "\(found)")
        let none = try problems("blackhole right", traffic: "{there: 1s}", claims: "outage: {there: none}")
        #expect(none.first?.message.contains("no outage is claimed") == true, "\(none)")
    }

    @Test func `A window that cannot be computed is refused, unless the lab file claims one`() throws {
        let found = try problems("loss right 60%", traffic: "{there: 1s, near: 1s}")
        #expect(found.map(\.line) == [11])
        #expect(found.first?.message.contains("cannot be computed") == true, "\(found)")
        #expect(found.first?.remedy.contains("`outage: {there: 10s}`") == true, "\(found)")
        #expect(
            try problems("loss right 60%", traffic: "{there: 1s, near: 1s}", claims: "outage: {there: 20s}").isEmpty)
    }
}
