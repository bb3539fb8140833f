import Expectations
import NetworkTypes
import Predictions
import Recordings

/// What `netlab test` found, for people and for programs.
public struct TestReport: Sendable {
    public let runs: [TestRun]
    /// Whether it was broken off: runs are missing.
    public let isPartial: Bool

    public init(runs: [TestRun], isPartial: Bool = false) {
        self.runs = runs
        self.isPartial = isPartial
    }

    /// The whole's: what broke counts more than what failed, and that more than a doubt.
    public var outcome: TestRun.Outcome {
        let all = Set(runs.map(\.outcome))
        return [.broken, .fail, .inconclusive].first(where: all.contains)
            ?? (isPartial || runs.isEmpty ? .inconclusive : .pass)
    }

    /// How long a probe's flows were out in all repetitions of a scenario.
    public struct Distribution: Sendable, Encodable {
        public let lab: String
        public let scenario: String
        public let variant: String?
        public let system: String?
        /// The probe's name.
        public let flow: String
        public let fault: String
        /// How many flows there were in all runs, and how many of them had an outage.
        public let runs: Int
        public let outages: Int
        /// Of the time from the last answered request to the next, in nanoseconds.
        public let leastNanoseconds: Int64
        public let medianNanoseconds: Int64
        public let p95Nanoseconds: Int64
        public let mostNanoseconds: Int64
    }

    /// One for each outage that more than one run measured.
    public var distributions: [Distribution] {
        struct Key: Hashable { let lab, scenario, variant, system, flow, fault: String }
        var order: [Key] = []
        var measured: [Key: (runs: Int, lengths: [Int64])] = [:]
        for run in runs {
            for judgement in run.judgements where judgement.subject == .outage {
                let key = Key(
                    lab: run.lab, scenario: run.scenario, variant: run.variant ?? "", system: run.system ?? "",
                    flow: judgement.probe,
                    fault: judgement.fault)
                if measured[key] == nil { order.append(key) }
                let length = judgement.measured.first?.atMost?.wholeNanoseconds
                measured[key, default: (0, [])].runs += 1
                measured[key]?.lengths += length.map { [$0] } ?? []
            }
        }
        return order.compactMap { key in
            guard let (runs, lengths) = measured[key], runs > 1, let trips = RoundTrip(lengths) else { return nil }
            return Distribution(
                lab: key.lab, scenario: key.scenario, variant: key.variant.isEmpty ? nil : key.variant,
                system: key.system.isEmpty ? nil : key.system, flow: key.flow,
                fault: key.fault, runs: runs, outages: trips.count, leastNanoseconds: trips.least,
                medianNanoseconds: trips.median, p95Nanoseconds: trips.p95, mostNanoseconds: trips.most)
        }
    }

    /// What was published beside what was predicted and measured: of each figure of a lab and variant the first that did not
    /// pass, or else the first.
    public var comparisons: [Comparison] {
        let all = runs.filter { $0.repetition == 1 && $0.system == nil }.flatMap(\.comparisons)
        let groups = Dictionary(grouping: all.indices) { index in
            let one = all[index]
            return [one.lab, one.variant ?? "", one.subject, one.subject.hasPrefix("outage of ") ? one.scenario : ""]
        }
        let chosen = groups.values.compactMap { group in group.first { all[$0].outcome != .pass } ?? group.first }
        return chosen.sorted().map { all[$0] }
    }

    // MARK: Text

    /// - Parameter isVerbose: Whether all checks and all timelines are told, and not only of runs that did not pass.
    public func text(style: Style, isVerbose: Bool = false) -> String {
        // Of those that were derived one table tells all, but for what has to be told of one that did not pass.
        let derived = runs.filter(\.isDerived)
        var parts = runs.filter { !$0.isDerived || isVerbose || ![.pass, .inconclusive].contains($0.outcome) }.map {
            text(of: $0, style, isVerbose: isVerbose)
        }
        if !derived.isEmpty { parts.append(BreakageReport(played: derived).text(style: style)) }
        // Flows of one derived run are in its table.
        let distributions = distributions
        if !distributions.isEmpty, runs.contains(where: { !$0.isDerived || $0.repetition > 1 }) {
            let rows = distributions.map { one in
                [
                    "\(one.lab) \(one.scenario)\(one.variant.map { " (\($0))" } ?? "")\(one.system.map { " on \($0)" } ?? "")",
                    one.flow, one.fault,
                    "\(one.outages) of \(one.runs)",
                ]
                    + [one.leastNanoseconds, one.medianNanoseconds, one.p95Nanoseconds, one.mostNanoseconds].map {
                        Duration.nanoseconds($0).inMilliseconds
                    }
            }
            let columns = ["SCENARIO", "FLOW", "FAULT", "OUTAGES", "MIN", "MEDIAN", "P95", "MAX"]
            parts.append(
                style.strong("From the last answered request to the next, in all runs") + "\n"
                    + Table(columns: columns, rows: rows).text(style: style, indent: "  "))
        }
        let comparisons = comparisons
        if !comparisons.isEmpty { parts.append(text(of: comparisons, style)) }
        let systems = systemsText(style)
        if !systems.isEmpty { parts.append(systems) }
        return (parts + [summary(style)]).joined(separator: "\n\n")
    }

    /// One run, as it can be told when it is over.
    public func text(of run: TestRun, _ style: Style, isVerbose: Bool) -> String {
        let times = style.faint("\(run.length.shortText) in \(run.wallTime.inMilliseconds) of wall time")
        let number = run.repetition > 1 ? " #\(run.repetition)" : ""
        let partial = run.isPartial ? style.warning(", broken off") : ""
        var lines = ["\(mark(run.outcome, style)) \(style.strong(run.name))\(number)  \(times)\(partial)"]
        lines += run.failures.map { "  \(style.bad($0))" }
        if !run.judgements.isEmpty { lines.append(judgements(of: run, style)) }
        for (_, judgement) in Self.gathered(run.judgements)
        where judgement.outcome == .fail || judgement.outcome == .inconclusive || isVerbose {
            lines += details(of: judgement, style)
        }
        lines += checks(of: run, style, isVerbose: isVerbose)
        if isVerbose, !run.flows.isEmpty { lines.append(flows(of: run, style)) }
        if !run.transfers.isEmpty { lines.append(TransferReport(run.transfers).text(style: style, indent: "  ")) }
        for alarm in run.alarms {
            let word = alarm.isRaised ? "raised" : "cleared"
            lines.append(
                "  alarm of \(alarm.monitor) \(word) at \(Duration.nanoseconds(alarm.nanoseconds).inMilliseconds)")
        }
        let traffic = run.traffic.text(style: style, indent: "  ")
        if isVerbose || run.outcome == .fail, !traffic.isEmpty { lines.append(traffic) }
        if let timeline = run.timeline, !timeline.chapters.isEmpty, isVerbose || run.outcome == .fail {
            lines += ["", timeline.text(style: style)]
            if let capture = run.capture { lines.append(style.faint("Packets are numbered as in \(capture)")) }
        }
        return lines.joined(separator: "\n")
    }

    private func text(of comparisons: [Comparison], _ style: Style) -> String {
        let rows = comparisons.map { one in
            let scenario = "\(one.lab) \(one.scenario)\(one.variant.map { " (\($0))" } ?? "")"
            let words = [one.published, one.predicted, one.measured].map { Self.beginning(of: $0) }
            return [one.outcome.mark(style), scenario, one.subject] + words
        }
        let columns = ["", "SCENARIO", "WHAT", "PUBLISHED", "PREDICTED", "MEASURED"]
        return style.strong("Beside what was published of the real thing") + "\n"
            + Table(columns: columns, rows: rows).text(style: style, indent: "  ")
    }

    /// What fits into a column; the whole is in `report.json`.
    private static func beginning(of text: String) -> String {
        text.count <= widest ? text : text.prefix(widest - 1) + "…"
    }

    private static let widest = 56

    private func judgements(of run: TestRun, _ style: Style) -> String {
        // Without a capture no direction is known.
        let hasDirections = run.judgements.contains { !Self.directions(of: $0).isEmpty }
        let rows = Self.gathered(run.judgements).map { name, judgement in
            [judgement.outcome.mark(style), name, judgement.cause, judgement.seen]
                + (hasDirections ? [Self.directions(of: judgement)] : []) + [judgement.expected]
        }
        let columns = ["", "FLOW", "AFTER", "MEASURED"] + (hasDirections ? ["FORTH / BACK"] : []) + ["EXPECTED"]
        return Table(columns: columns, rows: rows).text(style: style, indent: "  ")
    }

    /// Judgements with the names of what they are of. Those that are alike for several flows of a probe are one, `app, 13 flows by main`:
    /// the one with the longest outage.
    private static func gathered(_ judgements: [OutageJudgement]) -> [(name: String, judgement: OutageJudgement)] {
        struct Key: Hashable {
            let probe, fault, expected: String
            let subject: OutageJudgement.Subject
            let outcome: Verdict.Outcome
            let nanoseconds: Int64
            let before: Prediction.Way?
        }
        var order: [Key] = []
        var groups: [Key: [OutageJudgement]] = [:]
        for one in judgements {
            let key = Key(
                probe: one.probe, fault: one.fault, expected: one.expected, subject: one.subject, outcome: one.outcome,
                nanoseconds: one.subject == .unprovoked ? 0 : one.nanoseconds, before: one.predicted?.before)
            if groups[key] == nil { order.append(key) }
            groups[key, default: []].append(one)
        }
        return order.compactMap { key in
            guard let group = groups[key] else { return nil }
            let length = { (one: OutageJudgement) in one.measured.first?.atLeast ?? .zero }
            guard let longest = group.max(by: { length($0) < length($1) }) else { return nil }
            guard longest.flow != longest.probe else { return (longest.flow, longest) }
            let flows = group.count == 1 ? longest.flow : "\(longest.probe), \(group.count) flows"
            return (flows + (key.before.map(words) ?? ""), longest)
        }
    }

    /// ` by main`, ` by main, back by backup`; nothing for no tunnel.
    private static func words(_ way: Prediction.Way) -> String {
        let text = { (tunnels: [String]) in tunnels.isEmpty ? "no tunnel" : tunnels.joined(separator: " and ") }
        if way.forth == way.back { return way.forth.isEmpty ? "" : " by \(text(way.forth))" }
        return " by \(text(way.forth)), back by \(text(way.back))"
    }

    /// How long each direction was out at most.
    private static func directions(of judgement: OutageJudgement) -> String {
        let words = { (outages: [Outage]) -> String in
            guard let longest = outages.max(by: { $0.atLeast < $1.atLeast }) else { return "-" }
            return longest.atMost?.inMilliseconds ?? "\(longest.atLeast.inMilliseconds) or more"
        }
        return judgement.forth.isEmpty && judgement.back.isEmpty
            ? "" : "\(words(judgement.forth)) / \(words(judgement.back))"
    }

    private func details(of judgement: OutageJudgement, _ style: Style) -> [String] {
        // The reasons of a comeback stand with the outage before it.
        guard let predicted = judgement.predicted, !predicted.reasons.isEmpty,
            judgement.subject == .outage || judgement.outcome != .pass
        else { return [] }
        return ["  \(judgement.flow), \(judgement.cause): predicted because"]
            + predicted.reasons.map { style.faint("    \($0)") }
    }

    private func checks(of run: TestRun, _ style: Style, isVerbose: Bool) -> [String] {
        var all = run.checks.map { ($0.verdict, $0.outcome, $0.mustHold, " at \($0.at.shortText)") }
        all += run.claims.map { ($0, $0.outcome, true, "") }
        var lines: [String] = []
        for (verdict, outcome, mustHold, at) in all where isVerbose || outcome != .pass {
            lines.append(
                "  \(outcome.mark(style)) \(style.strong(verdict.expectation))\(at)\(mustHold ? "" : ", which must fail")"
            )
            lines += [
                "      \(style.faint("expected"))  \(verdict.expected)",
                "      \(style.faint("rule    "))  \(verdict.rule)",
                "      \(style.faint("seen    "))  \(verdict.seen)",
            ]
        }
        let held = all.count { $0.1 == .pass }
        if held > 0, !isVerbose {
            lines.append("  \(style.good("✓")) \(held) check\(held == 1 ? "" : "s") as expected")
        }
        return lines
    }

    private func flows(of run: TestRun, _ style: Style) -> String {
        let columns = ["FLOW", "SENT", "LOST", "FORTH", "BACK", "DUPLICATED", "REORDERED", "ROUND TRIP"]
        let rows = run.flows.map { flow in
            Self.row(of: flow)
        }
        return Table(columns: columns, rows: rows).text(style: style, indent: "  ")
    }

    private static func row(of flow: FlowResult) -> [String] {
        let count = { (value: Int?) in value.map { "\($0)" } ?? "-" }
        let time = { (nanoseconds: Int64) in Duration.nanoseconds(nanoseconds).shortText }
        let trips = flow.roundTrip.map { "\(time($0.least)) to \(time($0.most))" }
        return [
            flow.name, "\(flow.sent)", "\(flow.lost)", count(flow.lostForth), count(flow.lostBack),
            "\(flow.duplicates)",
            "\(flow.reordered)", trips ?? "-",
        ]
    }

    private func summary(_ style: Style) -> String {
        let words: [(TestRun.Outcome, String)] = [
            (.pass, "passed"), (.fail, "failed"), (.inconclusive, "inconclusive"), (.broken, "broke"),
        ]
        let counts = words.compactMap { outcome, word -> String? in
            let count = runs.count { $0.outcome == outcome }
            return count == 0 ? nil : "\(count) \(word)"
        }
        let text =
            (counts.isEmpty ? "nothing was run" : counts.joined(separator: ", ")) + (isPartial ? "; broken off" : "")
        return paint(text, outcome, style)
    }

    private func paint(_ text: String, _ outcome: TestRun.Outcome, _ style: Style) -> String {
        switch outcome {
        case .pass: style.good(text)
        case .fail, .broken: style.bad(text)
        case .inconclusive: style.warning(text)
        }
    }

    private func mark(_ outcome: TestRun.Outcome, _ style: Style) -> String { paint(outcome.sign, outcome, style) }
}
