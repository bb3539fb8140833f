import ArgumentParser
import FoundationEssentials
import Glibc
import KernelBuilds
import LabHost
import Reporting
import SystemPackage

/// This executable as the supervisor of a running lab; started by `up`, never typed.
package struct Supervision {
    private static let word = LabLauncher.supervisorWord
    /// The source of a kernel without a lab in it.
    package static let bare = "-"

    package let name: String
    package let source: String
    package let kernel: ChosenKernel
    /// The variant of the lab file that the lab is; nil for the lab as it stands.
    package let variant: String?
    /// What the lab's dates and its daemons' chance are made of; nil for those of this machine.
    package let seed: UInt64?
    /// How many nodes it has, which its kernel's memory goes by.
    package let nodes: Int
    /// Where the trees of programs are that its nodes have in place of the host's, by their names in the lab.
    package let trees: [String: String]

    package init(
        name: String, source: String, kernel: ChosenKernel, variant: String? = nil, seed: UInt64? = nil, nodes: Int = 0,
        trees: [String: String] = [:]
    ) {
        self.trees = trees
        self.name = name
        // Whoever asks for it by the lab's name may be in another directory.
        let isWhole = source == Self.bare || source.hasPrefix("/")
        let own = source.hasPrefix("./") ? String(source.dropFirst(2)) : source
        self.source = isWhole ? source : "\(FileManager.default.currentDirectoryPath)/\(own)"
        self.kernel = kernel
        self.variant = variant
        self.seed = seed
        self.nodes = nodes
    }

    /// Nil unless the arguments are those of ``arguments``.
    package init?(arguments: [String]) {
        guard arguments.count == 9, arguments[1] == Self.word else { return nil }
        self.init(
            name: arguments[2], source: arguments[3], kernel: ChosenKernel(argument: arguments[4]),
            variant: arguments[5].isEmpty ? nil : arguments[5], seed: UInt64(arguments[6]),
            nodes: Int(arguments[7]) ?? 0,
            trees: (try? JSONDecoder().decode([String: String].self, from: Data(arguments[8].utf8))) ?? [:])
    }

    package var arguments: [String] {
        let trees = (try? JSONEncoder().encode(trees)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return [
            Self.word, name, source, kernel.argument, variant ?? "", seed.map(String.init) ?? "", String(nodes), trees,
        ]
    }

    /// Where this program is; the guest runs the same file.
    package static var executable: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }

    package func run() -> Never {
        do {
            let directories = HostDirectories(environment: ProcessInfo.processInfo.environment)
            try SupervisorServer.run(
                lab: try LabDirectory(name: name, directories: directories), source: source, variant: variant,
                kernel: kernel, executable: FilePath(Self.executable),
                keepsTemporaryFiles: source == Self.bare, seed: seed, nodes: nodes, trees: trees)
            exit(0)
        } catch {
            StandardStream.error.write("\(error)\n")
            exit((error is SetupError ? ExitStatus.machineLacks : .labBroke).rawValue)
        }
    }
}
