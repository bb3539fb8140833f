import AgentProtocol
import ArgumentParser
import CommandSupport
import FoundationEssentials
import Glibc
import KernelBuilds
import Reporting
import SystemPackage

struct Kernel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernel",
        abstract: "Build or show the kernel that labs run on.",
        subcommands: [Build.self, Info.self, Series.self, Recipe.self, Run.self],
        defaultSubcommand: Info.self)

    struct Build: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "build",
            abstract: "Build the lab kernel; done once, some minutes.",
            discussion: """
                From the newest series of Linux that netlab has been proved on and that Debian's archive has, with netlab's \
                configuration, into the cache directory. apt-get fetches it with lists of netlab's own; the system's stay as they are.
                """)

        @Option(help: ArgumentHelp("A kernel source tarball to use instead of Debian's.", valueName: "file"))
        var source: String?

        @Option(help: ArgumentHelp("A series of Linux, such as 6.12, for labs to run on from now on."))
        var series: String?

        @Flag(help: "Ask Debian's archive for a newer source even if a kernel is there.")
        var force = false

        private var origin: KernelBuild.Origin {
            if let source { return .tarball(FilePath(source), series: series) }
            return series.map { .series($0) } ?? .newest
        }

        func run() async throws {
            // Nothing in it is secret, and a cache may be made by one user for others.
            umask(0o022)
            let cache = try KernelCache(environment: LabLocator.environment)
            let (origin, force) = (origin, force)
            let meter = ProgressMeter(.output)
            let left = TimeLeft()
            let (result, wasInterrupted) = await Interruption.guarding {
                try await KernelBuild(cache: cache).build(origin, anew: force) { progress in
                    switch progress {
                    // A file is not a terminal: a line for every tenth, not for every source file.
                    case .compiling(let done, let total) where !StandardStream.output.isTerminal:
                        if total > 0 { meter.show("compiling, \(done * 10 / total * 10) %") }
                    case .compiling(let done, let total):
                        let estimate = left.text(afterDoing: Double(done) / Double(max(total, 1)))
                        meter.show("\(progress)\(estimate)")
                    case .passedOver:
                        meter.clear()
                        StandardStream.error.write("netlab: \(progress)\n")
                    default: meter.show(progress.description)
                    }
                }
            }
            meter.clear()
            if wasInterrupted {
                StandardStream.error.write("netlab: interrupted; the kernel has not been built.\n")
                throw ExitCode(ExitStatus.interrupted.rawValue)
            }
            let kernel = try result.get()
            print("The lab kernel is ready: \(kernel.release), \(kernel.path)")
        }
    }

    struct Info: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "info", abstract: "Show which lab kernel is used.")

        @OptionGroup var output: FormatOption

        private struct Document: Encodable {
            let path: String?
            let reason: String?
            let metadata: BuiltKernel.Metadata?
        }

        func run() async throws {
            let cache = try KernelCache(environment: LabLocator.environment)
            let kernel = try cache.find()
            let reason = kernel.map(cache.reason(for:))
            switch output.format {
            case .json:
                print(
                    try JSONText.of(
                        Document(path: kernel?.path.string, reason: reason, metadata: kernel?.metadata)))
            case .table:
                guard let kernel else {
                    print("The lab kernel has not been built. Build it: netlab kernel build")
                    return
                }
                let rows =
                    [["path", kernel.path.string], ["why this one", reason ?? ""]]
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

    struct Series: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "series",
            abstract:
                "List the series of Linux that a lab kernel can be built from, and whether netlab has been proved on them."
        )

        func run() throws {
            for (series, place) in KernelBuild.knownSeries { print("\(series)  \(place)") }
        }
    }

    struct Recipe: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "recipe",
            abstract: "Show what a lab kernel is made of: Debian's source, netlab's changes and settings, the commands."
        )

        @Option(help: "A series of Linux, such as 6.12, in place of the newest that netlab has been proved on.")
        var series: String?

        @Option(help: ArgumentHelp("Make the changes in this directory with Linux's source.", valueName: "directory"))
        var apply: String?

        func run() throws {
            let recipe = try KernelRecipe(series: series)
            guard let apply else { return print(recipe.text) }
            try recipe.apply(to: FilePath(apply), identity: "the source in \(apply)")
        }
    }

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "run",
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
            let bare = try BareKernel("run", kernel: Machine.kernel())
            let (launch, wasInterrupted) = await Interruption.guarding { try await bare.boot() }
            // From here on, signals are the program's.
            let program = RemoteProgram(
                lab: bare.directory, node: "", arguments: command, environment: ["TMPDIR": "/run"])
            let result = await Task {
                if wasInterrupted { throw ExitCode(ExitStatus.interrupted.rawValue) }
                try launch.get()
                try await program.run()
            }.result
            await bare.end()
            try result.get()
        }
    }
}
