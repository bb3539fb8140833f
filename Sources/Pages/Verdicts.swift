import Expectations
import Reporting

/// How verdicts look on a page: a sign and a word, and a colour besides.
enum Verdicts {
    static func markup(_ outcome: Verdict.Outcome) -> Markup {
        let (style, word) =
            switch outcome {
            case .pass: ("good", "as expected")
            case .fail: ("bad", "not as expected")
            case .inconclusive: ("doubt", "inconclusive")
            case .notApplicable: ("faint", "not applicable")
            }
        return "<span class=\"mark \(style)\" title=\"\(word)\" aria-label=\"\(word)\">\(outcome.sign)</span>"
    }

    /// With its word beside it.
    static func words(_ outcome: Verdict.Outcome) -> Markup {
        let (style, word) =
            switch outcome {
            case .pass: ("good", "all as expected")
            case .fail: ("bad", "not as expected")
            case .inconclusive: ("doubt", "inconclusive")
            case .notApplicable: ("faint", "not applicable")
            }
        return "<span class=\"mark \(style)\" style=\"white-space: nowrap\">\(outcome.sign) \(word)</span>"
    }

    static func markup(_ outcome: TestRun.Outcome) -> Markup {
        let (style, word) =
            switch outcome {
            case .pass: ("good", "passed")
            case .fail: ("bad", "failed")
            case .inconclusive: ("doubt", "inconclusive")
            case .broken: ("bad", "the lab broke")
            }
        return "<span class=\"mark \(style)\" style=\"white-space: nowrap\">\(outcome.sign) \(word)</span>"
    }
}
