import ArgumentParser
import CommandSupport
import DaemonProfiles
import Daemons
import Expectations
import FoundationEssentials
import Glibc
import LabModel
import Predictions
import Reporting

struct Validate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check a lab file: every problem at once, each with its line and what to do.",
        discussion: "All variants of the lab are checked, or the one that is named.")

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json, sarif
    }

    @OptionGroup var target: LabArgument
    @OptionGroup var variant: VariantOption

    @Option(help: "How to print: table, json, or sarif for code scanning.")
    var format = Format.table

    @Flag(name: .shortAndLong, help: "Also print what is taken from users' own files, and what is not.")
    var verbose = false

    func run() async throws {
        var diagnostics: [LabFileDiagnostic]
        var topology: Topology?
        do {
            let (file, path) = try LabLocator.read(target.lab, variant: variant.variant)
            // Programs take their time to say their versions.
            let asked = file.hasScenarios ? file.daemons : []
            async let host = DaemonVersions.host(asked)
            let resolved: Topology
            let variants: [Topology]
            if variant.variant == nil {
                (resolved, variants, diagnostics) = try await file.resolveWithVariants()
            } else {
                (resolved, diagnostics) = try file.resolve()
                variants = []
            }
            let topologies = [resolved] + variants
            async let unread = DaemonReaders.problems(of: topologies, file, path: path)
            async let lacking = LabSoundness.shortcomings(of: topologies)
            let predicted = await predictedProblems(of: topologies, on: await host, file: path)
            // What a daemon does not read is the cause of whatever else is said of it.
            let problems = await unread + LabSoundness.problems(lacking, of: topologies, file, path: path) + predicted
            diagnostics += problems
            topology = problems.isEmpty ? resolved : nil
        } catch let error as LabFileError {
            diagnostics = error.diagnostics
        }
        switch format {
        case .json:
            print(try JSONText.of(diagnostics))
        case .sarif:
            let report = SARIFReport(
                diagnostics, release: NetlabCommand.configuration.version,
                directory: FileManager.default.currentDirectoryPath)
            print(try report.text())
        case .table:
            for diagnostic in diagnostics { print(diagnostic) }
            if let topology {
                print(topology.summaryLine)
                if verbose { print(OwnFilesReport(topology).text(style: .standardOutput)) }
            }
        }
        if topology == nil {
            if format == .table {
                let count = diagnostics.count { $0.severity == .error }
                StandardStream.error.write("\(count) error\(count == 1 ? "" : "s")\n")
            }
            throw ExitCode(ExitStatus.wrongInput.rawValue)
        }
    }

    /// What predictions say against the scenarios of a lab and of its variants.
    private func predictedProblems(
        of topologies: [Topology], on host: [DaemonID: DaemonVersion], file: String
    ) async -> [LabFileDiagnostic] {
        guard topologies.contains(where: { !$0.scenarioNames.isEmpty }) else { return [] }
        let versions = DaemonVersions.of(topologies, on: host)
        versions.warn(of: [topologies[0]])
        let scenarios = topologies.flatMap { topology in
            let predictor = Predictor(topology: topology, versions: versions)
            return topology.scenarios.map { (scenario: $0, predictor: predictor) }
        }
        return await scenarios.concurrentMap { scenario, predictor in
            ScenarioPlan(scenario, of: predictor.topology).problems(predictor: predictor, file: file)
        }.flatMap(\.self)
    }
}
