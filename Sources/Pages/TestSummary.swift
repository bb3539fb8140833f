import Expectations
import LabModel
import Reporting

/// What `netlab test` found, in Markdown as GitHub and GitLab have it: for a job's summary, or a comment on a change.
public struct TestSummary {
    private let report: TestReport
    private let labs: [Topology]

    /// - Parameter labs: Those that runs are of, by name and variant.
    public init(_ report: TestReport, labs: [Topology]) {
        self.report = report
        self.labs = labs
    }

    public var text: String {
        let passed = report.runs.count { $0.outcome == .pass }
        var lines = [
            "## netlab: \(passed) of \(report.runs.count) scenarios passed\(report.isPartial ? ", broken off" : "")",
            "",
            "| | Scenario | Flow | After | Measured | Predicted |", "|---|---|---|---|---|---|",
        ]
        for run in report.runs {
            let outages = run.judgements.filter { $0.subject == .outage || $0.outcome != .pass }
            if outages.isEmpty { lines.append(Self.row([run.outcome.sign, run.name, "", "", words(run), ""])) }
            for one in outages {
                lines.append(
                    Self.row([one.outcome.sign, run.name, one.flow, one.fault, one.seen, one.expected]))
            }
        }
        let failed = report.runs.flatMap(complaints)
        if !failed.isEmpty { lines += ["", "### What did not hold", ""] + failed }
        var drawn: Set<String> = []
        for lab in labs where drawn.insert(lab.name).inserted {
            lines += [
                "", "<details><summary>\(Self.plain(lab.title))</summary>", "", "```mermaid",
                TopologyText(lab).mermaid + "```", "</details>",
            ]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A line of a list for each thing that broke, failed or could not be decided.
    private func complaints(of run: TestRun) -> [String] {
        var lines = run.failures.map { "- **\(Self.plain(run.name))**: \(Self.plain($0))" }
        let verdicts: [(Verdict, Verdict.Outcome)] =
            run.checks.map { ($0.verdict, $0.outcome) } + run.claims.map { ($0, $0.outcome) }
        for (verdict, outcome) in verdicts where outcome == .fail || outcome == .inconclusive {
            let subject = "\(run.name), \(verdict.expectation)"
            let words = "expected \(verdict.expected); seen \(verdict.seen) (\(verdict.rule))"
            lines.append("- \(outcome.sign) **\(Self.plain(subject))**: \(Self.plain(words))")
        }
        return lines
    }

    private func words(_ run: TestRun) -> String {
        let held = run.checks.count { $0.outcome == .pass } + run.claims.count { $0.outcome == .pass }
        return "\(held) of \(run.checks.count + run.claims.count) checks hold"
    }

    private static func row(_ cells: [String]) -> String { "| " + cells.map(plain).joined(separator: " | ") + " |" }

    /// Text that is nothing but text: no tags, links, cells or emphasis (GitHub Flavored Markdown, "Backslash escapes").
    private static func plain(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ").reduce(into: "") { result, character in
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case "|", "*", "_", "`", "[", "]", "\\", "~", "#": result += "\\\(character)"
            default: result.append(character)
            }
        }
    }
}
