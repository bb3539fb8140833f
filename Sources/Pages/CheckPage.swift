import Expectations
import LabModel
import Reporting

/// What `netlab check` found, as a page to send to somebody.
public struct CheckPage {
    private let report: VerdictReport
    private let topology: Topology
    private let testedWith: [String]

    /// - Parameter testedWith: Versions and what has to be said of them, a line each.
    public init(_ report: VerdictReport, of topology: Topology, testedWith: [String]) {
        self.report = report
        self.topology = topology
        self.testedWith = testedWith
    }

    /// The whole page in HTML.
    public var text: String {
        let title = "netlab check: \(report.lab)"
        let body: Markup = """
            \(LabParts.header(title, Verdicts.words(report.outcome), report.counts, testedWith: testedWith))<main>
            \(troubles)<h2>\(topology.title)</h2>
            \(LabParts.picture(of: topology))\(ways)\(verdicts)\(deviations)</main>
            """
        return Page(title: title, body: body).text
    }

    /// What did not hold, or could not be decided, with all there is to know of it.
    private var troubles: Markup {
        let all = report.verdicts.filter { $0.outcome == .fail || $0.outcome == .inconclusive }
        guard !all.isEmpty else { return .empty }
        return "<h2>What did not hold</h2>\n\(all.map(trouble))"
    }

    private func trouble(_ verdict: Verdict) -> Markup {
        let published: Markup = verdict.published.map { "<dt>published</dt><dd>\($0)</dd>" } ?? .empty
        let packets = verdict.evidence.isEmpty ? .empty : "\(verdict.evidence.map(LabParts.packet))" as Markup
        let capture: Markup =
            verdict.evidence.isEmpty
            ? .empty
            : report.capture.map { "<p class=\"faint\">Packets are numbered as in <code>\($0)</code></p>" } ?? .empty
        return """
            <details open><summary><h3>\(Verdicts.markup(verdict.outcome)) \(verdict.expectation)</h3> <span class="faint">\(verdict.kind)</span></summary>
            <dl><dt>expected</dt><dd>\(verdict.expected)</dd><dt>seen</dt><dd>\(verdict.seen)</dd><dt>rule</dt><dd>\(verdict.rule)</dd>\(published)</dl>
            \(packets)\(LabParts.headers(verdict.headers ?? []))\(capture)</details>

            """
    }

    /// The ways that probes took, as far as they were looked at.
    private var ways: Markup {
        let rows = report.verdicts.filter {
            $0.kind == Expectation.Claim.Kind.path.rawValue && $0.outcome != .notApplicable
        }
        .map { ["\($0.expectation)", Verdicts.markup($0.outcome), "\($0.seen)"] as [Markup] }
        guard !rows.isEmpty else { return .empty }
        return "<h4>Ways that packets took</h4>\n\(Markup.table(["Expectation", "", "Way"], rows))"
    }

    private var verdicts: Markup {
        let rows = report.verdicts.map { verdict -> [Markup] in
            let more =
                verdict.outcome == .pass && !verdict.evidence.isEmpty
                ? "<details><summary>packets</summary>\(verdict.evidence.map(LabParts.packet))</details>" as Markup
                : .empty
            let published: Markup = verdict.published.map { "<p class=\"faint\">published: \($0)</p>" } ?? .empty
            return [
                Verdicts.markup(verdict.outcome),
                "\(verdict.expectation)\(verdict.isDerived ? " <span class=\"faint\">derived</span>" as Markup : .empty)",
                "\(verdict.expected)", "\(verdict.seen)\(published)\(more)",
                "<span class=\"faint\">\(verdict.rule)</span>",
            ]
        }
        guard !rows.isEmpty else { return "<p>Nothing was expected.</p>\n" }
        return """
            <h2>All that was expected</h2>
            \(Markup.table(["", "Expectation", "Expected", "Seen", "By which rule"], rows))
            """
    }

    private var deviations: Markup {
        guard !report.deviations.isEmpty else { return .empty }
        return """
            <h2>Where the lab departs from what it reproduces</h2>
            <ul>\(report.deviations.map { "<li>\($0)</li>\n" as Markup })</ul>

            """
    }
}
