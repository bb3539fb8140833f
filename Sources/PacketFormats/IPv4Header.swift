import NetworkTypes

/// An IPv4 header, 20 to 60 bytes (RFC 791, 3.1).
public struct IPv4Header: Hashable, Sendable {
    /// Of the header with its options, in bytes: 20 to 60.
    public let headerLength: Int
    /// Of header and body, in bytes, as the header claims.
    public let totalLength: Int
    /// The type of service byte: DSCP and ECN.
    public let trafficClass: UInt8
    public let identification: UInt16
    public let dontFragment: Bool
    public let moreFragments: Bool
    /// Where in the whole packet's body this fragment's body stands, in bytes.
    public let fragmentOffset: Int
    public let timeToLive: UInt8
    public let nextProtocol: IPProtocol
    public let checksum: UInt16
    public let source: IPv4Address
    public let destination: IPv4Address

    /// Whether this packet is but a part of one.
    public var isFragment: Bool { moreFragments || fragmentOffset > 0 }

    /// Decodes the header that the bytes begin with, and checks the form of its options.
    public init(_ bytes: RawSpan) throws(Malformation) {
        try bytes.require(1)
        let version = bytes.uint8(at: 0)
        guard version >> 4 == 4 else { throw .ipVersion(version >> 4) }
        try bytes.require(20)
        headerLength = Int(version & 0xF) * 4
        guard headerLength >= 20 else { throw .ipv4HeaderLength }
        trafficClass = bytes.uint8(at: 1)
        totalLength = Int(bytes.uint16(at: 2))
        guard totalLength >= headerLength else { throw .ipv4TotalLength }
        identification = bytes.uint16(at: 4)
        let fragmentation = bytes.uint16(at: 6)
        dontFragment = fragmentation & 0x4000 != 0
        moreFragments = fragmentation & 0x2000 != 0
        fragmentOffset = Int(fragmentation & 0x1FFF) * 8
        timeToLive = bytes.uint8(at: 8)
        nextProtocol = IPProtocol(rawValue: bytes.uint8(at: 9))
        checksum = bytes.uint16(at: 10)
        source = bytes.ipv4Address(at: 12)
        destination = bytes.ipv4Address(at: 16)
        if headerLength > 20 {
            try bytes.require(headerLength)
            try bytes.forEachOption(in: 20..<headerLength, orThrow: .ipv4Options) { _, _ throws(Malformation) in }
        }
    }
}

extension RawSpan {
    /// Visits the options of an IPv4 or a TCP header, which have one form (RFC 791, 3.1; RFC 9293, 3.1): a kind, the length
    /// of the whole, data; kind 0 ends the list and kind 1 is a filler, both a single byte.
    @inline(__always)
    func forEachOption(
        in range: Range<Int>, orThrow malformation: Malformation,
        _ visit: (_ kind: UInt8, _ data: Range<Int>) throws(Malformation) -> Void
    ) throws(Malformation) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let kind = uint8(at: offset)
            if kind == 0 { return }
            if kind == 1 {
                offset += 1
                continue
            }
            guard offset + 1 < range.upperBound else { throw malformation }
            let length = Int(uint8(at: offset + 1))
            guard length >= 2, offset + length <= range.upperBound else { throw malformation }
            try visit(kind, offset + 2..<offset + length)
            offset += length
        }
    }
}
