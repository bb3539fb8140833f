import Expectations
import LabModel
import NetworkTypes
import Predictions
import Recordings
import Reporting

/// What followed one incident, on one clock: each flow's outages in both directions, the predicted windows as bands, and what nodes
/// noticed, lost and regained.
struct OutageFigure {
    private let chapter: TimelineReport.Chapter
    private let judgements: [OutageJudgement]
    private let sides: [(title: String, side: Timeline.Side)]
    private let axis: TimeAxis

    private static let (left, width) = (170.0, 780.0)
    private static let laneHeight = 34.0
    /// More are not told apart any more.
    private static let mostFlows = 10

    /// - Parameter judgements: Those of the run, of which this chapter's are taken: one for each flow, those with the longest outages.
    init(_ chapter: TimelineReport.Chapter, of timeline: TimelineReport, _ judgements: [OutageJudgement]) {
        self.chapter = chapter
        let own = judgements.filter {
            abs($0.nanoseconds - chapter.nanoseconds) <= 100_000_000 && $0.subject != .unprovoked
        }
        let length = { (one: OutageJudgement) in one.measured.first?.atLeast ?? .zero }
        var seen: Set<[String]> = []
        self.judgements = own.sorted { length($0) > length($1) }.filter { one in
            seen.insert([one.probe, one.subject.rawValue, one.expected]).inserted
        }.prefix(Self.mostFlows).sorted { ($0.flow, $0.subject.rawValue) < ($1.flow, $1.subject.rawValue) }
        sides =
            timeline.left.isEmpty
            ? [("events", .middle)] : [(timeline.left, .left), ("between", .middle), (timeline.right, .right)]
        let outages = self.judgements.flatMap { $0.measured + $0.forth + $0.back }
        let times =
            outages.flatMap { [$0.firstGood?.nanoseconds ?? $0.lastLost.nanoseconds] }
            + chapter.entries.map(\.nanoseconds)
            + self.judgements.compactMap { one in one.window.map { one.nanoseconds + $0.latest.wholeNanoseconds } }
        let last = min(
            max(times.max() ?? 0, chapter.nanoseconds + 1_000_000_000),
            max(chapter.untilNanoseconds, chapter.nanoseconds + 1_000_000_000))
        let pad = max((last - chapter.nanoseconds) / 12, 50_000_000)
        axis = TimeAxis(
            from: chapter.nanoseconds - pad, to: last + pad, origin: chapter.nanoseconds, left: Self.left,
            width: Self.width)
    }

    var markup: Markup {
        let lanes = Double(judgements.count) * Self.laneHeight
        let events = sides.filter { side in chapter.entries.contains { $0.side == side.side } }
        let height = lanes + Double(events.count) * 24 + 8
        let x = axis.x(chapter.nanoseconds)
        return """
            <svg class="wide" viewBox="0 0 970 \(height + 44)" width="970" role="img" aria-label="\(words)">
            \(axis.marks(at: 12, height: height))\(judgements.enumerated().map { lane($1, at: 16 + Double($0) * Self.laneHeight) })
            \(events.enumerated().map { row($1, at: 22 + lanes + Double($0) * 24) })
            <line class="incident" x1="\(x)" y1="6" x2="\(x)" y2="\(height + 12)"/></svg>

            """
    }

    private var words: String {
        judgements.map { "\($0.flow): \($0.seen), expected \($0.expected)" }.joined(separator: "; ")
    }

    private func lane(_ judgement: OutageJudgement, at y: Double) -> Markup {
        let directions: [(String, [Outage])] =
            judgement.forth.isEmpty && judgement.back.isEmpty
            ? [("", judgement.measured)] : [("forth", judgement.forth), ("back", judgement.back)]
        let height = 22.0 / Double(directions.count)
        let bars = directions.enumerated().map { number, direction -> Markup in
            let top = y + Double(number) * height
            let lost = direction.1.map { outage -> Markup in
                let (begin, end) = (
                    outage.firstLost.nanoseconds, outage.firstGood?.nanoseconds ?? outage.lastLost.nanoseconds
                )
                let length =
                    "\(outage.atLeast.inMilliseconds)"
                    + (outage.atMost.map { " to \($0.inMilliseconds)" } ?? " or more")
                return """
                    <rect class="lost" x="\(axis.x(begin))" y="\(top)" width="\(max(axis.x(end) - axis.x(begin), 1.5))" height="\(height - 1)"><title>\(judgement.flow) \(direction.0) out for \(length), \(outage.lost) packets lost</title></rect>
                    """
            }
            return """
                <rect class="ok" x="\(axis.left)" y="\(top)" width="\(axis.width)" height="\(height - 1)" opacity="0.45"/>\(lost)
                """
        }
        let band = judgement.window.map { window -> Markup in
            let (begin, end) = (
                axis.x(judgement.nanoseconds + window.earliest.wholeNanoseconds),
                axis.x(judgement.nanoseconds + window.latest.wholeNanoseconds)
            )
            return """
                <rect class="band" x="\(begin)" y="\(y - 3)" width="\(max(end - begin, 2))" height="27"><title>predicted: \(judgement.expected)</title></rect>
                """
        }
        let mark = judgement.outcome.sign
        let name = judgement.subject == .outage ? judgement.flow : "\(judgement.flow), mending"
        return """
            <text x="\(axis.left - 8)" y="\(y + 15)" text-anchor="end">\(mark) \(name)</text>\(bars)\(band ?? .empty)

            """
    }

    /// Of what was noticed, lost and regained at one side.
    private func row(_ side: (title: String, side: Timeline.Side), at y: Double) -> Markup {
        let marks = chapter.entries.filter { $0.side == side.side }.compactMap { entry -> Markup? in
            let isWarning: Bool
            switch entry.kind {
            case .lastRequest, .lastReply, .lastAnswer, .firstRequest, .firstReply, .firstAnswer: return nil
            case .detection, .sessionDown, .routeWithdrawn, .associationRemoved, .alarm, .missing: isWarning = true
            case .associationAdded, .sessionUp, .routeReturned, .negotiation, .daemon, .link: isWarning = false
            }
            let x = axis.x(entry.nanoseconds)
            let title = "\(Duration.nanoseconds(entry.sinceNanoseconds).inMilliseconds) \(entry.node): \(entry.text)"
            // A loss is a triangle that points down, a gain one that points up.
            let shape: Markup =
                isWarning
                ? "M\(x - 5) \(y - 5) L\(x + 5) \(y - 5) L\(x) \(y + 5) Z"
                : "M\(x - 5) \(y + 5) L\(x + 5) \(y + 5) L\(x) \(y - 5) Z"
            return """
                <path class="\(isWarning ? "warn" : "event")" d="\(shape)"><title>\(title)</title></path>
                """
        }
        return """
            <text class="small" x="\(axis.left - 8)" y="\(y + 4)" text-anchor="end">\(side.title)</text>
            <line class="axis" x1="\(axis.left)" y1="\(y)" x2="\(axis.left + axis.width)" y2="\(y)"/>\(marks)

            """
    }
}

extension OutageJudgement {
    /// When it was to be over, since ``nanoseconds``; nil where no time was predicted.
    var window: Window? {
        switch subject {
        case .outage: if case .outage(let window) = predicted?.effect { window } else { nil }
        case .comeback: predicted?.comeback
        case .healing, .unprovoked: nil
        }
    }
}
