import Decryption
import NetworkTypes

extension ESPPayload {
    /// Calls `body` with the packet that went into ESP: in transport mode behind the IP header before ESP, which then has the protocol
    /// and the length of what it protects (RFC 4303, section 3.1.1).
    ///
    /// - Parameter packet: The packet in `frame` that this is from.
    /// - Returns: Nil where that header is not there as a whole, or is one of IPv6, whose extension headers are not put together here.
    func withPacket<Result>(
        _ mode: ESPAssociation.Mode, of packet: WirePacket, in frame: RawSpan, _ body: (RawSpan) -> Result
    ) -> Result? {
        guard mode == .transport else { return withBytes(body) }
        guard let outer = packet.outer, case .v4 = outer.source, outer.start < frame.byteCount else { return nil }
        let length = Int(frame.unsafeLoad(fromByteOffset: outer.start, as: UInt8.self) & 0xF) * 4
        guard length >= 20, outer.start + length <= frame.byteCount else { return nil }
        var bytes = frame.extracting(outer.start..<(outer.start + length)).withUnsafeBytes { Array($0) }
        withBytes { rest in rest.withUnsafeBytes { bytes += $0 } }
        bytes[2] = UInt8(truncatingIfNeeded: bytes.count >> 8)
        bytes[3] = UInt8(truncatingIfNeeded: bytes.count)
        bytes[9] = nextHeader
        return body(bytes.span.bytes)
    }
}
