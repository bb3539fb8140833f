import NetworkTypes

/// The checksum of IPv4, ICMP, UDP and TCP, computed piece by piece (RFC 1071).
public struct InternetChecksum: Sendable {
    /// The sum of all 16-bit words, not yet folded.
    private var sum: UInt64 = 0

    public init() {}

    /// Adds a piece; only the last one may have an odd number of bytes.
    public mutating func add(_ bytes: RawSpan) {
        var offset = 0
        // Two words at once: a carry from one to the next is what folding does anyway.
        while offset + 4 <= bytes.byteCount {
            sum += UInt64(bytes.uint32(at: offset))
            offset += 4
        }
        if offset + 2 <= bytes.byteCount {
            sum += UInt64(bytes.uint16(at: offset))
            offset += 2
        }
        if offset < bytes.byteCount { sum += UInt64(bytes.uint8(at: offset)) << 8 }
    }

    /// Adds an IPv4 pseudo-header (RFC 9293, 3.1).
    public mutating func addPseudoHeader(
        from source: IPv4Address, to destination: IPv4Address, _ nextProtocol: IPProtocol, length: Int
    ) {
        sum += UInt64(source.rawValue) + UInt64(destination.rawValue)
        addPseudoHeader(nextProtocol, length: length)
    }

    /// Adds an IPv6 pseudo-header (RFC 8200, 8.1).
    public mutating func addPseudoHeader(
        from source: IPv6Address, to destination: IPv6Address, _ nextProtocol: IPProtocol, length: Int
    ) {
        add(source)
        add(destination)
        addPseudoHeader(nextProtocol, length: length)
    }

    private mutating func add(_ address: IPv6Address) {
        sum += address.high >> 32 + address.high & 0xFFFF_FFFF
        sum += address.low >> 32 + address.low & 0xFFFF_FFFF
    }

    private mutating func addPseudoHeader(_ nextProtocol: IPProtocol, length: Int) {
        sum += UInt64(nextProtocol.rawValue) + UInt64(UInt32(truncatingIfNeeded: length))
    }

    /// What a header's checksum field has to hold; 0 when the bytes that were added have the right one among them.
    ///
    /// A UDP sender writes 0xFFFF in the place of 0 (RFC 768).
    public var value: UInt16 {
        var folded = sum
        while folded > 0xFFFF { folded = folded >> 16 + folded & 0xFFFF }
        return ~UInt16(folded)
    }
}
