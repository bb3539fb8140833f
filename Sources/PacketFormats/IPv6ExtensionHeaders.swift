import NetworkTypes

/// A hop-by-hop or destination options header (RFC 8200, 4.3 and 4.6).
public struct IPv6OptionsHeader: Hashable, Sendable {
    public let nextHeader: IPProtocol
    /// In bytes: 8 to 2048.
    public let headerLength: Int
    /// How many more tunnels this packet may enter, where it says so (RFC 2473, 4.1.1).
    public let tunnelEncapsulationLimit: UInt8?

    /// Decodes the header that the bytes begin with, and checks the form of its options.
    public init(_ bytes: RawSpan) throws(Malformation) {
        try bytes.require(8)
        nextHeader = IPProtocol(rawValue: bytes.uint8(at: 0))
        headerLength = (Int(bytes.uint8(at: 1)) + 1) * 8
        try bytes.require(headerLength)
        var limit: UInt8?
        var offset = 2
        while offset < headerLength {
            let type = bytes.uint8(at: offset)
            // Pad1 is the one option without a length.
            if type == 0 {
                offset += 1
                continue
            }
            guard offset + 1 < headerLength else { throw .ipv6Options }
            let length = Int(bytes.uint8(at: offset + 1))
            guard offset + 2 + length <= headerLength else { throw .ipv6Options }
            if type == 4 {
                guard length == 1 else { throw .ipv6Options }
                limit = bytes.uint8(at: offset + 2)
            }
            offset += 2 + length
        }
        tunnelEncapsulationLimit = limit
    }
}

/// A routing header, whatever its type (RFC 8200, 4.4).
public struct IPv6RoutingHeader: Hashable, Sendable {
    public let nextHeader: IPProtocol
    /// In bytes: 8 to 2048.
    public let headerLength: Int
    public let type: UInt8
    public let segmentsLeft: UInt8

    /// Decodes the header that the bytes begin with.
    public init(_ bytes: RawSpan) throws(Malformation) {
        try bytes.require(8)
        nextHeader = IPProtocol(rawValue: bytes.uint8(at: 0))
        headerLength = (Int(bytes.uint8(at: 1)) + 1) * 8
        type = bytes.uint8(at: 2)
        segmentsLeft = bytes.uint8(at: 3)
        try bytes.require(headerLength)
    }
}

/// A fragment header: 8 bytes (RFC 8200, 4.5).
public struct IPv6FragmentHeader: Hashable, Sendable {
    public static let length = 8

    public let nextHeader: IPProtocol
    /// Where in the whole packet's fragmentable part this fragment stands, in bytes.
    public let fragmentOffset: Int
    public let moreFragments: Bool
    public let identification: UInt32

    /// Whether this packet is but a part of one; a fragment header may also be on a whole packet (RFC 6946).
    public var isFragment: Bool { moreFragments || fragmentOffset > 0 }

    /// Decodes the header that the bytes begin with.
    public init(_ bytes: RawSpan) throws(Malformation) {
        try bytes.require(Self.length)
        nextHeader = IPProtocol(rawValue: bytes.uint8(at: 0))
        let offset = bytes.uint16(at: 2)
        fragmentOffset = Int(offset & 0xFFF8)
        moreFragments = offset & 1 != 0
        identification = bytes.uint32(at: 4)
    }
}
