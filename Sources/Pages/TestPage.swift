import Expectations
import LabModel
import NetworkTypes
import Predictions
import Recordings
import Reporting

/// What `netlab test` found, as a page to send to somebody.
public struct TestPage {
    private let report: TestReport
    private let labs: [Topology]
    private let testedWith: [String]
    private let place: (Int) -> String

    /// - Parameters:
    ///   - labs: Those that runs are of, by name and variant.
    ///   - testedWith: Versions and what has to be said of them, a line each.
    ///   - place: The directory of a run's logs and captures, relative to the page.
    public init(_ report: TestReport, labs: [Topology], testedWith: [String], place: @escaping (_ run: Int) -> String) {
        self.report = report
        self.labs = labs
        self.testedWith = testedWith
        self.place = place
    }

    /// The whole page in HTML.
    public var text: String {
        let names = report.runs.reduce(into: [String]()) { if !$0.contains($1.lab) { $0.append($1.lab) } }
        let outcomes: [TestRun.Outcome: String] = [
            .pass: "passed", .fail: "failed", .inconclusive: "inconclusive", .broken: "broke",
        ]
        let counts = TestRun.Outcome.allCases.compactMap { outcome -> String? in
            let count = report.runs.count { $0.outcome == outcome }
            return count == 0 ? nil : "\(count) \(outcomes[outcome] ?? "")"
        }
        let title = "netlab test: \(names.joined(separator: ", "))"
        let words =
            counts.joined(separator: ", ") + (report.isPartial ? "; broken off, so runs are missing" : "")
        let body: Markup = """
            \(LabParts.header(title, Verdicts.markup(report.outcome), words, testedWith: testedWith))<main>
            \(overview)\(comparisons)\(distributions)\(names.map(lab))</main>
            """
        return Page(title: title, body: body).text
    }

    // MARK: The whole

    private var overview: Markup {
        let rows = report.runs.enumerated().map { number, run -> [Markup] in
            let worst = run.judgements.filter { $0.subject == .outage }.max {
                ($0.measured.first?.atLeast ?? .zero) < ($1.measured.first?.atLeast ?? .zero)
            }
            return [
                Verdicts.markup(run.outcome),
                "<a href=\"#run-\(number + 1)\">\(name(of: run))</a>",
                worst.map { "\($0.flow) after \($0.fault)" } ?? "-",
                worst.map { "\($0.seen)" } ?? "-", worst.map { "\($0.expected)" } ?? "-",
                "\(run.length.shortText)",
            ]
        }
        return """
            <nav aria-label="Runs"><h2>Runs</h2>
            \(Markup.table(["", "Scenario", "Longest outage", "Measured", "Predicted", "Lab time"], rows))</nav>

            """
    }

    private func name(of run: TestRun) -> String { run.name + (run.repetition > 1 ? " #\(run.repetition)" : "") }

    private var comparisons: Markup {
        let rows = report.comparisons.map { one -> [Markup] in
            [
                Verdicts.markup(one.outcome), "\(one.lab) \(one.scenario)", "\(one.subject)", "\(one.published)",
                "\(one.predicted)", "\(one.measured)",
            ]
        }
        guard !rows.isEmpty else { return .empty }
        return """
            <h2>Beside what was published of the real thing</h2>
            \(Markup.table(["", "Scenario", "What", "Published", "Predicted", "Measured"], rows))
            """
    }

    private var distributions: Markup {
        let all = report.distributions
        guard !all.isEmpty else { return .empty }
        let most = all.map(\.mostNanoseconds).max() ?? 1
        let rows = all.map { one -> [Markup] in
            let axis = TimeAxis(from: 0, to: most, origin: 0, left: 4, width: 232)
            let figure: Markup = """
                <svg viewBox="0 0 240 18" width="240" role="img" aria-label="from \(text(one.leastNanoseconds)) to \(text(one.mostNanoseconds))"><line class="axis" x1="4" y1="9" x2="236" y2="9"/><rect class="band" x="\(axis.x(one.leastNanoseconds))" y="5" width="\(max(axis.x(one.mostNanoseconds) - axis.x(one.leastNanoseconds), 2))" height="8"/><rect class="event" x="\(axis.x(one.medianNanoseconds) - 1.5)" y="2" width="3" height="14"/></svg>
                """
            let times = [one.leastNanoseconds, one.medianNanoseconds, one.p95Nanoseconds, one.mostNanoseconds].map(text)
            return [
                "\(one.lab) \(one.scenario)", "\(one.flow)", "\(one.fault)", "\(one.outages) of \(one.runs)", figure,
            ]
                + times.map { "\($0)" as Markup }
        }
        let columns = [
            "Scenario", "Flow", "Fault", "Outages", "Least, median, most", "Least", "Median", "95 %", "Most",
        ]
        return "<h2>From the last answered request to the next, in all runs</h2>\n\(Markup.table(columns, rows))"
    }

    private func text(_ nanoseconds: Int64) -> String { Duration.nanoseconds(nanoseconds).inMilliseconds }

    // MARK: A lab and its runs

    private func lab(_ name: String) -> Markup {
        let topology = labs.first { $0.name == name }
        let runs = report.runs.enumerated().filter { $0.element.lab == name }
        return """
            <h2 id="lab-\(name.urlEncoded)">\(topology?.title ?? name)</h2>
            \(topology.map(LabParts.picture) ?? .empty)\(Self.legend)\(runs.map { run($1, number: $0) })
            """
    }

    private static let legend: Markup = """
        <p class="faint">In the figures: a bar for each flow, green (light) while it is answered and red (dark) while it is not, forth above and back below;
        a framed band is when it was predicted to be over; ▼ what a node noticed or lost, ▲ what came back. Point at anything for its words and times.</p>

        """

    private func run(_ run: TestRun, number: Int) -> Markup {
        let isOpen: Markup = run.outcome == .pass ? "" : " open"
        let directory = place(number)
        let parts: [Markup] = [
            failures(of: run), judgements(of: run), chapters(of: run), checks(of: run), flows(of: run), rates(of: run),
        ]
        let files: Markup = """
            <p class="faint">Beside this page: <a href="\("\(directory)/report.txt".urlEncoded)">the whole as text</a>\(run.capture.map { ", <a href=\"\("\(directory)/\($0)".urlEncoded)\">the capture</a>, in which packets have the numbers below" as Markup } ?? .empty).</p>

            """
        return """
            <details id="run-\(number + 1)"\(isOpen)><summary><h3>\(Verdicts.markup(run.outcome)) \(name(of: run))</h3> <span class="faint">\(run.length.shortText) of the lab's time in \(run.wallTime.inMilliseconds)\(run.isPartial ? ", broken off" : "")</span></summary>
            \(parts)\(files)</details>

            """
    }

    private func failures(of run: TestRun) -> Markup {
        "\(run.failures.map { "<p class=\"bad\">\($0)</p>\n" as Markup })"
    }

    private func judgements(of run: TestRun) -> Markup {
        let rows = run.judgements.map { one -> [Markup] in
            let ways = one.predicted.map { prediction in
                [prediction.before, prediction.during].compactMap { $0.map(Self.words) }.joined(separator: ", then ")
            }
            let reasons = one.predicted?.reasons ?? []
            let why: Markup =
                reasons.isEmpty || one.subject != .outage
                ? .empty
                : "<details><summary>why</summary>\(reasons.map { "<p>\($0)</p>" as Markup })</details>"
            return [
                Verdicts.markup(one.outcome), "\(one.flow)", "\(one.cause)", "\(one.seen)", "\(one.expected)\(why)",
                "\(ways ?? "")",
            ]
        }
        return Markup.table(["", "Flow", "After", "Measured", "Predicted", "Way"], rows)
    }

    private static func words(_ way: Prediction.Way) -> String {
        let text = { (tunnels: [String]) in tunnels.isEmpty ? "no tunnel" : tunnels.joined(separator: " and ") }
        return way.forth == way.back ? text(way.forth) : "\(text(way.forth)) and back by \(text(way.back))"
    }

    private func chapters(of run: TestRun) -> Markup {
        guard let timeline = run.timeline else { return .empty }
        return "\(timeline.chapters.map { chapter(of: run, timeline, $0) })"
    }

    private func chapter(of run: TestRun, _ timeline: TimelineReport, _ chapter: TimelineReport.Chapter) -> Markup {
        let ongoing = chapter.ongoing.isEmpty ? "" : ", while \(chapter.ongoing.joined(separator: " + ")) goes on"
        let rows = chapter.entries.map { entry -> [Markup] in
            let side =
                switch entry.side {
                case .left: timeline.left
                case .right: timeline.right
                case .middle: ""
                }
            let since = Duration.nanoseconds(entry.sinceNanoseconds).inMilliseconds
            return [
                "<span class=\"mono\">\(entry.sinceNanoseconds < 0 ? "" : "+")\(since)</span>", "\(side)",
                "\(entry.node)",
                "\(entry.flow.map { "\($0), " } ?? "")\(entry.text)",
                "\(entry.packet.map { "packet \($0)" } ?? entry.source)",
            ]
        }
        let phases = chapter.phases.prefix(24).map { phase -> [Markup] in
            let span = [phase.fromNanoseconds, phase.toNanoseconds].map(text).joined(separator: " to ")
            let way = { (tunnels: [String]?) in
                tunnels.map { $0.isEmpty ? "no tunnel" : $0.joined(separator: ", ") } ?? "-"
            }
            return [
                "\(phase.flow)", "\(span)", "\(phase.requests)", "\(way(phase.forth))", "\(way(phase.back))",
                "\(phase.fate.rawValue.replacing("_", with: " "))\(phase.lastSeen.map { ", last seen at \($0)" } ?? "")",
            ]
        }
        return """
            <h4>\(chapter.cause)<span class="faint">\(ongoing), at \(Duration.nanoseconds(chapter.nanoseconds - run.beganAt).shortText)</span></h4>
            <div class="scroll">\(OutageFigure(chapter, of: timeline, run.judgements).markup)</div>
            <details><summary>Step by step (\(chapter.entries.count))</summary>
            \(Markup.table(["Since", "Cloud", "Node", "What", "By"], rows))\(Markup.table(["Flow", "Sent", "Requests", "Forth", "Back", ""], phases))</details>

            """
    }

    private func checks(of run: TestRun) -> Markup {
        let all =
            run.checks.map { ($0.verdict, $0.outcome, $0.mustHold ? "" : ", which must fail", "at \($0.at.shortText)") }
            + run.claims.map { ($0, $0.outcome, "", "") }
        guard !all.isEmpty else { return .empty }
        let rows = all.map { verdict, outcome, words, at -> [Markup] in
            let packets = verdict.evidence.prefix(3).map(LabParts.packet)
            let evidence: Markup =
                outcome == .pass || packets.isEmpty ? .empty : "<details><summary>packets</summary>\(packets)</details>"
            return [
                Verdicts.markup(outcome), "\(verdict.expectation)\(words) <span class=\"faint\">\(at)</span>",
                "\(verdict.expected)", "\(verdict.seen)\(evidence)", "<span class=\"faint\">\(verdict.rule)</span>",
            ]
        }
        return "<h4>Checks</h4>\n\(Markup.table(["", "Expectation", "Expected", "Seen", "By which rule"], rows))"
    }

    private func flows(of run: TestRun) -> Markup {
        let count = { (value: Int?) -> Markup in value.map { "\($0)" } ?? "-" }
        let rows = run.flows.map { flow -> [Markup] in
            let trips = flow.roundTrip.map { "\(text($0.least)) / \(text($0.median)) / \(text($0.most))" }
            return [
                "\(flow.name)", "\(flow.sent)", "\(flow.lost)", count(flow.lostForth), count(flow.lostBack),
                "\(flow.duplicates)", "\(flow.reordered)", "\(trips ?? "-")",
            ]
        }
        guard !rows.isEmpty else { return .empty }
        let columns = [
            "Flow", "Sent", "Lost", "Forth", "Back", "Duplicated", "Reordered", "Round trip: least / median / most",
        ]
        return "<details><summary>Flows (\(rows.count))</summary>\n\(Markup.table(columns, rows))</details>\n"
    }

    private func rates(of run: TestRun) -> Markup {
        let incidents = (run.timeline?.chapters ?? []).map { $0.nanoseconds - run.beganAt }
        let figures = run.traffic.series.map { RateFigure(series: $0, incidents: incidents).markup }
        guard figures.contains(where: { !$0.isEmpty }) else { return .empty }
        return """
            <details><summary>Packets a second through the tunnels' ends</summary>
            <p class="faint">Solid: sent; dashed: received. A vertical line: a fault begins or is mended.</p>
            <div class="scroll">\(figures)</div></details>

            """
    }
}
