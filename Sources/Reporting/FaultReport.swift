import AgentProtocol
import LabModel

/// The faults of a lab, for people and for programs.
public struct FaultReport: Sendable {
    private let faults: [ActiveFault]
    private let lab: String

    public init(_ faults: [ActiveFault], lab: String) {
        self.faults = faults
        self.lab = lab
    }

    /// A fault as JSON has it: its text, which `netlab heal` takes, and times in seconds of the lab's clock.
    public struct Entry: Encodable {
        let fault: String
        let sinceSeconds: Double
        let untilSeconds: Double?

        public init(_ active: ActiveFault) {
            fault = active.fault.description
            sinceSeconds = Double(active.since.nanoseconds) / 1e9
            untilSeconds = active.until.map { Double($0.nanoseconds) / 1e9 }
        }
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
