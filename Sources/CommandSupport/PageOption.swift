import AgentProtocol
import ArgumentParser
import Daemons
import KernelBuilds
import LabModel

/// A page for a browser, besides what is printed.
package struct PageOption: ParsableArguments {
    @Option(
        name: .customLong("html"),
        help: ArgumentHelp(
            "Also write this file: a page for a browser, which needs nothing beside it.", valueName: "file"),
        completion: .file())
    package var file: String?

    package init() {}

    /// Writes the page where one was asked for.
    ///
    /// - Throws: `CommandError` where the file cannot be written.
    package func write(_ page: () async throws -> String) async throws {
        guard let file else { return }
        let text = try await page()
        do {
            try TextFile.write(text, to: file)
        } catch {
            throw CommandError(
                message: "The page \(file) cannot be written: \(error)",
                remedy: "Look at its directory's permissions and free space, or name another file with --html.")
        }
    }

    /// What a page's lab was looked at with, in one line.
    ///
    /// - Parameter kernel: The release of the kernel that it ran on; nil where it did not run, or that is not known.
    package static func testedWith(_ versions: DaemonVersions, _ topologies: [Topology], kernel: String?) -> [String] {
        let daemons = Set(topologies.flatMap { versions.running(in: $0).map { "\($0.name) \($0.versionText)" } })
        let all = ["netlab \(ProtocolVersion.current.release)", kernel.map { "Linux \($0)" }].compactMap(\.self)
        return ["With \((all + daemons.sorted()).joined(separator: ", "))."]
    }
}
