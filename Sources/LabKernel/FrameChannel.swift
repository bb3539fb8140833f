import AgentProtocol
import CLinux
import Glibc
import NIOCore
import NIOPosix
import SystemPackage

/// A connection that carries frames of JSON: the supervisor's end of the control line, or either end of its socket.
struct FrameChannel<Incoming: Decodable & Sendable, Outgoing: Encodable & Sendable>: Sendable {
    let channel: any Channel
    /// What the other side says, in order; ends with the connection.
    let incoming: AsyncStream<Incoming>

    /// Takes over an open stream socket.
    static func adopting(_ descriptor: CInt, group: any EventLoopGroup) async throws -> FrameChannel {
        let (incoming, continuation) = AsyncStream.makeStream(of: Incoming.self)
        let channel = try await ClientBootstrap(group: group)
            .channelInitializer { channel in Self.addHandler(to: channel, continuation) }
            .withConnectedSocket(descriptor).get()
        return FrameChannel(channel: channel, incoming: incoming)
    }

    static func connecting(to path: String, group: any EventLoopGroup) async throws -> FrameChannel {
        let (incoming, continuation) = AsyncStream.makeStream(of: Incoming.self)
        let channel = try await ClientBootstrap(group: group)
            .channelInitializer { channel in Self.addHandler(to: channel, continuation) }
            .connect(unixDomainSocketPath: path).get()
        return FrameChannel(channel: channel, incoming: incoming)
    }

    /// Listens on a Unix socket and calls `accept` for every connection of this process's user or of root; anyone else's is
    /// closed, even where the socket's directory would let them reach it.
    static func listening(
        at path: String, group: any EventLoopGroup, accept: @escaping @Sendable (FrameChannel) -> Void
    ) async throws -> any Channel {
        // Between bind(2) and listen(2) a socket has its name and refuses whoever connects: it gets this name when it answers.
        let unready = "\(path).new"
        let listener = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                let (incoming, continuation) = AsyncStream.makeStream(of: Incoming.self)
                return Self.checkPeer(of: channel).flatMap {
                    Self.addHandler(to: channel, continuation)
                }.map {
                    accept(FrameChannel(channel: channel, incoming: incoming))
                }
            }
            .bind(unixDomainSocketPath: unready).get()
        chmod(unready, 0o600)
        guard rename(unready, path) == 0 else { throw Errno(rawValue: errno) }
        return listener
    }

    /// Fails, upon which the channel is closed, unless the other side is a process of this one's user, or root's: SO_PEERCRED,
    /// unix(7).
    private static func checkPeer(of channel: any Channel) -> EventLoopFuture<Void> {
        guard let options = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(ForeignPeer(user: nil))
        }
        let peer: EventLoopFuture<netlab_peer> = options.unsafeGetSocketOption(
            level: SocketOptionLevel(SOL_SOCKET), name: SocketOptionName(SO_PEERCRED))
        return peer.flatMapThrowing { peer in
            guard peer.user == geteuid() || peer.user == 0 else { throw ForeignPeer(user: peer.user) }
        }
    }

    private static func addHandler(
        to channel: any Channel, _ continuation: AsyncStream<Incoming>.Continuation
    ) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(FrameHandler<Incoming>(continuation))
        }
    }

    /// Sends a message; one that cannot be delivered any more is dropped.
    func send(_ message: Outgoing) {
        guard let bytes = try? FrameDecoder.encode(message) else { return }
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }

    /// Sends bytes that the caller has framed.
    func send(bytes: some Sequence<UInt8>) {
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }

    /// Sends a last message and closes the connection when it is on its way.
    func finish(_ message: Outgoing) async {
        guard let bytes = try? FrameDecoder.encode(message) else { return }
        try? await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
        try? await channel.close().get()
    }

    func close() {
        channel.close(promise: nil)
    }
}

/// Another user's process.
private struct ForeignPeer: Error {
    let user: uid_t?
}

private final class FrameHandler<Incoming: Decodable & Sendable>: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var decoder = FrameDecoder()
    private let continuation: AsyncStream<Incoming>.Continuation

    init(_ continuation: AsyncStream<Incoming>.Continuation) {
        self.continuation = continuation
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        decoder.append(unwrapInboundIn(data).readableBytesView)
        do {
            while let frame = try decoder.next() {
                continuation.yield(try FrameDecoder.decode(Incoming.self, from: frame))
            }
        } catch {
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        continuation.finish()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
