import ArgumentParser
import Glibc
import LabModel
import Reporting

struct Validate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a lab file: every problem at once, each with its line and what to do.")

    @OptionGroup var target: LabArgument
    @OptionGroup var output: FormatOption

    func run() async throws {
        let diagnostics: [LabFileDiagnostic]
        var topology: Topology?
        do {
            let resolved = try LabLocator.resolve(target.lab)
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
        "\(topology.name) is valid: \(topology.nodes.count) nodes, \(topology.links.count) links, "
            + "\(topology.tunnels.count) tunnels, \(topology.sessions.count) BGP sessions, \(topology.probes.count) probes, \(topology.expectations.count) expectations."
    }
}
