import AgentProtocol
import Glibc
import LabRecords
import NetworkTypes
import NodeRuntime
import PacketFormats

extension ProbeSession {
    /// Opens a TCP connection and closes it again, watching both ends' interfaces.
    ///
    /// - Throws: ``LabFailure``, or a `NetlinkError` where the kernel refuses.
    public func handshake(port: UInt16, listens: Bool, timeout: Duration) throws -> HandshakeResult {
        let listener =
            listens
            ? try destinationNode.flatMap { try TCPSocket.listening(in: $0, for: destination, port: port) } : nil
        var segments = HandshakeSegments(
            near: try PacketTap(in: node), far: try destinationNode.map { try PacketTap(in: $0) }, port: port)
        let (client, bindError) = try clientSocket()
        let sentAt = LabClock.now
        let deadline = sentAt + timeout
        if let error = bindError ?? client.connect(to: destination, port: port).map({ LocalError(errno: $0) }) {
            return HandshakeResult(
                outcome: .localError, roundTripNanoseconds: nil, mss: .init(), client: nil, server: nil, notice: nil,
                localError: error)
        }
        let isDecided = try wait(for: [(client.descriptor, POLLOUT)], until: deadline)[0] != 0
        let code = isDecided ? client.takeError() : ETIMEDOUT
        var figures: (client: TCPFigures, server: TCPFigures?) = (client.figures, nil)
        if code == 0, let listener {
            // The last of the three segments is still on its way.
            try wait(for: [listener.descriptor], until: deadline)
            figures.server = listener.accept()?.figures
        }
        segments.read()
        if code != 0 { client.abortOnClose() }
        let outcome: HandshakeResult.Outcome =
            switch code {
            case 0: .established
            case ECONNREFUSED: .refused
            case ETIMEDOUT: .timedOut
            case ENETUNREACH, EHOSTUNREACH, EACCES, EPERM, ENOPROTOOPT: .unreachable
            default: .localError
            }
        return HandshakeResult(
            outcome: outcome, roundTripNanoseconds: segments.answeredAt.map { ($0 - sentAt).wholeNanoseconds },
            mss: segments.mss,
            client: code == 0 ? figures.client : nil, server: figures.server,
            notice: segments.quote?.notice(since: sentAt),
            localError: outcome == .localError ? LocalError(errno: code) : nil)
    }
}

/// The segments of one handshake, told from all others by the first one's sequence number.
private struct HandshakeSegments {
    private let near: PacketTap
    private let far: PacketTap?
    private let port: UInt16
    private(set) var mss = HandshakeResult.MSSOptions()
    /// When the SYN-ACK came in, or what refused the SYN.
    private(set) var answeredAt: LabTime?
    private(set) var quote: ICMPQuote?

    init(near: PacketTap, far: PacketTap?, port: UInt16) {
        self.near = near
        self.far = far
        self.port = port
    }

    mutating func read() {
        var initial: UInt32?
        near.drain { arrival in
            if let quote = ICMPQuote(arrival), quote.ip.transport == .tcp, let initial,
                Self.sequence(of: quote) == initial
            {
                if self.quote == nil { self.quote = quote }
                if answeredAt == nil { answeredAt = arrival.time }
            }
            guard let segment = Self.segment(in: arrival) else { return }
            switch (segment.flags.contains(.syn), segment.flags.contains(.ack), arrival.isOutgoing) {
            case (true, false, true) where initial == nil && segment.destinationPort == port:
                initial = segment.sequence
                mss.synSent = segment.maximumSegmentSize.map(Int.init)
            case (true, true, false) where segment.acknowledgment == initial.map({ $0 &+ 1 }) && answeredAt == nil:
                mss.synAckReceived = segment.maximumSegmentSize.map(Int.init)
                answeredAt = arrival.time
            case (false, _, false)
            where segment.flags.contains(.rst) && segment.acknowledgment == initial.map({ $0 &+ 1 }):
                if answeredAt == nil { answeredAt = arrival.time }
            default: break
            }
        }
        guard let initial else { return }
        far?.drain { arrival in
            guard let segment = Self.segment(in: arrival), segment.flags.contains(.syn) else { return }
            let isAnswer = segment.flags.contains(.ack)
            if !isAnswer, !arrival.isOutgoing, segment.sequence == initial, mss.synReceived == nil {
                mss.synReceived = segment.maximumSegmentSize.map(Int.init)
            } else if isAnswer, arrival.isOutgoing, segment.acknowledgment == initial &+ 1, mss.synAckSent == nil {
                mss.synAckSent = segment.maximumSegmentSize.map(Int.init)
            }
        }
    }

    private static func segment(in arrival: Arrival) -> TCPHeader? {
        arrival.ip.transport == .tcp ? try? TCPHeader(arrival.body.span.bytes) : nil
    }

    /// The sequence number stands in the first 8 bytes, which every router quotes.
    private static func sequence(of quote: ICMPQuote) -> UInt32 {
        quote.transport[4..<8].reduce(0) { $0 << 8 | UInt32($1) }
    }
}
