import ArgumentParser
import Glibc
import LabModel
import Reporting

struct Validate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a lab file: every problem at once, each with its line and what to do.",
        discussion: "All variants of the lab are checked, or the one that is named.")

    @OptionGroup var target: LabArgument
    @OptionGroup var variant: VariantOption
    @OptionGroup var output: FormatOption

    func run() async throws {
        let diagnostics: [LabFileDiagnostic]
        var topology: Topology?
        do {
            let (file, _) = try LabLocator.read(target.lab, variant: variant.variant)
            let resolved = try variant.variant == nil ? file.resolveWithVariants() : file.resolve()
            (topology, diagnostics) = (resolved.topology, resolved.warnings)
        } catch let error as LabFileError {
            diagnostics = error.diagnostics
        }
        switch output.format {
        case .json:
            print(try JSONText.of(diagnostics))
        case .table:
            for diagnostic in diagnostics { print(diagnostic) }
            if let topology { print(summary(of: topology)) }
        }
        if topology == nil {
            if output.format == .table {
                StandardStream.error.write("\(diagnostics.filter { $0.severity == .error }.count) errors\n")
            }
            throw ExitCode(ExitStatus.wrongInput.rawValue)
        }
    }

    private func summary(of topology: Topology) -> String {
        let counts = [
            (topology.nodes.count, "node"), (topology.links.count, "link"), (topology.tunnels.count, "tunnel"),
            (topology.sessions.count, "BGP session"), (topology.probes.count, "probe"),
            (topology.expectations.count, "expectation"), (topology.scenarioNames.count, "scenario"),
            (topology.variant == nil ? topology.variants.count : 0, "variant"),
        ]
        let parts = counts.filter { $0.0 > 0 }.map { count, noun in "\(count) \(noun)\(count == 1 ? "" : "s")" }
        let name = topology.name + (topology.variant.map { " in variant \($0)" } ?? "")
        return "\(name) is valid: \(parts.isEmpty ? "there is nothing in it" : parts.joined(separator: ", "))."
    }
}
