import AgentProtocol
import DaemonProfiles
import Daemons
import Glibc
import NetworkTypes
import Synchronization

/// A daemon that runs in a node for as long as the lab does.
public final class DaemonProcess: Sendable {
    public enum State: Sendable {
        case running
        /// By SIGSTOP: it is there, and answers nobody.
        case suspended
        case stopping
        case ended(reason: String)
    }

    public let daemon: Daemon
    private let state = Mutex<State>(.running)
    private let process: NodeProcess
    private let waiters = Mutex<[CheckedContinuation<Void, Never>]>([])

    /// Starts the daemon; returns at once.
    ///
    /// - Parameters:
    ///   - environment: What it finds there besides the usual.
    ///   - died: Called with the reason if it ends without having been told to.
    ///   - ended: Called when it ends, for whatever reason.
    /// - Throws: ``LabFailure``.
    public init(
        _ daemon: Daemon, in sandbox: NodeSandbox, environment: [String: String],
        died: @escaping @Sendable (String) -> Void, ended: @escaping @Sendable () -> Void
    ) throws {
        self.daemon = daemon
        let console = open(Self.logPath(of: daemon), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        let null = try NodeProcess.openNull()
        defer {
            close(console)
            close(null)
        }
        process = try NodeProcess(
            daemon.arguments, in: sandbox, streams: (null, console, console), environment: environment)
        Task { [self] in
            let reason = try await process.end().description
            let wasTold = state.withLock { state in
                let wasStopping = if case .stopping = state { true } else { false }
                state = .ended(reason: reason)
                return wasStopping
            }
            waiters.withLock { waiters in
                waiters.forEach { $0.resume() }
                waiters = []
            }
            ended()
            if !wasTold { died(reason) }
        }
    }

    /// The number of its process.
    public var id: pid_t { process.id }

    public var current: State { state.withLock { $0 } }

    /// Whether it can be asked something and will answer.
    public var isRunning: Bool { if case .running = current { true } else { false } }

    /// Ends the daemon: SIGTERM, and SIGKILL after five seconds of the lab's time.
    public func stop() async {
        guard isToEnd() else { return }
        process.send(SIGTERM)
        // One that is suspended takes the signal when it goes on.
        process.send(SIGCONT)
        let deadline = LabClock.now + .seconds(5)
        while case .stopping = current {
            if LabClock.now > deadline { process.send(SIGKILL) }
            try? await LabSleep.wait(for: .milliseconds(10))
        }
    }

    /// Ends the daemon by SIGKILL, and with it what it has started; returns when it is gone.
    public func kill() async {
        guard isToEnd() else { return }
        process.send(SIGKILL)
        await withCheckedContinuation { continuation in
            let isOver = waiters.withLock { waiters in
                if case .ended = current { return true }
                waiters.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    /// Notes that the daemon's end is wanted; false where it has ended already.
    private func isToEnd() -> Bool {
        state.withLock { state in
            if case .ended = state { return false }
            state = .stopping
            return true
        }
    }

    /// Halts the daemon where it is, and what it has started (SIGSTOP); nothing where it is not running.
    public func suspend() {
        let isHere = state.withLock { state in
            guard case .running = state else { return false }
            state = .suspended
            return true
        }
        if isHere { process.send(SIGSTOP) }
    }

    /// Lets a suspended daemon go on.
    public func resume() {
        let isHere = state.withLock { state in
            guard case .suspended = state else { return false }
            state = .running
            return true
        }
        if isHere { process.send(SIGCONT) }
    }

    /// What the daemon has logged, of a long log the beginning.
    public var log: String { Self.log(of: daemon) }

    private static func log(of daemon: Daemon) -> String { GuestSystem.read(logPath(of: daemon), limit: 8 << 20) ?? "" }

    /// The last lines of a daemon's log.
    public static func logEnd(of daemon: Daemon, lines count: Int = 8) -> [String] {
        log(of: daemon).split(whereSeparator: \.isNewline).suffix(count).map(String.init)
    }

    private static func logPath(of daemon: Daemon) -> String {
        Daemon.logFile(node: daemon.node, kind: daemon.kind)
    }
}
