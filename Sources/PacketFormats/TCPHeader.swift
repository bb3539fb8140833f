/// A TCP header, 20 to 60 bytes, with the options that matter to tunnels and BGP (RFC 9293, 3.1).
public struct TCPHeader: Hashable, Sendable {
    /// The control bits.
    public struct Flags: OptionSet, Hashable, Sendable {
        public let rawValue: UInt8

        public init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        public static let fin = Flags(rawValue: 0x01)
        public static let syn = Flags(rawValue: 0x02)
        public static let rst = Flags(rawValue: 0x04)
        public static let psh = Flags(rawValue: 0x08)
        public static let ack = Flags(rawValue: 0x10)
        public static let urg = Flags(rawValue: 0x20)
        public static let ece = Flags(rawValue: 0x40)
        public static let cwr = Flags(rawValue: 0x80)
    }

    /// The timestamps option (RFC 7323, 3.2).
    public struct Timestamps: Hashable, Sendable {
        public let value: UInt32
        public let echoReply: UInt32
    }

    public let sourcePort: UInt16
    public let destinationPort: UInt16
    public let sequence: UInt32
    public let acknowledgment: UInt32
    /// With the options, in bytes: 20 to 60.
    public let headerLength: Int
    public let flags: Flags
    /// As sent, before any scaling.
    public let window: UInt16
    public let checksum: UInt16
    public let urgentPointer: UInt16
    /// In bytes (option kind 2).
    public let maximumSegmentSize: UInt16?
    /// A power of two (option kind 3, RFC 7323).
    public let windowScale: UInt8?
    /// Option kind 4 (RFC 2018).
    public let sackPermitted: Bool
    public let timestamps: Timestamps?
    /// Option kind 19 (RFC 2385).
    public let hasMD5Signature: Bool

    /// Decodes the header that the bytes begin with.
    public init(_ bytes: RawSpan) throws(Malformation) {
        try bytes.require(20)
        sourcePort = bytes.uint16(at: 0)
        destinationPort = bytes.uint16(at: 2)
        sequence = bytes.uint32(at: 4)
        acknowledgment = bytes.uint32(at: 8)
        headerLength = Int(bytes.uint8(at: 12) >> 4) * 4
        guard headerLength >= 20 else { throw .tcpDataOffset }
        flags = Flags(rawValue: bytes.uint8(at: 13))
        window = bytes.uint16(at: 14)
        checksum = bytes.uint16(at: 16)
        urgentPointer = bytes.uint16(at: 18)
        try bytes.require(headerLength)
        var segmentSize: UInt16?
        var scale: UInt8?
        var sack = false
        var stamps: Timestamps?
        var signature = false
        try bytes.forEachOption(in: 20..<headerLength, orThrow: .tcpOptions) { kind, data throws(Malformation) in
            switch (kind, data.count) {
            case (2, 2): segmentSize = bytes.uint16(at: data.lowerBound)
            case (3, 1): scale = bytes.uint8(at: data.lowerBound)
            case (4, 0): sack = true
            case (8, 8):
                stamps = Timestamps(
                    value: bytes.uint32(at: data.lowerBound), echoReply: bytes.uint32(at: data.lowerBound + 4))
            case (19, 16): signature = true
            case (2, _), (3, _), (4, _), (8, _), (19, _): throw .tcpOptions
            default: break
            }
        }
        maximumSegmentSize = segmentSize
        windowScale = scale
        sackPermitted = sack
        timestamps = stamps
        hasMD5Signature = signature
    }

    /// Whether either end is at this port.
    @inline(__always)
    func uses(port: UInt16) -> Bool { sourcePort == port || destinationPort == port }
}
