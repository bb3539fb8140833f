import AgentProtocol
import ArgumentParser
import Glibc
import LabKernel
import LabModel
import LabPlan
import Reporting
import SystemPackage

struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring a lab up: build its network, start its daemons, wait until its tunnels and routes are there.",
        discussion:
            "Nothing of the host is changed but the lab's own run and log directories. Ctrl-C takes all of it back.")

    @OptionGroup var target: LabArgument
    @OptionGroup var variant: VariantOption

    @Option(help: "How the lab's clock moves afterwards: paced (with the wall clock) or paused.")
    var clock = ClockMode.paced

    func run() async throws {
        let (topology, file) = try LabLocator.topology(for: target.lab, variant: variant.variant)
        guard let kernel = try KernelCache(environment: LabLocator.environment).find() else {
            throw SetupError(
                .kernelUnusable, "the lab kernel has not been built yet",
                remedy: "Build it, once, some minutes: netlab kernel build")
        }
        let lab = try LabDirectory(name: topology.name, directories: LabLocator.directories)
        if case .running = lab.state() { throw LabLauncher.alreadyUp(lab) }
        try await checkMachine()
        let board = ProgressBoard(title: "\(topology.name): \(topology.title)")
        let mode = clock
        let (result, wasInterrupted) = await Interruption.guarding {
            let supervision = Supervision(
                name: topology.name, source: file, kernel: kernel.path.string, variant: topology.variant)
            board.begin("boot")
            try await LabLauncher.launch(
                lab, directories: LabLocator.directories, executable: Supervision.executable,
                arguments: supervision.arguments)
            board.finish("boot")
            _ = try await LabClient(lab).ask(.build(Plan(for: topology), topology, clock: mode)) { message in
                switch message {
                case .progress(let progress): board.show(progress)
                case .notice(let text): board.note(text)
                default: break
                }
            }
            return try await LabClient(lab).ask(.status)
        }
        board.end()
        switch result {
        case .success(.status(let status)):
            print(StatusReport(status).brief(style: .standardOutput))
            print(nextSteps(topology))
        case .success:
            break
        case .failure(let error):
            if !wasInterrupted, let failure = error as? LabFailure, failure == LabLauncher.alreadyUp(lab) {
                throw failure
            }
            try? await LabLauncher.end(lab)
            guard wasInterrupted else { throw error }
            StandardStream.error.write(
                "netlab: interrupted; \(topology.name) has been taken down, nothing is left of it.\n")
            throw ExitCode(ExitStatus.interrupted.rawValue)
        }
    }

    /// Looks at what the lab will need before anything is started.
    private func checkMachine() async throws {
        let findings = await LabKernel.Doctor.examine(environment: LabLocator.environment)
        for warning in findings where warning.status == .warning {
            StandardStream.error.write("netlab: \(warning.name): \(warning.detail). \(warning.remedy ?? "")\n")
        }
        let missing = findings.filter { $0.status == .missing }
        guard let first = missing.first else { return }
        let all = missing.map { "\($0.name): \($0.detail)" }.joined(separator: "; ")
        throw SetupError(
            .toolsMissing, "this machine lacks something: \(all)", remedy: first.remedy ?? "See netlab doctor.")
    }

    private func nextSteps(_ topology: Topology) -> String {
        let name = topology.name
        let probe = topology.probes.first
        let node = probe?.source ?? topology.nodes.first?.name ?? "NODE"
        let ping = probe.map { "\n  netlab exec \(name) \(node) -- ping -c 3 \($0.destination)" } ?? ""
        return """
            Next:\(ping)
              netlab status \(name)
              netlab shell \(name) \(node)
              netlab clock \(name) advance 1h
              netlab down \(name)
            """
    }
}

extension ClockMode: ExpressibleByArgument {}
