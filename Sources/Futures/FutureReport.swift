import Expectations
import LabModel
import NetworkTypes
import Predictions
import Recordings
import Reporting

/// What became of a lab in many futures: how long flows were out in each direction, against what was predicted.
public struct FutureReport: Sendable {
    public let lab: String
    public let variant: String?
    public let plan: FuturePlan
    /// By number.
    public let outcomes: [FutureOutcome]
    /// Whether it was broken off, so that futures are missing.
    public let isPartial: Bool
    /// The directories of those whose captures and logs were kept, by number, and what each is kept for.
    public let kept: [Int: (path: String, reasons: [String])]
    /// The command that plays one of them again, but for its number.
    public let again: String
    /// What was predicted of faults that begin second, for a lab in which nothing else is broken.
    private let alone: [FutureReport.Lone: Prediction.Effect]
    public let distributions: [OutageDistribution]

    /// A probe after faults that are the only ones.
    public struct Lone: Hashable, Sendable {
        public let faults: [Fault]
        public let probe: String

        public init(faults: [Fault], probe: String) {
            self.faults = faults
            self.probe = probe
        }
    }

    public init(
        lab: String, variant: String?, plan: FuturePlan, outcomes: [FutureOutcome], isPartial: Bool = false,
        kept: [Int: (path: String, reasons: [String])] = [:], again: String, alone: [Lone: Prediction.Effect] = [:]
    ) {
        self.lab = lab
        self.variant = variant
        self.plan = plan
        self.outcomes = outcomes.sorted { $0.future.number < $1.future.number }
        self.isPartial = isPartial
        self.kept = kept
        self.again = again
        self.alone = alone
        distributions = OutageDistribution.all(of: self.outcomes)
    }

    /// As a test's: what broke counts more than what failed, and that more than a doubt.
    public var outcome: TestRun.Outcome {
        let all = Set(outcomes.map(\.outcome))
        return [.broken, .fail, .inconclusive].first(where: all.contains)
            ?? (isPartial || outcomes.isEmpty ? .inconclusive : .pass)
    }

    /// Whether faults are predicted to do worse to a probe when others have begun than by themselves.
    func isOnlyTogether(_ distribution: OutageDistribution) -> Bool {
        let single = effectAlone(of: distribution)?.gravity
        guard !distribution.key.before.isEmpty, let single, !distribution.effects.isEmpty else { return false }
        return distribution.effects.allSatisfy { $0.gravity.map { $0 > single } ?? false }
    }

    func effectAlone(of distribution: OutageDistribution) -> Prediction.Effect? {
        alone[Lone(faults: distribution.key.faults, probe: distribution.key.flow)]
    }

    /// What did not pass of a distribution's flow and faults.
    func verdict(on distribution: OutageDistribution) -> Verdict.Outcome {
        let key = distribution.key
        let complaints = outcomes.filter {
            Array($0.future.groups.prefix(key.before.count + 1)) == key.before + [key.faults]
        }
        .flatMap(\.complaints).filter {
            $0.subject == .outage && $0.fault == key.faults.text
                && ($0.flow == key.flow || $0.flow.hasPrefix("\(key.flow)#"))
        }
        if complaints.contains(where: { $0.outcome == .fail }) { return .fail }
        return complaints.isEmpty ? .pass : .inconclusive
    }
}

extension Prediction.Effect {
    /// The more, the worse; nil where nothing definite was predicted.
    fileprivate var gravity: Int? {
        switch self {
        case .none: 0
        case .outage(let window): window.latest < .seconds(1) ? 0 : 2
        case .degraded: 1
        case .untilHealed: 3
        case .byFlow, .unpredictable: nil
        }
    }

    /// In words: `12.500 s to 33.010 s`.
    var words: String {
        switch self {
        case .none: "no packet lost"
        case .outage(let window): "\(window.earliest.inMilliseconds) to \(window.latest.inMilliseconds)"
        case .untilHealed: "until it is mended"
        case .degraded: "some packets may be lost"
        case .byFlow: "by the flow's way"
        case .unpredictable: "nothing"
        }
    }
}
