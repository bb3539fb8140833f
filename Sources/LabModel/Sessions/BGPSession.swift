import NetworkTypes

/// A BGP session between two nodes, over a tunnel or a link.
public struct BGPSession: Hashable, Sendable, Codable {
    public let name: String
    /// Exactly two.
    public var speakers: [BGPSpeaker]
    /// The key of the TCP MD5 signature option (RFC 2385); nil for none.
    public var password: Secret?

    public init(name: String, speakers: [BGPSpeaker], password: Secret?) {
        self.name = name
        self.speakers = speakers
        self.password = password
    }

    public func peer(of speaker: BGPSpeaker) -> BGPSpeaker? {
        speakers.first { $0.node != speaker.node }
    }

    /// The key that a speaker has been given.
    public func key(of speaker: BGPSpeaker) -> Secret? { speaker.password ?? password }

    /// Whether a key is used that the other speaker does not have: then no segment is accepted, and the session never
    /// comes up (RFC 2385, section 2.0).
    public var hasDifferentKeys: Bool { Set(speakers.map { key(of: $0)?.reveal() }).count > 1 }

    /// The speaker that takes its peer for another autonomous system than the peer says it is: it answers the OPEN with a NOTIFICATION,
    /// and the session never comes up (RFC 4271, section 6.2: Bad Peer AS).
    public var mistaken: BGPSpeaker? {
        speakers.first { speaker in
            speaker.peerASN.map { $0 != peer(of: speaker)?.asn } ?? false
        }
    }

    /// Whether its two sides agree, so that it comes up where packets go.
    public var canComeUp: Bool { !hasDifferentKeys && mistaken == nil }
}

/// One side of a BGP session.
public struct BGPSpeaker: Hashable, Sendable, Codable {
    public let node: String
    public let asn: ASN
    /// The AS number that it takes its peer to have; nil for the peer's own.
    public let peerASN: ASN?
    public let address: IPAddress
    public let interface: InterfaceName
    /// How often it says that it is there.
    public var keepalive: Duration
    /// What it proposes as the time without a word after which the session is dead; the smaller of both counts.
    public var hold: Duration
    public let advertised: [IPPrefix]
    /// Whether it tells the peer also what its other sessions have told it, as a carrier does (RFC 4271, section 3.1).
    public var passesOn = false
    /// Whether its peer is a client of its, which it tells also what other speakers of their AS have told it, and whose routes it tells
    /// those (RFC 4456, section 6).
    public var reflects = false
    /// How long it may be away, as it tells the peer, before that takes its routes back when the connection breaks off (RFC 4724, section 3:
    /// Restart Time), in whole seconds from 1 to 4095; nil for a speaker without graceful restart.
    public var gracefulRestart: Duration?
    /// How often its AS number stands in paths it tells the peer, beyond the once that is due (RFC 4271, section 5.1.2).
    public var prepended = 0
    /// Whether it goes by its own hold time and keepalives even where the peer proposes less, against RFC 4271, section 4.2.
    public var keepsTimers = false
    /// A key of its own instead of the session's.
    public var password: Secret?
    /// What it makes of routes.
    public var policy = SpeakerPolicy()
    /// The timers of BFD beside the session; nil for none (RFC 5882, section 4).
    public var bfd: BFDTimers?

    public init(
        node: String, asn: ASN, peerASN: ASN? = nil, address: IPAddress, interface: InterfaceName, keepalive: Duration,
        hold: Duration,
        advertised: [IPPrefix], passesOn: Bool = false, prepended: Int = 0, keepsTimers: Bool = false,
        password: Secret?,
        bfd: BFDTimers? = nil
    ) {
        self.node = node
        self.asn = asn
        self.peerASN = peerASN
        self.address = address
        self.interface = interface
        self.keepalive = keepalive
        self.hold = hold
        self.advertised = advertised
        self.passesOn = passesOn
        self.prepended = prepended
        self.keepsTimers = keepsTimers
        self.password = password
        self.bfd = bfd
    }
}
