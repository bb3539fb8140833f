import Decryption
import NetworkTypes

extension ESPPayload {
    /// Calls `body` with the packet that went into ESP: in transport mode behind the IP header before ESP, which then has the protocol
    /// and the length of what it protects (RFC 4303, section 3.1.1).
    ///
    /// - Parameter packet: The packet in `frame` that this is from.
    /// - Returns: Nil where that header is not there as a whole.
    func withPacket<Result>(
        _ mode: ESPAssociation.Mode, of packet: WirePacket, in frame: RawSpan, _ body: (RawSpan) -> Result
    ) -> Result? {
        guard mode == .transport else { return withBytes(body) }
        guard let outer = packet.outer, let length = packet.keptLength,
            outer.start + length <= frame.byteCount
        else { return nil }
        let isIPv4 = outer.source.bitWidth == 32
        var bytes = frame.extracting(outer.start..<(outer.start + length)).withUnsafeBytes { Array($0) }
        withBytes { rest in rest.withUnsafeBytes { bytes += $0 } }
        let (lengthPlace, count) = isIPv4 ? (2, bytes.count) : (4, bytes.count - 40)
        // Behind IPv6's header there may be hop-by-hop, routing and destination options (RFC 8200, section 4.1).
        var (protocolPlace, next) = isIPv4 ? (9, 20) : (6, 40)
        while !isIPv4, [0, 43, 60].contains(bytes[protocolPlace]), next + 1 < length {
            (protocolPlace, next) = (next, next + 8 * (Int(bytes[next + 1]) + 1))
        }
        guard [50, 17].contains(bytes[protocolPlace]) else { return nil }
        bytes[lengthPlace] = UInt8(truncatingIfNeeded: count >> 8)
        bytes[lengthPlace + 1] = UInt8(truncatingIfNeeded: count)
        bytes[protocolPlace] = nextHeader
        return body(bytes.span.bytes)
    }
}

extension WirePacket {
    /// The bytes that ESP in transport mode leaves before itself: the IP header, with extension headers where it has any; nil for a packet
    /// without ESP.
    var keptLength: Int? {
        guard let esp, let outer else { return nil }
        let isInUDP = wrappings.array.prefix(esp.depth).last == .espInUDP
        let length = esp.range.lowerBound - outer.start - (isInUDP ? 8 : 0)
        return length >= 20 ? length : nil
    }
}
