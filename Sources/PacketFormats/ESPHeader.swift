import NetworkTypes

/// What is in clear at the beginning of an ESP packet: 8 bytes (RFC 4303, 2).
public struct ESPHeader: Hashable, Sendable {
    public static let length = 8

    public let spi: UInt32
    /// The low 32 bits of the sequence number.
    public let sequence: UInt32

    /// Decodes the header that the bytes begin with.
    public init(_ bytes: RawSpan) throws(Malformation) {
        try bytes.require(Self.length)
        spi = bytes.uint32(at: 0)
        sequence = bytes.uint32(at: 4)
    }
}

/// An authentication header with its integrity check value (RFC 4302, 2).
public struct AuthenticationHeader: Hashable, Sendable {
    public let nextHeader: IPProtocol
    /// With the integrity check value, in bytes: 12 to 1028.
    public let headerLength: Int
    public let spi: UInt32
    /// The low 32 bits of the sequence number.
    public let sequence: UInt32

    /// Decodes the header that the bytes begin with.
    public init(_ bytes: RawSpan) throws(Malformation) {
        try bytes.require(12)
        nextHeader = IPProtocol(rawValue: bytes.uint8(at: 0))
        headerLength = (Int(bytes.uint8(at: 1)) + 2) * 4
        guard headerLength >= 12 else { throw .authenticationLength }
        spi = bytes.uint32(at: 4)
        sequence = bytes.uint32(at: 8)
        try bytes.require(headerLength)
    }
}
