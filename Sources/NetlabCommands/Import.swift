import ArgumentParser
import CommandSupport
import ConfigurationFormats
import FoundationEssentials
import Glibc
import Imports
import KernelBuilds
import LabFiles
import LabModel
import Reporting
import SystemPackage

struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract:
            "Make a lab of what you have: a cloud's JSON, its text for your gateway, Terraform's state or plan, or two daemons' own files.",
        discussion: """
            Nothing is asked of any cloud: give what its command line has printed. The lab file says of each value whence it is, keys go \
            into files for you alone beside it, and what is missing is listed. Both sides of a tunnel may be given.

            Examples:
              netlab import connection.json customer-gateway.json     # aws ec2 describe-vpn-connections, describe-customer-gateways, …
              netlab import vpn-0a1b2c3d.txt --name office            # AWS's "Download Configuration"
              netlab import state.json --name office                  # terraform show -json > state.json
              netlab import left/ipsec.conf right/ipsec.conf        # keys from ipsec.secrets beside them
            """)

    @Argument(help: "Files, or - for standard input.", completion: .file())
    var files: [String]

    @Option(
        help: "The lab's name, and that of its directory; or a path that ends with it. (default: from the files' names)"
    )
    var name: String?

    @OptionGroup var output: FormatOption

    func run() async throws {
        let inputs = try files.map(Self.read) + Self.secrets(beside: files)
        let directory = name ?? LabImport.name(for: inputs)
        let lab = directory.split(separator: "/").last.map(String.init) ?? directory
        let path = "\(directory)/lab.yaml"
        guard access(directory, F_OK) != 0 else {
            throw CommandError(
                message: "\(directory) is there already.", remedy: "Take another --name; nothing is written over.")
        }
        var made = try make(lab, of: inputs)
        var problems = await Self.problems(of: made, path: path)
        // What the providers themselves print breaks no rule of theirs, whatever netlab knows of it.
        let broken = Set(problems.filter { $0.severity == .error }.compactMap(\.rules.first?.id)).filter {
            !$0.hasPrefix("general/")
        }.sorted()
        if !broken.isEmpty {
            made = try make(lab, of: inputs, accepting: broken)
            problems = await Self.problems(of: made, path: path)
        }
        try write(made, to: directory)
        let report = ImportReport(of: made, directory: directory, lab: lab, problems: problems)
        print(output.format == .json ? try JSONText.of(report) : report.text)
        if problems.contains(where: { $0.severity == .error }) { throw ExitCode(ExitStatus.wrongInput.rawValue) }
    }

    private func make(_ lab: String, of inputs: [ImportFile], accepting rules: [String] = []) throws -> LabImport {
        let library = ProviderLocator(labDirectory: nil).library
        do throws(ImportError) {
            return try LabImport(name: lab, inputs: inputs, accepting: rules) { try? library.file(of: $0).provider }
        } catch {
            throw CommandError(message: error.message, remedy: error.remedy)
        }
    }

    /// What validation says of the lab file, before it is written.
    private static func problems(of made: LabImport, path: String) async -> [LabFileDiagnostic] {
        let texts = made.files.reduce(into: [:]) { $0[$1.name] = $1.text }
        let library = ProviderLocator(labDirectory: nil).library
        let file = LabFile(text: texts["lab.yaml"] ?? "", file: path, providers: library) { name in
            guard let text = texts[name] else { throw Errno.noSuchFileOrDirectory }
            return text
        }
        do {
            let (topology, warnings) = try file.resolve()
            return await warnings + LabSoundness.problems(of: [topology], file, path: path)
        } catch {
            return error.diagnostics
        }
    }

    private static func read(_ path: String) throws -> ImportFile {
        let text: String
        do {
            text = try TextFile.read(path == "-" ? "/dev/stdin" : path, limit: LabImport.largestInput)
        } catch {
            throw CommandError(
                message: "\(path) cannot be read: \(error)",
                remedy: "Look at its path and permissions: it is a file of at most \(LabImport.largestInput >> 20) MiB."
            )
        }
        guard path.hasSuffix(".conf") || path.hasSuffix(".secrets") else {
            return ImportFile(path: path == "-" ? "standard input" : path, text: text)
        }
        return ImportFile(path: path, text: try whole(text, path: path))
    }

    /// A daemon's own file with those that it includes and that lie beside it.
    private static func whole(_ text: String, path: String) throws -> String {
        let directory = LabLocator.directory(of: path)
        let neighbours = IncludedText.Directory(
            names: { LabLocator.names(in: "\(directory)/\($0)") },
            read: { try TextFile.read($0, in: directory, limit: LabImport.largestInput) })
        let name = path.split(separator: "/").last.map(String.init) ?? path
        do {
            return try IncludedText(text, name: name, in: neighbours).text
        } catch {
            throw CommandError(
                message: "\(path), line \(error.line): \(error.message)",
                remedy: "Mend the file, or remove the line.")
        }
    }

    /// The keys that an IKE daemon would find beside its own file.
    private static func secrets(beside files: [String]) throws -> [ImportFile] {
        try files.filter { $0.hasSuffix(".conf") }.map { "\(LabLocator.directory(of: $0))/ipsec.secrets" }
            .filter { path in access(path, R_OK) == 0 && !files.contains { $0 == path || "./\($0)" == path } }.map(read)
    }

    private func write(_ made: LabImport, to directory: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            for file in made.files { try TextFile.write(file.text, to: "\(directory)/\(file.name)") }
        } catch {
            // It was not there before: a part of a lab is of no use to anybody.
            try? FileManager.default.removeItem(atPath: directory)
            throw CommandError(
                message: "\(directory) cannot be written: \(error)",
                remedy: "Look at the permissions of this directory.")
        }
    }
}
