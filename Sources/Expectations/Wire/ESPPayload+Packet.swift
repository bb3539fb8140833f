import Decryption
import NetworkTypes

extension ESPPayload {
    /// Calls `body` with the packet that went into ESP: in transport mode behind the IP header before ESP, which then has the protocol
    /// and the length of what it protects (RFC 4303, section 3.1.1).
    ///
    /// - Parameter packet: The packet in `frame` that this is from.
    /// - Returns: Nil where that header is not there as a whole, or is one of IPv6 with extension headers.
    func withPacket<Result>(
        _ mode: ESPAssociation.Mode, of packet: WirePacket, in frame: RawSpan, _ body: (RawSpan) -> Result
    ) -> Result? {
        guard mode == .transport else { return withBytes(body) }
        guard let outer = packet.outer, outer.start < frame.byteCount else { return nil }
        let isIPv4 = outer.source.bitWidth == 32
        let length =
            isIPv4 ? Int(frame.unsafeLoad(fromByteOffset: outer.start, as: UInt8.self) & 0xF) * 4 : 40
        guard length >= 20, outer.start + length <= frame.byteCount else { return nil }
        var bytes = frame.extracting(outer.start..<(outer.start + length)).withUnsafeBytes { Array($0) }
        withBytes { rest in rest.withUnsafeBytes { bytes += $0 } }
        let (lengthPlace, count, protocolPlace) = isIPv4 ? (2, bytes.count, 9) : (4, bytes.count - length, 6)
        guard [50, 17].contains(bytes[protocolPlace]) else { return nil }
        bytes[lengthPlace] = UInt8(truncatingIfNeeded: count >> 8)
        bytes[lengthPlace + 1] = UInt8(truncatingIfNeeded: count)
        bytes[protocolPlace] = nextHeader
        return body(bytes.span.bytes)
    }
}
