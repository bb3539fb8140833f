import Daemons
import LabFiles
import LabModel
import Reporting
import Shards

extension TestSelection {
    /// All runs of the test, in order.
    ///
    /// - Throws: `CommandError` for a lab or a scenario that is not there, `LabFileError`.
    package func runs(_ versions: DaemonVersions) throws -> [ScenarioRun] {
        var runs: [ScenarioRun] = []
        let other = system.flatMap { NodeSystem($0) }
        for lab in labs.isEmpty ? LabLocator.known : labs {
            for (topology, scenario, file) in try scenarios(of: lab, versions) {
                for repetition in 1...repetitions {
                    for system in [nil, other].prefix(other == nil ? 1 : 2) {
                        runs.append(
                            ScenarioRun(
                                topology: system.map(topology.playing) ?? topology, labFile: file, scenario: scenario,
                                repetition: repetition, isRepeated: repetitions > 1, number: runs.count + 1, seed: seed,
                                system: system))
                    }
                }
            }
        }
        return runs
    }

    /// The chosen scenarios of a lab, each with the lab in the variant to play it in.
    private func scenarios(
        of lab: String, _ versions: DaemonVersions
    ) throws -> [(Topology, Scenario, file: String)] {
        let (base, warnings, file) = try LabLocator.resolve(lab, variant: nil)
        for warning in warnings { StandardStream.error.write(warning.description + "\n") }
        let all = base.scenarioNames
        let wanted = self.scenarios
        func unknown(_ name: String, among names: [String]) -> CommandError {
            CommandError(
                message: "\(file) has no scenario \"\(name)\".",
                remedy: Suggestion.remedy(for: name, among: names, noun: "scenarios"))
        }
        if isDerived || all.isEmpty {
            let own = try variant.map { try LabLocator.resolve(lab, variant: $0).topology } ?? base
            let (topology, scenarios) = try DerivedEntries.scenarios(of: own, file: file, versions)
            return try (wanted ?? scenarios.map(\.name)).map { name in
                guard let scenario = scenarios.first(where: { $0.name == name }) else {
                    throw unknown(name, among: scenarios.map(\.name))
                }
                return (topology, scenario, file)
            }
        }
        return try (wanted ?? all.map(\.name)).map { name in
            guard let known = all.first(where: { $0.name == name }) else { throw unknown(name, among: all.map(\.name)) }
            let own = try known.variant.map { try LabLocator.resolve(lab, variant: $0).topology } ?? base
            guard let scenario = own.scenario(named: name) else {
                throw CommandError(
                    message: "\(file): scenario \(name) cannot be read.", remedy: "Look at it with netlab validate.")
            }
            // Its names have been looked up in its own variant; another one is the user's wish.
            let topology = try variant.map { try LabLocator.resolve(lab, variant: $0).topology } ?? own
            let (played, leftOut) = scenario.leavingOutChecks(missingIn: topology)
            if !leftOut.isEmpty {
                StandardStream.error.write(
                    "netlab: variant \(topology.variant ?? "") of \(topology.name) does not have \(leftOut.joined(separator: ", ")): \(name) is played without these checks.\n"
                )
            }
            return (topology, played, file)
        }
    }
}

extension ScenarioRun {
    /// The directory of a lab, in its variant and on its system, below a test's own.
    package var lab: String {
        topology.name + (topology.variant.map { "+\($0)" } ?? "") + (system.map { "@\($0.treeName)" } ?? "")
    }

    /// The run's directory, below a test's own.
    package var place: String { "\(lab)/\(scenario.name)\(isRepeated ? "-\(repetition)" : "")" }

    /// Makes it, with what is tested above it.
    package func prepare(in directory: RunDirectory) throws -> RunDirectory {
        try directory.below(lab).describe(topology, labFile: labFile)
        return try directory.below(place)
    }
}
