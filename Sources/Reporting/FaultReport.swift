import AgentProtocol

/// The faults of a lab, for people.
public struct FaultReport: Sendable {
    private let faults: [ActiveFault]
    private let lab: String

    public init(_ faults: [ActiveFault], lab: String) {
        self.faults = faults
        self.lab = lab
    }

    /// A table, or a line where there is nothing to show.
    public func text(style: Style) -> String {
        faults.isEmpty
            ? "Nothing in \(lab) is broken on purpose."
            : Table(columns: Self.columns, rows: Self.rows(faults, style: style)).text(style: style)
    }

    static let columns = ["FAULT", "SINCE", "HEALS AT"]

    static func rows(_ faults: [ActiveFault], style: Style) -> [[String]] {
        faults.map { active in
            [style.bad(active.fault.description), "\(active.since)", active.until.map { "\($0)" } ?? "-"]
        }
    }
}
