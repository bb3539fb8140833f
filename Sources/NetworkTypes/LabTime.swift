/// A point of the lab's own clock: nanoseconds since its kernel started.
public struct LabTime: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    public let nanoseconds: Int64

    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    public var sinceStart: Duration { .nanoseconds(nanoseconds) }

    /// Below a minute the seconds, else hours, minutes and seconds to the millisecond: `2.097s`, `1:00:04.250`.
    public var description: String {
        guard nanoseconds >= 60_000_000_000 else { return sinceStart.shortText }
        let padded = { (value: Int64, width: Int) in
            String(repeating: "0", count: max(0, width - String(value).count)) + String(value)
        }
        let milliseconds = nanoseconds / 1_000_000
        let (hours, minutes, seconds) = (milliseconds / 3_600_000, milliseconds / 60_000 % 60, milliseconds / 1000 % 60)
        return "\(hours):\(padded(minutes, 2)):\(padded(seconds, 2)).\(padded(milliseconds % 1000, 3))"
    }

    public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }
    /// Saturating: the end of time is not its beginning.
    public static func + (time: Self, duration: Duration) -> Self {
        let (sum, overflow) = time.nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
        return LabTime(nanoseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }
    public static func - (left: Self, right: Self) -> Duration { left.sinceStart - right.sinceStart }
}
