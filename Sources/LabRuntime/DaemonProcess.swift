import AgentProtocol
import Glibc
import LabPlan
import Synchronization

/// A daemon that runs in a node for as long as the lab does.
final class DaemonProcess: Sendable {
    enum State: Sendable {
        case running
        case stopping
        case ended(reason: String)
    }

    let daemon: Daemon
    private let state = Mutex<State>(.running)
    private let process: NodeProcess

    /// Starts the daemon; returns at once.
    ///
    /// - Parameter died: Called with the reason if it ends without having been told to.
    init(_ daemon: Daemon, in sandbox: NodeSandbox, died: @escaping @Sendable (String) -> Void) throws {
        self.daemon = daemon
        let console = open(Self.logPath(of: daemon), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        let null = try NodeProcess.openNull()
        defer {
            close(console)
            close(null)
        }
        process = try NodeProcess(daemon.arguments, in: sandbox, streams: (null, console, console))
        Task { [self] in
            let reason = try await process.end().description
            let wasTold = state.withLock { state in
                let wasStopping = if case .stopping = state { true } else { false }
                state = .ended(reason: reason)
                return wasStopping
            }
            if !wasTold { died(reason) }
        }
    }

    var current: State { state.withLock { $0 } }

    /// Ends the daemon: SIGTERM, and SIGKILL after five seconds of the lab's time.
    func stop() async {
        state.withLock { if case .running = $0 { $0 = .stopping } }
        process.send(SIGTERM)
        let deadline = ControlLine.now + .seconds(5)
        while case .stopping = current {
            if ControlLine.now > deadline { process.send(SIGKILL) }
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    /// The last lines of the daemon's log.
    func logEnd() -> [String] { Self.logEnd(of: daemon) }

    static func logEnd(of daemon: Daemon, lines count: Int = 8) -> [String] {
        let text = GuestSystem.read(logPath(of: daemon), limit: 8 << 20) ?? ""
        return text.split(whereSeparator: \.isNewline).suffix(count).map(String.init)
    }

    private static func logPath(of daemon: Daemon) -> String {
        Daemon.logFile(node: daemon.node, kind: daemon.kind)
    }
}
