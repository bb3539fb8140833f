import AgentProtocol
import ArgumentParser
import CommandSupport
import Glibc
import LabHost
import LabModel
import LabRecords
import NetworkTypes
import Reporting

struct ProbeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Measure from a node: round trips, path MTU, the way, a TCP handshake, a transfer.",
        discussion: """
            ping   ICMP echoes: --count, --interval, --size
            mtu    the largest packet that passes, to the byte: --size
            trace  the routers on the way
            tcp    a handshake, and the MSS that each side saw: --port
            bulk   a transfer over TCP: --bytes, --port

            TO is a node or an address. Exit code 1 when it was not reached. On a paused lab time runs as fast as it goes \
            while the probe does.
            """)

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case ping, mtu, trace, tcp, bulk
    }

    @OptionGroup var target: LabArgument

    @Argument(help: "What to measure.")
    var kind: Kind

    @Argument(help: "The node that asks.")
    var from: String

    @Argument(help: "The node or address that is asked.")
    var to: String

    @Option(help: "The address to ask from.", transform: ProbeCommand.address)
    var source: IPAddress?

    @Option(help: "For ping: how many.")
    var count = 3

    @Option(help: "For ping: the time between two. (default: 1s)", transform: Clock.duration)
    var interval = Duration.seconds(1)

    @Option(help: "For ping: bytes of payload (56). For mtu: the largest packet to try (the interface's MTU).")
    var size: Int?

    @Option(help: "For bulk: how much, such as 500kB. (default: 10MB)", transform: ProbeCommand.amount)
    var bytes = 10_000_000

    @Option(help: "For tcp and bulk: the port.")
    var port: UInt16 = 5001

    @Option(
        help: "How long to wait: for each answer (2s), or for all of a bulk transfer (10m).", transform: Clock.duration)
    var timeout: Duration?

    @OptionGroup var output: FormatOption

    func run() async throws {
        let lab = try LabLocator.runningLab(target.lab)
        let topology = try LabLocator.topology(of: lab).topology
        guard topology.node(named: from) != nil else { throw unknown(from, in: topology) }
        let request = ProbeRequest(
            source: from, sourceAddress: source, destination: try destination(in: topology), kind: question)
        let (result, wasInterrupted) = await Interruption.guarding { try await LabClient(lab).ask(request) }
        if wasInterrupted { throw ExitCode(ExitStatus.interrupted.rawValue) }
        let answer = try result.get()
        switch output.format {
        case .json: print(try JSONText.of(answer))
        case .table: print(ProbeReport(answer).text(style: .standardOutput))
        }
        if !answer.isReached { throw ExitCode(ExitStatus.expectationFailed.rawValue) }
    }

    private var question: ProbeRequest.Kind {
        let patience = timeout ?? .seconds(2)
        return switch kind {
        case .ping: .echo(count: count, interval: interval, payload: size ?? 56, dontFragment: false, timeout: patience)
        case .mtu: .pathMTU(limit: size, tries: 2, timeout: patience)
        case .trace: .trace(method: .udp, maximumHops: 30, timeout: patience)
        case .tcp: .handshake(port: port, listens: true, timeout: timeout ?? .seconds(10))
        case .bulk: .bulk(bytes: bytes, port: port, deadline: timeout ?? .seconds(600))
        }
    }

    private func destination(in topology: Topology) throws -> IPAddress {
        if let address = IPAddress(to) { return address }
        guard topology.node(named: to) != nil else { throw unknown(to, in: topology) }
        guard let address = topology.address(of: to) else {
            throw CommandError(
                message: "Node \(to) has no address.", remedy: "Give an address instead of the node's name.")
        }
        return address
    }

    private func unknown(_ node: String, in topology: Topology) -> CommandError {
        CommandError(
            message: "There is no node \"\(node)\" in \(topology.name).",
            remedy: Suggestion.remedy(for: node, among: topology.nodes.map(\.name), noun: "nodes"))
    }

    private static func address(_ text: String) throws -> IPAddress {
        guard let address = IPAddress(text) else {
            throw CommandError(
                message: "\"\(text)\" is not an IP address.", remedy: "Write one such as 10.0.0.1 or 2001:db8::1.")
        }
        return address
    }

    private static func amount(_ text: String) throws -> Int {
        guard let amount = ByteCount(text) else {
            throw CommandError(
                message: "\"\(text)\" is not an amount of data.",
                remedy: "Write a number with a unit, such as 500kB or 10MB.")
        }
        return amount.bytes
    }
}
