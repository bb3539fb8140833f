import NetworkTypes

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
        bytesRequested: Int, bytesReceived: Int, isComplete: Bool, nanoseconds: Int64?,
        steadyBitsPerSecond: Double? = nil,
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
