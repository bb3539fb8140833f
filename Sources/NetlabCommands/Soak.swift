import ArgumentParser
import CommandSupport
import Daemons
import FoundationEssentials
import Glibc
import LabHost
import LabModel
import LabRecords
import NetworkTypes
import Pages
import Reporting
import Shards

struct Soak: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "soak",
        abstract: "Ping through a fresh lab for a long time: losses, rekeys, flaps, leaks.",
        discussion: """
            Takes a lab of its own, which is gone afterwards. The lab's day takes some seconds of yours. A leak of memory or \
            of security associations fails (exit code 1), and so does a tunnel that is down at the end, with since when and what \
            its daemons said; lost pings are counted, and fail with --max-loss.
            """)

    @OptionGroup var target: LabArgument
    @OptionGroup var variant: VariantOption
    @OptionGroup var platform: KernelOption

    @Option(name: .customLong("for"), help: "How long, on the lab's clock. (default: 24h)", transform: Clock.duration)
    var length = Duration.seconds(86_400)

    @Option(help: "The time between two pings. (default: 1s)", transform: Clock.duration)
    var pingInterval = Duration.seconds(1)

    @Option(help: "Bytes of payload in each ping, 0 to 65000.")
    var size = 1

    @Option(
        help: ArgumentHelp(
            "Ping these probes, separated by commas. (default: the lab's `soak:`, or all)", valueName: "names"),
        completion: Completion.probeList)
    var probes: String?

    @Option(
        help: ArgumentHelp("Fail if a probe loses a larger share of its pings, such as 0.1%.", valueName: "share"),
        transform: Soak.share)
    var maxLoss: Percentage?

    @Option(help: "Leave the report, the series and the logs in this directory.", completion: .directory)
    var out: String?

    @Option(help: "Take the lab's date and its daemons' chance from this number: their timers are the same again.")
    var seed: UInt64?

    @OptionGroup var output: FormatOption

    func validate() throws {
        guard length > .zero, length <= .seconds(30 * 86_400) else {
            throw ValidationError("--for is a time above zero, and 30 days (720h) at most.")
        }
        guard pingInterval >= .milliseconds(1), pingInterval <= length else {
            throw ValidationError("--ping-interval is a time from 1ms to that of --for.")
        }
        guard (0...65_000).contains(size) else { throw ValidationError("--size is 0 to 65000 bytes.") }
    }

    func run() async throws {
        let (topology, _, file) = try LabLocator.resolve(target.lab, variant: variant.variant)
        try await LabSoundness.check(topology, path: file)
        let flows = try chosen(from: topology).map {
            FlowRequest(
                name: $0.name, source: $0.source, sourceAddress: $0.sourceAddress, destination: $0.destination,
                interval: pingInterval, payload: size)
        }
        // What came of all of them has to fit into one message (FrameDecoder).
        guard Double(flows.count) * (length / pingInterval) <= 1_000_000 else {
            throw CommandError(
                message: "That would be more than a million pings.",
                remedy: "Take a longer --ping-interval, a shorter --for, or fewer --probes.")
        }
        let directory = try RunDirectory(path: out)
        let kernel = try await platform.chosen(for: [topology])
        try KernelOption.refuse(seed.map { _ in "--seed" }, on: kernel, because: "in real time no run is like another")
        let begin = ContinuousClock.now
        let lab = try FreshLab(topology, labFile: file, kernel: kernel, number: 1)
        // Once an hour is enough to see memory grow; less than forty hours are sampled forty times.
        let script = Script(
            flows: flows, steps: [Script.Step(at: length, action: .observe(Self.lastLook(at: topology), file: ""))],
            length: length, capture: nil, samplingInterval: min(.seconds(3600), length / 40),
            trafficInterval: Script.trafficInterval(for: length))
        let meter = ProgressMeter(.error, onlyOnTerminals: true)
        meter.show("\(topology.name): coming up")
        let length = length
        let seed = seed
        let (result, wasInterrupted) = await Interruption.guarding {
            let start = StartTime()
            let left = TimeLeft()
            return try await lab.run(seed: seed, keepLogs: { directory.take(logsFrom: $0) }) {
                try await lab.play(script, file: "") { time in
                    let done = start.since(time)
                    let estimate = left.text(afterDoing: done / length)
                    meter.show("\(topology.name): \(done.shortText) of \(length.shortText)\(estimate)")
                }
            }
        }
        meter.clear()
        // A lab that was ended for the signal before it handed anything over did not fail.
        if wasInterrupted, case .failure = result {
            StandardStream.error.write("netlab: interrupted; the lab is down, and there is no report.\n")
            throw ExitCode(ExitStatus.interrupted.rawValue)
        }
        let record = try result.get()
        try directory.describe(topology, labFile: file)
        let events = DaemonLogs(topology: topology, directory: directory.path).events(of: record)
        let published = topology.soak.compactMap { soak in soak.published.map { (soak.probe, $0) } }
        let report = SoakReport(
            topology: topology, record: record, events: events, wallTime: .now - begin,
            references: Dictionary(uniqueKeysWithValues: published), maximumLoss: maxLoss)
        try directory.write(JSONText.of(report) + "\n", to: "report.json")
        let versions = await DaemonVersions.ofThisMachine(for: [topology])
        let page = SoakPage(
            report, of: topology,
            testedWith: TestedWith(versions, [topology], kernel: kernel.release).lines)
        try directory.write(page.text, to: "report.html")
        try directory.write(report.flowSeries, to: "pings.csv")
        try directory.write(report.holdingSeries, to: "memory.csv")
        try directory.write(report.traffic.csv, to: "traffic.csv")
        switch output.format {
        case .json: print(try JSONText.of(report))
        case .table:
            print(report.text(style: .standardOutput))
            print("Report, series and logs: \(directory.path)")
            print("To look at: \(directory.path)/report.html")
        }
        if wasInterrupted { throw ExitCode(ExitStatus.interrupted.rawValue) }
        try ExitStatus.check(report.outcome)
    }

    /// Whether each tunnel is there at the end.
    private static func lastLook(at topology: Topology) -> ObservationRequest {
        ObservationRequest(
            measurements: topology.tunnels.filter { !$0.isUnused }.map { .condition(Condition(.tunnel($0.name))) })
    }

    private static func share(_ text: String) throws -> Percentage {
        guard let share = Percentage(text) else {
            throw ValidationError("\"\(text)\" is not a share: write 0%, 0.1% or the like.")
        }
        return share
    }

    private func chosen(from topology: Topology) throws -> [Probe] {
        let names =
            probes.map { $0.split(separator: ",").map { String($0.filter { !$0.isWhitespace }) } }
            ?? topology.soak.map(\.probe)
        for name in names where topology.probe(named: name) == nil {
            throw CommandError(
                message: "\(topology.name) has no probe \"\(name)\".",
                remedy: Suggestion.remedy(for: name, among: topology.probes.map(\.name), noun: "probes"))
        }
        guard !topology.probes.isEmpty else {
            throw CommandError(
                message: "\(topology.name) has no probes.",
                remedy: "Add `probes:` to its file; see the page LabFile.md.")
        }
        return names.isEmpty ? topology.probes : names.compactMap { topology.probe(named: $0) }
    }
}
