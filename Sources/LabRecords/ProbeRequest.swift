import NetworkTypes

/// A question that the lab asks its own network: who sends what to which address.
///
/// All times are the lab's. A value of this type travels from the host to the agent.
public struct ProbeRequest: Hashable, Sendable, Codable {
    public enum Kind: Hashable, Sendable, Codable {
        /// ICMP echo requests, one every `interval`; `payload` bytes (16 to 65,000) behind the ICMP header of each.
        case echo(count: Int, interval: Duration, payload: Int, dontFragment: Bool, timeout: Duration)
        /// The largest IP packet that is answered with DF set; from `limit` (nil: the MTU of the interface) downwards.
        /// A length counts as lost when `tries` echo requests of it have not been answered.
        case pathMTU(limit: Int?, tries: Int, timeout: Duration)
        /// One echo request as an IP packet of exactly `length` bytes.
        case oneEcho(length: Int, dontFragment: Bool, timeout: Duration)
        /// The routers on the way, one probe each.
        case trace(method: TraceMethod, maximumHops: Int, timeout: Duration)
        /// A TCP connection that is opened and closed; `listens` starts a listener at the destination's node if it has none.
        case handshake(port: UInt16, listens: Bool, timeout: Duration)
        /// Bytes over TCP to a listener that is started at the destination's node.
        case bulk(bytes: Int, port: UInt16, deadline: Duration)
        /// One raw packet. The source address may be one that is not the node's own.
        case packet(ProbePacket, wait: Duration)
    }

    public enum TraceMethod: String, Hashable, Sendable, Codable, CaseIterable {
        case udp, icmp
    }

    /// The transport of a single packet.
    public enum ProbePacket: Hashable, Sendable, Codable {
        case echo
        case udp(sourcePort: UInt16, destinationPort: UInt16)
        case tcpSYN(sourcePort: UInt16, destinationPort: UInt16)
        /// Nothing but the marker behind the IP header.
        case other(protocol: UInt8)
    }

    /// The node that asks.
    public let source: String
    /// The address it asks from; nil leaves the choice to its routes.
    public let sourceAddress: IPAddress?
    public let destination: IPAddress
    public let kind: Kind
    /// What the packets are marked with; nil takes the next number.
    public let id: UInt64?

    public init(source: String, sourceAddress: IPAddress? = nil, destination: IPAddress, kind: Kind, id: UInt64? = nil)
    {
        self.source = source
        self.sourceAddress = sourceAddress
        self.destination = destination
        self.kind = kind
        self.id = id
    }
}

/// The 16 bytes that the payload of every probe's packet begins with, by which a capture knows it wherever it is in clear.
public enum ProbeMarker {
    /// `netlab-p`.
    public static let magic = Array("netlab-p".utf8)
    public static let length = 16

    /// The magic, then the probe's number in network order.
    public static func bytes(id: UInt64) -> [UInt8] {
        magic + stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: id >> UInt64($0)) }
    }
}

extension ProbeMarker {
    /// The number of the marker that the bytes of a range begin with; nil where they do not.
    public static func id(at range: Range<Int>, in bytes: RawSpan) -> UInt64? {
        guard range.count >= length, range.lowerBound >= 0, range.upperBound <= bytes.byteCount else { return nil }
        let magic = UInt64(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: range.lowerBound, as: UInt64.self))
        guard magic == magicWord else { return nil }
        return UInt64(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: range.lowerBound + 8, as: UInt64.self))
    }

    /// The number of a request over UDP, which stands behind the marker; nil where there is no marker.
    public static func sequence(at range: Range<Int>, in bytes: RawSpan) -> UInt16? {
        guard range.count >= length + 2, id(at: range, in: bytes) != nil else { return nil }
        return UInt16(
            bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: range.lowerBound + length, as: UInt16.self))
    }

    /// The magic as one number in network order.
    private static let magicWord = magic.reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
}
