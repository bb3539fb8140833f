import Expectations
import LabRecords
import NetworkTypes
import Recordings

/// What came of playing one scenario once.
public struct TestRun: Sendable, Codable {
    public enum Outcome: String, Sendable, Codable, CaseIterable {
        case pass, fail, inconclusive
        /// The lab could not be run.
        case broken
    }

    /// An expectation that was looked at in the course of a scenario.
    public struct Check: Sendable, Codable {
        /// Since the scenario's beginning.
        public let at: Duration
        public let verdict: Verdict
        /// Whether it must hold; it must fail if not.
        public let mustHold: Bool

        public init(at: Duration, verdict: Verdict, mustHold: Bool) {
            self.at = at
            self.verdict = verdict
            self.mustHold = mustHold
        }

        /// A scenario says that it must hold, or fail, now: that it does not apply now is a failure, or a doubt.
        public var outcome: Verdict.Outcome {
            switch verdict.outcome {
            case .pass: mustHold ? .pass : .fail
            case .fail: mustHold ? .fail : .pass
            case .notApplicable: mustHold ? .fail : .inconclusive
            case .inconclusive: .inconclusive
            }
        }
    }

    public struct Alarm: Sendable, Codable {
        /// Since the scenario's beginning.
        public let nanoseconds: Int64
        public let monitor: String
        public let isRaised: Bool
    }

    public let lab: String
    public let scenario: String
    public let variant: String?
    /// Whether netlab has derived the scenario from the lab, so that it stands in no file.
    public let isDerived: Bool
    /// What it shows, in words; empty where the file says nothing.
    public let summary: String
    /// The system that its nodes were given in place of the host's; nil where they were given none.
    public var system: String?
    /// From 1.
    public let repetition: Int
    /// When it began, on the lab's clock, in nanoseconds.
    public let beganAt: Int64
    /// On the lab's clock, and on the host's.
    public let length: Duration
    public let wallTime: Duration
    public let checks: [Check]
    public let flows: [FlowResult]
    public let judgements: [OutageJudgement]
    /// The scenario's own claims of outages.
    public let claims: [Verdict]
    public let alarms: [Alarm]
    public let transfers: [TransferFigure]
    /// What somebody measured on the real thing, in words, by flow: how long it was out.
    public let publishedOutages: [String: String]
    public let timeline: TimelineReport?
    /// What went through each end of the tunnels.
    public let traffic: TrafficReport
    /// The capture file that packets' numbers speak of.
    public var capture: String?
    /// Why the lab could not be run, or not to the end; steps that could not be done among them.
    public let failures: [String]
    /// Whether it was broken off by its user.
    public let isPartial: Bool

    /// - Parameters:
    ///   - beganAt: On the lab's clock: alarms are counted from there.
    ///   - events: Of them the alarms are told.
    public init(
        lab: String, scenario: String, variant: String?, isDerived: Bool = false, summary: String = "",
        repetition: Int, length: Duration, wallTime: Duration, beganAt: Int64 = 0, checks: [Check] = [],
        flows: [FlowResult] = [], judgements: [OutageJudgement] = [],
        claims: [Verdict] = [], events: [LabEvent] = [], timeline: Timeline? = nil, traffic: [TrafficSample] = [],
        capture: String? = nil,
        transfers: [TransferFigure] = [], publishedOutages: [String: String] = [:], failures: [String] = [],
        isPartial: Bool = false
    ) {
        self.lab = lab
        self.scenario = scenario
        self.variant = variant
        self.isDerived = isDerived
        self.summary = summary
        self.repetition = repetition
        self.beganAt = beganAt
        self.length = length
        self.wallTime = wallTime
        self.checks = checks
        self.flows = flows
        self.judgements = judgements
        self.claims = claims
        alarms = events.compactMap { event in
            guard case .alarm(let monitor, let isRaised) = event.kind else { return nil }
            return Alarm(nanoseconds: event.nanoseconds - beganAt, monitor: monitor, isRaised: isRaised)
        }
        self.timeline = timeline.map(TimelineReport.init)
        self.traffic = TrafficReport(traffic, since: beganAt)
        self.capture = capture
        self.transfers = transfers
        self.publishedOutages = publishedOutages
        self.failures = failures
        self.isPartial = isPartial
    }

    /// A failure counts more than a doubt, and a lab that broke more than both. A run without anything to judge proves
    /// nothing, nor does one that was broken off without a failure.
    public var outcome: Outcome {
        if !failures.isEmpty { return .broken }
        let all = checks.map(\.outcome) + judgements.map(\.outcome) + claims.map(\.outcome)
        if all.contains(.fail) { return .fail }
        return isPartial || all.contains(.inconclusive) || !all.contains(.pass) ? .inconclusive : .pass
    }

    /// `aws-oci main-cut`, with the variant in parentheses, and the system.
    public var name: String {
        "\(lab) \(scenario)\(variant.map { " (\($0))" } ?? "")\(system.map { " on \($0)" } ?? "")"
    }
}
