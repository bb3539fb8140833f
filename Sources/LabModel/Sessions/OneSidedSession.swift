import NetworkTypes

/// A BGP session that one side alone has configured: its speaker goes on trying to connect, and it must never come up.
///
/// Faults, predictions and routes know nothing of it; `up` does not wait for it.
public struct OneSidedSession: Hashable, Sendable, Codable {
    public let name: String
    /// Who tries.
    public let node: String
    public let asn: ASN
    /// What it connects from; nil leaves that to the kernel.
    public let address: IPAddress?
    /// The interface that the peer would be on; nil for a peer that is not expected on any (multihop).
    public let interface: InterfaceName?
    /// Whom it tries to reach, and the AS it takes that to be.
    public let peer: IPAddress
    public let peerASN: ASN
    public let keepalive: Duration
    public let hold: Duration
    public let advertised: [IPPrefix]
    public let password: Secret?
    /// Why the other side has not configured it.
    public let reason: String

    public init(
        name: String, node: String, asn: ASN, address: IPAddress?, interface: InterfaceName?, peer: IPAddress,
        peerASN: ASN,
        keepalive: Duration, hold: Duration, advertised: [IPPrefix], password: Secret?, reason: String
    ) {
        self.name = name
        self.node = node
        self.asn = asn
        self.address = address
        self.interface = interface
        self.peer = peer
        self.peerASN = peerASN
        self.keepalive = keepalive
        self.hold = hold
        self.advertised = advertised
        self.password = password
        self.reason = reason
    }
}
