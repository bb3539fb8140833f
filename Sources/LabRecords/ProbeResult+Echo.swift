import NetworkTypes

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
