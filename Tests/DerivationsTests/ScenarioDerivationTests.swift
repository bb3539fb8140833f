import Daemons
import Derivations
import LabModel
import NetworkTypes
import Testing

/// What breaks in a lab, and the scenarios that show it.
@Suite struct ScenarioDerivationTests {
    @Test func `All that may break`() throws {
        let words = Breakage.all(of: try KnownLabs.bare("aws-oci")).map(\.words)
        // The backup's files are its user's, which no fault changes, and the second tunnel of the main path is not used.
        #expect(
            words == [
                "tunnel main cut", "tunnel backup cut", "tunnel main refused", "bgp main shut", "gateway tgw down",
                "gateway vpc2-ec2 down", "gateway drg down", "gateway vcn2-vm down",
            ])
    }

    /// Where another tunnel can stand in, and a session moves the traffic there.
    @Test func `Providers maintain tunnels that are redundant`() throws {
        let maintained = try KnownLabs.names.flatMap { name in
            Breakage.all(of: try KnownLabs.bare(name)).filter { $0.kind == .maintained }.flatMap(\.faults)
        }
        #expect(
            maintained.map(\.description)
                == ["tgw", "vgw"].flatMap { gateway in
                    ["c1t1", "c1t2", "c2t1", "c2t2"].map { "maintenance \($0) at \(gateway)" }
                })
    }

    /// Everything is predicted, so it can be played: faults heal when all have noticed, and the end waits for the comeback.
    @Test(arguments: KnownLabs.names)
    func `Faults last until all have noticed`(_ name: String) throws {
        let lab = try KnownLabs.bare(name)
        let deriver = ScenarioDeriver(topology: lab, versions: DaemonVersions([:]))
        for breakage in Breakage.all(of: lab) {
            let scenario = deriver.scenario(of: breakage)
            #expect(
                scenario.isDerived && scenario.steps.map(\.action) == [.fail(breakage.faults), .heal(breakage.faults)])
            let lasts = scenario.steps[1].at - scenario.steps[0].at
            for prediction in deriver.predictions(of: breakage).flatMap(\.all) {
                if case .outage(let window) = prediction.effect { #expect(window.latest < lasts, "\(scenario.name)") }
                let rest = scenario.length - scenario.steps[1].at
                #expect(prediction.comeback.map { $0.latest < rest } ?? true, "\(scenario.name)")
            }
        }
    }

    @Test func `Flows for every way`() throws {
        let deriver = ScenarioDeriver(topology: try KnownLabs.bare("alibaba-azure"), versions: DaemonVersions([:]))
        let cut = try #require(Breakage.all(of: try KnownLabs.bare("alibaba-azure")).first)
        let counts = deriver.scenario(of: cut).traffic.map { "\($0.probe) \($0.count ?? 1)" }
        // The way back shares the same tunnels between the same hosts.
        #expect(counts == ["ecs-vm 24", "vm-ecs 1", "inside-a 1", "inside-b 1"])
    }
}
