import AgentProtocol
import DaemonProfiles
import Daemons
import Glibc
import NetworkTypes
import Synchronization

/// A daemon that runs in a node for as long as the lab does: one program, or several that start, stop and end as one.
public final class DaemonProcess: Sendable {
    public enum State: Sendable {
        case running
        /// By SIGSTOP: it is there, and answers nobody.
        case suspended
        case stopping
        case ended(reason: String)
    }

    private struct Life {
        var state = State.running
        var programs: [NodeProcess] = []
        var isStarted = false
        /// Why it ended without having been told to.
        var failure: String?
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    public let daemon: Daemon
    /// The number of its first program's process.
    public let id: pid_t
    private let sandbox: NodeSandbox
    private let environment: [String: String]
    private let life = Mutex(Life())
    private let died: @Sendable (String) -> Void
    private let ended: @Sendable () -> Void

    /// Starts the daemon; returns when its first program runs.
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
        self.sandbox = sandbox
        self.environment = environment
        self.died = died
        self.ended = ended
        let first = try Self.start(
            daemon.foundations.first?.arguments ?? daemon.arguments, of: daemon, in: sandbox, environment)
        id = first.id
        life.withLock { $0.programs = [first] }
        watch(first)
        if daemon.foundations.isEmpty && daemon.loading.isEmpty {
            life.withLock { $0.isStarted = true }
            return
        }
        Task { [self] in
            do {
                try await startOthers()
                life.withLock { $0.isStarted = true }
            } catch {
                fail((error as? LabFailure)?.message ?? "\(error)")
            }
        }
    }

    /// Starts a program that writes to the daemon's log.
    private static func start(
        _ arguments: [String], of daemon: Daemon, in sandbox: NodeSandbox, _ environment: [String: String]
    ) throws -> NodeProcess {
        let console = open(logPath(of: daemon), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        let null = try NodeProcess.openNull()
        defer {
            close(console)
            close(null)
        }
        return try NodeProcess(arguments, in: sandbox, streams: (null, console, console), environment: environment)
    }

    // MARK: Several programs

    /// How long each may take until it listens, in the lab's time.
    private static let patience = Duration.seconds(30)

    /// What comes after the first program.
    private func startOthers() async throws {
        // Those that a node's system has; the first of all is there, or nothing would have been started.
        var before = daemon.foundations.first
        for part in try daemon.foundations.dropFirst().filter(isHere) {
            if let before { try await awaitSocket(before.socketPath, of: before.arguments) }
            try add(Self.start(part.arguments, of: daemon, in: sandbox, environment))
            before = part
        }
        if let before {
            try await awaitSocket(before.socketPath, of: before.arguments)
            try add(Self.start(daemon.arguments, of: daemon, in: sandbox, environment))
        }
        guard !daemon.loading.isEmpty, let socket = DaemonRegistry.profile(daemon.kind)?.socketPath else { return }
        try await awaitSocket(socket, of: daemon.arguments)
        let (code, output) = try await NodeProcess.run(daemon.loading, in: sandbox)
        guard code == 0 else {
            let words = output.split(whereSeparator: \.isNewline).map { $0.drop(while: \.isWhitespace) }
            throw LabFailure(
                "does not take its configuration (\(daemon.loading.joined(separator: " ")) ended with code \(code)): "
                    + words.joined(separator: "; "))
        }
    }

    private func isHere(_ part: DaemonPart) throws -> Bool {
        guard part.isOptional, let program = part.arguments.first else { return true }
        return try sandbox.withMounts { access(program, X_OK) == 0 }
    }

    private func awaitSocket(_ path: String, of arguments: [String]) async throws {
        let deadline = LabClock.now + Self.patience
        while try !sandbox.isListening(at: path) {
            guard case .running = current else { return }
            guard LabClock.now < deadline else {
                throw LabFailure("\(arguments[0]) does not listen at \(path) after \(Self.patience.shortText)")
            }
            try await LabSleep.wait(for: .milliseconds(1))
        }
    }

    /// Takes a program in; where the daemon has been told to end meanwhile, it ends at once.
    private func add(_ program: NodeProcess) {
        let isTooLate = life.withLock { life in
            life.programs.append(program)
            return if case .running = life.state { false } else { true }
        }
        watch(program)
        if isTooLate { program.send(SIGKILL) }
    }

    private func watch(_ program: NodeProcess) {
        Task { [self] in
            let reason = try await program.end().description
            let isAlone = life.withLock { life in
                life.programs.removeAll { $0.id == program.id }
                return life.programs.isEmpty
            }
            switch current {
            case .running, .suspended: fail(isAlone ? reason : "one of its programs \(reason)")
            case .stopping, .ended: break
            }
            if isAlone { finish(reason) }
        }
    }

    /// Ends it because of an error, which is told when the last of its programs is gone.
    private func fail(_ reason: String) {
        let isGone = life.withLock { life in
            switch life.state {
            case .running, .suspended:
                life.failure = reason
                life.state = .stopping
                life.programs.forEach { $0.send(SIGKILL) }
                return life.programs.isEmpty
            case .stopping, .ended: return false
            }
        }
        if isGone { finish(reason) }
    }

    private func finish(_ reason: String) {
        let failure = life.withLock { life -> String?? in
            if case .ended = life.state { return nil }
            life.state = .ended(reason: life.failure ?? reason)
            life.waiters.forEach { $0.resume() }
            life.waiters = []
            return life.failure
        }
        guard let failure else { return }
        ended()
        if let failure { died(failure) }
    }

    // MARK: What is done to it

    public var current: State { life.withLock { $0.state } }

    /// Whether all of its programs run and have read their configuration.
    public var isStarted: Bool { life.withLock { $0.isStarted } }

    /// Whether it can be asked something and will answer.
    public var isRunning: Bool { if case .running = current { true } else { false } }

    private func send(_ signals: Int32...) {
        let programs = life.withLock { $0.programs }
        for signal in signals { programs.forEach { $0.send(signal) } }
    }

    /// Ends the daemon: SIGTERM, and SIGKILL after five seconds of the lab's time.
    public func stop() async {
        guard isToEnd() else { return }
        // One that is suspended takes the signal when it goes on.
        send(SIGTERM, SIGCONT)
        let deadline = LabClock.now + .seconds(5)
        while case .stopping = current {
            if LabClock.now > deadline { send(SIGKILL) }
            try? await LabSleep.wait(for: .milliseconds(10))
        }
    }

    /// Ends the daemon by SIGKILL, and with it what it has started; returns when it is gone.
    public func kill() async {
        guard isToEnd() else { return }
        send(SIGKILL)
        await withCheckedContinuation { continuation in
            let isOver = life.withLock { life in
                if case .ended = life.state { return true }
                life.waiters.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    /// Notes that the daemon's end is wanted; false where it has ended already.
    private func isToEnd() -> Bool {
        life.withLock { life in
            if case .ended = life.state { return false }
            life.state = .stopping
            return true
        }
    }

    /// Halts the daemon where it is, and what it has started (SIGSTOP); nothing where it is not running.
    public func suspend() {
        life.withLock { life in
            guard case .running = life.state else { return }
            life.state = .suspended
            life.programs.forEach { $0.send(SIGSTOP) }
        }
    }

    /// Lets a suspended daemon go on.
    public func resume() {
        life.withLock { life in
            guard case .suspended = life.state else { return }
            life.state = .running
            life.programs.forEach { $0.send(SIGCONT) }
        }
    }

    // MARK: Its log

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
