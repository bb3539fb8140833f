import AgentProtocol
import CaptureFile
import Daemons
import Expectations
import FoundationEssentials
import Glibc
import KernelBuilds
import LabHost
import LabModel
import LabPlan
import LabRecords
import Predictions
import Recordings
import Reporting

/// One scenario on one fresh lab: played, looked at, judged.
package struct ScenarioRun: Sendable {
    package let topology: Topology
    package let labFile: String
    package let scenario: Scenario
    /// From 1.
    package let repetition: Int
    /// Whether there are other repetitions.
    let isRepeated: Bool
    /// Tells its lab from others of this process.
    package let number: Int
    /// Of the first repetition; those after it have the numbers that follow, for alike they would show nothing.
    package let seed: UInt64?
    /// What its nodes were given in place of the host's system.
    package let system: NodeSystem?
    /// How long the lab stands when it has come up, before the scenario begins.
    private let standing: Duration
    /// What many runs of one lab share, which remembers what it has worked out; nil for one of this run's own.
    private let predictor: Predictor?

    /// - Parameters:
    ///   - repetition: From 1.
    ///   - isRepeated: Whether there are other repetitions.
    ///   - number: Tells its lab from others of this process.
    ///   - seed: Of the first repetition; those after it have the numbers that follow, for alike they would show nothing.
    ///   - system: What its nodes were given in place of the host's.
    ///   - standing: How long the lab stands when it has come up, before the scenario begins.
    ///   - predictor: What many runs of one lab share, which remembers what it has worked out; nil for one of this run's own.
    package init(
        topology: Topology, labFile: String, scenario: Scenario, repetition: Int = 1, isRepeated: Bool = false,
        number: Int, seed: UInt64?,
        system: NodeSystem? = nil, standing: Duration = .zero, predictor: Predictor? = nil
    ) {
        self.topology = topology
        self.labFile = labFile
        self.scenario = scenario
        self.repetition = repetition
        self.isRepeated = isRepeated
        self.number = number
        self.seed = seed
        self.system = system
        self.standing = standing
        self.predictor = predictor
    }

    /// The script's own capture, in the run's directory.
    private static let capture = "capture.pcapng"

    private var ownSeed: UInt64? { seed.map { $0 &+ UInt64(repetition - 1) } }

    /// Plays the scenario and judges what came of it; whatever goes wrong is part of the result.
    ///
    /// - Parameters:
    ///   - directory: Of this run alone: captures, logs and the record go there.
    ///   - progress: Called with the time since the scenario's beginning.
    package func run(
        on kernel: ChosenKernel, versions: DaemonVersions, in directory: RunDirectory,
        progress: @escaping @Sendable (Duration) -> Void
    ) async -> TestRun {
        var result = await played(on: kernel, versions: versions, in: directory, progress: progress)
        result.system = system?.description
        return result
    }

    private func played(
        on kernel: ChosenKernel, versions: DaemonVersions, in directory: RunDirectory,
        progress: @escaping @Sendable (Duration) -> Void
    ) async -> TestRun {
        let begin = ContinuousClock.now
        let plan = ScenarioPlan(scenario, of: topology)
        do {
            let lab = try FreshLab(topology, labFile: labFile, kernel: kernel, number: number)
            let record = try await lab.run(seed: ownSeed, keepLogs: { directory.take(logsFrom: $0) }) {
                try await lab.advance(by: standing)
                let start = StartTime()
                return try await lab.play(plan.script, file: Self.capture) { progress(start.since($0)) }
            }
            return try judge(plan, record, versions, directory, kernel.time, wallTime: .now - begin)
        } catch {
            let wasBrokenOff = error is CancellationError || Task.isCancelled
            return TestRun(
                lab: topology.name, scenario: scenario.name, variant: topology.variant, isDerived: scenario.isDerived,
                summary: scenario.summary, repetition: repetition,
                length: .zero, wallTime: .now - begin, failures: wasBrokenOff ? [] : ["\(error)"],
                isPartial: wasBrokenOff)
        }
    }

    private func judge(
        _ plan: ScenarioPlan, _ record: ScriptRecord, _ versions: DaemonVersions, _ directory: RunDirectory,
        _ time: TimeKind, wallTime: Duration
    ) throws -> TestRun {
        let path = "\(directory.path)/\(Self.capture)"
        let events = (record.events + DaemonLogs(topology: topology, directory: directory.path).events(of: record))
            .sorted { $0.nanoseconds < $1.nanoseconds }
        let trace = try CaptureOnDisk(path: path).reading {
            try FlowTrace(descriptor: $0, flows: record.flows, topology: topology)
        }
        let flows = record.flows.map {
            FlowResult($0, trace: trace, brokenOff: record.isPartial ? record.endedAtNanoseconds : nil)
        }
        let claimed = Set(scenario.outages.filter { $0.atMost != nil }.map(\.probe))
        let predictor = predictor ?? Predictor(topology: topology, versions: versions)
        let outages = OutageJudge(
            incidents: Incident.all(in: events), endedAt: record.endedAtNanoseconds, time: time, claimed: claimed
        ) {
            predict($0, for: $1, by: predictor)
        }
        let timeline = Timeline(
            events: events, flows: Array(zip(record.flows, flows)), trace: trace, topology: topology,
            startedAt: record.startedAtNanoseconds, endedAt: record.endedAtNanoseconds)
        let checks = try plan.checks.flatMap { try results(of: $0, record, directory, time) }
        let commands = plan.commands.compactMap { command in
            command.verdict(record, labFile: labFile).map { TestRun.Check(at: command.at, verdict: $0, mustHold: true) }
        }
        return TestRun(
            lab: topology.name, scenario: scenario.name, variant: topology.variant, isDerived: scenario.isDerived,
            summary: scenario.summary, repetition: repetition,
            length: .nanoseconds(record.endedAtNanoseconds - record.startedAtNanoseconds), wallTime: wallTime,
            beganAt: record.startedAtNanoseconds,
            checks: (checks.flatMap(\.checks) + commands).sorted { $0.at < $1.at }, flows: flows,
            judgements: outages.judgements(of: flows),
            claims: record.isPartial ? [] : plan.claims(flows, labFile: labFile), events: events, timeline: timeline,
            traffic: record.traffic,
            capture: path, transfers: checks.flatMap(\.transfers),
            publishedOutages: plan.publishedOutages,
            failures: failures(record), isPartial: record.isPartial)
    }

    /// What could not be done.
    private func failures(_ record: ScriptRecord) -> [String] {
        record.steps.compactMap { step in
            step.failure.map { "\(step.action.words) at \(since(step, record)): \($0)" }
        }
    }

    private func since(_ step: ScriptRecord.StepRecord, _ record: ScriptRecord) -> String {
        Duration.nanoseconds(step.fromNanoseconds - record.startedAtNanoseconds).shortText
    }

    /// What follows from the configuration for a flow when an incident's faults begin.
    private func predict(_ incident: Incident, for flow: FlowResult, by predictor: Predictor) -> Prediction? {
        guard let probe = topology.probe(named: flow.probe) else { return nil }
        return predictor.predicting(flow.transport.traffic)
            .predict(incident.begun, with: incident.ongoing, for: probe)
    }

    private func results(
        of check: ScenarioPlan.Check, _ record: ScriptRecord, _ directory: RunDirectory, _ time: TimeKind
    ) throws -> [(checks: [TestRun.Check], transfers: [TransferFigure])] {
        // One that the script did not come to has no packets.
        guard let observation = check.observation(in: record) else { return [] }
        let capture = try CaptureOnDisk(path: "\(directory.path)/\(check.file)")
        let associations = observation.capture?.associations ?? []
        var examination = try CaptureExamination(
            topology: topology, expectations: check.plan.expectations, associations: associations, keepsPackets: true)
        try capture.reading { try examination.read($0) }
        let judge = check.judge(record, examination: examination, labFile: labFile, time: time)
        let verdicts = check.settled(
            try judge.verdicts { numbers in
                try capture.reading {
                    try PacketRecordReader.lines(of: numbers, descriptor: $0, associations: associations)
                }
            }, record)
        try capture.annotate(to: capture.path, with: verdicts)
        let checks = verdicts.map {
            TestRun.Check(at: check.at, verdict: $0, mustHold: !check.mustFail.contains($0.expectation))
        }
        return [(checks, judge.transferFigures)]
    }
}

extension Script.Action {
    fileprivate var words: String {
        switch self {
        case .fail(let faults): "to fail \(faults.map(\.description).joined(separator: ", "))"
        case .heal(let faults): "to heal \(faults.map(\.description).joined(separator: ", "))"
        case .observe: "to check"
        case .exec(let command): "to run `\(command.text)` at \(command.node)"
        }
    }
}
