import NetworkTypes

/// The header of an Ethernet frame: 14 bytes (IEEE 802.3).
public struct EthernetHeader: Hashable, Sendable {
    public static let length = 14

    public let destination: MACAddress
    public let source: MACAddress
    public let etherType: EtherType

    /// Decodes the header that the bytes begin with.
    public init(_ bytes: RawSpan) throws(Malformation) {
        try bytes.require(Self.length)
        destination = bytes.macAddress(at: 0)
        source = bytes.macAddress(at: 6)
        etherType = EtherType(rawValue: bytes.uint16(at: 12))
    }
}

/// A VLAN tag without the type that announced it: 4 bytes, of which the last two say what follows (IEEE 802.1Q).
public struct VLANTag: Hashable, Sendable {
    public static let length = 4

    /// 0 to 4095; 0 means that the tag has a priority only.
    public let identifier: UInt16
    /// 0 to 7.
    public let priority: UInt8
    public let isDropEligible: Bool
    public let etherType: EtherType

    /// Decodes the tag that the bytes begin with.
    public init(_ bytes: RawSpan) throws(Malformation) {
        try bytes.require(Self.length)
        let control = bytes.uint16(at: 0)
        identifier = control & 0xFFF
        priority = UInt8(control >> 13)
        isDropEligible = control & 0x1000 != 0
        etherType = EtherType(rawValue: bytes.uint16(at: 2))
    }
}

/// The header that the "any" device has in the place of the link's own: 16 bytes
/// (tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html).
public struct LinuxCookedHeader: Hashable, Sendable {
    public static let length = 16

    /// 0 to this host, 1 broadcast, 2 multicast, 3 to another host, 4 sent by this host.
    public let packetType: UInt16
    /// The kind of device, an ARPHRD number of Linux' if_arp.h.
    public let deviceType: UInt16
    /// The sender's link address; nil where the device has none of six bytes.
    public let source: MACAddress?
    public let etherType: EtherType

    /// Decodes the header that the bytes begin with.
    public init(_ bytes: RawSpan) throws(Malformation) {
        try bytes.require(Self.length)
        packetType = bytes.uint16(at: 0)
        deviceType = bytes.uint16(at: 2)
        source = bytes.uint16(at: 4) == 6 ? bytes.macAddress(at: 6) : nil
        etherType = EtherType(rawValue: bytes.uint16(at: 14))
    }
}
