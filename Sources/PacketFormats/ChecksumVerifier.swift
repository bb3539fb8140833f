import NetworkTypes

public enum ChecksumStatus: Hashable, Sendable {
    case valid
    case invalid
    /// The sender left it out, as UDP allows.
    case absent
}

/// Verifies the checksums of a frame's layers while they are visited, and so tells which header or data was corrupted.
///
/// Give it each layer of one walk, in order; it allocates nothing.
public struct ChecksumVerifier: Sendable {
    private enum Addresses {
        case v4(IPv4Address, IPv4Address)
        case v6(IPv6Address, IPv6Address)
    }

    /// Those of the innermost IP header; nil where a checksum that covers the packet cannot be verified.
    private var addresses: Addresses?

    public init() {}

    /// The status of a layer's checksum.
    ///
    /// Nil for a layer that has none, and where not all that it covers is there: in fragments and truncated packets.
    /// A checksum behind a routing header that is not at its end is not verified either: its packet shows the next
    /// destination instead of the last one.
    public mutating func status(
        of layer: Layer, header: Range<Int>, body: Range<Int>, in bytes: RawSpan
    ) -> ChecksumStatus? {
        let all = header.lowerBound..<body.upperBound
        switch layer {
        case .ipv4(let ip):
            let isWhole = !ip.isFragment && ip.totalLength == all.count
            addresses = isWhole ? .v4(ip.source, ip.destination) : nil
            return Self.status(of: bytes.extracting(header), InternetChecksum())
        case .ipv6(let ip):
            addresses = ip.payloadLength == body.count ? .v6(ip.source, ip.destination) : nil
        case .fragment(let fragment) where fragment.isFragment:
            addresses = nil
        case .routing(let routing) where routing.segmentsLeft > 0:
            addresses = nil
        case .icmp:
            return addresses == nil ? nil : Self.status(of: bytes.extracting(all), InternetChecksum())
        case .icmpv6:
            return status(.icmpv6, bytes.extracting(all))
        case .tcp:
            return status(.tcp, bytes.extracting(all))
        case .udp(let udp) where udp.datagramLength == all.count:
            return udp.checksum == 0 ? .absent : status(.udp, bytes.extracting(all))
        default:
            break
        }
        return nil
    }

    private func status(_ nextProtocol: IPProtocol, _ segment: RawSpan) -> ChecksumStatus? {
        var checksum = InternetChecksum()
        let length = segment.byteCount
        switch addresses {
        case .v4(let source, let destination):
            checksum.addPseudoHeader(from: source, to: destination, nextProtocol, length: length)
        case .v6(let source, let destination):
            checksum.addPseudoHeader(from: source, to: destination, nextProtocol, length: length)
        case nil:
            return nil
        }
        return Self.status(of: segment, checksum)
    }

    private static func status(of bytes: RawSpan, _ pseudoHeader: InternetChecksum) -> ChecksumStatus {
        var checksum = pseudoHeader
        checksum.add(bytes)
        return checksum.value == 0 ? .valid : .invalid
    }
}
