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

/// One echo request and what came of it.
public struct EchoAttempt: Hashable, Sendable, Codable {
    public enum Outcome: Hashable, Sendable, Codable {
        /// `fragments` is 1 for a reply that came whole.
        case reply(roundTripNanoseconds: Int64, timeToLive: Int, fragments: Int)
        case notice(message: ICMPNotice)
        case lost
        case localError(error: LocalError)
    }

    public let sequence: Int
    /// Of the IP packet sent, header included.
    public let length: Int
    public let outcome: Outcome

    public init(sequence: Int, length: Int, outcome: Outcome) {
        self.sequence = sequence
        self.length = length
        self.outcome = outcome
    }

    public var isAnswered: Bool { roundTripNanoseconds != nil }

    public var roundTripNanoseconds: Int64? {
        if case .reply(let roundTrip, _, _) = outcome { roundTrip } else { nil }
    }

    /// The ICMP message that came in place of a reply.
    public var notice: ICMPNotice? {
        if case .notice(let notice) = outcome { notice } else { nil }
    }
}

public struct PathMTUResult: Hashable, Sendable, Codable {
    /// How the network turned down a packet that is one byte longer.
    public enum Boundary: String, Hashable, Sendable, Codable {
        /// Nothing longer was tried: the longest allowed passed.
        case limit
        /// An ICMP message said so.
        case notice
        /// The node's own kernel would not send it.
        case localError = "local_error"
        /// Nothing came back: a black hole (RFC 2923).
        case blackHole = "black_hole"
    }

    /// The longest IP packet that was answered; nil where not even the shortest was.
    public let bytes: Int?
    /// Nil where nothing was answered.
    public let boundary: Boundary?
    /// Everything that was tried, in order.
    public let attempts: [EchoAttempt]

    public init(bytes: Int?, boundary: Boundary?, attempts: [EchoAttempt]) {
        self.bytes = bytes
        self.boundary = boundary
        self.attempts = attempts
    }

    /// The ICMP messages that say a packet is too big.
    public var tooBigNotices: [ICMPNotice] { attempts.compactMap(\.notice).filter { $0.kind == .packetTooBig } }
}

public struct OneEchoResult: Hashable, Sendable, Codable {
    public let attempt: EchoAttempt
    /// In how many pieces the request reached the destination's node: 1 is whole, 0 not at all or not all of it; nil where
    /// the lab has no such node.
    public let requestFragments: Int?

    public init(attempt: EchoAttempt, requestFragments: Int?) {
        self.attempt = attempt
        self.requestFragments = requestFragments
    }
}

public struct TraceResult: Hashable, Sendable, Codable {
    public struct Hop: Hashable, Sendable, Codable {
        /// The time to live it was sent with.
        public let distance: Int
        /// Nil where nobody answered.
        public let address: IPAddress?
        public let roundTripNanoseconds: Int64?
        /// The ICMP message; nil for an echo reply, and where nobody answered.
        public let notice: ICMPNotice?

        public init(distance: Int, address: IPAddress?, roundTripNanoseconds: Int64?, notice: ICMPNotice?) {
            self.distance = distance
            self.address = address
            self.roundTripNanoseconds = roundTripNanoseconds
            self.notice = notice
        }
    }

    public let hops: [Hop]
    public let isReached: Bool
    public let localError: LocalError?

    public init(hops: [Hop], isReached: Bool, localError: LocalError?) {
        self.hops = hops
        self.isReached = isReached
        self.localError = localError
    }
}

/// What a kernel knows about one end of a TCP connection (`TCP_INFO`, tcp(7)).
public struct TCPFigures: Hashable, Sendable, Codable {
    /// `ESTABLISHED`, `SYN_SENT`, …
    public let state: String
    public let sendMSS: Int
    public let receiveMSS: Int
    public let advertisedMSS: Int
    public let pathMTU: Int
    /// Segments sent again, in all.
    public let retransmissions: Int
    /// Segments sent and not yet acknowledged.
    public let unacknowledged: Int

    public init(
        state: String, sendMSS: Int, receiveMSS: Int, advertisedMSS: Int, pathMTU: Int, retransmissions: Int,
        unacknowledged: Int
    ) {
        self.state = state
        self.sendMSS = sendMSS
        self.receiveMSS = receiveMSS
        self.advertisedMSS = advertisedMSS
        self.pathMTU = pathMTU
        self.retransmissions = retransmissions
        self.unacknowledged = unacknowledged
    }
}

public struct HandshakeResult: Hashable, Sendable, Codable {
    public enum Outcome: String, Hashable, Sendable, Codable {
        case established, refused, unreachable
        case timedOut = "timed_out"
        case localError = "local_error"
    }

    /// The MSS option on the wire (RFC 9293, 3.7.1), outside of each node's own packet filter; nil where no such segment
    /// was seen, or none of its options is an MSS.
    public struct MSSOptions: Hashable, Sendable, Codable {
        public var synSent: Int?
        public var synReceived: Int?
        public var synAckSent: Int?
        public var synAckReceived: Int?

        public init(synSent: Int? = nil, synReceived: Int? = nil, synAckSent: Int? = nil, synAckReceived: Int? = nil) {
            self.synSent = synSent
            self.synReceived = synReceived
            self.synAckSent = synAckSent
            self.synAckReceived = synAckReceived
        }
    }

    public let outcome: Outcome
    /// From the SYN to the SYN-ACK, or to the refusal.
    public let roundTripNanoseconds: Int64?
    public let mss: MSSOptions
    public let client: TCPFigures?
    /// Nil without a listener of the probe's own.
    public let server: TCPFigures?
    public let notice: ICMPNotice?
    public let localError: LocalError?

    public init(
        outcome: Outcome, roundTripNanoseconds: Int64?, mss: MSSOptions, client: TCPFigures?, server: TCPFigures?,
        notice: ICMPNotice?, localError: LocalError?
    ) {
        self.outcome = outcome
        self.roundTripNanoseconds = roundTripNanoseconds
        self.mss = mss
        self.client = client
        self.server = server
        self.notice = notice
        self.localError = localError
    }
}

public struct BulkResult: Hashable, Sendable, Codable {
    /// What a node's kernel counted meanwhile, of everything it did (/proc/net/snmp, snmp6).
    public struct Counters: Hashable, Sendable, Codable {
        /// Fragments received that had to be put together.
        public let fragmentsReceived: Int
        public let packetsReassembled: Int
        public let fragmentsCreated: Int
        /// ICMP "destination unreachable", which "fragmentation needed" is one of; for IPv6 "packet too big" alone.
        public let unreachablesReceived: Int

        public init(fragmentsReceived: Int, packetsReassembled: Int, fragmentsCreated: Int, unreachablesReceived: Int) {
            self.fragmentsReceived = fragmentsReceived
            self.packetsReassembled = packetsReassembled
            self.fragmentsCreated = fragmentsCreated
            self.unreachablesReceived = unreachablesReceived
        }
    }

    public let bytesRequested: Int
    /// By the program at the destination.
    public let bytesReceived: Int
    public let isComplete: Bool
    /// From the first byte sent to the last one acknowledged, or to the deadline; nil where no connection came about.
    public let nanoseconds: Int64?
    /// The rate at which the second half of the bytes arrived, when TCP had found its pace; nil where it did not arrive.
    public let steadyBitsPerSecond: Double?
    /// Payload that arrived, in bits per second of the lab's time.
    public let goodputBitsPerSecond: Double?
    public let client: TCPFigures?
    public let server: TCPFigures?
    public let source: Counters
    public let destination: Counters
    public let localError: LocalError?

    public init(
        bytesRequested: Int, bytesReceived: Int, isComplete: Bool, nanoseconds: Int64?, steadyBitsPerSecond: Double? = nil,
        client: TCPFigures?,
        server: TCPFigures?, source: Counters, destination: Counters, localError: LocalError?
    ) {
        self.bytesRequested = bytesRequested
        self.bytesReceived = bytesReceived
        self.isComplete = isComplete
        self.nanoseconds = nanoseconds
        self.steadyBitsPerSecond = steadyBitsPerSecond
        goodputBitsPerSecond = nanoseconds.flatMap { $0 > 0 ? Double(bytesReceived) * 8e9 / Double($0) : nil }
        self.client = client
        self.server = server
        self.source = source
        self.destination = destination
        self.localError = localError
    }

}

public struct PacketResult: Hashable, Sendable, Codable {
    public enum Answer: Hashable, Sendable, Codable {
        case echoReply, datagram, reset, synAck
        case notice(message: ICMPNotice)
    }

    /// Nil where nothing came back to the source's node.
    public let answer: Answer?
    public let answerNanoseconds: Int64?
    /// Whether it reached the destination's node; nil where the lab has no such node.
    public let arrived: Bool?
    /// The source address that it arrived with.
    public let arrivedFrom: IPAddress?
    public let localError: LocalError?

    public init(
        answer: Answer?, answerNanoseconds: Int64?, arrived: Bool?, arrivedFrom: IPAddress?, localError: LocalError?
    ) {
        self.answer = answer
        self.answerNanoseconds = answerNanoseconds
        self.arrived = arrived
        self.arrivedFrom = arrivedFrom
        self.localError = localError
    }
}
