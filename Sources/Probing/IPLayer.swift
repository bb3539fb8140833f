import NetworkTypes
import PacketFormats

/// The network layer of a packet that may be cut short, as those quoted in ICMP messages are; either version.
struct IPLayer {
    struct Fragment {
        let identification: UInt32
        /// In bytes of the whole packet's body.
        let offset: Int
        let hasMore: Bool
    }

    let source: IPAddress
    let destination: IPAddress
    let transport: IPProtocol
    let timeToLive: Int
    /// Of the packet, in bytes, by its own header.
    let length: Int
    /// Where the transport's header begins.
    let headerLength: Int
    /// Nil for a whole packet.
    let fragment: Fragment?

    /// Nil for what is not IP. Of IPv6's extension headers, only the fragment header is looked into.
    init?(_ bytes: [UInt8]) {
        let span = bytes.span.bytes
        if let header = try? IPv4Header(span) {
            (source, destination) = (.v4(header.source), .v4(header.destination))
            (transport, timeToLive) = (header.nextProtocol, Int(header.timeToLive))
            (length, headerLength) = (header.totalLength, header.headerLength)
            fragment =
                header.isFragment
                ? Fragment(
                    identification: UInt32(header.identification), offset: header.fragmentOffset,
                    hasMore: header.moreFragments)
                : nil
        } else if let header = try? IPv6Header(span) {
            (source, destination) = (.v6(header.source), .v6(header.destination))
            timeToLive = Int(header.hopLimit)
            length = IPv6Header.length + header.payloadLength
            if header.nextHeader == .fragment {
                guard let piece = try? IPv6FragmentHeader(span.extracting(droppingFirst: IPv6Header.length)) else {
                    return nil
                }
                (transport, headerLength) = (piece.nextHeader, IPv6Header.length + IPv6FragmentHeader.length)
                fragment = Fragment(
                    identification: piece.identification, offset: piece.fragmentOffset, hasMore: piece.moreFragments)
            } else {
                (transport, headerLength) = (header.nextHeader, IPv6Header.length)
                fragment = nil
            }
        } else {
            return nil
        }
    }
}
