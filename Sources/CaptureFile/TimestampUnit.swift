/// What an interface counts its timestamps in (`if_tsresol`, `if_tsoffset`), for converting them to nanoseconds.
struct TimestampUnit: Hashable {
    private enum Scale: Hashable {
        case multiply(UInt64)
        case divide(UInt64)
        /// 2⁻ⁿ seconds.
        case binary(UInt8)
        /// So fine that even the largest count is less than a nanosecond.
        case none
    }

    private let scale: Scale
    private let offset: Int64

    /// - Parameter resolution: n for 10⁻ⁿ seconds; with the upper bit set, for 2⁻ⁿ seconds.
    /// - Parameter offset: seconds to add.
    init(resolution: UInt8, offset: Int64 = 0) {
        self.offset = offset
        let exponent = resolution & 0x7F
        if resolution & 0x80 != 0 {
            scale = .binary(exponent)
        } else if exponent <= 9 {
            scale = .multiply(Self.power(9 - exponent))
        } else if exponent <= 28 {
            scale = .divide(Self.power(exponent - 9))
        } else {
            scale = .none
        }
    }

    static let microseconds = TimestampUnit(resolution: 6)
    static let nanoseconds = TimestampUnit(resolution: 9)

    /// 10ⁿ, for n up to 19.
    private static func power(_ exponent: UInt8) -> UInt64 {
        (0..<exponent).reduce(1) { value, _ in value * 10 }
    }

    /// Nil where the nanoseconds do not fit: before 1970 and after 2554.
    func nanoseconds(_ ticks: UInt64) -> UInt64? {
        let value: UInt64
        switch scale {
        case .multiply(let factor):
            let (product, overflow) = ticks.multipliedReportingOverflow(by: factor)
            guard !overflow else { return nil }
            value = product
        case .divide(let divisor):
            value = ticks / divisor
        case .binary(let shift):
            guard let fitting = UInt64(exactly: (UInt128(ticks) * 1_000_000_000) >> UInt128(shift)) else { return nil }
            value = fitting
        case .none:
            value = 0
        }
        guard offset != 0 else { return value }
        return UInt64(exactly: Int128(value) + Int128(offset) * 1_000_000_000)
    }
}
