import AgentProtocol
import ArgumentParser
import CommandSupport
import Glibc
import KernelBuilds
import LabHost
import LabModel
import Reporting
import SystemPackage

struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Bring a lab up: build its network, start its daemons, wait until its tunnels and routes are there.",
        discussion:
            "Nothing of the host is changed but the lab's own run and log directories. Ctrl-C takes all of it back.")

    @OptionGroup var target: LabArgument
    @OptionGroup var variant: VariantOption
    @OptionGroup var platform: KernelOption

    @Option(
        help: "How the clock of a lab kernel moves afterwards: paced (with the wall clock) or paused. (default: paced)")
    var clock: ClockMode?

    @Flag(help: "Leave the lab standing, as far as it came, where it does not come up: for a look.")
    var keep = false

    func run() async throws {
        let (topology, file) = try LabLocator.topology(for: target.lab, variant: variant.variant)
        // Who wants a look at a lab that does not work gets it.
        if !keep { try await LabSoundness.check(topology, path: file) }
        let kernel = try await platform.chosen(for: [topology])
        try KernelOption.refuse(
            clock.map { _ in "--clock" }, on: kernel, because: "the clock of the host's own goes by itself")
        let lab = try LabDirectory(name: topology.name, directories: LabLocator.directories)
        if case .running = lab.state() { throw LabLauncher.alreadyUp(lab) }
        let board = ProgressBoard(title: "\(topology.name): \(topology.title)")
        let mode = kernel == .host ? .real : clock ?? .paced
        let (result, wasInterrupted) = await Interruption.guarding {
            let supervision = Supervision(
                name: topology.name, source: file, kernel: kernel, variant: topology.variant,
                nodes: topology.nodes.count, trees: Systems.trees(for: topology))
            board.begin("boot")
            try await LabLauncher.launch(
                lab, directories: LabLocator.directories, executable: Supervision.executable,
                arguments: supervision.arguments)
            board.finish("boot")
            _ = try await LabClient(lab).ask(Build(topology, clock: mode, isKept: keep)) { message in
                switch message {
                case .progress(let progress): board.show(progress)
                case .notice(let text): board.note(text)
                default: break
                }
            }
            return try await LabClient(lab).ask(ShowStatus(askingProbes: true))
        }
        board.end()
        switch result {
        case .success(let status):
            LabLauncher.leave(lab)
            print(StatusReport(status).brief(style: .standardOutput))
            print(nextSteps(topology, on: kernel))
        case .failure(let error):
            // What is there is somebody else's.
            if let failure = error as? LabFailure, failure.code == .alreadyUp { throw failure }
            if keep, !wasInterrupted, case .running = lab.state() {
                LabLauncher.leave(lab)
                StandardStream.error.write(
                    """
                    netlab: \(topology.name) stands as far as it came (--keep). Look: netlab status \(topology.name), \
                    netlab explain \(topology.name) PROBE. End it: netlab down \(topology.name)

                    """)
                throw error
            }
            try? await LabLauncher.end(lab)
            guard wasInterrupted else { throw error }
            StandardStream.error.write(
                "netlab: interrupted; \(topology.name) has been taken down, nothing is left of it.\n")
            throw ExitCode(ExitStatus.interrupted.rawValue)
        }
    }

    private func nextSteps(_ topology: Topology, on kernel: ChosenKernel) -> String {
        let name = topology.name
        let probe = topology.probes.first
        let node = probe?.source ?? topology.nodes.first?.name ?? "NODE"
        let ping = probe.map { "\n  netlab exec \(name) \(node) -- ping -c 3 \($0.destination)" } ?? ""
        let third =
            kernel == .host
            ? "ip netns exec \(NamespaceNames.name(lab: name, node: node)) ip address"
            : "netlab clock \(name) advance 1h"
        return """
            Next:\(ping)
              netlab status \(name)
              netlab shell \(name) \(node)
              \(third)
              netlab down \(name)
            """
    }
}

extension ClockMode: ExpressibleByArgument {
    public init?(argument: String) {
        guard Self.allValueStrings.contains(argument) else { return nil }
        self.init(rawValue: argument)
    }

    /// Those that somebody can choose.
    public static var allValueStrings: [String] { allCases.filter { $0 != .real }.map(\.rawValue) }
}
