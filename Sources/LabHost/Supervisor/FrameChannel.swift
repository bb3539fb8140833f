import AgentProtocol
import Synchronization

/// A connection that carries frames: the supervisor's end of the control line, or either end of its socket.
struct FrameChannel<Incoming: Decodable & Sendable, Outgoing: Encodable & Sendable>: Sendable {
    private let socket: StreamSocket
    /// What the other side says, in order, each with its frame, which has the body; ends with the connection.
    let incoming: AsyncStream<(Incoming, Frame)>
    /// Why the connection was hung up, if the other side said something that cannot be understood.
    let misunderstanding: Misunderstanding

    /// - Throws: `Errno`, where there can be no more threads.
    private init(_ socket: StreamSocket) throws {
        let (incoming, continuation) = AsyncStream.makeStream(of: (Incoming, Frame).self)
        let misunderstanding = Misunderstanding()
        self.socket = socket
        self.incoming = incoming
        self.misunderstanding = misunderstanding
        try SocketThread.start {
            var decoder = FrameDecoder()
            socket.serve { bytes in
                decoder.append(bytes)
                do throws(FrameError) {
                    while let frame = try decoder.next() {
                        continuation.yield((try frame.header(), frame))
                    }
                    return true
                } catch {
                    misunderstanding.note(error)
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
    ///
    /// - Throws: ``FrameError`` where it cannot be written, or is too long.
    func send(_ message: Outgoing) throws(FrameError) {
        socket.send(try Frame(message).bytes)
    }

    /// Sends a message with a body.
    ///
    /// - Throws: ``FrameError`` where it cannot be written, or is too long.
    func send(_ message: Outgoing, body: some Encodable) throws(FrameError) {
        socket.send(try Frame(message, body: body).bytes)
    }

    /// Sends bytes that the caller has framed.
    func send(bytes: some Sequence<UInt8>) {
        socket.send(Array(bytes))
    }

    /// Sends a last message and closes the connection when it is on its way.
    func finish(_ frame: Frame) async {
        await socket.finish(frame.bytes)
    }

    func close() {
        socket.close()
    }
}

/// What kept one side of a connection from understanding the other.
final class Misunderstanding: Sendable {
    private let error = Mutex<FrameError?>(nil)

    var reason: FrameError? { error.withLock(\.self) }

    fileprivate func note(_ reason: FrameError) { error.withLock { $0 = reason } }
}
