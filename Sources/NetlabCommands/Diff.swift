import ArgumentParser
import CommandSupport
import Daemons
import Derivations
import Differences
import LabModel
import Reporting

struct Diff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Say what changes from one lab to another: parts, ways, and predicted outages.",
        discussion: """
            Neither lab is run. Secrets that differ are named and not shown. Ends with exit code 1 where the labs differ.

            Example:
              netlab diff before after/lab.yaml
            """)

    @Argument(help: "The lab as it was: a name, a lab file or its directory.")
    var before: String

    @Argument(help: "The lab as it is to be.")
    var after: String

    @OptionGroup var output: FormatOption

    func run() async throws {
        let labs = try [before, after].map { try LabLocator.topology(for: $0) }
        let versions = await DaemonVersions.ofThisMachine(for: labs.map(\.topology))
        let derived = labs.map { Derivation(of: $0.topology).topology }
        let outages = await derived.concurrentMap { topology in
            let deriver = ScenarioDeriver(topology: topology, versions: versions)
            return BreakageReport(predicted: Breakage.all(of: topology).map { ($0.words, deriver.predictions(of: $0)) })
        }
        let ways = derived.map { DifferenceReport.ways(of: $0, versions) }
        let difference = LabDifference(from: labs[0].topology, to: labs[1].topology)
        let report = DifferenceReport(difference, ways: (ways[0], ways[1]), outages: (outages[0], outages[1]))
        print(output.format == .json ? try JSONText.of(report) : report.text(style: .standardOutput))
        if !(report.changes.isEmpty && report.ways.isEmpty && report.outages.isEmpty) {
            throw ExitCode(ExitStatus.expectationFailed.rawValue)
        }
    }
}
