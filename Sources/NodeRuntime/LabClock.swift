import Glibc
import NetworkTypes

/// The lab's clock, as every program in the lab reads it.
public enum LabClock {
    /// The lab's time now.
    public static var now: LabTime {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return LabTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// What CLOCK_REALTIME, the clock of daemons and of the kernel's timestamps, shows beyond the lab's own, in nanoseconds.
    ///
    /// Exact in a lab kernel, where looking at a clock takes the same time every time.
    public static var realTimeOffset: Int64 {
        var time = timespec()
        let before = now
        clock_gettime(CLOCK_REALTIME, &time)
        let after = now
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) - before.nanoseconds
            - (after - before).wholeNanoseconds / 2
    }
}
