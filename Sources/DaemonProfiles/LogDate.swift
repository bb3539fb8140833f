/// A date as daemons write it, which has no time zone: the lab's daemons run on UTC.
package struct LogDate {
    package let year: Int
    package let month: Int
    package let day: Int
    /// Since midnight.
    package let nanoseconds: Int64

    /// Nil for a month or a day that there is not, and for years whose nanoseconds 64 bits do not hold.
    package init?(year: Int, month: Int, day: Int, nanoseconds: Int64) {
        guard (1970...2261).contains(year), (1...12).contains(month), (1...31).contains(day) else { return nil }
        self.year = year
        self.month = month
        self.day = day
        self.nanoseconds = nanoseconds
    }

    /// Nanoseconds since 1970 by the Gregorian calendar.
    package var sinceEpoch: Int64 { Int64(Self.days(year, month, day)) * 86_400_000_000_000 + nanoseconds }

    /// Days from 1 January 1970 to a day; years begin in March here, so that the leap day is the last.
    package static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month > 2 ? year : year - 1
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// The year of a time since 1970.
    package static func year(of nanoseconds: Int64) -> Int {
        let day = Int(nanoseconds / 86_400_000_000_000)
        var year = 1970 + day / 366
        while days(year + 1, 1, 1) <= day { year += 1 }
        return year
    }

    /// `08:37:39.531005`, with any number of decimals up to nine, as nanoseconds since midnight; nil for anything else.
    package static func time(_ text: Substring) -> Int64? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let hour = Int64(parts[0]), let minute = Int64(parts[1]), (0..<24).contains(hour),
            (0..<60).contains(minute)
        else { return nil }
        let seconds = parts[2].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = Int64(seconds[0]), (0...60).contains(whole) else { return nil }
        var fraction: Int64 = 0
        if seconds.count == 2 {
            guard (1...9).contains(seconds[1].count), let digits = Int64(seconds[1]), digits >= 0 else { return nil }
            fraction = (seconds[1].count..<9).reduce(digits) { value, _ in value * 10 }
        }
        return (hour * 3600 + minute * 60 + whole) * 1_000_000_000 + fraction
    }
}
