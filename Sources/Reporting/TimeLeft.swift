import NetworkTypes
import Synchronization

/// How long some work will still take, if the rest of it goes as fast as what has been done since the first call.
public final class TimeLeft: Sendable {
    private struct Start {
        let share: Double
        let instant: ContinuousClock.Instant
    }

    private let start = Mutex<Start?>(nil)

    public init() {}

    /// Words to put behind how far the work is: `, about 40s left`.
    ///
    /// - Parameter share: What is done, 0 to 1.
    /// - Returns: Nothing where too little is done for a figure.
    public func text(afterDoing share: Double, at now: ContinuousClock.Instant = .now) -> String {
        let first = start.withLock { start in
            let first = start ?? Start(share: share, instant: now)
            start = first
            return first
        }
        let (done, time) = (share - first.share, now - first.instant)
        guard done >= 0.02, share < 1, time >= .seconds(2) else { return "" }
        return ", about \(Self.rounded(time * ((1 - share) / done)).shortText) left"
    }

    /// Upwards: to five seconds, from a minute on to minutes, from an hour on to ten of them.
    private static func rounded(_ time: Duration) -> Duration {
        let seconds = time.components.seconds + 1
        let unit: Int64 = seconds <= 60 ? 5 : seconds <= 3600 ? 60 : 600
        return .seconds((seconds + unit - 1) / unit * unit)
    }
}
