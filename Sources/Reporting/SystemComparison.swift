import Expectations
import NetworkTypes

/// A scenario that was played on another system, beside the same on the host's.
public struct SystemComparison: Hashable, Sendable, Encodable {
    /// One thing that was seen of both.
    public struct Line: Hashable, Sendable, Encodable {
        /// `outcome`, `outage of PROBE, FAULT`, an expectation's name with the time at which it was looked at, or `trouble`.
        public let subject: String
        public let host: String
        public let other: String
        /// Whether what was concluded is not the same: outages of the same outcome may well be of other lengths.
        public let differs: Bool
    }

    public let lab: String
    public let scenario: String
    public let variant: String?
    public let repetition: Int
    public let system: String
    /// Outcome and outages of both, and of the rest what is not the same.
    public let lines: [Line]

    /// - Parameters:
    ///   - host: The run on the host's system.
    ///   - other: That of the same scenario on another.
    init(_ host: TestRun, _ other: TestRun, on system: String) {
        (lab, scenario, variant, repetition) = (host.lab, host.scenario, host.variant, host.repetition)
        self.system = system
        var lines = [
            Line(
                subject: "outcome", host: host.outcome.rawValue, other: other.outcome.rawValue,
                differs: host.outcome != other.outcome)
        ]
        let trouble = [host, other].map { $0.failures.joined(separator: "; ") }
        if trouble[0] != trouble[1] {
            lines.append(Line(subject: "trouble", host: trouble[0], other: trouble[1], differs: true))
        }
        lines += Self.lines(Self.outages(of: host), Self.outages(of: other))
        lines += Self.lines(Self.checks(of: host), Self.checks(of: other)).filter(\.differs)
        self.lines = lines
    }

    private typealias Seen = (subject: String, outcome: Verdict.Outcome, words: String)

    private static func outages(of run: TestRun) -> [Seen] {
        run.judgements.map { judgement in
            let subject = judgement.subject == .outage ? "outage" : "\(judgement.subject)"
            return ("\(subject) of \(judgement.flow), \(judgement.fault)", judgement.outcome, judgement.seen)
        }
    }

    private static func checks(of run: TestRun) -> [Seen] {
        run.checks.map { ("\($0.verdict.expectation) at \($0.at.shortText)", $0.outcome, $0.verdict.seen) }
    }

    /// What both have under the same name, and what one of them has.
    private static func lines(_ host: [Seen], _ other: [Seen]) -> [Line] {
        var subjects: [String] = []
        for seen in host + other where !subjects.contains(seen.subject) { subjects.append(seen.subject) }
        return subjects.map { subject in
            let one = host.first { $0.subject == subject }
            let two = other.first { $0.subject == subject }
            return Line(
                subject: subject, host: one.map(words) ?? "-", other: two.map(words) ?? "-",
                differs: one?.outcome != two?.outcome)
        }
    }

    private static func words(_ seen: Seen) -> String {
        seen.outcome == .pass ? seen.words : "\(seen.outcome.rawValue): \(seen.words)"
    }
}

extension TestReport {
    /// Each run on another system than the host's, beside the host's.
    public var systems: [SystemComparison] {
        runs.compactMap { other in
            guard let system = other.system else { return nil }
            let host = runs.first {
                $0.system == nil && $0.lab == other.lab && $0.scenario == other.scenario && $0.variant == other.variant
                    && $0.repetition == other.repetition
            }
            return host.map { SystemComparison($0, other, on: system) }
        }
    }

    /// The table of them; empty where there are none.
    func systemsText(_ style: Style) -> String {
        let all = systems
        guard let system = all.first?.system else { return "" }
        let rows = all.flatMap { one in
            one.lines.enumerated().map { index, line in
                let name = "\(one.lab) \(one.scenario)\(one.variant.map { " (\($0))" } ?? "")"
                return [
                    line.differs ? style.bad("≠") : "", index == 0 ? name : "", line.subject, line.host, line.other,
                ]
            }
        }
        let count = all.count { $0.lines.contains(where: \.differs) }
        let heading = "The host's system and \(system): \(count) of \(all.count) runs differ in what was concluded"
        let columns = ["", "SCENARIO", "WHAT", "HOST", system.uppercased()]
        return style.strong(heading) + "\n" + Table(columns: columns, rows: rows).text(style: style, indent: "  ")
    }
}
