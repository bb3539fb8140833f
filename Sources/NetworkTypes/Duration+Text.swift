extension Duration {
    private static let units: [(name: String, nanoseconds: Double)] = [
        ("ns", 1), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9), ("d", 86400e9),
    ]

    /// Reads one or more numbers with units, largest unit first by custom: `2ms`, `30s`, `1h30m`, `1.5s`.
    ///
    /// Units: `ns`, `us`, `ms`, `s`, `m`, `h`, `d`. Nil for anything else, and beyond 100 years.
    public init?(text: String) {
        var rest = text[...]
        var total: Double = 0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            rest.removeFirst(number.count)
            let unit = rest.prefix { $0.isLetter }
            rest.removeFirst(unit.count)
            guard let value = Double(decimal: number), let factor = Self.units.first(where: { $0.name == unit })
            else { return nil }
            total += value * factor.nanoseconds
        }
        guard total <= 100 * 366 * 86400e9 else { return nil }
        self = .nanoseconds(Int64(total.rounded()))
    }

    /// The whole nanoseconds, rounded toward zero; saturating at ±292 years.
    public var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, carry) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carry ? (seconds < 0 ? .min : .max) : sum
    }

    /// The duration in seconds, as a floating-point number.
    public var inSeconds: Double {
        Double(wholeNanoseconds) / 1e9
    }

    /// Short text with at most two units, or three significant decimals below a minute: `1h30m`, `2.5s`, `4ms`, `150us`.
    public var shortText: String {
        let nanoseconds = wholeNanoseconds
        let magnitude = nanoseconds.magnitude
        let sign = nanoseconds < 0 ? "-" : ""
        switch magnitude {
        case 0: return "0s"
        case ..<1_000: return "\(sign)\(magnitude)ns"
        case ..<1_000_000: return sign + Self.rounded(magnitude, unit: 1_000, name: "us")
        case ..<1_000_000_000: return sign + Self.rounded(magnitude, unit: 1_000_000, name: "ms")
        case ..<60_000_000_000: return sign + Self.rounded(magnitude, unit: 1_000_000_000, name: "s")
        default:
            let seconds = magnitude / 1_000_000_000
            let parts = [
                (seconds / 86400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s"),
            ]
            let shown = parts.drop { $0.0 == 0 }.prefix(2).filter { $0.0 != 0 }
            return sign + shown.map { "\($0.0)\($0.1)" }.joined()
        }
    }

    private static func rounded(_ magnitude: UInt64, unit: UInt64, name: String) -> String {
        "\(shortest: (Double(magnitude) / Double(unit) * 1000).rounded() / 1000)\(name)"
    }
}

extension Duration {
    /// Seconds with three decimals: `24.118 s`.
    public var inMilliseconds: String {
        let milliseconds = (Double(wholeNanoseconds) / 1e6).rounded()
        let whole = Int64(milliseconds.magnitude)
        let digits = String(whole % 1000)
        return
            "\(milliseconds < 0 ? "-" : "")\(whole / 1000).\(String(repeating: "0", count: 3 - digits.count))\(digits) s"
    }
}
