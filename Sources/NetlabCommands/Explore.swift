import ArgumentParser
import CommandSupport
import Daemons
import FoundationEssentials
import Futures
import LabHost
import LabModel
import NetworkTypes
import Reporting

struct Explore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explore",
        abstract: "Let a fault begin at many moments, each in a fresh lab with a chance of its own.",
        discussion: """
            Each future is a lab that comes up with a seed of its own, stands until its moment, and meets the fault; nothing is mended. How \
            long each flow is out in each direction is told as a distribution, and each future is held against what `netlab predict` says. \
            The shortest and longest outages, and futures that did not pass, are kept with captures and logs. A future depends on its \
            number, the lab, --fault, --over, --interval and --seed alone: --future N plays it again.

            Several faults begin at once. With --pairs they begin two by two, one when the other is over, in both orders, and the \
            table tells what they do together that neither does alone.

            Examples:
              netlab explore aws-oci --fault 'blackhole aws-vpn-1' --futures 1000
              netlab explore aws-oci --fault 'blackhole aws-vpn-1' --future 617
              netlab explore aws-oci --pairs --fault 'blackhole aws-vpn-1' --fault 'blackhole aws-internet'

            Exit codes: 0 all passed; 1 something failed; 4 a lab broke; 5 something could not be decided.
            """)

    @OptionGroup var target: LabArgument
    @OptionGroup var variant: VariantOption

    @Option(help: "What breaks, as for `netlab fail`; several begin together.")
    var fault: [String] = []

    @Flag(help: "Take every two of the faults one after the other, in both orders.")
    var pairs = false

    @Option(help: "How many futures to play; with --pairs, of each pair.")
    var futures = 100

    @Option(help: ArgumentHelp("Play this future alone, and keep all of it.", valueName: "number"))
    var future: Int?

    @Option(help: "The time that the moments lie in. (default: 1m)", transform: Clock.duration)
    var over = Duration.seconds(60)

    @Option(
        help: "The time between two requests of a flow. (default: a hundredth of the longest predicted outage)",
        transform: Clock.duration)
    var interval: Duration?

    @Option(help: "The first future's seed; those after it have the numbers that follow.")
    var seed: UInt64 = 1

    @Option(help: "How many labs run at once. (default: one for each processor)")
    var jobs: Int?

    @Option(help: "Leave the report, captures and logs in this directory, which is new or empty.")
    var out: String?

    @OptionGroup var output: FormatOption

    func validate() throws {
        guard !fault.isEmpty else {
            throw ValidationError("Name a fault with --fault; `netlab faults --help` has examples.")
        }
        guard Set(fault).count == fault.count else { throw ValidationError("Name each fault once.") }
        guard !pairs || fault.count > 1 else { throw ValidationError("--pairs takes two faults at least.") }
        guard (1...100_000).contains(futures) else { throw ValidationError("--futures is 1 to 100000.") }
        guard (1...10_000_000).contains(future ?? 1) else { throw ValidationError("--future is 1 to 10000000.") }
        guard over >= .milliseconds(1), over <= .seconds(86_400) else {
            throw ValidationError("--over is a time from 1ms to 24h.")
        }
        guard interval.map({ $0 >= .milliseconds(1) && $0 <= .seconds(60) }) ?? true else {
            throw ValidationError("--interval is a time from 1ms to 1m.")
        }
        guard (1...256).contains(jobs ?? 1) else { throw ValidationError("--jobs is 1 to 256.") }
    }

    func run() async throws {
        let (topology, file) = try LabLocator.topology(for: target.lab, variant: variant.variant)
        let faults = try faults(in: topology)
        guard !topology.probes.isEmpty else {
            throw CommandError(
                message: "\(topology.name) has no probes, so nothing would be measured.",
                remedy: "Add `probes:` to its file; see the page LabFile.md.")
        }
        try await LabSoundness.check(topology, path: file)
        try await Systems.prepare(for: [topology])
        let versions = await DaemonVersions.ofThisMachine(for: [topology], asksAll: true)
        let plan = FuturePlan(courses: pairs ? FuturePlan.pairs(of: faults) : [[faults]], span: over, seed: seed)
        let numbers = future.map { [$0] } ?? Array(1...futures * plan.courses.count)
        let exploration = Exploration(
            topology: topology, labFile: file, plan: plan, versions: versions,
            kernel: try await KernelOption.chosen(.lab, for: [topology]),
            interval: interval, directory: try RunDirectory(path: out))
        let caveats = versions.warn(of: [topology])
        try exploration.describe(caveats: caveats)
        let jobs = jobs ?? Machine.processors
        let (result, wasInterrupted) = await Interruption.guarding {
            try await exploration.play(numbers, jobs: jobs)
        }
        let (outcomes, kept) = try result.get()
        let report = FutureReport(
            lab: topology.name, variant: topology.variant, plan: plan, outcomes: outcomes, isPartial: wasInterrupted,
            kept: kept, again: command, alone: exploration.alone)
        try exploration.directory.write(JSONText.of(report) + "\n", to: "report.json")
        try exploration.directory.write(report.text(style: .plain) + "\n", to: "report.txt")
        switch output.format {
        case .json: print(try JSONText.of(report))
        case .table:
            print(report.text(style: .standardOutput))
            print("Report, captures and logs: \(exploration.directory.path)")
        }
        if wasInterrupted {
            StandardStream.error.write(
                "netlab: interrupted; the labs are down, and \(exploration.directory.path) has what there is.\n")
            throw ExitCode(ExitStatus.interrupted.rawValue)
        }
        try ExitStatus.check(report.outcome)
    }

    private func faults(in topology: Topology) throws -> [Fault] {
        let faults = try fault.map { text -> Fault in
            do throws(FaultError) {
                return try Fault(text, in: topology)
            } catch {
                throw CommandError(message: error.description, remedy: "netlab explore --help has examples.")
            }
        }
        guard Set(faults).count == faults.count else {
            throw CommandError(message: "Two of the faults are the same.", remedy: "Name each fault once.")
        }
        return faults
    }

    /// What plays these futures again, but for a future's number.
    private var command: String {
        var words = ["netlab", "explore", target.lab]
        if let variant = variant.variant { words += ["--variant", variant] }
        if pairs { words.append("--pairs") }
        for one in fault { words += ["--fault", one] }
        words += ["--over", over.exactText]
        if let interval { words += ["--interval", interval.exactText] }
        words += ["--seed", "\(seed)"]
        return words.map(Self.quoted).joined(separator: " ")
    }

    /// A word as a shell takes it.
    private static func quoted(_ word: String) -> String {
        let isPlain = word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./:".contains($0)) }
        return isPlain && !word.isEmpty ? word : "'\(word.replacing("'", with: "'\\''"))'"
    }
}
