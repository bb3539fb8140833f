import Expectations
import LabModel
import NetworkTypes
import Predictions
import Recordings
import Reporting

extension FutureReport {
    /// Failed futures that are told of one by one.
    private static let mostTold = 10
    private static let widestBar = 40

    public func text(style: Style) -> String {
        var parts = [heading(style)]
        if distributions.contains(where: { !$0.key.before.isEmpty }) {
            parts.append(pairs(style))
        } else if !distributions.isEmpty {
            parts.append(table(style))
            parts += distributions.filter { $0.key.direction == .roundTrip && $0.lengths.count > 1 }.map {
                histogram(of: $0, style)
            }
        }
        let told = outcomes.filter { $0.outcome != .pass }.prefix(Self.mostTold)
        if !told.isEmpty { parts.append(told.flatMap { lines(of: $0, style) }.joined(separator: "\n")) }
        if !kept.isEmpty { parts.append(keptText(style)) }
        parts.append(summary(style))
        return parts.joined(separator: "\n\n")
    }

    private func heading(_ style: Style) -> String {
        let name = "\(lab)\(variant.map { " (\($0))" } ?? "")"
        let faults =
            plan.courses.count == 1
            ? (plan.courses[0].map(\.text)).joined(separator: ", then ") : "\(plan.courses.count) pairs of faults"
        let seeds = outcomes.map(\.future.seed)
        let range = [seeds.first, seeds.last].compactMap { $0.map(String.init) }
        let seedText =
            range.first == range.last ? "seed \(range.first ?? "-")" : "seeds \(range.joined(separator: " to "))"
        return
            "\(style.strong(name)): \(faults), \(Self.count(outcomes.count, "future")) over \(plan.span.shortText), \(seedText)"
    }

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    private func table(_ style: Style) -> String {
        var last: String?
        let rows = distributions.map { one in
            let isFirst = one.key.flow != last
            last = one.key.flow
            let isJudged = one.key.direction == .roundTrip
            return [
                isJudged ? verdict(on: one).coloured(style) : "", isFirst ? one.key.flow : "", one.key.direction.words,
                Self.outages(of: one),
            ] + Self.figures(of: one) + [isJudged ? Self.predicted(one) : ""]
        }
        let columns = ["", "FLOW", "DIRECTION", "OUTAGES", "MIN", "MEDIAN", "P95", "MAX", "PREDICTED"]
        return style.strong("From the last packet that got through to the next") + "\n"
            + Table(columns: columns, rows: rows).text(style: style, indent: "  ")
    }

    /// Of each pair, what the second faults did: round trips alone, and only where something happened or was to happen.
    private func pairs(_ style: Style) -> String {
        let shown = distributions.filter { one in
            one.key.direction == .roundTrip && !one.key.before.isEmpty
                && (one.outages > 0 || one.effects != [.none] || isOnlyTogether(one) || verdict(on: one) != .pass)
        }
        guard !shown.isEmpty else { return "No flow lost anything when the second fault began, as was predicted." }
        let rows = shown.map { one in
            let figures = Self.figures(of: one)
            return [
                verdict(on: one).coloured(style),
                "\(one.key.before.map(\.text).joined(separator: ", then ")), then \(one.key.faults.text)",
                one.key.flow, Self.outages(of: one), figures[0], figures[3], Self.predicted(one),
                effectAlone(of: one).map(\.words) ?? "-", isOnlyTogether(one) ? style.strong("only together") : "",
            ]
        }
        let columns = ["", "FAULTS", "FLOW", "OUTAGES", "MIN", "MAX", "PREDICTED", "THE SECOND ALONE", ""]
        return style.strong("What the second fault does, from the last answered request to the next") + "\n"
            + Table(columns: columns, rows: rows).text(style: style, indent: "  ")
    }

    private static func outages(of one: OutageDistribution) -> String {
        one.outages == 0
            ? "none of \(one.flows)"
            : "\(one.outages) of \(one.flows)" + (one.unended > 0 ? ", \(one.unended) until the end" : "")
    }

    private static func figures(of one: OutageDistribution) -> [String] {
        let lengths = [
            one.shortest?.length, one.length(percentile: 50), one.length(percentile: 95), one.longest?.length,
        ]
        return lengths.map { $0?.inMilliseconds ?? "-" }
    }

    private static func predicted(_ one: OutageDistribution) -> String {
        if let window = one.window { return Prediction.Effect.outage(window).words }
        return one.effects.isEmpty ? "nothing" : one.effects.map(\.words).joined(separator: ", or ")
    }

    private func histogram(of one: OutageDistribution, _ style: Style) -> String {
        guard let histogram = Histogram(of: one) else { return "" }
        let most = max(1, histogram.counts.max() ?? 1)
        let rows = histogram.counts.enumerated().map { place, count in
            let from = histogram.firstNanoseconds + Int64(place) * histogram.widthNanoseconds
            let bar = count == 0 ? 0 : max(1, count * Self.widestBar / most)
            return [
                "\(Duration.nanoseconds(from).shortText) to \(Duration.nanoseconds(from + histogram.widthNanoseconds).shortText)",
                String(repeating: "█", count: bar), count == 0 ? "" : "\(count)",
            ]
        }
        let table = Table(columns: [], rows: rows.map { [$0[0], $0[1] + ($0[2].isEmpty ? "" : " \($0[2])")] })
        return "\(style.strong(one.key.flow)), round trip; predicted: \(Self.predicted(one))\n"
            + table.text(style: style, indent: "  ")
    }

    private func lines(of outcome: FutureOutcome, _ style: Style) -> [String] {
        let mark =
            outcome.outcome == .inconclusive ? style.warning(outcome.outcome.sign) : style.bad(outcome.outcome.sign)
        let head = "\(mark) future \(outcome.future.number): \(outcome.outcome.rawValue)"
        return [head] + outcome.failures.map { "    \(style.bad($0))" }
            + outcome.complaints.map { "    \($0.flow), \($0.cause): \($0.seen); expected: \($0.expected)" }
    }

    private func keptText(_ style: Style) -> String {
        let rows = kept.sorted { $0.key < $1.key }.map { number, place in
            [
                "\(number)", plan.future(number).delays.map(\.inMilliseconds).joined(separator: ", "),
                place.reasons.joined(separator: "; "),
            ]
        }
        return style.strong("Kept, with captures and logs, and played again by: \(again) --future N") + "\n"
            + Table(columns: ["FUTURE", "MOMENT", "WHY"], rows: rows).text(style: style, indent: "  ")
    }

    private func summary(_ style: Style) -> String {
        let parts = [TestRun.Outcome.pass, .fail, .inconclusive, .broken].compactMap { wanted -> String? in
            let count = outcomes.count { $0.outcome == wanted }
            guard count > 0 else { return nil }
            return switch wanted {
            case .pass: style.good("\(count) passed")
            case .fail: style.bad("\(count) failed")
            case .inconclusive: style.warning("\(count) inconclusive")
            case .broken: style.bad("\(count) broken")
            }
        }
        return (parts.isEmpty ? ["nothing was played"] : parts).joined(separator: ", ")
            + (isPartial ? style.warning(", broken off") : "")
    }
}

extension FutureOutcome.Complaint {
    fileprivate var cause: String {
        switch subject {
        case .outage: fault
        case .comeback, .healing: "mending \(fault)"
        case .unprovoked: "before anything broke"
        }
    }
}

extension Verdict.Outcome {
    fileprivate func coloured(_ style: Style) -> String {
        switch self {
        case .pass: style.good(sign)
        case .fail: style.bad(sign)
        case .inconclusive: style.warning(sign)
        case .notApplicable: sign
        }
    }
}
