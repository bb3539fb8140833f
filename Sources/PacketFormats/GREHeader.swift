/// A GRE header, 4 to 16 bytes (RFC 2784, RFC 2890).
public struct GREHeader: Hashable, Sendable {
    /// In bytes: 4, 8, 12 or 16.
    public let headerLength: Int
    public let protocolType: EtherType
    public let checksum: UInt16?
    public let key: UInt32?
    public let sequence: UInt32?

    /// Decodes the header that the bytes begin with.
    public init(_ bytes: RawSpan) throws(Malformation) {
        try bytes.require(4)
        let flags = bytes.uint16(at: 0)
        // Checksum, key and sequence number may be there; routing, strict source route, recursion and a version may not.
        guard flags & 0x4F07 == 0 else { throw .greFlags }
        protocolType = EtherType(rawValue: bytes.uint16(at: 2))
        let hasChecksum = flags & 0x8000 != 0
        let hasKey = flags & 0x2000 != 0
        let hasSequence = flags & 0x1000 != 0
        let keyOffset = hasChecksum ? 8 : 4
        let sequenceOffset = hasKey ? keyOffset + 4 : keyOffset
        headerLength = hasSequence ? sequenceOffset + 4 : sequenceOffset
        try bytes.require(headerLength)
        checksum = hasChecksum ? bytes.uint16(at: 4) : nil
        key = hasKey ? bytes.uint32(at: keyOffset) : nil
        sequence = hasSequence ? bytes.uint32(at: sequenceOffset) : nil
    }
}
