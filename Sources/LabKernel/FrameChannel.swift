import AgentProtocol

/// A connection that carries frames of JSON: the supervisor's end of the control line, or either end of its socket.
struct FrameChannel<Incoming: Decodable & Sendable, Outgoing: Encodable & Sendable>: Sendable {
    private let socket: StreamSocket
    /// What the other side says, in order; ends with the connection.
    let incoming: AsyncStream<Incoming>

    /// - Throws: `Errno`, where there can be no more threads.
    private init(_ socket: StreamSocket) throws {
        let (incoming, continuation) = AsyncStream.makeStream(of: Incoming.self)
        self.socket = socket
        self.incoming = incoming
        try SocketThread.start {
            var decoder = FrameDecoder()
            socket.serve { bytes in
                decoder.append(bytes)
                do {
                    while let frame = try decoder.next() {
                        continuation.yield(try FrameDecoder.decode(Incoming.self, from: frame))
                    }
                    return true
                } catch {
                    // The other side does not speak this protocol.
                    return false
                }
            }
            continuation.finish()
        }
    }

    /// Takes over an open stream socket.
    static func adopting(_ descriptor: CInt) throws -> FrameChannel {
        try FrameChannel(StreamSocket(descriptor))
    }

    static func connecting(to path: String) throws -> FrameChannel {
        try FrameChannel(StreamSocket.connect(to: path))
    }

    /// Listens on a Unix socket as long as this process lives, and calls `accept` for every connection of this process's user or of root; anyone else's is
    /// closed, even where the socket's directory would let them reach it.
    static func listening(at path: String, accept: @escaping @Sendable (FrameChannel) -> Void) throws {
        try StreamSocket.listen(at: path) { socket in
            // Without a thread for it, a connection is closed.
            if let channel = try? FrameChannel(socket) { accept(channel) }
        }
    }

    /// Sends a message; one that cannot be delivered any more is dropped.
    func send(_ message: Outgoing) {
        guard let bytes = try? FrameDecoder.encode(message) else { return }
        socket.send(bytes)
    }

    /// Sends bytes that the caller has framed.
    func send(bytes: some Sequence<UInt8>) {
        socket.send(Array(bytes))
    }

    /// Sends a last message and closes the connection when it is on its way.
    func finish(_ message: Outgoing) async {
        guard let bytes = try? FrameDecoder.encode(message) else { return }
        await socket.finish(bytes)
    }

    func close() {
        socket.close()
    }
}
