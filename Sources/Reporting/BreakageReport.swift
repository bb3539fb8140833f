import Expectations
import NetworkTypes
import Predictions
import Recordings

/// What breaks in a lab, for how long, and what carries its probes instead: a line for each breakage and each fate of probes.
///
/// Probes that a breakage does not touch have no line, unless it touches none.
public struct BreakageReport: Sendable, Encodable {
    /// What one breakage does to probes that fare alike.
    public struct Row: Sendable, Encodable {
        /// In words: `tunnel main cut`.
        public let breaks: String
        public let probes: [String]
        /// How long they are out, as it was predicted.
        public let predicted: String
        /// Why that is not known; nil where it is.
        public let doubt: String?
        /// Nil where nothing was played.
        public let measured: String?
        /// The tunnels by which packets go instead.
        public let instead: [String]
        /// The same for questions and for answers, where these go by others than those; else nil.
        public let insteadForth: [String]?
        public let insteadBack: [String]?
        public let outcome: Verdict.Outcome?
    }

    public let rows: [Row]

    /// - Parameter predictions: For each breakage what is predicted of each probe.
    public init(predicted predictions: [(breaks: String, predictions: [Prediction])]) {
        rows = predictions.flatMap { breaks, predictions in
            Self.rows(
                breaks,
                predictions.map { one in
                    let fate = Fate(one.all)
                    return Row(
                        breaks: breaks, probes: [one.probe], predicted: fate.words, doubt: fate.doubt, measured: nil,
                        instead: fate.instead, insteadForth: fate.directions?.forth,
                        insteadBack: fate.directions?.back, outcome: nil)
                })
        }
    }

    /// Of scenarios that each break one thing.
    public init(played runs: [TestRun]) {
        rows = runs.flatMap { run in
            guard run.failures.isEmpty else {
                return [
                    Row(
                        breaks: run.summary, probes: [], predicted: "", doubt: nil,
                        measured: "the lab broke: \(run.failures[0])",
                        instead: [], insteadForth: nil, insteadBack: nil, outcome: .fail)
                ]
            }
            var probes: [String] = []
            for probe in run.judgements.map(\.probe) where !probes.contains(probe) { probes.append(probe) }
            return Self.rows(run.summary, probes.map { Self.row(of: $0, in: run) })
        }
    }

    private static func row(of probe: String, in run: TestRun) -> Row {
        let own = run.judgements.filter { $0.probe == probe }
        let outages = own.filter { $0.subject == .outage }
        let fate = Fate(outages.compactMap(\.predicted))
        // The predictions that flows were held against are those for their ways; that others were spared is told by their number.
        let hit = outages.filter { !$0.measured.isEmpty }
        let longest = hit.compactMap(\.measured.first).max { $0.atLeast < $1.atLeast }
        var measured =
            longest.map { outage in
                "\(outage.atLeast.inMilliseconds) to \(outage.atMost?.inMilliseconds ?? "the end")"
            } ?? "no packet lost"
        if let good = longest?.firstGood, fate.isForGood, let heal = own.first(where: { $0.subject == .comeback }) {
            let back = max(0, good.nanoseconds - heal.nanoseconds)
            measured = "until mended + \(Duration.nanoseconds(back).inMilliseconds)"
        }
        if longest != nil, outages.count > 1 { measured += ", \(hit.count) of \(outages.count) flows" }
        let outcomes = own.map(\.outcome)
        let outcome = [Verdict.Outcome.fail, .inconclusive, .pass].first(where: outcomes.contains) ?? .notApplicable
        return Row(
            breaks: run.summary, probes: [probe], predicted: fate.words, doubt: fate.doubt, measured: measured,
            instead: fate.instead, insteadForth: fate.directions?.forth, insteadBack: fate.directions?.back,
            outcome: outcome)
    }

    /// Probes that fare alike together, those that fare well left out.
    private static func rows(_ breaks: String, _ single: [Row]) -> [Row] {
        let touched = single.filter { row in
            !(row.predicted == Fate.untouched && [nil, "no packet lost"].contains(row.measured)
                && [nil, .pass].contains(row.outcome))
        }
        guard !touched.isEmpty else {
            return [
                Row(
                    breaks: breaks, probes: [], predicted: Fate.untouched, doubt: nil, measured: single.first?.measured,
                    instead: [], insteadForth: nil, insteadBack: nil,
                    outcome: single.first?.outcome)
            ]
        }
        return touched.reduce(into: [Row]()) { rows, row in
            if let index = rows.firstIndex(where: { $0.isLike(row) }) {
                rows[index] = rows[index].with(row.probes)
            } else {
                rows.append(row)
            }
        }
    }

    /// What becomes of a probe, whichever way its flow took.
    private struct Fate {
        static let untouched = "nothing"
        let words: String
        let doubt: String?
        let instead: [String]
        let directions: (forth: [String], back: [String])?
        /// Whether whatever way its flow took, it is out until the breakage is mended.
        let isForGood: Bool

        init(_ predictions: [Prediction]) {
            let hit = predictions.filter { $0.effect != .none }
            let isShared = hit.count < predictions.count
            var ways: [String] = []
            for way in hit.compactMap(\.during).flatMap({ $0.forth + $0.back }) where !ways.contains(way) {
                ways.append(way)
            }
            instead = ways
            let during = hit.compactMap(\.during)
            let (forth, back) = (Set(during.flatMap(\.forth)), Set(during.flatMap(\.back)))
            directions = forth == back ? nil : (ways.filter(forth.contains), ways.filter(back.contains))
            isForGood = !hit.isEmpty && hit.allSatisfy { $0.effect == .untilHealed }
            doubt = hit.lazy.compactMap(\.effect.doubt).first
            let some = isShared ? ", some flows" : ""
            guard let first = hit.first else {
                words = predictions.isEmpty ? "-" : Self.untouched
                return
            }
            if doubt != nil {
                words = "not known"
            } else if let window = Window.spanning(hit.compactMap(\.effect.window)) {
                // Flows that only change their way are out for a moment beside those that are cut off.
                let long = hit.compactMap(\.effect.window).filter { $0.latest >= .seconds(1) }
                let some = isShared || !long.isEmpty && long.count < hit.count ? ", some flows" : ""
                let span = Window.spanning(long)?.text ?? (window.latest < .seconds(1) ? "a moment" : window.text)
                words = (hit.contains { $0.effect == .untilHealed } ? "\(span), or until mended" : span) + some
            } else if first.effect == .degraded {
                words = "some packets" + some
            } else {
                let comeback = Window.spanning(hit.compactMap(\.comeback)).map { " + \($0.text)" }
                words = "until mended" + (comeback ?? ", or longer") + some
            }
        }
    }

    /// Why what breaks cannot be told of, a sentence for each reason.
    public var doubts: [String] {
        rows.filter { $0.doubt != nil }.reduce(into: [(reason: String, breaks: [String])]()) { doubts, row in
            let reason = row.doubt ?? ""
            if let index = doubts.firstIndex(where: { $0.reason == reason }) {
                if doubts[index].breaks.last != row.breaks { doubts[index].breaks.append(row.breaks) }
            } else {
                doubts.append((reason, [row.breaks]))
            }
        }.map { "\($0.breaks.joined(separator: ", ")): not known, for \($0.reason)" }
    }

    public func text(style: Style) -> String {
        let isPlayed = rows.contains { $0.measured != nil }
        let cells = rows.enumerated().map { index, row -> [String] in
            let isSame = index > 0 && rows[index - 1].breaks == row.breaks
            let probes = row.probes.isEmpty ? "-" : row.probes.joined(separator: ", ")
            return (isPlayed ? [(row.outcome ?? .notApplicable).mark(style)] : []) + [
                isSame ? "" : style.strong(row.breaks), probes, row.predicted,
            ]
                + (isPlayed ? [row.measured ?? ""] : []) + [
                    row.ways
                ]
        }
        let columns =
            (isPlayed ? [""] : []) + ["BREAKS", "PROBES", "OUT FOR"] + (isPlayed ? ["MEASURED"] : []) + [
                "CARRIES INSTEAD"
            ]
        let notes = doubts.map(style.warning)
        return ([Table(columns: columns, rows: cells).text(style: style)] + notes).joined(separator: "\n")
    }
}

extension BreakageReport.Row {
    /// What carries packets, there and back where these differ.
    public var ways: String {
        func list(_ names: [String]) -> String { names.isEmpty ? "-" : names.joined(separator: ", ") }
        guard let insteadForth, let insteadBack else { return list(instead) }
        return "\(list(insteadForth)) / \(list(insteadBack))"
    }

    fileprivate func isLike(_ other: Self) -> Bool {
        breaks == other.breaks && predicted == other.predicted && measured == other.measured && instead == other.instead
            && insteadForth == other.insteadForth && insteadBack == other.insteadBack && outcome == other.outcome
    }

    fileprivate func with(_ more: [String]) -> Self {
        Self(
            breaks: breaks, probes: probes + more, predicted: predicted, doubt: doubt, measured: measured,
            instead: instead, insteadForth: insteadForth, insteadBack: insteadBack,
            outcome: outcome)
    }
}

extension Prediction.Effect {
    /// Why nothing can be said; nil where something can.
    fileprivate var doubt: String? { if case .unpredictable(let why) = self { why } else { nil } }
}
