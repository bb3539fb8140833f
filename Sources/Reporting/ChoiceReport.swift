import LabModel
import LabRecords

/// Which of several routes routers have chosen and by which step of RFC 4271, section 9.1.2.2, for people.
struct ChoiceReport {
    private let choices: [ObservedChoice]

    init(_ choices: [ObservedChoice]) {
        self.choices = choices
    }

    /// A table with a row for each route, the chosen one first; nothing where nobody had a choice.
    func text(style: Style) -> String {
        let rows = choices.flatMap { choice in
            choice.candidates.enumerated().map { index, candidate in
                [
                    index == 0 ? choice.node : "", index == 0 ? "\(choice.prefix)" : "", candidate.session,
                    candidate.isBest ? style.good("best") + decision(choice) : fate(candidate), candidate.attributes,
                ]
            }
        }
        guard !rows.isEmpty else { return "" }
        return Table(columns: ["NODE", "PREFIX", "SESSION", "STEP", "ATTRIBUTES"], rows: rows).text(
            style: style, indent: "  ")
    }

    private func decision(_ choice: ObservedChoice) -> String { choice.step.map { " by \($0.rawValue)" } ?? "" }

    private func fate(_ candidate: ObservedChoice.Candidate) -> String {
        guard let step = candidate.step else { return "not chosen, why does not follow from the attributes" }
        return candidate.isShared ? "shares traffic, later by \(step.rawValue)" : "loses by \(step.rawValue)"
    }
}
