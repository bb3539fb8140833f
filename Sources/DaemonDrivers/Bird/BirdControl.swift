import Daemons
import Glibc
import LabModel
import NetworkTypes

/// A running BIRD, asked over its control socket: one connection a question, and no process.
///
/// The calls block until the answer is there or the deadline has passed. They only read BIRD's state.
/// Source: birdc(8); the protocol is described at ``BirdReply``.
public struct BirdControl: Hashable, Sendable {
    /// The socket's path as the caller sees it; a Unix socket answers across network namespaces.
    public let path: String
    /// How long one question may take, connecting included.
    public let deadline: Duration

    /// No answer is longer than this: some ten thousand routes.
    static let maximumLength = 8 << 20

    public init(path: String, deadline: Duration = .seconds(2)) {
        self.path = path
        self.deadline = deadline
    }

    /// Every protocol instance with its details.
    public func protocols() throws(DaemonError) -> [BirdProtocol] {
        BirdProtocol.parse(try reply(to: "show protocols all"))
    }

    /// The states of BFD by neighbours, each with the time after which one that says nothing is given up.
    ///
    /// Source: bird2 2.0.12, proto/bfd/bfd.c (`bfd_show_sessions`): the last column is the detection time.
    public func bfdSessions() throws(DaemonError) -> [IPAddress: (state: BFDState, detection: Duration?)] {
        let reply = try reply(to: "show bfd sessions")
        // 10.0.0.2    eth0    Up    2026-12-01 00:47:22    0.300    0.900
        let states = reply.lines.compactMap { line -> (IPAddress, (BFDState, Duration?))? in
            let words = line.text.split(separator: " ").map(String.init)
            guard words.count > 2, let neighbor = IPAddress(words[0]), let state = BFDState(rawValue: words[2]) else {
                return nil
            }
            let detection = state == .up ? words.last.flatMap(Double.init).flatMap(Self.time) : nil
            return (neighbor, (state, detection))
        }
        return Dictionary(states) { first, _ in first }
    }

    /// BFD's times end with 255 packets of 60 s; what is none is not taken.
    private static func time(_ seconds: Double) -> Duration? {
        (0...15_300).contains(seconds) ? .milliseconds(Int64((seconds * 1000).rounded())) : nil
    }

    /// Every route of BIRD's tables, which also hold those the kernel does not get.
    public func routes() throws(DaemonError) -> [BirdRoute] {
        BirdRoute.parse(try reply(to: "show route all"))
    }

    /// Asks one question in BIRD's words.
    ///
    /// - Throws: ``DaemonError`` with `notRunning`, `timedOut`, `refused`, `malformed` or `system`.
    public func reply(to command: String) throws(DaemonError) -> BirdReply {
        guard !command.utf8.contains(UInt8(ascii: "\n")) else {
            throw DaemonError(code: .refused, message: "A command of two lines is two commands.", remedy: "Ask one.")
        }
        let socket = try ControlSocket(path: path, daemon: "BIRD", deadline: ContinuousClock.now + deadline)
        defer { socket.close() }
        var received: [UInt8] = []
        _ = try next(from: socket, &received)
        try socket.write(Array("\(command)\n".utf8))
        let reply = try next(from: socket, &received)
        guard !reply.isFailure else {
            let reason = reply.lines.last?.text ?? "it gave no reason"
            throw DaemonError(
                code: .refused, message: "BIRD at \(path) refused \"\(command)\": \(reason).",
                remedy: "Look at its log with `netlab logs`.")
        }
        return reply
    }

    /// The next whole answer; what follows it stays in `received`.
    private func next(from socket: ControlSocket, _ received: inout [UInt8]) throws(DaemonError) -> BirdReply {
        // A look at all of the text is worth it only when a line that can be the last has come.
        var isComplete = Self.endsWithLastLine(received)
        while true {
            if isComplete, let (reply, rest) = BirdReply.parse(Substring(String(decoding: received, as: UTF8.self))) {
                received = Array(rest.utf8)
                return reply
            }
            guard received.count < Self.maximumLength, let more = try socket.read() else {
                throw DaemonError(
                    code: .malformed, message: "BIRD at \(path) broke off its answer after \(received.count) bytes.",
                    remedy: "See in its log whether it still runs.")
            }
            received += more
            isComplete = Self.endsWithLastLine(received)
        }
    }

    /// Whether bytes end with a line that begins with a code and a space, as an answer's last does; others have a hyphen there.
    private static func endsWithLastLine(_ bytes: [UInt8]) -> Bool {
        guard bytes.last == UInt8(ascii: "\n") else { return false }
        let line = bytes.dropLast()
        let start = line.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? line.startIndex
        let beginning = line[start...].prefix(5)
        return beginning.count >= 4 && beginning.prefix(4).allSatisfy { (0x30...0x39).contains($0) }
            && (beginning.count == 4 || beginning.last == UInt8(ascii: " "))
    }
}
