import AgentProtocol
import Daemons
import FoundationEssentials
import Glibc
import KernelBuilds
import LabHost
import LabModel
import LabRecords
import NetworkTypes
import Reporting
import Synchronization
import SystemPackage

/// A lab that is there for one purpose: brought up under a name of its own, and taken down whatever happens.
package struct FreshLab {
    package let topology: Topology
    package let labFile: String
    package let directory: LabDirectory
    private let kernel: ChosenKernel

    /// - Parameter number: Tells it from others of this process.
    package init(_ topology: Topology, labFile: String, kernel: ChosenKernel, number: Int) throws {
        self.topology = topology
        self.labFile = labFile
        self.kernel = kernel
        directory = try LabDirectory(
            name: LabDirectory.ownName(topology.name, number: number), directories: LabLocator.directories)
    }

    /// Brings the lab up, calls `body`, and takes the lab down.
    ///
    /// - Parameters:
    ///   - seed: What the lab's randomness and its date begin with; nil for this day and chance.
    ///   - keepLogs: Called when the lab has ended and its logs are whole; they are removed then.
    package func run<Result: Sendable>(
        seed: UInt64?, keepLogs: (String) -> Void, _ body: () async throws -> Result
    ) async throws -> Result {
        defer { directory.forget() }
        let result: Result
        do {
            let supervision = Supervision(
                name: directory.name, source: labFile, kernel: kernel,
                variant: topology.variant, seed: seed, nodes: topology.nodes.count,
                trees: Systems.trees(for: topology))
            try await LabLauncher.launch(
                directory, directories: LabLocator.directories, executable: Supervision.executable,
                arguments: supervision.arguments)
            _ = try await LabClient(directory).ask(Build(topology, clock: .paused))
            result = try await body()
        } catch {
            await end()
            keepLogs(directory.logs.string)
            throw error
        }
        await end()
        keepLogs(directory.logs.string)
        return result
    }

    /// Moves the lab's clock ahead.
    package func advance(by duration: Duration) async throws {
        if duration > .zero { _ = try await LabClient(directory).ask(AdvanceClock(by: duration)) }
    }

    /// On a task of its own: a lab is taken down also when the caller has been cancelled.
    private func end() async {
        let directory = directory
        let asking: Duration = Task.isCancelled ? .seconds(1) : .seconds(10)
        await Task.detached { try? await LabLauncher.end(directory, asking: asking) }.value
    }

    /// Plays a script; when the caller is cancelled, the script ends early and what there is of it comes back, if that comes soon.
    ///
    /// - Parameter progress: Called with the lab's clock.
    package func play(
        _ script: Script, file: String, progress: @escaping @Sendable (LabTime) -> Void
    ) async throws -> ScriptRecord {
        let (input, continuation) = AsyncStream.makeStream(of: ExecInput.self)
        let directory = directory
        // The cancellation must reach the script, not the connection that its record comes by.
        let work = Task.detached {
            try await LabClient(directory).ask(Play(script, file: file), input: input) { message in
                if case .clockMoved(let time) = message { progress(time) }
            }
        }
        return try await withTaskCancellationHandler {
            try await work.value
        } onCancel: {
            continuation.yield(.endOfFile)
            Task.detached {
                try? await Task.sleep(for: Interruption.handover)
                work.cancel()
            }
        }
    }
}

/// What labs need of this machine.
package enum Machine {
    /// The lab kernel.
    ///
    /// - Throws: `SetupError` when none has been built yet.
    package static func kernel() throws -> BuiltKernel {
        guard let kernel = try KernelCache(environment: LabLocator.environment).find() else {
            throw SetupError(
                .kernelUnusable, "the lab kernel has not been built yet",
                remedy: "Build it, once, some minutes: netlab kernel build")
        }
        return kernel
    }

    /// Processors that this process may use.
    package static var processors: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }

    /// Looks at what labs will need before anything is started.
    ///
    /// - Throws: `SetupError` naming all that is missing.
    package static func check(for topologies: [Topology], on kernel: KernelKind) async throws {
        let environment = LabLocator.environment
        try await Systems.prepare(for: topologies)
        // Nodes with a system of their own have that one's daemons.
        let running = Set(
            topologies.flatMap { topology in
                topology.nodes.filter { $0.system == nil }.flatMap { topology.daemons(of: $0.name) }
            })
        let kept = DaemonRegistry.all.filter { $0.tree != nil }
        for daemon in kept where running.contains(daemon.id) {
            if let tree = daemon.tree, DaemonTrees.find(tree, environment: environment) == nil {
                throw DaemonTrees.missing(daemon)
            }
        }
        let idle = Set(kept.filter { !running.contains($0.id) }.map(\.product))
        let findings = await Doctor.examine(environment: environment, for: kernel).filter { !idle.contains($0.name) }
        for warning in findings where warning.status == .warning {
            StandardStream.error.write("netlab: \(warning.name): \(warning.detail). \(warning.remedy ?? "")\n")
        }
        let missing = findings.filter { $0.status == .missing }
        guard let first = missing.first else { return }
        let all = missing.map { "\($0.name): \($0.detail)" }.joined(separator: "; ")
        throw SetupError(
            .toolsMissing, "this machine lacks something: \(all)", remedy: first.remedy ?? "See netlab doctor.")
    }
}

/// The lab's time when a script was first heard of, to tell how far it has come.
package final class StartTime: Sendable {
    private let first = Mutex<LabTime?>(nil)

    package init() {}

    package func since(_ time: LabTime) -> Duration {
        first.withLock { first in
            if first == nil { first = time }
            return time - (first ?? time)
        }
    }
}
