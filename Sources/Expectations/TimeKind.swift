import NetworkTypes

/// Which kind of time a lab was measured in.
public enum TimeKind: Hashable, Sendable {
    /// A lab kernel's, in which processing takes none: what was measured is what the configuration makes of it.
    case virtual
    /// The host kernel's, in which machine and neighbours take theirs. It can make things late, never early.
    case real

    /// What packets take on their way through a machine in real time, besides what links make of it.
    static let processing = Duration.milliseconds(1)
    /// How late daemons may act in real time on a machine that is busy.
    public static let lateness = Duration.seconds(1)

    /// What a measured time shows that should have been `target`.
    ///
    /// Later than that, real time proves nothing: the machine may have been slow.
    func outcome(of time: Duration, target: Duration, tolerance: Duration) -> Verdict.Outcome {
        if (time > target ? time - target : target - time) <= tolerance { return .pass }
        guard self == .real, time > target else { return .fail }
        return time - target <= Self.processing ? .pass : .inconclusive
    }

    /// Said of what was seen where real time leaves it undecided.
    static let doubt = "in real time a machine adds its own, so this decides nothing (the lab kernel adds none)"
}

extension Sequence<Verdict.Outcome> {
    /// A failure counts more than a doubt, and that more than what passed.
    var gravest: Verdict.Outcome {
        contains(.fail) ? .fail : contains(.inconclusive) ? .inconclusive : .pass
    }
}
