import AgentProtocol
import ArgumentParser
import FoundationEssentials
import Glibc
import LabKernel
import Reporting
import SystemPackage

struct Kernel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Build or show the kernel that labs run on.", subcommands: [Build.self, Info.self, Run.self],
        defaultSubcommand: Info.self)

    struct Build: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Build the lab kernel; done once, some minutes.",
            discussion: "From Debian's linux-source-6.1 with netlab's configuration, into the cache directory.")

        @Option(help: "A kernel source tarball to use instead of Debian's.")
        var source: String?

        @Flag(help: "Build even if the kernel is there.")
        var force = false

        func run() async throws {
            // Nothing in it is secret, and a cache may be made by one user for others.
            umask(0o022)
            let cache = try KernelCache(environment: LabLocator.environment)
            if !force, source == nil, let kernel = try cache.find() {
                print("The lab kernel is there: \(kernel.path)")
                return
            }
            let source = source.map { FilePath($0) }
            let meter = ProgressMeter(.output)
            let (result, wasInterrupted) = await Interruption.guarding {
                try await KernelBuild(cache: cache).build(source: source) { progress in
                    // A file is not a terminal: a line for every tenth, not for every source file.
                    if case .compiling(let done, let total) = progress, !StandardStream.output.isTerminal {
                        if total > 0 { meter.show("compiling, \(done * 10 / total * 10) %") }
                    } else {
                        meter.show(progress.description)
                    }
                }
            }
            meter.clear()
            if wasInterrupted {
                StandardStream.error.write("netlab: interrupted; the kernel has not been built.\n")
                throw ExitCode(ExitStatus.interrupted.rawValue)
            }
            print("The lab kernel is ready: \(try result.get().path)")
        }
    }

    struct Info: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show which lab kernel is used.")

        @OptionGroup var output: FormatOption

        private struct Document: Encodable {
            let path: String?
            let metadata: BuiltKernel.Metadata?
        }

        func run() async throws {
            let kernel = try KernelCache(environment: LabLocator.environment).find()
            switch output.format {
            case .json: print(try JSONText.of(Document(path: kernel?.path.string, metadata: kernel?.metadata)))
            case .table:
                guard let kernel else {
                    print("The lab kernel has not been built. Build it: netlab kernel build")
                    return
                }
                let rows =
                    [["path", kernel.path.string]]
                    + (kernel.metadata.map { metadata in
                        [
                            ["release", metadata.release], ["source", metadata.source],
                            ["compiler", metadata.compiler],
                            ["size", "\(metadata.bytes / 1_000_000) MB"],
                            ["built in", "\(Int(metadata.buildSeconds)) s"],
                        ]
                    } ?? [])
                print(Table(columns: [], rows: rows).text(style: .standardOutput))
            }
        }
    }

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Boot a lab kernel, run one command in it as its root, and end with the command's exit code.",
            discussion: "The clock runs as fast as it goes. The host's files are there, read-only.")

        @Argument(parsing: .postTerminator, help: "After --, the command and its arguments.")
        var command: [String] = []

        func validate() throws {
            guard !command.isEmpty else {
                throw ValidationError("Write the command after two hyphens: netlab kernel run -- uname -a")
            }
        }

        func run() async throws {
            guard let kernel = try KernelCache(environment: LabLocator.environment).find() else {
                throw SetupError(
                    .kernelUnusable, "the lab kernel has not been built yet",
                    remedy: "Build it, once, some minutes: netlab kernel build")
            }
            let lab = try LabDirectory(
                name: LabDirectory.ownName("run", number: 0), directories: LabLocator.directories)
            let (launch, wasInterrupted) = await Interruption.guarding {
                let supervision = Supervision(name: lab.name, source: Supervision.bare, kernel: .lab(kernel))
                try await LabLauncher.launch(
                    lab, directories: LabLocator.directories, executable: Supervision.executable,
                    arguments: supervision.arguments)
            }
            // From here on, signals are the program's.
            let program = RemoteProgram(lab: lab, node: "", arguments: command, environment: ["TMPDIR": "/run"])
            let result = await Task {
                if wasInterrupted { throw ExitCode(ExitStatus.interrupted.rawValue) }
                try launch.get()
                try await program.run()
            }.result
            try? await LabLauncher.end(lab)
            lab.forget()
            try result.get()
        }
    }
}
