/// Takes frames apart, from their first byte through all tunnels that are not encrypted.
///
/// No byte outside of the given bytes is read, and nothing is allocated.
public enum Dissection {
    /// How many headers are followed into each other.
    public static let maximumDepth = 32

    /// Visits the layers of a captured frame, outermost first, until there is no more of them or `visit` returns false.
    ///
    /// `header` and `body` are places in `frame`; the body ends where the header's length field says, not at the padding
    /// that may follow. Where the frame is shorter than that, the body ends with the frame, and `.truncated` comes last.
    /// `.malformed` comes last, too. The header of these two is what is left and could not be decoded.
    @inlinable @inline(__always)
    public static func walk(
        _ frame: RawSpan, linkType: LinkType,
        _ visit: (_ layer: Layer, _ header: Range<Int>, _ body: Range<Int>) -> Bool
    ) {
        var cursor = LayerCursor(linkType: linkType, range: 0..<frame.byteCount)
        while cursor.advance(in: frame), visit(cursor.layer, cursor.header, cursor.body) {}
    }

    /// Visits the layers of the IPv4 or IPv6 packet at `range`, like `walk`: of a decrypted packet, or of one quoted in an
    /// ICMP error.
    ///
    /// A range that is not within `bytes` is cut to what is.
    @inlinable @inline(__always)
    public static func walkPacket(
        _ bytes: RawSpan, in range: Range<Int>,
        _ visit: (_ layer: Layer, _ header: Range<Int>, _ body: Range<Int>) -> Bool
    ) {
        var cursor = LayerCursor(linkType: .raw, range: range.clamped(to: 0..<bytes.byteCount))
        while cursor.advance(in: bytes), visit(cursor.layer, cursor.header, cursor.body) {}
    }
}
