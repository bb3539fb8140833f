import NetworkTypes

/// What came of a probe. That nothing came back, or that the kernel would not send, is a result too.
public struct ProbeResult: Hashable, Sendable, Codable {
    // Labelled, so that the JSON has words where it would have `_0`.
    public enum Outcome: Hashable, Sendable, Codable {
        case echo(attempts: [EchoAttempt])
        case pathMTU(result: PathMTUResult)
        case oneEcho(result: OneEchoResult)
        case trace(result: TraceResult)
        case handshake(result: HandshakeResult)
        case bulk(result: BulkResult)
        case packet(result: PacketResult)
    }

    /// What its packets are marked with: ``ProbeMarker``.
    public let id: UInt64
    public let source: String
    /// The address it was sent from; nil where no route gave one.
    public let sourceAddress: IPAddress?
    public let destination: IPAddress
    /// The node behind the destination; nil where the lab has none.
    public let destinationNode: String?
    /// On the lab's clock.
    public let startedAtNanoseconds: Int64
    public let outcome: Outcome
    /// Whether the destination was reached, and for a transfer whether all of it was.
    public let isReached: Bool

    public init(
        id: UInt64, source: String, sourceAddress: IPAddress?, destination: IPAddress, destinationNode: String?,
        startedAtNanoseconds: Int64, outcome: Outcome
    ) {
        self.id = id
        self.source = source
        self.sourceAddress = sourceAddress
        self.destination = destination
        self.destinationNode = destinationNode
        self.startedAtNanoseconds = startedAtNanoseconds
        self.outcome = outcome
        isReached =
            switch outcome {
            case .echo(let attempts): attempts.contains(where: \.isAnswered)
            case .pathMTU(let result): result.bytes != nil
            case .oneEcho(let result): result.attempt.isAnswered
            case .trace(let result): result.isReached
            case .handshake(let result): result.outcome == .established
            case .bulk(let result): result.isComplete
            case .packet(let result): result.arrived ?? (result.answer != nil)
            }
    }
}

/// What the node's own kernel said instead of sending.
public struct LocalError: Hashable, Sendable, Codable {
    /// The symbol of the error number: `ENETUNREACH`, `EMSGSIZE`.
    public let name: String
    public let message: String

    public init(name: String, message: String) {
        self.name = name
        self.message = message
    }
}

/// An ICMP error message about a packet of a probe (RFC 792, RFC 4443).
public struct ICMPNotice: Hashable, Sendable, Codable {
    public enum Kind: String, Hashable, Sendable, Codable {
        /// IPv6 "packet too big"; IPv4 "fragmentation needed and DF set".
        case packetTooBig = "packet_too_big"
        case timeExceeded = "time_exceeded"
        case networkUnreachable = "network_unreachable"
        case hostUnreachable = "host_unreachable"
        case protocolUnreachable = "protocol_unreachable"
        case portUnreachable = "port_unreachable"
        case prohibited
        case other
    }

    public let kind: Kind
    public let from: IPAddress
    public let type: UInt8
    public let code: UInt8
    /// The next hop's MTU in bytes, of those that are about it.
    public let mtu: Int?
    /// The length of the IP packet it is about, by that packet's own header.
    public let quotedLength: Int
    /// Since that packet was sent.
    public let afterNanoseconds: Int64

    public init(
        kind: Kind, from: IPAddress, type: UInt8, code: UInt8, mtu: Int?, quotedLength: Int, afterNanoseconds: Int64
    ) {
        self.kind = kind
        self.from = from
        self.type = type
        self.code = code
        self.mtu = mtu
        self.quotedLength = quotedLength
        self.afterNanoseconds = afterNanoseconds
    }
}
