import Daemons
import Glibc

/// A running charon, asked over its vici socket: one connection a question, and no process.
///
/// The calls block until the answer is there or the deadline has passed.
/// Source: src/libcharon/plugins/vici/README.md of strongSwan 5.9.8.
public struct CharonControl: Hashable, Sendable {
    /// The socket's path as the caller sees it; a Unix socket answers across network namespaces.
    public let path: String
    /// How long one question may take, connecting included.
    public let deadline: Duration

    public init(path: String, deadline: Duration = .seconds(2)) {
        self.path = path
        self.deadline = deadline
    }

    /// Its IKE SAs with their child SAs.
    public func associations() throws(DaemonError) -> [CharonSA] {
        let (_, events) = try ask("list-sas", event: "list-sa")
        return events.flatMap { $0.sections.compactMap { CharonSA(name: $0.name, $0.section) } }
    }

    /// Starts negotiating a child SA, and does not wait for the end of it.
    public func initiate(child: String) throws(DaemonError) {
        try command("initiate", [("child", .value(child)), ("timeout", .value("-1"))])
    }

    /// Ends a connection's IKE SAs: the peers are told, and their answers are not waited for.
    public func terminate(connection: String) throws(DaemonError) {
        try command("terminate", [("ike", .value(connection)), ("force", .value("yes")), ("timeout", .value("-1"))])
    }

    /// Forgets a connection; it is read again with the files.
    public func unload(connection: String) throws(DaemonError) {
        try command("unload-conn", [("name", .value(connection))])
    }

    /// Negotiates a child SA's successor.
    public func rekey(child: String) throws(DaemonError) {
        try command("rekey", [("child", .value(child))])
    }

    /// Reads strongswan.conf anew: loggers, and what of the rest is not fixed at the start.
    public func reloadSettings() throws(DaemonError) {
        try command("reload-settings", [])
    }

    /// A command whose answer says no more than whether it was done.
    private func command(_ name: String, _ elements: [(name: String, element: ViciMessage.Element)]) throws(DaemonError)
    {
        let (answer, _) = try ask(name, ViciMessage(elements))
        guard answer["success"] != "no" else {
            throw DaemonError(
                code: .refused,
                message: "charon at \(path) refused \(name): \(answer["errmsg"] ?? "it gave no reason").",
                remedy: "Look at its log with `netlab logs`.")
        }
    }

    /// Asks one question.
    ///
    /// - Parameter event: What the answer comes by, where it is more than one message.
    /// - Throws: ``DaemonError`` with `notRunning`, `timedOut`, `refused`, `malformed` or `system`.
    func ask(
        _ name: String, _ message: ViciMessage = ViciMessage(), event: String? = nil
    ) throws(DaemonError) -> (answer: ViciMessage, events: [ViciMessage]) {
        let socket = try ControlSocket(path: path, daemon: "charon", deadline: ContinuousClock.now + deadline)
        defer { socket.close() }
        var received: [UInt8] = []
        if let event {
            try socket.write(ViciPacket.register(event).bytes)
            guard try next(from: socket, &received) == .confirmation else { throw unexpected("event \(event)") }
        }
        try socket.write(ViciPacket.request(name, message).bytes)
        var events: [ViciMessage] = []
        while true {
            switch try next(from: socket, &received) {
            case .event(_, let message): events.append(message)
            case .response(let answer): return (answer, events)
            default: throw unexpected("command \(name)")
            }
        }
    }

    private func next(from socket: ControlSocket, _ received: inout [UInt8]) throws(DaemonError) -> ViciPacket {
        while true {
            do {
                if let packet = try ViciPacket.next(from: &received) { return packet }
            } catch {
                throw malformed("sent what is no packet of vici")
            }
            guard let more = try socket.read() else { throw malformed("broke off its answer") }
            received += more
        }
    }

    private func unexpected(_ what: String) -> DaemonError {
        DaemonError(
            code: .refused, message: "charon at \(path) does not know the \(what).",
            remedy: "netlab speaks to strongSwan 5.9.8: see `netlab doctor` for the one in use.")
    }

    private func malformed(_ what: String) -> DaemonError {
        DaemonError(
            code: .malformed, message: "charon at \(path) \(what).", remedy: "See in its log whether it still runs.")
    }
}
