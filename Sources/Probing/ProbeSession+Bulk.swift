import AgentProtocol
import Glibc
import LabRecords
import NetworkTypes
import NodeRuntime

extension ProbeSession {
    /// Sends bytes over TCP; both ends are driven from this one thread.
    ///
    /// The sender paces its segments, so that what is measured is the way's and not the moment's (``TCPSocket/pace()``).
    ///
    /// - Throws: ``LabFailure``, or a `NetlinkError` where the kernel refuses.
    public func bulk(bytes: Int, port: UInt16, deadline: Duration) throws -> BulkResult {
        guard let destinationNode else {
            throw LabFailure(
                "\(destination) belongs to no node of the lab, so that nobody can take the bytes there.",
                remedy: "Send them to an address of a node.", code: .wrongInput)
        }
        guard let listener = try TCPSocket.listening(in: destinationNode, for: destination, port: port) else {
            throw LabFailure(
                "\(destinationNode.name): something listens on port \(port) already.", remedy: "Choose another port.",
                code: .wrongInput)
        }
        let before = (source: try ProtocolCounters(of: node), destination: try ProtocolCounters(of: destinationNode))
        let (client, bindError) = try clientSocket()
        client.pace()
        var transfer = Transfer(
            client: client, listener: listener, bytes: bytes, marker: probePayload(id: id, length: 1 << 16))
        if let error = bindError {
            transfer.error = error
        } else {
            try transfer.run(in: self, port: port, until: startedAt + deadline)
        }
        let figures = (client: transfer.hasBegun ? client.figures : nil, server: transfer.server?.figures)
        if !transfer.isComplete {
            client.abortOnClose()
            transfer.server?.abortOnClose()
        }
        return BulkResult(
            bytesRequested: bytes, bytesReceived: transfer.received, isComplete: transfer.isComplete,
            nanoseconds: transfer.nanoseconds, steadyBitsPerSecond: transfer.steadyBitsPerSecond,
            client: figures.client, server: figures.server,
            source: try ProtocolCounters(of: node).since(before.source),
            destination: try ProtocolCounters(of: destinationNode).since(before.destination), localError: transfer.error
        )
    }
}

/// A transfer under way. The server says by one byte that it has got all; that byte acknowledges the last of them.
private struct Transfer {
    private let client: TCPSocket
    private let listener: TCPSocket
    private let bytes: Int
    private let data: [UInt8]
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)
    private(set) var server: TCPSocket?
    private(set) var received = 0
    private(set) var isComplete = false
    private(set) var hasBegun = false
    private(set) var nanoseconds: Int64?
    /// When half of the bytes had arrived, and how many they were then; when the last had.
    private var half: (at: LabTime, received: Int)?
    private var endedAt: LabTime?
    var error: LocalError?
    private var sent = 0

    /// The rate at which the second half arrived.
    var steadyBitsPerSecond: Double? {
        guard let half, let endedAt, endedAt > half.at else { return nil }
        return Double(received - half.received) * 8 / (endedAt - half.at).inSeconds
    }

    init(client: TCPSocket, listener: TCPSocket, bytes: Int, marker: [UInt8]) {
        self.client = client
        self.listener = listener
        self.bytes = bytes
        data = marker
    }

    mutating func run(in session: ProbeSession, port: UInt16, until deadline: LabTime) throws {
        if let code = client.connect(to: session.destination, port: port) {
            error = LocalError(errno: code)
            return
        }
        hasBegun = true
        var startedAt: LabTime?
        while !isComplete, error == nil, LabClock.now < deadline {
            let reader = server ?? listener
            let events = try session.wait(
                for: [(client.descriptor, sent < bytes ? POLLIN | POLLOUT : POLLIN), (reader.descriptor, POLLIN)],
                until: deadline)
            if events[0] & (POLLERR | POLLHUP) != 0 {
                let code = client.takeError()
                error = LocalError(errno: code == 0 ? ECONNRESET : code)
            }
            if events[0] & POLLOUT != 0, error == nil {
                if startedAt == nil { startedAt = LabClock.now }
                send()
            }
            if events[1] & POLLIN != 0 { receive() }
            if events[0] & POLLIN != 0, error == nil { isComplete = take(1, from: client) == 1 }
        }
        nanoseconds = startedAt.map { (LabClock.now - $0).wholeNanoseconds }
    }

    private mutating func send() {
        while sent < bytes {
            // The pattern goes round; the marker comes once every 64 KiB.
            let rest = data[(sent % data.count)...].prefix(bytes - sent)
            let count = rest.withUnsafeBytes {
                Glibc.send(client.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    private mutating func receive() {
        guard let server else {
            server = listener.accept()
            return
        }
        while received < bytes {
            let count = take(buffer.count, from: server)
            guard count > 0 else { return }
            received += count
            if half == nil, received >= bytes / 2 { half = (LabClock.now, received) }
        }
        endedAt = LabClock.now
        _ = Glibc.send(server.descriptor, [1], 1, Int32(MSG_NOSIGNAL))
    }

    /// Reads what is there; an end that came too early is an error, and must not be waited for again.
    private mutating func take(_ most: Int, from socket: TCPSocket) -> Int {
        let count = recv(socket.descriptor, &buffer, most, 0)
        if count == 0 { error = LocalError(errno: ECONNRESET) }
        if count < 0, errno != EAGAIN, errno != EINTR { error = LocalError(errno: errno) }
        return count
    }
}
