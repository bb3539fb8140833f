import NetworkTypes

/// A network interface as the kernel describes it (`RTM_NEWLINK`, rtnetlink(7)).
public struct LinkInfo: Hashable, Sendable, Codable {
    /// The interface's number in its namespace: 1 or more.
    public var index: Int32
    public var name: InterfaceName
    public var kind: LinkKind
    /// In bytes; 0 where the interface has none. May be beyond the range of `MTU` (a loopback's is 65536).
    public var mtu: Int
    /// Whether it was set up (`IFF_UP`).
    public var isUp: Bool
    /// Whether the link below is there (`IFF_LOWER_UP`): for a veth, whether its peer is up too.
    public var hasCarrier: Bool
    /// Nil for interfaces without Ethernet addresses, such as tunnels.
    public var mac: MACAddress?
    /// The bridge or VRF it belongs to.
    public var masterIndex: Int32?
    /// The interface it stands on, or a veth's peer; in the peer's namespace if that is another one.
    public var linkIndex: Int32?
    public var received: LinkCounters
    public var sent: LinkCounters
}

/// What an interface counted in one direction since it was made.
public struct LinkCounters: Hashable, Sendable, Codable {
    public var packets: UInt64 = 0
    public var bytes: UInt64 = 0
    public var errors: UInt64 = 0
    public var drops: UInt64 = 0

    public init() {}
}

/// What sort of interface it is, with the settings that it was made with.
public enum LinkKind: Hashable, Sendable, Codable {
    /// No virtual interface: the loopback, and real hardware.
    case physical
    case dummy
    case veth
    case bridge
    /// An 802.1Q tag: 0 to 4095.
    case vlan(id: Int)
    case vrf(table: UInt32)
    /// A route-based IPsec tunnel; its keys are the marks of the policies it uses.
    case vti(local: IPAddress, remote: IPAddress, inputKey: UInt32, outputKey: UInt32)
    case xfrm(id: UInt32)
    /// IPv4 or IPv6 in IPv6 (RFC 2473). Without an encapsulation limit no such option is added (`encaplimit none`). The flow
    /// information is the traffic class and the flow label, as the first 32 bits of the header have them.
    case ip6Tunnel(
        local: IPv6Address, remote: IPv6Address, payload: UInt8, encapsulationLimit: Int?, hopLimit: Int,
        flowInformation: UInt32)
    /// IPv4 in IPv4 (RFC 2003).
    case ipip(local: IPv4Address, remote: IPv4Address)
    /// IPv6 in IPv4 (RFC 4213), or ISATAP (RFC 5214).
    case sit(local: IPv4Address, remote: IPv4Address, isISATAP: Bool)
    case gre(local: IPAddress, remote: IPAddress, key: UInt32?, hasSequenceNumbers: Bool, hasChecksum: Bool)
    /// Frames in UDP, to one remote (RFC 7348).
    case vxlan(local: IPAddress, remote: IPAddress, vni: UInt32, port: UInt16)
    /// Any other kind, by the kernel's name for it.
    case other(String)
}
