import NetworkTypes

/// An ARP message for IPv4 over Ethernet: 28 bytes (RFC 826).
public struct ARPMessage: Hashable, Sendable {
    public static let length = 28

    /// 1 a request, 2 a reply.
    public let operation: UInt16
    public let senderMAC: MACAddress
    public let sender: IPv4Address
    public let targetMAC: MACAddress
    public let target: IPv4Address

    /// Decodes the message that the bytes begin with.
    public init(_ bytes: RawSpan) throws(Malformation) {
        try bytes.require(Self.length)
        // Hardware Ethernet, protocol IPv4, addresses of six and of four bytes.
        guard bytes.uint64(at: 0) >> 16 == 0x0001_0800_0604 else { throw .arpFormat }
        operation = bytes.uint16(at: 6)
        senderMAC = bytes.macAddress(at: 8)
        sender = bytes.ipv4Address(at: 14)
        targetMAC = bytes.macAddress(at: 18)
        target = bytes.ipv4Address(at: 24)
    }
}
