import Daemons
import Derivations
import FoundationEssentials
import Futures
import LabHost
import LabModel
import NetworkTypes
import Predictions
import Reporting

/// Plays futures of a lab, each on a fresh one, and keeps those that are worth a look.
package struct Exploration: Sendable {
    let topology: Topology
    let labFile: String
    let plan: FuturePlan
    let versions: DaemonVersions
    let kernel: ChosenKernel
    let interval: Duration?
    package let directory: RunDirectory

    package init(
        topology: Topology, labFile: String, plan: FuturePlan, versions: DaemonVersions, kernel: ChosenKernel,
        interval: Duration?, directory: RunDirectory
    ) {
        self.topology = topology
        self.labFile = labFile
        self.plan = plan
        self.versions = versions
        self.kernel = kernel
        self.interval = interval
        self.directory = directory
    }

    /// What was explored: the lab file, the plan, and the versions of all that took part.
    package func describe(caveats: [String]) throws {
        try directory.describe(topology, labFile: labFile)
        try directory.write(
            JSONText.of(TestedVersions(kernel: kernel, daemons: versions, labs: [topology], caveats: caveats)) + "\n",
            to: "versions.json")
    }

    /// What is predicted of each group of faults for each probe where nothing else is broken.
    package var alone: [FutureReport.Lone: Prediction.Effect] {
        guard plan.courses.contains(where: { $0.count > 1 }) else { return [:] }
        let predictor = Predictor(topology: topology, versions: versions)
        return Set(plan.courses.flatMap(\.self)).reduce(into: [:]) { found, faults in
            for probe in topology.probes {
                found[FutureReport.Lone(faults: faults, probe: probe.name)] =
                    predictor.predict(faults, for: probe).effect
            }
        }
    }

    /// Plays futures, so many at once; what has not begun when the task is cancelled is left out.
    ///
    /// - Returns: What came of them, and where those are that were kept.
    package func play(
        _ numbers: [Int], jobs: Int
    ) async throws -> (outcomes: [FutureOutcome], kept: [Int: (path: String, reasons: [String])]) {
        let deriver = ScenarioDeriver(topology: topology, versions: versions)
        let predictor = Predictor(topology: topology, versions: versions)
        guard !scenario(of: plan.future(1), by: deriver).traffic.isEmpty else {
            throw CommandError(
                message:
                    "No probe of \(topology.name) is answered even while nothing is broken, so nothing can be measured.",
                remedy: "`netlab predict \(topology.name)` tells why.")
        }
        let keepsAll = numbers.count == 1
        let meter = ProgressMeter(.error, onlyOnTerminals: true)
        defer { meter.clear() }
        let left = TimeLeft()
        func tell(_ done: Int) {
            let estimate = left.text(afterDoing: Double(done) / Double(numbers.count))
            meter.show("\(done) of \(numbers.count) futures\(estimate)")
        }
        tell(0)
        var waiting = numbers[...]
        var outcomes: [FutureOutcome] = []
        var kept = KeptFutures()
        /// Of futures that have been played.
        var places: [Int: RunDirectory] = [:]
        try await withThrowingTaskGroup(of: (RunDirectory, FutureOutcome?).self) { group in
            func begin() throws {
                guard !Task.isCancelled, let number = waiting.popFirst() else { return }
                let future = plan.future(number)
                let place = try directory.below("future-\(number)")
                group.addTask { (place, try await play(future, by: deriver, predictor, in: place)) }
            }
            for _ in 0..<jobs { try begin() }
            for try await (place, outcome) in group {
                if let outcome {
                    outcomes.append(outcome)
                    places[outcome.future.number] = place
                    kept.take(outcome)
                    tell(outcomes.count)
                } else {
                    place.remove()
                }
                let reasons = kept.reasons
                for (number, place) in places where !keepsAll && reasons[number] == nil {
                    place.remove()
                    places[number] = nil
                }
                try begin()
            }
        }
        let reasons = keepsAll ? [numbers[0]: ["asked for"]] : kept.reasons
        return (
            outcomes,
            places.reduce(into: [:]) { found, item in
                found[item.key] = (item.value.path, reasons[item.key] ?? [])
            }
        )
    }

    /// Nil for one that was broken off.
    private func play(
        _ future: Future, by deriver: ScenarioDeriver, _ predictor: Predictor, in place: RunDirectory
    ) async throws -> FutureOutcome? {
        let run = ScenarioRun(
            topology: topology, labFile: labFile, scenario: scenario(of: future, by: deriver), repetition: 1,
            number: future.number,
            seed: future.seed, standing: Self.standing(before: future), predictor: predictor)
        let result = await run.run(on: kernel, versions: versions, in: place) { _ in }
        guard !result.isPartial else { return nil }
        try place.write(TestReport(runs: [result]).text(of: result, .plain, isVerbose: true) + "\n", to: "report.txt")
        return FutureOutcome(future, result)
    }

    /// A script begins at a whole second of the lab's clock, so what is less than one of the moment is a part of the scenario.
    private static func standing(before future: Future) -> Duration { .seconds(future.moment.components.seconds) }

    private func scenario(of future: Future, by deriver: ScenarioDeriver) -> Scenario {
        let delays = [future.moment - Self.standing(before: future)] + future.delays.dropFirst()
        return deriver.scenario(
            of: Array(zip(future.groups, delays)), named: "future-\(future.number)",
            summary: future.groups.map { $0.map(\.description).joined(separator: " + ") }.joined(separator: ", then "),
            interval: interval)
    }
}
