import ArgumentParser
import CommandSupport
import LabHost
import Reporting

struct Gc: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc",
        abstract: "Find what crashed labs have left on this machine, and remove it.",
        discussion: """
            Your own labs', known by netlab's own marks. Running labs and the logs of labs that you brought up stay.
            """)

    @Flag(help: "Only show what would be removed.")
    var dryRun = false

    @OptionGroup var output: FormatOption

    private struct Entry: Encodable {
        let kind: Leftover.Kind
        let what: String
        let lab: String?
        let reason: String
        let isRemoved: Bool
        /// Why it is still there although it was to be removed.
        let failure: String?
    }

    func run() async throws {
        let search = LeftoverSearch(environment: LabLocator.environment)
        let entries = try search.find().map { leftover in
            let failure = dryRun ? nil : try search.remove(leftover)
            return Entry(
                kind: leftover.kind, what: leftover.what, lab: leftover.lab, reason: leftover.reason,
                isRemoved: !dryRun && failure == nil, failure: failure)
        }
        switch output.format {
        case .json: print(try JSONText.of(entries))
        case .table: print(text(entries))
        }
        if entries.contains(where: { $0.failure != nil }) { throw ExitCode(ExitStatus.labBroke.rawValue) }
    }

    private func text(_ entries: [Entry]) -> String {
        guard !entries.isEmpty else { return "Nothing is left of any lab that does not run." }
        let style = Style.standardOutput
        let rows = entries.map { entry in
            let outcome = entry.failure.map { style.bad("failed: \($0)") } ?? (dryRun ? "" : style.good("removed"))
            return [entry.kind.rawValue, entry.what, entry.reason, outcome]
        }
        return Table(columns: ["KIND", "WHAT", "WHY", ""], rows: rows).text(style: style)
    }
}
