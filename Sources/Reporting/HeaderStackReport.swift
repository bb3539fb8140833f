import HeaderStacks
import NetworkTypes

/// What a header stack leaves of a link's MTU, and a packet within it, part for part.
public struct HeaderStackReport: Encodable, Sendable {
    private let linkMtu: Int
    private let mtu: Int
    private let mss4: Int?
    private let mss6: Int?
    /// Whether an IPv6 packet of 1280 bytes fits; nil where no IPv6 is carried.
    private let fitsIpv6Minimum: Bool?
    private let packet: Packet

    private struct Packet: Encodable {
        let innerLength: Int
        let outerLength: Int
        let fitsLink: Bool
        let parts: [HeaderStack.Part]
    }

    /// - Parameter size: The bytes of the packet to show, no fewer than ``HeaderStack/shortestPacket``; nil for the longest
    ///   that fits.
    public init(_ stack: HeaderStack, size: Int? = nil) {
        linkMtu = stack.linkMTU.bytes
        mtu = stack.mtu
        mss4 = stack.mss4
        mss6 = stack.mss6
        fitsIpv6Minimum = stack.carried.contains(.ipv6) ? stack.hasMinimumOfIPv6 : nil
        let inner = size ?? stack.mtu
        let outer = stack.outerLength(ofInner: inner)
        packet = Packet(
            innerLength: inner, outerLength: outer, fitsLink: outer <= stack.linkMTU.bytes,
            parts: stack.parts(ofInner: inner))
    }

    public func text(style: Style) -> String {
        let minimum = fitsIpv6Minimum == false ? "  \(style.warning(Self.belowMinimum))" : ""
        let excess = packet.outerLength - linkMtu
        let verdict = packet.fitsLink ? "" : "  \(style.bad("\(excess) bytes more than the link MTU"))"
        let summary = [
            ["link MTU", String(linkMtu)], ["mtu", style.strong(String(mtu))], ["mss4", segment(mss4, "IPv4")],
            ["mss6", segment(mss6, "IPv6") + minimum],
            ["packet", "\(packet.innerLength), with headers \(packet.outerLength)\(verdict)"],
        ]
        let parts =
            packet.parts.map { part in
                (part.bytes, part.layer, part.name + (part.isInMTU ? "" : "  \(style.faint("(outside the MTU)"))"))
            } + [(packet.outerLength, "", "outer packet")]
        let width = max("BYTES".count, String(packet.outerLength).count)
        let rows = parts.map { bytes, layer, name in
            [String(repeating: " ", count: max(0, width - String(bytes).count)) + String(bytes), layer, name]
        }
        return Table(columns: [], rows: summary).text(style: style) + "\n\n"
            + Table(columns: ["BYTES", "LAYER", "PART"], rows: rows).text(style: style)
    }

    private func segment(_ size: Int?, _ family: String) -> String {
        size.map(String.init) ?? "-  no TCP over \(family) in this stack"
    }

    private static let belowMinimum =
        "below IPv6's minimum MTU of 1280: only if a layer below fragments (RFC 8200, section 5)"
}
