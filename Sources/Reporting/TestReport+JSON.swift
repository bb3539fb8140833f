import Expectations
import NetworkTypes
import Predictions
import Recordings

/// The report for programs. All times are whole nanoseconds.
extension TestReport: Encodable {
    private enum Key: CodingKey {
        case outcome, isPartial, totals, runs, distributions, comparisons, breakages, systems
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Key.self)
        try values.encode(outcome, forKey: .outcome)
        try values.encode(isPartial, forKey: .isPartial)
        try values.encode(Totals(runs), forKey: .totals)
        try values.encode(runs.map(RunText.init), forKey: .runs)
        try values.encode(distributions, forKey: .distributions)
        try values.encode(comparisons, forKey: .comparisons)
        try values.encode(BreakageReport(played: runs.filter(\.isDerived)).rows, forKey: .breakages)
        try values.encode(systems, forKey: .systems)
    }

    private struct Totals: Encodable {
        let runs, passed, failed, inconclusive, broken: Int

        init(_ all: [TestRun]) {
            let count = { (outcome: TestRun.Outcome) in all.count { $0.outcome == outcome } }
            (runs, passed, failed) = (all.count, count(.pass), count(.fail))
            (inconclusive, broken) = (count(.inconclusive), count(.broken))
        }
    }

    private struct RunText: Encodable {
        let lab, scenario: String
        let variant, system: String?
        let isDerived: Bool
        let repetition: Int
        let outcome: TestRun.Outcome
        let isPartial: Bool
        let lengthNanoseconds, wallNanoseconds: Int64
        let failures: [String]
        let checks: [CheckText]
        let claims: [Verdict]
        let flows: [FlowText]
        let judgements: [JudgementText]
        let alarms: [TestRun.Alarm]
        let transfers: [TransferFigure]
        let capture: String?
        let timeline: TimelineReport?
        let traffic: [TrafficReport.Series]

        init(_ run: TestRun) {
            (lab, scenario, variant, repetition) = (run.lab, run.scenario, run.variant, run.repetition)
            isDerived = run.isDerived
            system = run.system
            (outcome, isPartial, failures) = (run.outcome, run.isPartial, run.failures)
            lengthNanoseconds = run.length.wholeNanoseconds
            wallNanoseconds = run.wallTime.wholeNanoseconds
            checks = run.checks.map { CheckText($0) }
            claims = run.claims
            flows = run.flows.map(FlowText.init)
            judgements = run.judgements.map { JudgementText($0) }
            (alarms, transfers, capture, timeline) = (run.alarms, run.transfers, run.capture, run.timeline)
            traffic = run.traffic.series
        }
    }

    private struct CheckText: Encodable {
        let atNanoseconds: Int64
        let mustHold: Bool
        let outcome: Verdict.Outcome
        let verdict: Verdict

        init(_ check: TestRun.Check) {
            atNanoseconds = check.at.wholeNanoseconds
            (mustHold, outcome, verdict) = (check.mustHold, check.outcome, check.verdict)
        }
    }

    private struct JudgementText: Encodable {
        let flow, probe, fault: String
        let subject: OutageJudgement.Subject
        let atNanoseconds: Int64
        let outcome: Verdict.Outcome
        let expected, seen: String
        let measured, forth, back: [OutageText]
        let predicted: PredictionText?

        init(_ judgement: OutageJudgement) {
            (flow, probe, fault, subject) = (judgement.flow, judgement.probe, judgement.fault, judgement.subject)
            atNanoseconds = judgement.nanoseconds
            (outcome, expected, seen) = (judgement.outcome, judgement.expected, judgement.seen)
            measured = judgement.measured.map(OutageText.init)
            forth = judgement.forth.map(OutageText.init)
            back = judgement.back.map(OutageText.init)
            predicted = judgement.predicted.map { PredictionText($0) }
        }
    }

    private struct PredictionText: Encodable {
        /// `none`, `outage`, `until_healed`, `degraded`, `by_flow` or `unpredictable`.
        let effect: String
        let window, comeback: WindowText?
        let before: Prediction.Way
        let during: Prediction.Way?
        let reasons: [String]

        init(_ prediction: Prediction) {
            switch prediction.effect {
            case .none: (effect, window) = ("none", nil)
            case .outage(let span): (effect, window) = ("outage", WindowText(span))
            case .untilHealed: (effect, window) = ("until_healed", nil)
            case .degraded: (effect, window) = ("degraded", nil)
            case .byFlow: (effect, window) = ("by_flow", nil)
            case .unpredictable: (effect, window) = ("unpredictable", nil)
            }
            comeback = prediction.comeback.map(WindowText.init)
            (before, during, reasons) = (prediction.before, prediction.during, prediction.reasons)
        }
    }

    private struct WindowText: Encodable {
        let earliestNanoseconds, latestNanoseconds: Int64

        init(_ window: Window) {
            earliestNanoseconds = window.earliest.wholeNanoseconds
            latestNanoseconds = window.latest.wholeNanoseconds
        }
    }
}

/// An outage for programs.
struct OutageText: Encodable {
    let scope: Outage.Scope
    let lost: Int
    let atLeastNanoseconds: Int64
    /// Nil where it was not seen to begin or to end.
    let atMostNanoseconds: Int64?
    /// When those packets were sent, on the lab's clock.
    let lastGoodNanoseconds: Int64?
    let firstLostNanoseconds, lastLostNanoseconds: Int64
    let firstGoodNanoseconds: Int64?

    init(_ outage: Outage) {
        (scope, lost) = (outage.scope, outage.lost)
        atLeastNanoseconds = outage.atLeast.wholeNanoseconds
        atMostNanoseconds = outage.atMost?.wholeNanoseconds
        lastGoodNanoseconds = outage.lastGood?.nanoseconds
        firstLostNanoseconds = outage.firstLost.nanoseconds
        lastLostNanoseconds = outage.lastLost.nanoseconds
        firstGoodNanoseconds = outage.firstGood?.nanoseconds
    }
}

/// A flow for programs.
struct FlowText: Encodable {
    let name, probe: String
    let intervalNanoseconds: Int64
    let sent, answered, lost, undecided, duplicates, reordered, unsent: Int
    let lostForth, lostBack: Int?
    let forth, back: FlowResult.Disorder?
    let localErrors: [String]
    let roundTripNanoseconds: RoundTrip?
    let outages: [OutageText]
    let doubt: String?

    init(_ flow: FlowResult) {
        (name, probe) = (flow.name, flow.probe)
        intervalNanoseconds = flow.interval.wholeNanoseconds
        (sent, answered, lost, undecided) = (flow.sent, flow.answered, flow.lost, flow.undecided)
        (duplicates, reordered, unsent) = (flow.duplicates, flow.reordered, flow.unsent)
        (lostForth, lostBack, forth, back) = (flow.lostForth, flow.lostBack, flow.forth, flow.back)
        (localErrors, roundTripNanoseconds, doubt) = (flow.localErrors, flow.roundTrip, flow.doubt)
        outages = flow.outages.map(OutageText.init)
    }
}
