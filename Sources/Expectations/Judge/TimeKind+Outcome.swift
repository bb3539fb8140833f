import LabRecords

extension TimeKind {
    /// What a measured time shows that should have been `target`.
    ///
    /// Later than that, real time proves nothing: the machine may have been slow.
    func outcome(of time: Duration, target: Duration, tolerance: Duration) -> Verdict.Outcome {
        if (time > target ? time - target : target - time) <= tolerance { return .pass }
        guard self == .real, time > target else { return .fail }
        return time - target <= Self.processing ? .pass : .inconclusive
    }
}

extension Sequence<Verdict.Outcome> {
    /// A failure counts more than a doubt, and that more than what passed.
    var gravest: Verdict.Outcome {
        contains(.fail) ? .fail : contains(.inconclusive) ? .inconclusive : .pass
    }
}
