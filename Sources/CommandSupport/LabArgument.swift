import AgentProtocol
import ArgumentParser
import FoundationEssentials
import Glibc
import KernelBuilds
import LabFiles
import LabHost
import LabModel
import Reporting
import Userlands

/// LAB: a name under Labs/, or a path to the user's own lab file or its directory.
package struct LabArgument: ParsableArguments {
    @Argument(help: "A lab's name, or the path of a lab file or its directory.", completion: Completion.lab)
    package var lab: String

    package init() {}
}

/// Which of a lab's variants is meant.
package struct VariantOption: ParsableArguments {
    @Option(
        help: ArgumentHelp("A variant that the lab file has: what it changes.", valueName: "name"),
        completion: Completion.variant)
    package var variant: String?

    package init() {}
}

/// The output of what shows something.
package struct FormatOption: ParsableArguments {
    package enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json
    }

    @Option(help: "How to print: table or json.")
    package var format = Format.table

    package init() {}
}

/// Finds lab files.
package enum LabLocator {
    package static var environment: [String: String] { ProcessInfo.processInfo.environment }
    package static var directories: HostDirectories { HostDirectories(environment: environment) }

    /// The directory of the labs that come with netlab: below NETLAB_HOME, which scripts/netlab sets, where a package has
    /// installed them with the program, or beside the program's own checkout.
    package static var labsDirectory: String? {
        if let home = environment["NETLAB_HOME"] { return "\(home)/Labs" }
        if let labs = Installation.current?.labs { return labs.string }
        var path = Supervision.executable
        while let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            path = String(path[..<slash])
            if access("\(path)/Labs", R_OK) == 0, access("\(path)/Package.swift", R_OK) == 0 { return "\(path)/Labs" }
        }
        return nil
    }

    /// The names of the labs that come with netlab.
    package static var known: [String] {
        guard let directory = labsDirectory else { return [] }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter { access("\(directory)/\($0)/lab.yaml", R_OK) == 0 }.sorted()
    }

    /// What is known of the lab that runs under a name, whatever file it came from; nil where none does.
    private static func record(ofRunning name: String) throws -> LabDirectory.Record? {
        guard !name.contains("/"), let lab = try LabDirectory.all(directories).first(where: { $0.name == name }),
            case .running(let record) = lab.state(), record.source != Supervision.bare
        else { return nil }
        return record
    }

    /// The lab file that an argument means: that of the lab that runs under this name, or of one that comes with netlab, or a path.
    ///
    /// - Throws: `CommandError` for what is neither a known name nor a readable file.
    package static func file(for argument: String) throws -> String {
        if let running = try record(ofRunning: argument) { return running.source }
        if let directory = labsDirectory, known.contains(argument) { return "\(directory)/\(argument)/lab.yaml" }
        var isDirectory = false
        if FileManager.default.fileExists(atPath: argument, isDirectory: &isDirectory) {
            return isDirectory ? "\(argument)/lab.yaml" : argument
        }
        throw CommandError(
            message: "There is no lab \"\(argument)\".",
            remedy: Suggestion.remedy(for: argument, among: known, noun: "labs")
                + " A path to a lab file of your own works as well.")
    }

    /// Reads and resolves the lab file that an argument means; warnings go to standard error.
    ///
    /// - Parameter variant: Nil for the lab as it stands, or for the variant that runs.
    package static func topology(for argument: String, variant: String? = nil) throws -> (
        topology: Topology, file: String
    ) {
        let (topology, warnings, file) = try resolve(
            argument, variant: variant ?? record(ofRunning: argument)?.variant)
        for warning in warnings { StandardStream.error.write(warning.description + "\n") }
        return (topology, file)
    }

    /// The topology of a lab that runs under this name, or else of the lab file that the argument means.
    package static func topologyOfAny(_ argument: String) throws -> (topology: Topology, file: String) {
        let lab = try LabDirectory.all(directories).first { $0.name == argument }
        if let lab, case .running = lab.state() { return try topology(of: lab) }
        return try topology(for: argument)
    }

    /// What the file says that a running lab was made from, as it is now.
    package static func topology(of lab: LabDirectory) throws -> (topology: Topology, file: String) {
        guard case .running(let record) = lab.state() else {
            let (topology, _, file) = try resolve(lab.name)
            return (topology, file)
        }
        let (topology, _, file) = try resolve(record.source, variant: record.variant)
        return (topology, file)
    }

    package static func resolve(
        _ argument: String, variant: String? = nil
    ) throws -> (topology: Topology, warnings: [LabFileDiagnostic], file: String) {
        let (file, path) = try read(argument, variant: variant)
        let (topology, warnings) = try file.resolve()
        return (topology.systems(beside: path), warnings, path)
    }

    /// Reads the lab file that an argument means, not yet resolved.
    package static func read(_ argument: String, variant: String? = nil) throws -> (file: LabFile, path: String) {
        let path = try file(for: argument)
        let text: String
        do {
            // A file that was named is read wherever it leads; what is found in a directory has to be there itself.
            text =
                path == argument
                ? try TextFile.read(path, limit: largestFile)
                : try TextFile.read("lab.yaml", in: directory(of: path), limit: largestFile)
        } catch {
            throw CommandError(
                message: "The lab file \(path) cannot be read: \(error)",
                remedy: "Look at its path and permissions: it is a file of at most \(largestFile >> 20) MiB.")
        }
        return (parse(text, path: path, variant: variant), path)
    }

    /// A text as the lab file at a path, not yet resolved.
    package static func parse(_ text: String, path: String, variant: String? = nil) -> LabFile {
        let directory = directory(of: path)
        let providers = ProviderLocator(labDirectory: directory).library
        return LabFile(
            text: text, file: path, variant: variant, providers: providers,
            companionNames: { names(in: "\(directory)/\($0)") }, companion: { try companion($0, in: directory) })
    }

    /// The names of the files in a directory, each of which may be a companion.
    package static func names(in directory: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    }

    /// The most bytes of a lab file, and of each file beside it.
    private static let largestFile = 1 << 20

    /// The text of a file that belongs to a lab: one in the lab's directory, and not a link to another.
    package static func companion(_ name: String, in directory: String) throws -> String {
        try TextFile.read(name, in: directory, limit: largestFile)
    }

    /// Where a file stands.
    package static func directory(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    /// The name of the lab that an argument means: a lab's name, or the name in the file it leads to.
    package static func name(of argument: String) throws -> String {
        let isName = try known.contains(argument) || LabDirectory.all(directories).contains { $0.name == argument }
        guard !isName, FileManager.default.fileExists(atPath: argument) else { return argument }
        return try topology(for: argument).topology.name
    }

    /// The running lab that an argument means.
    package static func runningLab(_ argument: String) throws -> LabDirectory {
        let name = try name(of: argument)
        let running = try LabDirectory.all(directories).map(\.name)
        guard running.contains(name) else {
            let remedy =
                known.contains(name)
                ? "Bring it up: netlab up \(name)"
                : Suggestion.remedy(for: name, among: running.isEmpty ? known : running, noun: "labs")
            throw CommandError(message: "The lab \"\(name)\" is not up.", remedy: remedy, status: .labBroke)
        }
        let lab = try LabDirectory(name: name, directories: directories)
        switch lab.state() {
        case .dead(let record):
            lab.cleanUp(record)
            throw CommandError(
                message:
                    "The lab \"\(name)\" had died: \(record?.causeOfDeath ?? "it was never started"). What it left has been removed.",
                remedy: "Its logs are in \(lab.logs). Bring it up again: netlab up \(argument)", status: .labBroke)
        case .starting: throw LabLauncher.beingBroughtUp(lab)
        case .running, .absent: return lab
        }
    }
}
