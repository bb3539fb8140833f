import AgentProtocol
import NetworkTypes

/// Tells a clock that stands still because a program never pauses from one that moves, however slowly.
///
/// A program that computes takes none of the lab's time, so while it does the clock cannot move. The agent's answers, some seconds
/// apart, say which programs were ready to run and what time it was.
struct Standstill {
    enum Finding: Hashable {
        case moves
        case stands
        /// For longer than ``Supervisor/limit``, with these programs ready to run all the while.
        case stuck([String])
    }

    private var since: (wall: ContinuousClock.Instant, lab: LabTime, programs: [String])?

    /// - Parameters:
    ///   - programs: Those that are ready to run, the agent left out.
    ///   - at: The lab's time. Looking at the clock moves it by some hundred nanoseconds.
    mutating func take(_ programs: [String], at: LabTime, now: ContinuousClock.Instant = .now) -> Finding {
        guard let before = since, at - before.lab < .milliseconds(10) else {
            since = (now, at, programs)
            return .moves
        }
        let common = before.programs.filter(programs.contains)
        guard !common.isEmpty else {
            since = (now, at, programs)
            return .moves
        }
        since = (before.wall, before.lab, common)
        return now - before.wall >= Supervisor.limit - .seconds(5) ? .stuck(common) : .stands
    }
}
