import Daemons
import FoundationEssentials
import RoutingDaemons

/// A running program of FRR's, asked over its socket as vtysh(1) asks it: no process.
///
/// A command is a line that ends with a zero byte; its answer is text, three zero bytes, and a byte with the command's result.
/// The calls block until the answer is there or the deadline has passed.
/// Source: FRR 8.4.4, vtysh/vtysh.c (`vtysh_client_run`), lib/vty.c (`vtysh_read`), lib/command.h (`CMD_*`).
public struct FrrControl: Hashable, Sendable {
    /// The socket's path as the caller sees it.
    public let path: String
    /// How long all the commands of one call may take.
    public let deadline: Duration

    static let maximumLength = 8 << 20

    public init(path: String, deadline: Duration = .seconds(2)) {
        self.path = path
        self.deadline = deadline
    }

    /// One of several commands that go over one connection, each in the mode that the ones before have left.
    ///
    /// - Returns: The answer of the last one.
    /// - Throws: ``DaemonError`` with `notRunning`, `timedOut`, `refused`, `malformed` or `system`.
    @discardableResult
    public func run(_ commands: [String]) throws(DaemonError) -> String {
        let socket = try ControlSocket(path: path, daemon: "FRR", deadline: ContinuousClock.now + deadline)
        defer { socket.close() }
        var answer = ""
        for command in ["enable"] + commands {
            guard !command.utf8.contains(where: { $0 == 0 || $0 == UInt8(ascii: "\n") }) else {
                throw DaemonError(code: .refused, message: "A command of FRR's is one line.", remedy: "Ask one.")
            }
            try socket.write(Array(command.utf8) + [0])
            var received: [UInt8] = []
            var reply: FrrReply?
            while reply == nil {
                guard received.count < Self.maximumLength, let more = try socket.read() else {
                    throw DaemonError(
                        code: .malformed, message: "FRR at \(path) broke off its answer after \(received.count) bytes.",
                        remedy: "See in its log whether it still runs.")
                }
                received += more
                reply = FrrReply(received)
            }
            guard let reply, !reply.isFailure else {
                let words = reply?.text.trimmedWords ?? ""
                throw DaemonError(
                    code: .refused,
                    message: "FRR at \(path) refused \"\(command)\": \(words.isEmpty ? "it gave no reason" : words).",
                    remedy: "Look at its log with `netlab logs`.")
            }
            answer = reply.text
        }
        return answer
    }

    /// Every neighbour of bgpd's.
    public func neighbors() throws(DaemonError) -> [FrrNeighbor] {
        FrrNeighbor.parse(try run(["show bgp neighbors json"]))
    }
}

/// An answer to one command.
public struct FrrReply: Hashable, Sendable {
    public let text: String
    public let result: UInt8

    /// Nil while the end has not come: three zero bytes and the result, which no text has.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count >= 4, bytes[(bytes.count - 4)..<(bytes.count - 1)].allSatisfy({ $0 == 0 }) else { return nil }
        text = String(decoding: bytes.dropLast(4), as: UTF8.self)
        result = bytes[bytes.count - 1]
    }

    /// `CMD_SUCCESS` 0 and `CMD_WARNING` 1, by which `show` says that there is nothing, are none.
    public var isFailure: Bool { result > 1 }
}
