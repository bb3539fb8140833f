import ArgumentParser
import CommandSupport
import Daemons
import Derivations
import Expectations
import FoundationEssentials
import Glibc
import KernelBuilds
import LabHost
import LabModel
import Pages
import Predictions
import Reporting
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

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json, junit
    }

    @Argument(help: "Labs' names, or paths of lab files or their directories.")
    var labs: [String] = []

    @Flag(help: "Play every lab that netlab knows.")
    var all = false

    @Option(help: ArgumentHelp("Only these scenarios, separated by commas.", valueName: "names"))
    var scenario: String?

    @OptionGroup var platform: KernelOption

    @Flag(help: "Play the scenarios that follow from the lab itself, as is done where its file has none.")
    var derived = false

    @Flag(help: "Write the scenarios that follow from the lab into its file, and play nothing.")
    var write = false

    @Option(help: "Play the scenarios in this variant of the lab, instead of the one that each asks for.")
    var variant: String?

    @OptionGroup var otherSystem: SystemOption

    @Option(name: .customLong("repeat"), help: "Play each scenario so many times.")
    var repetitions = 1

    @Option(help: "How many labs run at once. (default: one for each processor)")
    var jobs: Int?

    @Option(help: "Leave reports, captures and logs in this directory, which is new or empty.")
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
    }

    func run() async throws {
        let usual = await DaemonVersions.ofThisMachine(for: [], asksAll: true)
        if write { return try DerivedEntries.writeScenarios(of: labs[0], usual) }
        let runs = try self.runs(usual)
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
        for run in runs { places.append(try prepare(run, in: directory)) }
        let board = TestBoard(total: runs.count)
        let (jobs, ready) = (jobs ?? Machine.processors, places)
        let (result, wasInterrupted) = await Interruption.guarding {
            await Self.play(runs, in: ready, jobs: jobs, kernel: kernel, versions: versions, board: board)
        }
        board.end()
        let results = try result.get()
        let report = TestReport(runs: results.map(\.run), isPartial: wasInterrupted)
        let (json, junit) = (try JSONText.of(report), JUnitReport(report).text)
        try directory.write(json + "\n", to: "report.json")
        try directory.write(junit, to: "junit.xml")
        let topologies = results.map { runs[$0.index].topology }
        let page = TestPage(
            report, labs: topologies, testedWith: Self.words(kernel, versions, topologies) + caveats
        ) { String(ready[results[$0].index].path.dropFirst(directory.path.count + 1)) }
        try directory.write(page.text, to: "report.html")
        try directory.write(TestSummary(report, labs: topologies).text, to: "summary.md")
        for (index, run) in results {
            try places[index].write(report.text(of: run, .plain, isVerbose: true) + "\n", to: "report.txt")
            try places[index].write(run.traffic.csv, to: "traffic.csv")
        }
        switch format {
        case .table:
            print(report.text(style: .standardOutput, isVerbose: verbose))
            print("Reports, captures and logs: \(directory.path)")
            print("To look at: \(directory.path)/report.html")
        case .json: print(json)
        case .junit: print(junit, terminator: "")
        }
        if wasInterrupted {
            StandardStream.error.write(
                "netlab: interrupted; the labs are down, and \(directory.path) has what there is.\n")
            throw ExitCode(ExitStatus.interrupted.rawValue)
        }
        try ExitStatus.check(report.outcome)
    }

    /// What was tested with, in one line.
    private static func words(
        _ kernel: ChosenKernel, _ versions: DaemonVersions, _ topologies: [Topology]
    ) -> [String] {
        let daemons = Set(topologies.flatMap { versions.running(in: $0).map { "\($0.name) \($0.versionText)" } })
        let all = ["netlab \(NetlabCommand.configuration.version)", "Linux \(kernel.release)"] + daemons.sorted()
        return ["With \(all.joined(separator: ", "))."]
    }

    // MARK: What to play

    private func runs(_ versions: DaemonVersions) throws -> [ScenarioRun] {
        var runs: [ScenarioRun] = []
        for lab in all ? LabLocator.known : labs {
            for (topology, scenario, file) in try scenarios(of: lab, versions) {
                for repetition in 1...repetitions {
                    for system in [nil, otherSystem.chosen()].prefix(otherSystem.system == nil ? 1 : 2) {
                        runs.append(
                            ScenarioRun(
                                topology: system.map(topology.playing) ?? topology, labFile: file, scenario: scenario,
                                repetition: repetition, number: runs.count + 1, seed: seed, system: system))
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
        let wanted = scenario.map { $0.split(separator: ",").map { String($0.filter { !$0.isWhitespace }) } }
        func unknown(_ name: String, among names: [String]) -> CommandError {
            CommandError(
                message: "\(file) has no scenario \"\(name)\".",
                remedy: Suggestion.remedy(for: name, among: names, noun: "scenarios"))
        }
        if derived || all.isEmpty {
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
            return (topology, scenario, file)
        }
    }

    /// Refuses scenarios of which a prediction already says that they cannot be judged, or cannot pass.
    private static func checkPredictions(of runs: [ScenarioRun], _ versions: DaemonVersions) throws {
        let problems = runs.filter { $0.repetition == 1 && !$0.scenario.isDerived }.flatMap { run in
            ScenarioPlan(run.scenario, of: run.topology).problems(
                predictor: Predictor(topology: run.topology, versions: versions), file: run.labFile)
        }
        guard problems.isEmpty else { throw LabFileError(diagnostics: problems) }
    }

    // MARK: Playing

    private func prepare(_ run: ScenarioRun, in directory: RunDirectory) throws -> RunDirectory {
        let lab =
            run.topology.name + (run.topology.variant.map { "+\($0)" } ?? "")
            + (run.system.map { "@\($0.treeName)" } ?? "")
        try directory.below(lab).describe(run.topology, labFile: run.labFile)
        return try directory.below("\(lab)/\(run.scenario.name)\(repetitions > 1 ? "-\(run.repetition)" : "")")
    }

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
    }

    private let total: Int
    private let meter = ProgressMeter(.error, onlyOnTerminals: true)
    private let state = Mutex(State())

    init(total: Int) {
        self.total = total
    }

    func begin(_ run: ScenarioRun) { update { $0.running[run.number] = "\(run.scenario.name) comes up" } }

    func show(_ run: ScenarioRun, _ time: Duration) {
        let text =
            "\(run.scenario.name) \(Duration.seconds(time.components.seconds).shortText) of \(run.scenario.length.shortText)"
        update { $0.running[run.number] = text }
    }

    /// Where there is no line to write over, as in CI, each end is a line.
    func finish(_ run: ScenarioRun, _ result: TestRun) {
        update {
            $0.running[run.number] = nil
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
            return
                "\(state.done)/\(total)  \(state.running.sorted { $0.key < $1.key }.map(\.value).joined(separator: ", "))"
        }
        meter.show(text)
    }
}

extension ExitStatus {
    /// Ends with the exit code that a test's outcome stands for; returns where all passed.
    static func check(_ outcome: TestRun.Outcome) throws {
        switch outcome {
        case .pass: break
        case .fail: throw ExitCode(expectationFailed.rawValue)
        case .inconclusive: throw ExitCode(inconclusive.rawValue)
        case .broken: throw ExitCode(labBroke.rawValue)
        }
    }
}
