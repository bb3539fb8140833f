/// A 48-bit Ethernet address.
public struct MACAddress: Hashable, Sendable, LosslessStringConvertible {
    /// Exactly six bytes, in transmission order.
    public let bytes: [UInt8]

    /// Nil unless there are six bytes.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 6 else { return nil }
        self.bytes = Array(bytes)
    }

    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let bytes = parts.compactMap { $0.utf8.count == 2 ? UInt8(hexadecimal: $0) : nil }
        guard bytes.count == parts.count else { return nil }
        self.init(bytes: bytes)
    }

    public var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}
