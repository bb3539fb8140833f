import ArgumentParser
import Daemons
import Expectations
import Glibc
import LabModel
import Predictions
import Reporting

struct Validate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a lab file: every problem at once, each with its line and what to do.",
        discussion: "All variants of the lab are checked, or the one that is named.")

    @OptionGroup var target: LabArgument
    @OptionGroup var variant: VariantOption
    @OptionGroup var output: FormatOption

    @Flag(name: .shortAndLong, help: "Also print what is taken from users' own files, and what is not.")
    var verbose = false

    func run() async throws {
        var diagnostics: [LabFileDiagnostic]
        var topology: Topology?
        do {
            let (file, path) = try LabLocator.read(target.lab, variant: variant.variant)
            let resolved = try variant.variant == nil ? file.resolveWithVariants() : file.resolve()
            diagnostics = resolved.warnings
            let problems = try await predictedProblems(of: resolved.topology, file: path)
            diagnostics += problems
            topology = problems.isEmpty ? resolved.topology : nil
        } catch let error as LabFileError {
            diagnostics = error.diagnostics
        }
        switch output.format {
        case .json:
            print(try JSONText.of(diagnostics))
        case .table:
            for diagnostic in diagnostics { print(diagnostic) }
            if let topology {
                print(summary(of: topology))
                if verbose { print(OwnFilesReport(topology).text(style: .standardOutput)) }
            }
        }
        if topology == nil {
            if output.format == .table {
                let count = diagnostics.count { $0.severity == .error }
                StandardStream.error.write("\(count) error\(count == 1 ? "" : "s")\n")
            }
            throw ExitCode(ExitStatus.wrongInput.rawValue)
        }
    }

    /// What predictions say against the scenarios of a lab, and of its variants where none was named.
    private func predictedProblems(of topology: Topology, file: String) async throws -> [LabFileDiagnostic] {
        guard !topology.scenarioNames.isEmpty else { return [] }
        let versions = await DaemonVersions.ofThisMachine()
        versions.warn(of: [topology])
        let others = topology.variant == nil ? topology.variants : []
        let topologies = try [topology] + others.map { try LabLocator.resolve(target.lab, variant: $0.name).topology }
        return topologies.flatMap { topology in
            let predictor = Predictor(topology: topology, versions: versions)
            return topology.scenarios.flatMap {
                ScenarioPlan($0, of: topology).problems(predictor: predictor, file: file)
            }
        }
    }

    private func summary(of topology: Topology) -> String {
        let tunnels = topology.tunnels.count + topology.plainTunnels.count
        let variants = topology.variant == nil ? topology.variants.count : 0
        let counts: [(Int, String)] = [
            (topology.nodes.count, "node"), (topology.links.count, "link"), (tunnels, "tunnel"),
            (topology.sessionNames.count, "BGP session"), (topology.probes.count, "probe"),
            (topology.expectations.count, "expectation"), (topology.scenarioNames.count, "scenario"),
            (variants, "variant"),
        ]
        var parts: [String] = []
        for (count, noun) in counts where count > 0 { parts.append("\(count) \(noun)\(count == 1 ? "" : "s")") }
        let name = topology.name + (topology.variant.map { " in variant \($0)" } ?? "")
        return "\(name) is valid: \(parts.isEmpty ? "there is nothing in it" : parts.joined(separator: ", "))."
    }
}
