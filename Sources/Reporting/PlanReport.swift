import LabPlan

/// A plan in words: each stage with its steps.
public struct PlanReport: Sendable {
    private let plan: Plan

    public init(_ plan: Plan) {
        self.plan = plan
    }

    /// - Parameter withContents: Shows the texts of files and rules too; secrets stay hidden.
    public func text(withContents: Bool) -> String {
        var lines: [String] = []
        for stage in Step.Stage.allCases {
            let steps = plan.steps.filter { $0.stage == stage }
            guard !steps.isEmpty else { continue }
            lines.append("\(stage.rawValue) (\(steps.count))")
            for step in steps {
                lines.append("  \(step)")
                guard withContents, let text = step.action.contents else { continue }
                lines += text.split(separator: "\n", omittingEmptySubsequences: false).map { "      | \($0)" }
            }
        }
        return lines.joined(separator: "\n")
    }
}

extension Action {
    /// The text that a step writes or applies, where it may be shown.
    fileprivate var contents: String? {
        switch self {
        case .writeFile(_, let file), .shareFile(let file): file.isSecret ? nil : file.contents.reveal()
        case .applyFilter(_, let ruleset): ruleset.text
        default: nil
        }
    }
}
