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
        outcome = run.outcome
        failures = run.failures
        wallTime = run.wallTime
        measures = run.judgements.flatMap { judgement -> [Measure] in
            guard judgement.subject == .outage,
                let group = future.groups.firstIndex(where: { $0.text == judgement.fault })
            else { return [] }
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
        complaints = run.judgements.filter { $0.outcome == .fail || $0.outcome == .inconclusive }.map {
            Complaint(
                flow: $0.flow, subject: $0.subject, fault: $0.fault, outcome: $0.outcome, expected: $0.expected,
                seen: $0.seen)
        }
    }
}
