import Expectations
import NetworkTypes
import Predictions
import Recordings
import Reporting

/// What came of one future.
public struct FutureOutcome: Sendable {
    public let future: Future
    public let outcome: TestRun.Outcome
    /// How long flows were out, by what had begun.
    public let measures: [Measure]
    /// What did not pass, in words.
    public let complaints: [Complaint]
    public let failures: [String]
    public let wallTime: Duration

    /// What a judgement says against a prediction.
    public struct Complaint: Sendable, Encodable {
        public let flow: String
        public let subject: OutageJudgement.Subject
        public let fault: String
        public let outcome: Verdict.Outcome
        public let expected, seen: String
    }

    /// How long one flow was out in one direction after one group of faults.
    public struct Measure: Sendable {
        /// The probe's name.
        public let flow: String
        public let direction: Outage.Scope
        /// Of the future's groups, from 0.
        public let group: Int
        /// When the group began, on the lab's clock.
        public let beganAt: Int64
        /// The longest one; nil where nothing was lost.
        public let outage: Outage?
        /// Nil where nothing was predicted. It speaks of round trips: each direction's outage is a part of one.
        public let predicted: Prediction?
    }

    public init(_ future: Future, _ run: TestRun) {
        self.future = future
        let judgements = run.judgements.filter { !Self.isMoot($0, of: future, in: run) }
        outcome = Self.outcome(of: run, judgements)
        failures = run.failures
        wallTime = run.wallTime
        measures = judgements.flatMap { judgement -> [Measure] in
            guard judgement.subject == .outage, let group = Self.group(of: judgement, in: future) else { return [] }
            let outages: [(Outage.Scope, [Outage])] = [
                (.roundTrip, judgement.measured), (.forth, judgement.forth), (.back, judgement.back),
            ]
            return outages.map { scope, found in
                Measure(
                    flow: judgement.probe, direction: scope, group: group, beganAt: judgement.nanoseconds,
                    outage: found.max { ($0.atLeast, $0.lost) < ($1.atLeast, $1.lost) },
                    predicted: judgement.predicted)
            }
        }
        complaints = judgements.filter { $0.outcome == .fail || $0.outcome == .inconclusive }.map {
            Complaint(
                flow: $0.flow, subject: $0.subject, fault: $0.fault, outcome: $0.outcome, expected: $0.expected,
                seen: $0.seen)
        }
    }

    private static func group(of judgement: OutageJudgement, in future: Future) -> Int? {
        future.groups.firstIndex { $0.text == judgement.fault }
    }

    /// Whether nothing can be asked about a flow, because an earlier fault has it out until it is mended, as was predicted.
    private static func isMoot(_ judgement: OutageJudgement, of future: Future, in run: TestRun) -> Bool {
        guard let group = group(of: judgement, in: future) else { return false }
        return run.judgements.contains { earlier in
            earlier.flow == judgement.flow && earlier.subject == .outage && earlier.outcome == .pass
                && earlier.predicted?.effect == .untilHealed
                && self.group(of: earlier, in: future).map { $0 < group } ?? false
        }
    }

    /// As a run's own, without what is moot.
    private static func outcome(of run: TestRun, _ judgements: [OutageJudgement]) -> TestRun.Outcome {
        if !run.failures.isEmpty { return .broken }
        let all = judgements.map(\.outcome)
        if all.contains(.fail) { return .fail }
        return run.isPartial || all.contains(.inconclusive) || !all.contains(.pass) ? .inconclusive : .pass
    }
}
