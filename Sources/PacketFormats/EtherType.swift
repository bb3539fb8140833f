/// What an Ethernet frame, a VLAN tag or a GRE header carries (IEEE 802 numbers).
public struct EtherType: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt16

    @inlinable public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    public static let ipv4 = EtherType(rawValue: 0x0800)
    public static let arp = EtherType(rawValue: 0x0806)
    public static let ipv6 = EtherType(rawValue: 0x86DD)
    /// A customer VLAN tag (IEEE 802.1Q).
    public static let vlan = EtherType(rawValue: 0x8100)
    /// A service VLAN tag (IEEE 802.1ad), the outer one of two.
    public static let serviceVLAN = EtherType(rawValue: 0x88A8)
    /// An Ethernet frame in GRE.
    public static let bridgedEthernet = EtherType(rawValue: 0x6558)

    /// Whether this is the length of an IEEE 802.3 frame instead of a type.
    public var isLength: Bool { rawValue < 0x0600 }
}
