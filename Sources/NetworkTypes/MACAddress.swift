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
        guard parts.allSatisfy({ $0.utf8.count == 2 && $0.first != "+" }) else { return nil }
        self.init(bytes: parts.compactMap { UInt8($0, radix: 16) })
    }

    public var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}
