import Glibc

/// How far the kernel's clock of the date is ahead of the clock that a lab goes by.
struct ClockOffset {
    /// CLOCK_REALTIME less CLOCK_MONOTONIC.
    let nanoseconds: Int64

    /// Reads both clocks. Exact where processing takes no time, as in the lab kernel.
    static func measured() -> ClockOffset {
        let before = now(CLOCK_MONOTONIC)
        let realtime = now(CLOCK_REALTIME)
        let after = now(CLOCK_MONOTONIC)
        return ClockOffset(nanoseconds: realtime - (before + (after - before) / 2))
    }

    /// The lab's time, 0 before its start, for a time by the date.
    func monotonic(realtime: UInt64) -> UInt64 {
        UInt64(clamping: Int64(clamping: realtime).subtractingReportingOverflow(nanoseconds).partialValue)
    }

    private static func now(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
