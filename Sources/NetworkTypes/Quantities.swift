/// The largest packet an interface sends, in bytes from the network layer's header on: 68 (RFC 791) to 65535.
public struct MTU: Hashable, Sendable, Comparable, LosslessStringConvertible {
    public let bytes: Int

    public init?(_ bytes: Int) {
        guard (68...65535).contains(bytes) else { return nil }
        self.bytes = bytes
    }

    public init?(_ text: String) {
        guard let bytes = Int(decimal: text) else { return nil }
        self.init(bytes)
    }

    /// 1500: Ethernet's (RFC 894).
    public static let ethernet = MTU(unchecked: 1500)

    private init(unchecked bytes: Int) {
        self.bytes = bytes
    }

    public var description: String { String(bytes) }
    public static func < (left: Self, right: Self) -> Bool { left.bytes < right.bytes }
}

/// A link's speed in bits per second: 1 to 10¹⁵.
///
/// Text is a number and a unit in powers of ten, as tc(8) has them: `bit`, `kbit`, `mbit`, `gbit`.
public struct BitRate: Hashable, Sendable, Comparable, LosslessStringConvertible {
    public let bitsPerSecond: UInt64

    public init?(bitsPerSecond: UInt64) {
        guard (1...1_000_000_000_000_000).contains(bitsPerSecond) else { return nil }
        self.bitsPerSecond = bitsPerSecond
    }

    private static let units: [(name: String, factor: Double)] = [
        ("gbit", 1e9), ("mbit", 1e6), ("kbit", 1e3), ("bit", 1),
    ]
    private static let fileUnits: [(name: String, factor: Double)] = [("gb/s", 8e9), ("mb/s", 8e6), ("kb/s", 8e3)]

    /// Also takes a file's rate in bytes, `51.9MB/s`.
    public init?(_ text: String) {
        let lower = text.lowercased()
        let units = lower.hasSuffix("/s") ? Self.fileUnits : Self.units
        guard let unit = units.first(where: { lower.hasSuffix($0.name) }),
            let number = Double(decimal: lower.dropLast(unit.name.count)),
            number * unit.factor >= 1, number * unit.factor <= 1e15
        else { return nil }
        self.init(bitsPerSecond: UInt64((number * unit.factor).rounded()))
    }

    public var description: String {
        // The largest unit that the rate is a whole number of hundredths of: 0.5gbit stays 500mbit.
        let unit = Self.units.first {
            Double(bitsPerSecond) >= $0.factor && bitsPerSecond * 100 % UInt64($0.factor) == 0
        }
        let (name, factor) = unit ?? ("bit", 1)
        return "\(shortest: Double(bitsPerSecond) / factor)\(name)"
    }

    public static func < (left: Self, right: Self) -> Bool { left.bitsPerSecond < right.bitsPerSecond }
}

/// A share from 0 to 1, written in per cent: `0.03%`.
///
/// Kept in billionths, about as finely as the kernel keeps shares, so that the text is exact.
public struct Percentage: Hashable, Sendable, LosslessStringConvertible {
    private let billionths: Int

    /// 0 to 1.
    public var fraction: Double { Double(billionths) / 1e9 }

    public init?(fraction: Double) {
        guard (0...1).contains(fraction) else { return nil }
        billionths = Int((fraction * 1e9).rounded())
    }

    private init() {
        billionths = 0
    }

    public static let zero = Percentage()

    public init?(_ text: String) {
        guard text.hasSuffix("%"), let number = Double(decimal: text.dropLast()) else { return nil }
        self.init(fraction: number / 100)
    }

    public var description: String {
        let (whole, rest) = billionths.quotientAndRemainder(dividingBy: 10_000_000)
        guard rest != 0 else { return "\(whole)%" }
        var digits = String(String(rest + 10_000_000).dropFirst())
        while digits.last == "0" { digits.removeLast() }
        return "\(whole).\(digits)%"
    }
}

/// An autonomous system number: 1 to 4294967295 (RFC 6793).
public struct ASN: Hashable, Sendable, LosslessStringConvertible {
    public let number: UInt32

    public init?(_ number: UInt32) {
        guard number > 0 else { return nil }
        self.number = number
    }

    public init?(_ text: String) {
        guard let number = UInt32(decimal: text) else { return nil }
        self.init(number)
    }

    public var description: String { String(number) }
}

extension Double {
    /// Reads digits with at most one point: no sign, exponent, `inf` or hexadecimal.
    init?(decimal text: some StringProtocol) {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) || $0 == UInt8(ascii: ".") }) else {
            return nil
        }
        self.init(String(text))
    }
}

extension String.StringInterpolation {
    /// A number without a trailing ".0".
    mutating func appendInterpolation(shortest value: Double) {
        let text = String(value)
        appendLiteral(text.hasSuffix(".0") ? String(text.dropLast(2)) : text)
    }
}
