import AgentProtocol
import ArgumentParser
import CaptureFile
import CommandSupport
import Daemons
import Dispatch
import Expectations
import Glibc
import KernelBuilds
import LabHost
import LabModel
import LabRecords
import NetworkTypes
import PacketCapture
import PacketFormats
import Reporting

struct Capture: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capture",
        abstract: "Capture packets anywhere in a lab: to the terminal, to a file, or into Wireshark.",
        discussion: """
            Examples:
              netlab capture LAB                             each packet once a link
              netlab capture LAB --on tgw:wan1,drg --for 10s
              netlab capture LAB -w - | wireshark -k -i -    live
              netlab capture LAB -w FILE --with-keys         for `netlab wireshark`

            Without --on, packets are seen as they are sent into a link or a tunnel; with it, also as they are received. \
            Times are the lab's. On a paused lab, --for lets the clock run that far; without it the clock is moved by others, \
            and Ctrl-C ends the capture.
            """)

    @OptionGroup var target: LabArgument

    @Option(
        help: ArgumentHelp(
            "Where: NODE for all of its interfaces, or NODE:INTERFACE; separated by commas.", valueName: "places"))
    var on: String?

    @Option(help: "Only packets that match, in the language of pcap-filter(7), such as 'esp or udp port 4500'.")
    var filter: String?

    @Option(
        name: .customLong("for"), help: ArgumentHelp("How long, on the lab's clock, such as 10s.", valueName: "time"),
        transform: Clock.duration)
    var duration: Duration?

    @Option(
        name: [.customShort("w"), .customLong("write")],
        help: ArgumentHelp("Write a pcapng file; - for standard output.", valueName: "file"))
    var file: String?

    @Flag(help: "Also write the keys, into FILE.keys: whoever has them can read the packets.")
    var withKeys = false

    @Option(help: ArgumentHelp("How much of each packet to keep; all of it if left out.", valueName: "bytes"))
    var snap: Int?

    @Option(
        help: ArgumentHelp(
            "The kernel's buffer for each place and direction, such as 4MB. (default: 2 MiB)", valueName: "size"),
        transform: Capture.amount)
    var ring = CaptureRequest.defaultRing

    func validate() throws {
        if withKeys, file == nil || file == "-" { throw ValidationError("--with-keys needs a file's name: -w FILE.") }
        if let snap, !(1...262_144).contains(snap) { throw ValidationError("--snap is 1 to 262144 bytes.") }
        guard (4096...(256 << 20)).contains(ring) else { throw ValidationError("--ring is 4096B to 256MB.") }
    }

    private static func amount(_ text: String) throws -> Int {
        guard let amount = ByteCount(text) else {
            throw CommandError(
                message: "\"\(text)\" is not an amount of memory.",
                remedy: "Write a number with a unit, such as 500kB or 4MB.")
        }
        return amount.bytes
    }

    func run() async throws {
        let lab = try LabLocator.runningLab(target.lab)
        let topology = try LabLocator.topology(of: lab).topology
        if let filter { try check(filter) }
        let request = CaptureRequest(
            points: try points(in: topology), filter: filter, snapLength: snap, ringBytes: ring, duration: duration,
            withKeys: withKeys,
            withIKEKeys: withKeys)
        let name = "capture-\(getpid()).pcapng"
        let spool = lab.logs.appending(name).string
        defer { unlink(spool) }
        let sink = try CaptureSink(spool: spool, destination: file, showsPlaces: request.points.count > 1)
        let summary = try await withSignalsAsEnd { input, end in
            try await LabClient(lab).ask(CapturePackets(request, file: name), input: input) { message in
                switch message {
                case .grown(let bytes):
                    sink.grow(to: bytes)
                    if sink.hasFailed { end() }
                case .notice(let text): StandardStream.error.write("netlab: \(text)\n")
                default: break
                }
            }
        }
        try sink.finish()
        try finish(summary, packets: sink.packets, of: topology)
    }

    private func finish(_ summary: CaptureSummary, packets: Int, of topology: Topology) throws {
        var words = "\(packets) \(packets == 1 ? "packet" : "packets")"
        if let file, file != "-" { words += " in \(file)" }
        if withKeys, let file {
            let directory = KeyDirectory(path: "\(file).keys")
            let unreadable = try directory.write(summary.associations, ike: summary.ikeKeys)
            let ikeCount = summary.ikeKeys.count
            words +=
                ", keys of \(summary.associations.count) ESP SAs and \(ikeCount) IKE \(ikeCount == 1 ? "SA" : "SAs")"
            words += " in \(directory.path)"
            if !unreadable.isEmpty {
                words += "\nnetlab: Wireshark cannot decrypt \(unreadable.joined(separator: ", "))"
            }
            if summary.unusableIKE > 0 {
                words +=
                    "\nnetlab: the keys of \(summary.unusableIKE) more cannot be had: "
                let reasons = DaemonRegistry.keyDaemons.compactMap(\.unknownKeys)
                words += (["a daemon tells them too late"] + reasons).joined(separator: ", or ")
            } else if ikeCount == 0, let hint = Self.hint(for: topology) {
                words += "\nnetlab: \(hint)"
            }
        }
        if !summary.down.isEmpty { words += "; not captured, being down: \(summary.down.joined(separator: ", "))" }
        StandardStream.error.write("netlab: \(words)\n")
        guard summary.dropped == 0 else {
            let places = summary.points.filter { $0.dropped > 0 }.map { "\($0.dropped) at \($0.name)" }
            throw CommandError(
                message: "Packets are missing, because the buffer was full: \(places.joined(separator: ", ")).",
                remedy: "Capture with a larger --ring, fewer places, or a --filter.", status: .inconclusive)
        }
    }

    /// How to get IKE keys into a capture that has none; nil for a lab without tunnels.
    private static func hint(for topology: Topology) -> String? {
        guard let end = topology.tunnels.first(where: { !$0.isUnused })?.ends.last else { return nil }
        let node = "netlab exec \(topology.name) \(end.node) --"
        let name = end.connections.first?.name ?? end.connection
        return end.keyDaemon.renewalHint(connection: name, prefix: node)
    }

    // MARK: What was asked for

    private func check(_ filter: String) throws {
        do {
            try PacketCapture.validate(filter: filter, linkType: .ethernet)
        } catch {
            throw CommandError(
                message: "\(error)", remedy: "pcap-filter(7) describes the language: 'host 10.2.3.100 and tcp'.")
        }
    }

    private func points(in topology: Topology) throws -> [CaptureRequest.Point] {
        guard let on else { return CaptureRequest.allPoints(of: topology) }
        var points: [CaptureRequest.Point] = []
        for word in on.split(separator: ",", omittingEmptySubsequences: false).map({
            String($0.filter { !$0.isWhitespace })
        }) {
            let parts = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let node = parts.first, topology.node(named: node) != nil else {
                throw CommandError(
                    message: "There is no node \"\(parts.first ?? word)\" in \(topology.name).",
                    remedy: Suggestion.remedy(
                        for: parts.first ?? word, among: topology.nodes.map(\.name), noun: "nodes"))
            }
            let tunnels = topology.tunnelEntrances(of: node).filter { !$0.isUnused }.compactMap(\.interface)
            let own = topology.linkEnds(of: node).map(\.end.interface) + tunnels
            guard parts.count == 2 else {
                points += own.map { .init(node: node, interface: $0, direction: .both) }
                continue
            }
            guard let interface = InterfaceName(parts[1]),
                (own + topology.linkEnds(of: node).compactMap(\.end.vlanInterface)).contains(interface)
                    || parts[1] == "lo"
            else {
                throw CommandError(
                    message: "Node \(node) has no interface \"\(parts[1])\".",
                    remedy: Suggestion.remedy(for: parts[1], among: own.map(\.description), noun: "interfaces there"))
            }
            points.append(.init(node: node, interface: interface, direction: .both))
        }
        return points
    }

    /// Runs `body` with an input that ends at Ctrl-C and its kin, or when standard output is closed.
    private func withSignalsAsEnd<Result: Sendable>(
        _ body: (AsyncStream<ExecInput>, _ end: @escaping @Sendable () -> Void) async throws -> Result
    ) async throws -> Result {
        let (input, continuation) = AsyncStream.makeStream(of: ExecInput.self)
        let watch = SignalWatch([SIGINT, SIGTERM, SIGHUP]) { number in
            // A second one does not wait for the lab.
            if !continuation.yield(.endOfFile).isFirst { Glibc.exit(128 + number) }
            continuation.finish()
        }
        defer { watch.end() }
        return try await body(input) {
            continuation.yield(.endOfFile)
            continuation.finish()
        }
    }
}

extension AsyncStream.Continuation.YieldResult {
    fileprivate var isFirst: Bool {
        if case .terminated = self { false } else { true }
    }
}

/// What becomes of a capture as it grows: lines, a copy in a file, or a copy on standard output.
private final class CaptureSink {
    private enum Destination {
        case lines(showsPlaces: Bool)
        case copy(Int32, path: String)
    }

    private let source: Int32
    private let destination: Destination
    /// For lines; only one of the two reads.
    private var reader: PacketRecordReader
    /// For copies, of which only the packets' number matters.
    private var counter: CaptureFileReader
    private var copied = 0
    private var failure: (any Error)?
    private(set) var packets = 0

    /// - Throws: `CommandError` where the destination cannot be written: before anything is captured.
    init(spool: String, destination file: String?, showsPlaces: Bool) throws {
        // Made here, so that it is the caller's; the lab writes into it.
        source = open(spool, O_RDONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard source >= 0 else {
            throw CommandError(
                message: "\(spool) cannot be made: \(String(cString: strerror(errno))).",
                remedy: "Look at the free space there.", status: .machineLacks)
        }
        switch file {
        case nil: destination = .lines(showsPlaces: showsPlaces)
        case "-": destination = .copy(1, path: "standard output")
        case let path?:
            do {
                destination = .copy(try PrivateFile.open(named: path), path: path)
            } catch {
                throw CommandError(message: error.reason, remedy: error.remedy)
            }
        }
        reader = try PacketRecordReader(descriptor: source)
        counter = CaptureFileReader(descriptor: source)
    }

    deinit {
        close(source)
    }

    /// Takes over what the lab has written up to a length.
    func grow(to length: Int) {
        guard failure == nil else { return }
        do {
            switch destination {
            case .copy(let descriptor, let path):
                try copy(to: length, descriptor, path)
                while try counter.next() != nil { packets += 1 }
            case .lines(let showsPlaces):
                var lines = ""
                while let packet = try reader.next() {
                    packets += 1
                    lines += PacketText.line(packet, place: showsPlaces ? packet.interface : nil) + "\n"
                }
                // At once, also into a pipe; it ends the capture when nobody reads any more.
                if !lines.isEmpty { StandardStream.output.write(lines) }
            }
        } catch {
            failure = error
        }
    }

    var hasFailed: Bool { failure != nil }

    func finish() throws {
        if case .copy(let descriptor, _) = destination, descriptor != 1 { close(descriptor) }
        if let failure { throw failure }
    }

    private func copy(to length: Int, _ descriptor: Int32, _ path: String) throws {
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while copied < length {
            let count = pread(source, &buffer, min(buffer.count, length - copied), off_t(copied))
            guard count > 0 else { return }
            var rest = buffer[..<count]
            while !rest.isEmpty {
                let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
                if written < 0, errno == EPIPE { exit(0) }
                guard written > 0 || errno == EINTR else {
                    throw CommandError(
                        message: "\(path) cannot be written: \(String(cString: strerror(errno))).",
                        remedy: "Look at the free space there.",
                        status: .machineLacks)
                }
                rest = rest.dropFirst(max(0, written))
            }
            copied += count
        }
    }
}
