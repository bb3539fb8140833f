import NetworkTypes

/// The first 8 bytes of an ICMP message; in an error, the packet it is about follows them (RFC 792).
public struct ICMPMessage: Hashable, Sendable {
    public static let headerLength = 8

    public enum Content: Hashable, Sendable {
        case echoRequest(identifier: UInt16, sequence: UInt16)
        case echoReply(identifier: UInt16, sequence: UInt16)
        /// The code says why, except code 4.
        case destinationUnreachable
        /// Destination unreachable, code 4: the next hop takes no more than `mtu` bytes; 0 from a router older than
        /// RFC 1191.
        case fragmentationNeeded(mtu: UInt16)
        case redirect(gateway: IPv4Address)
        case timeExceeded
        case parameterProblem(pointer: UInt8)
        case other
    }

    public let type: UInt8
    public let code: UInt8
    public let checksum: UInt16
    public let content: Content

    /// Whether the body is the beginning of the packet that caused this message.
    public var quotesPacket: Bool {
        switch content {
        case .destinationUnreachable, .fragmentationNeeded, .redirect, .timeExceeded, .parameterProblem: true
        case .echoRequest, .echoReply, .other: false
        }
    }

    /// Decodes the message that the bytes begin with.
    public init(_ bytes: RawSpan) throws(Malformation) {
        try bytes.require(Self.headerLength)
        type = bytes.uint8(at: 0)
        code = bytes.uint8(at: 1)
        checksum = bytes.uint16(at: 2)
        content =
            switch type {
            case 0: .echoReply(identifier: bytes.uint16(at: 4), sequence: bytes.uint16(at: 6))
            case 3 where code == 4: .fragmentationNeeded(mtu: bytes.uint16(at: 6))
            case 3: .destinationUnreachable
            case 5: .redirect(gateway: bytes.ipv4Address(at: 4))
            case 8: .echoRequest(identifier: bytes.uint16(at: 4), sequence: bytes.uint16(at: 6))
            case 11: .timeExceeded
            case 12: .parameterProblem(pointer: bytes.uint8(at: 4))
            default: .other
            }
    }
}
