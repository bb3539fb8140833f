/// An amount of data: text is a number and a unit in powers of ten, `500kB`, `20MB`, `1GB`, or plain bytes.
public struct ByteCount: Hashable, Sendable, Comparable, LosslessStringConvertible {
    public let bytes: Int

    /// 1 byte to 1 PB.
    public init?(bytes: Int) {
        guard (1...1_000_000_000_000_000).contains(bytes) else { return nil }
        self.bytes = bytes
    }

    private static let units: [(name: String, factor: Int)] = [
        ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000), ("B", 1), ("", 1),
    ]

    public init?(_ text: String) {
        guard let unit = Self.units.first(where: { text.lowercased().hasSuffix($0.name.lowercased()) }),
            let number = Double(decimal: text.dropLast(unit.name.count)), number * Double(unit.factor) <= 1e15
        else { return nil }
        self.init(bytes: Int((number * Double(unit.factor)).rounded()))
    }

    public var description: String {
        let (name, factor) = Self.units.first { bytes >= $0.factor && bytes % $0.factor == 0 } ?? ("B", 1)
        return "\(bytes / factor)\(name)"
    }

    public static func < (left: Self, right: Self) -> Bool { left.bytes < right.bytes }
}
