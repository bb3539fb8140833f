import NetworkTypes

/// A BGP session between two nodes, over a tunnel or a link.
public struct BGPSession: Hashable, Sendable, Codable {
    public let name: String
    /// Exactly two.
    public internal(set) var speakers: [BGPSpeaker]
    /// The key of the TCP MD5 signature option (RFC 2385).
    public internal(set) var password: Secret?

    public func peer(of speaker: BGPSpeaker) -> BGPSpeaker? {
        speakers.first { $0.node != speaker.node }
    }
}

/// One side of a BGP session.
public struct BGPSpeaker: Hashable, Sendable, Codable {
    public let node: String
    public let asn: ASN
    public let address: IPAddress
    public let interface: InterfaceName
    /// How often it says that it is there.
    public internal(set) var keepalive: Duration
    /// What it proposes as the time without a word after which the session is dead; the smaller of both counts.
    public internal(set) var hold: Duration
    public let advertised: [IPPrefix]
}
