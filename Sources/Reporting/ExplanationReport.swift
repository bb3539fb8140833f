import AgentProtocol
import LabRecords
import NetworkTypes

/// How a probe goes through a lab, for people.
public struct ExplanationReport: Sendable {
    private let explanation: Explanation

    public init(_ explanation: Explanation) {
        self.explanation = explanation
    }

    public func text(style: Style) -> String {
        let result = explanation.result
        let from = result.sourceAddress.map { "\(result.source) (\($0))" } ?? result.source
        let to = result.destinationNode.map { "\($0) (\(result.destination))" } ?? "\(result.destination)"
        let head =
            "\(style.strong(explanation.probe)): \(from) > \(to), "
            + (explanation.isAnswered ? style.good(explanation.outcome) : style.bad(explanation.outcome))
        var sections = [head, way("There", explanation.there, style)]
        if !explanation.back.steps.isEmpty { sections.append(way("Back", explanation.back, style)) }
        if !explanation.choices.isEmpty {
            sections.append("\(style.strong("Choices"))\n\(ChoiceReport(explanation.choices).text(style: style))")
        }
        if !explanation.findings.isEmpty { sections.append(explanation.findings.joined(separator: "\n")) }
        return sections.joined(separator: "\n\n")
    }

    private func way(_ title: String, _ way: Explanation.Way, _ style: Style) -> String {
        let rows = way.steps.flatMap { step -> [[String]] in
            let seen = step.seen.isEmpty ? style.faint("not seen") : step.seen.joined(separator: ", ")
            let decisions = step.decisions.isEmpty ? [""] : step.decisions
            return decisions.enumerated().map { index, text in
                index == 0 ? [step.node, seen, text] : ["", "", text]
            }
        }
        let table = Table(columns: [], rows: rows).text(style: style, indent: "  ")
        return "\(style.strong(title))\n\(table)" + (way.broken.map { "\n  \(end($0, style))" } ?? "")
    }

    /// Why a way ends by the tables; what was answered has gone on all the same, translated perhaps.
    private func end(_ broken: String, _ style: Style) -> String {
        explanation.isAnswered ? style.faint("(by the tables alone it ends here: \(broken))") : style.bad(broken)
    }
}
