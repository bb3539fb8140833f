import Expectations

extension Verdict.Outcome {
    /// One character for it.
    public var sign: String {
        switch self {
        case .pass: "✓"
        case .fail: "✗"
        case .inconclusive: "?"
        case .notApplicable: "·"
        }
    }

    func mark(_ style: Style) -> String {
        switch self {
        case .pass: style.good(sign)
        case .fail: style.bad(sign)
        case .inconclusive: style.warning(sign)
        case .notApplicable: sign
        }
    }
}

extension TestRun.Outcome {
    /// One character for it.
    public var sign: String {
        switch self {
        case .pass: "✓"
        case .fail, .broken: "✗"
        case .inconclusive: "?"
        }
    }
}

extension OutageJudgement {
    /// What it is of: `link aws-vpn-1 down`, `mending link aws-vpn-1 down`.
    public var cause: String {
        switch subject {
        case .outage: fault
        case .comeback, .healing: "mending \(fault)"
        case .unprovoked: "nothing"
        }
    }
}
