import NetworkTypes

/// A frame as one line of text, through all its layers.
///
///     203.0.113.10 > 198.51.100.10 UDP 4500 > 4500 ESP spi 0x1a2b3c4d seq 17, 1440 bytes
///     192.0.2.1 > 192.0.2.2 IPIP / 10.0.0.1 > 10.0.0.2 ICMP echo request id 7 seq 1, 64 bytes
///     192.0.2.1 > 203.0.113.9 ICMP frag-needed mtu 1438 (10.2.3.100 > 10.105.2.100 TCP 40000 > 80 …), 36 bytes
///
/// After each `/` stands what the tunnel or VLAN before it carries, in parentheses the packet that an ICMP error is about, in
/// brackets at the end what is wrong. The size is of what is named last and present in the frame: of an ICMP, ESP or IKE
/// message with its header, otherwise of the data.
public struct PacketLine: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    /// Describes a captured frame.
    public init(_ frame: RawSpan, linkType: LinkType) {
        var writer = PacketLineWriter(linkType: linkType, isQuote: false)
        Dissection.walk(frame, linkType: linkType) { layer, header, body in
            writer.add(layer, header, body, in: frame)
            return true
        }
        description = writer.line()
    }

    /// Describes the IPv4 or IPv6 packet at `range`: a decrypted one.
    ///
    /// A range that is not within `bytes` is cut to what is.
    public init(packet bytes: RawSpan, in range: Range<Int>) {
        self.init(packet: bytes, in: range, isQuote: false)
    }

    init(packet bytes: RawSpan, in range: Range<Int>, isQuote: Bool) {
        var writer = PacketLineWriter(linkType: .raw, isQuote: isQuote)
        Dissection.walkPacket(bytes, in: range) { layer, header, body in
            writer.add(layer, header, body, in: bytes)
            return true
        }
        description = writer.line()
    }
}
