import AgentProtocol
import ArgumentParser
import CommandSupport
import Daemons
import LabHost
import LabModel
import LabRecords
import NetworkTypes
import Reporting

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show a running lab: tunnels, BGP sessions, the paths its traffic takes, interfaces.",
        discussion: """
            With --watch, show how many packets a second each end of the tunnels sends and receives, as a cloud's monitor \
            does, until Ctrl-C. The counts are taken exactly every so often on the lab's clock. With --format json, each is \
            an object in a line of its own.
            """)

    @OptionGroup var target: LabArgument
    @OptionGroup var output: FormatOption

    @Flag(help: "Show the tunnels' packet rates again and again.")
    var watch = false

    @Option(help: "With --watch: how often, on the lab's clock.", transform: Clock.duration)
    var every = Duration.seconds(1)

    @Option(help: ArgumentHelp("With --watch: end after so many.", valueName: "number"))
    var count: Int?

    func validate() throws {
        guard every >= .milliseconds(100), every <= .seconds(86_400) else {
            throw ValidationError("--every is a time from 100ms to 24h.")
        }
        guard (1...1_000_000).contains(count ?? 1) else { throw ValidationError("--count is 1 to 1000000.") }
        guard watch || count == nil else { throw ValidationError("--count goes with --watch.") }
    }

    func run() async throws {
        let lab = try LabLocator.runningLab(target.lab)
        let status = try await LabClient(lab).ask(ShowStatus())
        if watch { return try await follow(lab, status) }
        switch output.format {
        case .json: print(try JSONText.of(status))
        case .table:
            let versions = await Self.versions(of: lab)
            print(StatusReport(status, versions: versions).full(style: .standardOutput))
        }
    }

    /// What each daemon of a lab is a version of, as its file says now; empty where that cannot be read.
    private static func versions(of lab: LabDirectory) async -> [String: String] {
        guard let topology = try? LabLocator.topology(of: lab).topology else { return [:] }
        let versions = await DaemonVersions.ofThisMachine(for: [topology])
        var words: [String: String] = [:]
        for node in topology.nodes {
            for daemon in topology.daemons(of: node.name) {
                let version = versions.version(of: daemon, in: node.system)?.description ?? "not known"
                let place = node.system.map { ", of \($0)" } ?? ""
                words["\(DaemonName(node: node.name, kind: daemon))"] = "\(daemon.product) \(version)\(place)"
            }
        }
        return words
    }

    private func follow(_ lab: LabDirectory, _ status: LabStatus) async throws {
        guard status.clock?.mode == .paced || status.clock?.isAdvancing == true else {
            throw CommandError(
                message: "The clock of \(status.lab) stands still, so nothing moves.",
                remedy: "Let it go: netlab clock \(status.lab) resume")
        }
        guard status.tunnels.contains(where: { $0.state != .unused }) else {
            throw CommandError(
                message: "\(status.lab) has no tunnels whose rates could be shown.",
                remedy: "`netlab status \(status.lab)` shows the interfaces' counters.")
        }
        let every = every
        let (format, count) = (output.format, count)
        let (result, wasInterrupted) = await Interruption.guarding {
            var last: TrafficSample?
            var shown = 0
            while shown < count ?? .max, !Task.isCancelled {
                let sample = try await LabClient(lab).ask(CountTraffic(every: every))
                if let last {
                    let moment = TrafficMoment(from: last, to: sample)
                    switch format {
                    case .json: StandardStream.output.write(try moment.line() + "\n")
                    case .table: StandardStream.output.write(moment.text(withHeading: shown == 0) + "\n")
                    }
                    shown += 1
                }
                last = sample
            }
        }
        // Ctrl-C is how a watch usually ends.
        if !wasInterrupted { try result.get() }
    }
}
