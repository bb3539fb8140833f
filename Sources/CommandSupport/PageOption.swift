import ArgumentParser
import KernelBuilds

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
}
