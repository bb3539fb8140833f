import Expectations
import NetworkTypes
import Predictions

/// A figure that somebody published of the real thing, beside what follows from the lab's configuration and what was measured.
public struct Comparison: Hashable, Sendable, Encodable {
    public let lab: String
    public let scenario: String
    public let variant: String?
    /// An expectation's name, or `outage of FLOW`.
    public let subject: String
    public let published: String
    public let predicted: String
    public let measured: String
    /// Of the measured against the predicted; nothing is held against what was published.
    public let outcome: Verdict.Outcome
}

extension TestRun {
    /// Everything that has a published figure, in the order in which it was looked at, each once; without what has to fail
    /// here, for that is not what was published of.
    public var comparisons: [Comparison] {
        var seen: Set<String> = []
        let outages = publishedOutages.sorted { $0.key < $1.key }.flatMap { flow, published -> [Comparison] in
            let all = judgements.filter { $0.probe == flow && $0.subject == .outage }
            // A fault that leaves this flow alone is not the one that was published of, where another takes it out.
            let telling = all.filter { $0.predicted?.effect != Prediction.Effect.none }
            return (telling.isEmpty ? all : telling).map {
                comparison("outage of \(flow)", published, $0.expected, $0.seen, $0.outcome)
            }
        }
        let checked = checks.compactMap { check -> Comparison? in
            let verdict = check.verdict
            guard check.mustHold, let published = verdict.published, seen.insert(verdict.expectation).inserted else {
                return nil
            }
            return comparison(verdict.expectation, published, verdict.expected, verdict.seen, check.outcome)
        }
        return checked + outages
    }

    private func comparison(
        _ subject: String, _ published: String, _ predicted: String, _ measured: String, _ outcome: Verdict.Outcome
    ) -> Comparison {
        Comparison(
            lab: lab, scenario: scenario, variant: variant, subject: subject, published: published,
            predicted: predicted, measured: measured, outcome: outcome)
    }
}
