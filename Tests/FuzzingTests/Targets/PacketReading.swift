import NetworkTypes
import PacketFormats

@testable import Expectations

/// A frame of the wire: its first byte chooses the link type, the rest is the frame.
enum PacketReading {
    private static let linkTypes: [LinkType] = [.ethernet, .raw, .linuxCooked, .ipv4, .ipv6, LinkType(rawValue: 147)]

    static func read(_ bytes: [UInt8]) throws {
        guard let first = bytes.first else { return }
        let linkType = linkTypes[Int(first) % linkTypes.count]
        let bytes = Array(bytes.dropFirst())
        try dissect(bytes, linkType)
        try wrap(bytes, linkType)
    }

    private static func dissect(_ bytes: [UInt8], _ linkType: LinkType) throws {
        let frame = bytes.span.bytes
        var layers = 0
        var isWithin = true
        var verifier = ChecksumVerifier()
        Dissection.walk(frame, linkType: linkType) { layer, header, body in
            layers += 1
            isWithin =
                isWithin && header.lowerBound >= 0 && header.upperBound <= body.lowerBound
                && body.upperBound <= bytes.count
            _ = verifier.status(of: layer, header: header, body: body, in: frame)
            let rest = frame.extracting(body)
            switch layer {
            case .ike(let ike):
                try? IKEPayload.forEach(in: rest, first: ike.firstPayload) { _, data in
                    isWithin = isWithin && data.lowerBound >= 0 && data.upperBound <= rest.byteCount
                    return true
                }
            case .icmp, .icmpv6, .payload, .esp:
                Dissection.walkPacket(frame, in: body) { _, header, inner in
                    isWithin = isWithin && header.lowerBound >= body.lowerBound && inner.upperBound <= body.upperBound
                    return true
                }
            default: break
            }
            return true
        }
        try require(isWithin, "a layer lies outside of the frame")
        // Of BGP messages, each takes 19 bytes.
        try require(layers <= Dissection.maximumDepth + 2 + bytes.count / 19, "\(layers) layers")
        // What nothing led to may be decoded as anything, too.
        _ = try? BGPMessage(frame)
        _ = try? TCPHeader(frame)
        _ = try? IPv6OptionsHeader(frame)
        try? IKEPayload.forEach(in: frame, first: .securityAssociation) { _, _ in true }
        let line = PacketLine(frame, linkType: linkType).description
        try require(!line.isEmpty && !line.contains { $0.isNewline }, "the line is \(line.debugDescription)")
    }

    /// As expectations look at it, and at what comes out of ESP.
    private static func wrap(_ bytes: [UInt8], _ linkType: LinkType) throws {
        var packet = WirePacket(bytes.span.bytes, linkType: linkType)
        if let esp = packet.esp { try require(esp.range.upperBound <= bytes.count, "ESP at \(esp.range)") }
        let payload = Array(bytes.dropFirst(14))
        packet.open(payload.span.bytes)
    }
}
