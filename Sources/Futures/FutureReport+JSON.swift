import Expectations
import LabModel
import NetworkTypes
import Predictions
import Recordings
import Reporting

extension FutureReport: Encodable {
    private enum Key: CodingKey {
        case lab, variant, courses, spanNanoseconds, seed, outcome, isPartial, totals, distributions, futures, kept,
            again
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Key.self)
        try values.encode(lab, forKey: .lab)
        try values.encodeIfPresent(variant, forKey: .variant)
        try values.encode(plan.courses.map { $0.map { $0.map(\.description) } }, forKey: .courses)
        try values.encode(plan.span.wholeNanoseconds, forKey: .spanNanoseconds)
        try values.encode(plan.seed, forKey: .seed)
        try values.encode(outcome, forKey: .outcome)
        try values.encode(isPartial, forKey: .isPartial)
        try values.encode(Totals(outcomes), forKey: .totals)
        try values.encode(
            distributions.map {
                DistributionText($0, verdict(on: $0), alone: effectAlone(of: $0), isOnlyTogether: isOnlyTogether($0))
            },
            forKey: .distributions)
        try values.encode(outcomes.map(FutureText.init), forKey: .futures)
        try values.encode(
            kept.sorted { $0.key < $1.key }.map { KeptText(future: $0, directory: $1.path, reasons: $1.reasons) },
            forKey: .kept)
        try values.encode(again, forKey: .again)
    }

    private struct Totals: Encodable {
        let futures, passed, failed, inconclusive, broken: Int

        init(_ all: [FutureOutcome]) {
            let count = { (outcome: TestRun.Outcome) in all.count { $0.outcome == outcome } }
            (futures, passed, failed) = (all.count, count(.pass), count(.fail))
            (inconclusive, broken) = (count(.inconclusive), count(.broken))
        }
    }

    private struct KeptText: Encodable {
        let future: Int
        let directory: String
        let reasons: [String]
    }

    private struct DistributionText: Encodable {
        let flow: String
        /// What had begun before, and what began then.
        let before: [[String]]
        let faults: [String]
        let direction: Outage.Scope
        let flows, outages, unended: Int
        /// From the last packet that got through to the next; nil where no outage ended.
        let leastNanoseconds, medianNanoseconds, p95Nanoseconds, mostNanoseconds: Int64?
        let shortestFuture, longestFuture: Int?
        let histogram: Histogram?
        /// In words, and the window where it is one; of round trips alone, as the verdict.
        let predicted, alone: String?
        let isOnlyTogether: Bool?
        let earliestNanoseconds, latestNanoseconds: Int64?
        let outcome: Verdict.Outcome?

        init(
            _ one: OutageDistribution, _ verdict: Verdict.Outcome, alone: Prediction.Effect?,
            isOnlyTogether together: Bool
        ) {
            let isJudged = one.key.direction == .roundTrip
            (flow, direction) = (one.key.flow, one.key.direction)
            before = one.key.before.map { $0.map(\.description) }
            faults = one.key.faults.map(\.description)
            (flows, outages, unended) = (one.flows, one.outages, one.unended)
            leastNanoseconds = one.shortest?.length.wholeNanoseconds
            medianNanoseconds = one.length(percentile: 50)?.wholeNanoseconds
            p95Nanoseconds = one.length(percentile: 95)?.wholeNanoseconds
            mostNanoseconds = one.longest?.length.wholeNanoseconds
            (shortestFuture, longestFuture) = (one.shortest?.future, one.longest?.future)
            histogram = Histogram(of: one)
            predicted = isJudged ? one.effects.map(\.words).joined(separator: ", or ") : nil
            self.alone = isJudged && !one.key.before.isEmpty ? alone?.words : nil
            isOnlyTogether = isJudged && !one.key.before.isEmpty ? together : nil
            earliestNanoseconds = isJudged ? one.window?.earliest.wholeNanoseconds : nil
            latestNanoseconds = isJudged ? one.window?.latest.wholeNanoseconds : nil
            outcome = isJudged ? verdict : nil
        }
    }

    private struct FutureText: Encodable {
        let number: Int
        let seed: UInt64
        let faults: [[String]]
        let delaysNanoseconds: [Int64]
        let outcome: TestRun.Outcome
        let wallNanoseconds: Int64
        let failures: [String]
        let complaints: [FutureOutcome.Complaint]
        let outages: [OutageText]

        init(_ one: FutureOutcome) {
            (number, seed) = (one.future.number, one.future.seed)
            faults = one.future.groups.map { $0.map(\.description) }
            delaysNanoseconds = one.future.delays.map(\.wholeNanoseconds)
            (outcome, failures, complaints) = (one.outcome, one.failures, one.complaints)
            wallNanoseconds = one.wallTime.wholeNanoseconds
            outages = one.measures.compactMap(OutageText.init)
        }
    }

    private struct OutageText: Encodable {
        let flow: String
        let direction: Outage.Scope
        /// Of the future's faults, from 0, and when they began on the lab's clock.
        let group: Int
        let faultNanoseconds: Int64
        let lost: Int
        let atLeastNanoseconds: Int64
        /// Nil where it was not seen to end.
        let atMostNanoseconds: Int64?

        init?(_ measure: FutureOutcome.Measure) {
            guard let outage = measure.outage else { return nil }
            (flow, direction, group) = (measure.flow, measure.direction, measure.group)
            faultNanoseconds = measure.beganAt
            lost = outage.lost
            atLeastNanoseconds = outage.atLeast.wholeNanoseconds
            atMostNanoseconds = outage.atMost?.wholeNanoseconds
        }
    }
}
