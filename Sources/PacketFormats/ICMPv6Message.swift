import NetworkTypes

/// The beginning of an ICMPv6 message: 8 bytes, 24 in neighbour discovery; in an error, the packet it is about follows
/// (RFC 4443, RFC 4861).
public struct ICMPv6Message: Hashable, Sendable {
    public enum Content: Hashable, Sendable {
        case echoRequest(identifier: UInt16, sequence: UInt16)
        case echoReply(identifier: UInt16, sequence: UInt16)
        /// The code says why.
        case destinationUnreachable
        case packetTooBig(mtu: UInt32)
        case timeExceeded
        case parameterProblem(pointer: UInt32)
        case routerSolicitation
        case routerAdvertisement
        case neighborSolicitation(target: IPv6Address)
        case neighborAdvertisement(target: IPv6Address)
        case other
    }

    public let type: UInt8
    public let code: UInt8
    public let checksum: UInt16
    public let content: Content

    /// In bytes: 8 or 24.
    public var headerLength: Int {
        switch content {
        case .neighborSolicitation, .neighborAdvertisement: 24
        default: 8
        }
    }

    /// Whether the body is the beginning of the packet that caused this message.
    public var quotesPacket: Bool {
        switch content {
        case .destinationUnreachable, .packetTooBig, .timeExceeded, .parameterProblem: true
        default: false
        }
    }

    /// Decodes the message that the bytes begin with.
    public init(_ bytes: RawSpan) throws(Malformation) {
        try bytes.require(8)
        type = bytes.uint8(at: 0)
        code = bytes.uint8(at: 1)
        checksum = bytes.uint16(at: 2)
        switch type {
        case 1: content = .destinationUnreachable
        case 2: content = .packetTooBig(mtu: bytes.uint32(at: 4))
        case 3: content = .timeExceeded
        case 4: content = .parameterProblem(pointer: bytes.uint32(at: 4))
        case 128: content = .echoRequest(identifier: bytes.uint16(at: 4), sequence: bytes.uint16(at: 6))
        case 129: content = .echoReply(identifier: bytes.uint16(at: 4), sequence: bytes.uint16(at: 6))
        case 133: content = .routerSolicitation
        case 134: content = .routerAdvertisement
        case 135:
            try bytes.require(24)
            content = .neighborSolicitation(target: bytes.ipv6Address(at: 8))
        case 136:
            try bytes.require(24)
            content = .neighborAdvertisement(target: bytes.ipv6Address(at: 8))
        default: content = .other
        }
    }
}
