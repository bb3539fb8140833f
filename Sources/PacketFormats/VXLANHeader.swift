/// A VXLAN header: 8 bytes, before an Ethernet frame (RFC 7348, section 5).
public struct VXLANHeader: Hashable, Sendable {
    public static let length = 8
    /// UDP's destination ports: IANA's, and the one that Linux takes where none is given.
    static let ports: Set<UInt16> = [4789, 8472]

    /// 24 bits.
    public let networkIdentifier: UInt32

    /// Whether the bytes begin with such a header: the I flag alone, and zeros where they are reserved.
    ///
    /// Anything may use the port, and receivers ignore what is reserved; what has extensions is not read.
    static func begins(_ bytes: RawSpan) -> Bool {
        bytes.byteCount >= length && bytes.uint32(at: 0) == 0x0800_0000 && bytes.uint8(at: 7) == 0
    }

    /// Decodes the header that the bytes begin with.
    public init(_ bytes: RawSpan) throws(Malformation) {
        try bytes.require(Self.length)
        networkIdentifier = bytes.uint32(at: 4) >> 8
    }
}
