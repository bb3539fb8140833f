import NetworkTypes

/// What libreswan's pluto says of itself: its connections and their security associations.
///
/// Made from the text of ``PlutoCommand/status(socket:)``, which is one process for everything; any other of whack's
/// texts will do too and leaves out what it does not say. Source: ipsec_whack(8), libreswan 4.10 and 5.2.
public struct PlutoStatus: Hashable, Sendable {
    /// In the order pluto lists them: by name.
    public let connections: [IPsecConnection]
    /// By number, which only grows.
    public let ikeSAs: [IKESecurityAssociation]
    /// By number, which only grows.
    public let childSAs: [ChildSecurityAssociation]

    /// Of a template and the instance that a peer has made of it, that which has associations.
    public func connection(named name: String) -> IPsecConnection? {
        let named = connections.filter { $0.name == name }
        return named.last { $0.newestIKESA != nil } ?? named.last { $0.newestChildSA != nil } ?? named.first
    }
}

/// A `conn` section that pluto has loaded.
public struct IPsecConnection: Hashable, Sendable {
    public let name: String
    /// Whether pluto has found out which end it is: false where no interface has the address of `left` or `right`.
    public let isOriented: Bool
    /// `unrouted`, `erouted`, `prospective erouted`, `erouted HOLD` …; since libreswan 5 `routed-tunnel` for `erouted`.
    public let routing: String
    /// The number of the newest IKE SA, if there is one.
    public let newestIKESA: Int?
    /// The number of the newest child SA, if there is one.
    public let newestChildSA: Int?
    /// The algorithms of the newest IKE SA, as `AES_CBC_256-HMAC_SHA2_384-DH20`.
    public let ikeAlgorithms: String?
    /// The algorithms of the newest child SA, as `AES_CBC_256-HMAC_SHA2_256_128`.
    ///
    /// The first child SA is made together with its IKE SA and has no Diffie-Hellman exchange of its own; the group of
    /// perfect forward secrecy is used from its first renewal on.
    public let espAlgorithms: String?
    /// The algorithms the configuration wants of a child SA, with the group.
    public let configuredESPAlgorithms: String?
}

/// An IKE SA, established or on its way.
public struct IKESecurityAssociation: Hashable, Sendable {
    public let number: Int
    public let connection: String
    /// pluto's name of the state, as `STATE_V2_ESTABLISHED_IKE_SA`; since libreswan 5 `ESTABLISHED_IKE_SA`.
    public let state: String
    /// The state in words.
    public let explanation: String
    /// When it is negotiated anew.
    public let rekeyIn: Duration?
    /// When it ends if that has not happened.
    public let replaceIn: Duration?

    public var isEstablished: Bool { Self.established.contains(state) }

    /// Of IKEv2, and of IKEv1's main and aggressive mode at either end.
    private static let established: Set = [
        "STATE_V2_ESTABLISHED_IKE_SA", "ESTABLISHED_IKE_SA", "STATE_MAIN_I4", "STATE_MAIN_R3", "STATE_AGGR_I2",
        "STATE_AGGR_R2",
    ]
}

/// A child SA, which carries traffic in both directions; established or on its way.
public struct ChildSecurityAssociation: Hashable, Sendable {
    public let number: Int
    public let connection: String
    /// pluto's name of the state, as `STATE_V2_ESTABLISHED_CHILD_SA`; since libreswan 5 `ESTABLISHED_CHILD_SA`.
    public let state: String
    /// The state in words.
    public let explanation: String
    /// The IKE SA it belongs to.
    public let parent: Int?
    public let rekeyIn: Duration?
    public let replaceIn: Duration?
    /// The SPI of the packets that come in, and of those that go out.
    public let inboundSPI: UInt32?
    public let outboundSPI: UInt32?
    /// When it was made, in seconds since 1970 of the lab's clock.
    public let addedAt: Int?
    public let inboundBytes: UInt64?
    public let outboundBytes: UInt64?

    public var isEstablished: Bool { Self.established.contains(state) }

    /// Of IKEv2, and of IKEv1's quick mode at either end.
    private static let established: Set = [
        "STATE_V2_ESTABLISHED_CHILD_SA", "ESTABLISHED_CHILD_SA", "STATE_QUICK_I2", "STATE_QUICK_R2",
    ]
}
