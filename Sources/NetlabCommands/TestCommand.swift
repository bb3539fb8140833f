import ArgumentParser
import CommandSupport
import Daemons
import Expectations
import FoundationEssentials
import Glibc
import KernelBuilds
import LabHost
import LabModel
import Predictions
import Reporting
import Shards
import Synchronization

struct TestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract:
            "Play labs' scenarios, each on a fresh lab, and hold what happens against expectations and predictions.",
        discussion: """
            Scenarios are timelines of faults, heals and traffic in a lab file. How long an outage may last is worked out from \
            the configuration (see `netlab predict`). Reports, captures, logs and plans stay in a directory of the run's own. \
            Ctrl-C takes the labs down, and keeps what there is of the report.

            A lab without `scenarios:` is played with those that follow from itself: each tunnel cut, each refused, each BGP session \
            shut, each gateway down. One table tells what each does, how long that was predicted and measured to last, and what \
            carries instead. --derived plays these instead of what is written; --write puts them into the lab file, and plays \
            nothing.

            Exit codes: 0 all passed; 1 something failed; 4 a lab broke; 5 something could not be decided.
            """)

    typealias Format = TestDocuments.Format

    @Argument(help: "Labs' names, or paths of lab files or their directories.", completion: Completion.lab)
    var labs: [String] = []

    @Flag(help: "Play every lab that netlab knows.")
    var all = false

    @Option(
        help: ArgumentHelp("Only these scenarios, separated by commas.", valueName: "names"),
        completion: Completion.scenarioList)
    var scenario: String?

    @OptionGroup var platform: KernelOption

    @Flag(help: "Play the scenarios that follow from the lab itself, as is done where its file has none.")
    var derived = false

    @Flag(help: "Write the scenarios that follow from the lab into its file, and play nothing.")
    var write = false

    @Option(
        help: "Play the scenarios in this variant of the lab, instead of the one that each asks for.",
        completion: Completion.variant)
    var variant: String?

    @OptionGroup var otherSystem: SystemOption

    @Option(name: .customLong("repeat"), help: "Play each scenario so many times.")
    var repetitions = 1

    @Option(help: "How many labs run at once. (default: one for each processor)")
    var jobs: Int?

    @Option(
        help: ArgumentHelp(
            "Play this part of it alone, such as 3/8; `netlab merge` makes one report of all.", valueName: "k/n"),
        transform: Self.shard)
    var shard: Shard?

    @Option(
        help: ArgumentHelp(
            "Deal parts by how long runs took in this report.json of an earlier test; by name where it is left out.",
            valueName: "file"), completion: .file())
    var durations: String?

    @Option(
        help: "Leave reports, captures and logs in this directory, which is new or empty.", completion: .directory)
    var out: String?

    @Option(help: "How to print: table, json or junit. All of them are in the run's directory.")
    var format = Format.table

    @Option(
        help: "Take the labs' date and their daemons' chance from this number, each repetition's from the next one.")
    var seed: UInt64?

    @Flag(name: [.short, .long], help: "Show the timelines, and what was expected, also of what passed.")
    var verbose = false

    func validate() throws {
        guard all || !labs.isEmpty else { throw ValidationError("Name a lab at least, or play all with --all.") }
        guard !all || labs.isEmpty else { throw ValidationError("Name labs, or play all with --all.") }
        guard !all || (scenario == nil && variant == nil) else {
            throw ValidationError("--all plays all scenarios, each in its variant.")
        }
        guard Set(labs).count == labs.count else {
            throw ValidationError("Name each lab once; --repeat plays it again.")
        }
        guard !write || (labs.count == 1 && scenario == nil && variant == nil) else {
            throw ValidationError("--write takes one lab, as it stands, and all that is derived from it.")
        }
        guard (1...10_000).contains(repetitions) else { throw ValidationError("--repeat is 1 to 10000.") }
        guard (1...256).contains(jobs ?? 1) else { throw ValidationError("--jobs is 1 to 256.") }
        guard durations == nil || shard != nil else { throw ValidationError("--durations is for --shard.") }
        guard shard == nil || !write else {
            throw ValidationError("--write plays nothing, so there are no parts of it.")
        }
    }

    private static func shard(_ text: String) throws -> Shard {
        guard let shard = Shard(text) else {
            throw ValidationError("\"\(text)\" is no part: write 1/8 to 8/8, of at most \(Shard.most) parts.")
        }
        return shard
    }

    /// What is played, of which ``shard`` is a part.
    private var selection: TestSelection {
        TestSelection(
            labs: labs,
            scenarios: scenario.map { $0.split(separator: ",").map { String($0.filter { !$0.isWhitespace }) } },
            variant: variant, isDerived: derived, repetitions: repetitions, seed: seed,
            system: otherSystem.chosen().map(\.description))
    }

    /// The runs that are to be played here.
    private func part(of all: [ScenarioRun]) throws -> [Int] {
        guard let shard else { return Array(all.indices) }
        guard Set(all.map(\.place)).count == all.count else {
            throw CommandError(
                message: "Two of the labs have one name, so their parts could not be told apart.",
                remedy: "Give them other names (`name:`), or test them one after the other.")
        }
        let recorded = try durations.map { try Self.lengths(in: $0) }
        let lengths = all.reduce(into: [String: Duration]()) { found, run in
            found[run.place] = recorded?.length(
                of: run.scenario.name, lab: run.topology.name, variant: run.topology.variant)
        }
        return shard.part(of: all.map(\.place), lengths: lengths)
    }

    private static func lengths(in file: String) throws -> RecordedLengths {
        do {
            return try RecordedLengths(json: TextFile.read(file, limit: RecordedLengths.mostBytes))
        } catch {
            throw CommandError(
                message: "\(file) cannot be read: \(error)",
                remedy: "Name the report.json of an earlier `netlab test` or `netlab merge`.")
        }
    }

    func run() async throws {
        let usual = await DaemonVersions.ofThisMachine(for: [], asksAll: true)
        if write { return try DerivedEntries.writeScenarios(of: labs[0], usual) }
        let selection = selection
        let all = try selection.runs(usual)
        let part = try part(of: all)
        let runs = part.map { all[$0] }
        for (place, run) in runs.enumerated() where !runs[..<place].contains(where: { $0.topology == run.topology }) {
            try await LabSoundness.check(run.topology, path: run.labFile)
        }
        try await Systems.prepare(for: runs.map(\.topology))
        let versions = await DaemonVersions.ofThisMachine(for: runs.map(\.topology), asksAll: true)
        try Self.checkPredictions(of: runs, versions)
        let directory = try RunDirectory(path: out)
        let kernel = try await platform.chosen(for: runs.map(\.topology))
        try KernelOption.refuse(seed.map { _ in "--seed" }, on: kernel, because: "in real time no run is like another")
        let caveats = versions.warn(of: runs.map(\.topology))
        try directory.write(
            JSONText.of(TestedVersions(kernel: kernel, daemons: versions, labs: runs.map(\.topology), caveats: caveats))
                + "\n", to: "versions.json")
        var places: [RunDirectory] = []
        for run in runs { places.append(try run.prepare(in: directory)) }
        let board = TestBoard(of: runs)
        let (jobs, ready) = (jobs ?? Machine.processors, places)
        let (result, wasInterrupted) = await Interruption.guarding {
            await Self.play(runs, in: ready, jobs: jobs, kernel: kernel, versions: versions, board: board)
        }
        board.end()
        let results = try result.get()
        let report = TestReport(runs: results.map(\.run), isPartial: wasInterrupted)
        let topologies = results.map { runs[$0.index].topology }
        let testedWith = TestedWith(versions, topologies, kernel: kernel.release, caveats: caveats)
        let documents = TestDocuments(
            report: report, labs: topologies, places: results.map { runs[$0.index].place },
            testedWith: testedWith.lines)
        try documents.write(to: directory)
        if let shard {
            let record = ShardRecord(
                shard: shard, selection: selection, runs: all.map(\.place),
                results: results.map { ShardRecord.Result(index: part[$0.index], run: $0.run) },
                testedWith: testedWith, isPartial: wasInterrupted)
            try directory.write(record.text(), to: ShardRecord.file)
        }
        try documents.show(format, isVerbose: verbose, in: directory)
        if wasInterrupted {
            StandardStream.error.write(
                "netlab: interrupted; the labs are down, and \(directory.path) has what there is.\n")
            throw ExitCode(ExitStatus.interrupted.rawValue)
        }
        // A part that has nothing to do has done it: there are more parts than runs.
        if shard != nil, runs.isEmpty { return }
        try ExitStatus.check(report.outcome)
    }

    /// Refuses scenarios of which a prediction already says that they cannot be judged, or cannot pass.
    private static func checkPredictions(of runs: [ScenarioRun], _ versions: DaemonVersions) throws {
        var known: Set<[String]> = []
        let first = runs.filter { known.insert([$0.labFile, $0.topology.variant ?? "", $0.scenario.name]).inserted }
        let problems = first.filter { !$0.scenario.isDerived }.flatMap { run in
            ScenarioPlan(run.scenario, of: run.topology).problems(
                predictor: Predictor(topology: run.topology, versions: versions), file: run.labFile)
        }
        guard problems.isEmpty else { throw LabFileError(diagnostics: problems) }
    }

    // MARK: Playing

    /// Plays all, so many at once, the longest first; what has not begun when the task is cancelled is left out.
    private static func play(
        _ runs: [ScenarioRun], in places: [RunDirectory], jobs: Int, kernel: ChosenKernel, versions: DaemonVersions,
        board: TestBoard
    ) async -> [(index: Int, run: TestRun)] {
        var waiting = runs.indices.sorted { runs[$0].scenario.length > runs[$1].scenario.length }[...]
        var results: [Int: TestRun] = [:]
        await withTaskGroup(of: (Int, TestRun).self) { group in
            func begin() {
                guard !Task.isCancelled, let index = waiting.popFirst() else { return }
                let (run, place) = (runs[index], places[index])
                group.addTask {
                    board.begin(run)
                    let result = await run.run(on: kernel, versions: versions, in: place) { board.show(run, $0) }
                    board.finish(run, result)
                    return (index, result)
                }
            }
            for _ in 0..<jobs { begin() }
            for await (index, result) in group {
                results[index] = result
                begin()
            }
        }
        return runs.indices.compactMap { index in results[index].map { (index, $0) } }
    }
}

/// Who is playing what, on a terminal's last line.
private final class TestBoard: Sendable {
    private struct State {
        var done = 0
        /// By the runs' numbers.
        var running: [Int: String] = [:]
        /// How far each run's scenario is, on its lab's clock.
        var played: [Int: Duration] = [:]
    }

    private let total: Int
    /// Of all scenarios together.
    private let length: Duration
    private let left = TimeLeft()
    private let meter = ProgressMeter(.error, onlyOnTerminals: true)
    private let state = Mutex(State())

    init(of runs: [ScenarioRun]) {
        total = runs.count
        length = runs.map(\.scenario.length).reduce(.zero, +)
    }

    func begin(_ run: ScenarioRun) { update { $0.running[run.number] = "\(run.scenario.name) comes up" } }

    func show(_ run: ScenarioRun, _ time: Duration) {
        let text =
            "\(run.scenario.name) \(Duration.seconds(time.components.seconds).shortText) of \(run.scenario.length.shortText)"
        update {
            $0.running[run.number] = text
            $0.played[run.number] = min(time, run.scenario.length)
        }
    }

    /// Where there is no line to write over, as in CI, each end is a line.
    func finish(_ run: ScenarioRun, _ result: TestRun) {
        update {
            $0.running[run.number] = nil
            $0.played[run.number] = run.scenario.length
            $0.done += 1
        }
        guard !StandardStream.error.isTerminal else { return }
        let number = run.repetition > 1 ? " #\(run.repetition)" : ""
        StandardStream.error.write(
            "netlab: \(result.name)\(number): \(result.outcome.rawValue), \(result.wallTime.inMilliseconds)\n")
    }

    func end() { meter.clear() }

    private func update(_ change: (inout State) -> Void) {
        let text = state.withLock { state in
            change(&state)
            let played = state.played.values.reduce(.zero, +)
            let estimate = length > .zero ? left.text(afterDoing: played / length) : ""
            return
                "\(state.done)/\(total)\(estimate)  \(state.running.sorted { $0.key < $1.key }.map(\.value).joined(separator: ", "))"
        }
        meter.show(text)
    }
}
