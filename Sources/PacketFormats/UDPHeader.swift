/// A UDP header: 8 bytes (RFC 768).
public struct UDPHeader: Hashable, Sendable {
    public static let length = 8

    public let sourcePort: UInt16
    public let destinationPort: UInt16
    /// Of header and data, in bytes, as the header claims.
    public let datagramLength: Int
    /// 0 means that there is none.
    public let checksum: UInt16

    /// Decodes the header that the bytes begin with.
    public init(_ bytes: RawSpan) throws(Malformation) {
        try bytes.require(Self.length)
        sourcePort = bytes.uint16(at: 0)
        destinationPort = bytes.uint16(at: 2)
        datagramLength = Int(bytes.uint16(at: 4))
        guard datagramLength >= Self.length else { throw .udpLength }
        checksum = bytes.uint16(at: 6)
    }

    /// Whether either end is at this port.
    @inline(__always)
    func uses(port: UInt16) -> Bool { sourcePort == port || destinationPort == port }
}
