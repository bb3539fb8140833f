import NetworkTypes

/// An IPv6 header: 40 bytes (RFC 8200, 3).
public struct IPv6Header: Hashable, Sendable {
    public static let length = 40

    public let trafficClass: UInt8
    /// 20 bits.
    public let flowLabel: UInt32
    /// Of all that follows this header, extension headers included, in bytes, as the header claims.
    public let payloadLength: Int
    public let nextHeader: IPProtocol
    public let hopLimit: UInt8
    public let source: IPv6Address
    public let destination: IPv6Address

    /// Decodes the header that the bytes begin with.
    public init(_ bytes: RawSpan) throws(Malformation) {
        try bytes.require(1)
        let version = bytes.uint8(at: 0) >> 4
        guard version == 6 else { throw .ipVersion(version) }
        try bytes.require(Self.length)
        let first = bytes.uint32(at: 0)
        trafficClass = UInt8(truncatingIfNeeded: first >> 20)
        flowLabel = first & 0xFFFFF
        payloadLength = Int(bytes.uint16(at: 4))
        nextHeader = IPProtocol(rawValue: bytes.uint8(at: 6))
        hopLimit = bytes.uint8(at: 7)
        source = bytes.ipv6Address(at: 8)
        destination = bytes.ipv6Address(at: 24)
    }
}

extension IPv6Address {
    /// The IPv4 address of an ISATAP node: an interface identifier that begins with 0000:5efe or 0200:5efe
    /// (RFC 5214, 6.1); nil of any other address.
    public var isatapAddress: IPv4Address? {
        let prefix = low >> 32
        guard prefix == 0x0000_5EFE || prefix == 0x0200_5EFE else { return nil }
        return IPv4Address(rawValue: UInt32(truncatingIfNeeded: low))
    }
}
