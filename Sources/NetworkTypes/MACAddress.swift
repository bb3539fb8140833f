/// A 48-bit Ethernet address, kept as the bits of its transmission order read as one integer.
public struct MACAddress: Hashable, Sendable, LosslessStringConvertible {
    /// The address as an integer of 48 bits: 02:00:00:00:00:01 is 0x0200_0000_0001.
    public let rawValue: UInt64

    /// Takes the low 48 bits; the others are ignored.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue & 0xFFFF_FFFF_FFFF
    }

    /// Nil unless there are six bytes, in transmission order.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 6 else { return nil }
        self.init(rawValue: bytes.reduce(0) { $0 << 8 | UInt64($1) })
    }

    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let bytes = parts.compactMap { $0.utf8.count == 2 ? UInt8(hexadecimal: $0) : nil }
        guard bytes.count == parts.count else { return nil }
        self.init(bytes: bytes)
    }

    /// The six bytes in transmission order.
    public var bytes: [UInt8] {
        (0..<6).map { UInt8(truncatingIfNeeded: rawValue >> (40 - 8 * UInt64($0))) }
    }

    public var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}
