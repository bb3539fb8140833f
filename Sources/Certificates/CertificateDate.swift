import Glibc

/// Moments as certificates have them: whole seconds since 1970, in UTC.
public enum CertificateDate {
    /// What the clock shows that this process sees: in a lab, the lab's.
    public static var now: Int64 { Int64(time(nil)) }

    /// `2026-11-30 21:10:00 UTC`.
    public static func text(_ seconds: Int64) -> String {
        var time = time_t(seconds)
        var parts = tm()
        guard gmtime_r(&time, &parts) != nil else { return "\(seconds) s" }
        let two = { (number: Int32) in number < 10 ? "0\(number)" : "\(number)" }
        return "\(Int(parts.tm_year) + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) UTC"
    }
}
