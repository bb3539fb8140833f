import AgentProtocol
import Glibc
import LabPlan
import Subprocess
import Synchronization
import SystemPackage

/// A daemon that runs in a node for as long as the lab does.
final class DaemonProcess: Sendable {
    enum State: Sendable {
        case running
        case stopping
        case ended(reason: String)
    }

    let daemon: Daemon
    private let state = Mutex<State>(.running)
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// Starts the daemon; returns at once.
    ///
    /// - Parameter died: Called with the reason if it ends without having been told to.
    init(_ daemon: Daemon, in sandbox: NodeSandbox, died: @escaping @Sendable (String) -> Void) throws {
        self.daemon = daemon
        let configuration = try NodeProcess.configuration(
            daemon.arguments, in: sandbox, teardown: [.send(signal: .terminate, allowedDurationToNextStep: .seconds(5))])
        let path = Daemon.logFile(node: daemon.node, kind: daemon.kind)
        let console = try FileDescriptor.open(
            FilePath(path), .writeOnly, options: [.create, .append], permissions: [.ownerReadWrite])
        let running = Task {
            var reason: String
            do {
                let result = try await Subprocess.run(
                    configuration, output: .fileDescriptor(console, closeAfterSpawningProcess: true),
                    error: .combinedWithOutput)
                reason = "ended with \(result.terminationStatus)"
            } catch {
                reason = "could not be started: \(error)"
            }
            let wasTold = self.state.withLock { state in
                let wasStopping = if case .stopping = state { true } else { false }
                state = .ended(reason: reason)
                return wasStopping
            }
            if !wasTold { died(reason) }
        }
        task.withLock { $0 = running }
    }

    var current: State { state.withLock { $0 } }

    /// Ends the daemon: SIGTERM, and SIGKILL after five seconds.
    func stop() async {
        state.withLock { if case .running = $0 { $0 = .stopping } }
        let running = task.withLock { $0 }
        running?.cancel()
        await running?.value
    }

    /// The last lines of the daemon's log.
    func logEnd() -> [String] { Self.logEnd(of: daemon) }

    static func logEnd(of daemon: Daemon, lines count: Int = 8) -> [String] {
        let text = GuestSystem.read(Daemon.logFile(node: daemon.node, kind: daemon.kind), limit: 8 << 20) ?? ""
        return text.split(whereSeparator: \.isNewline).suffix(count).map(String.init)
    }
}
