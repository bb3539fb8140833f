import AgentProtocol
import CLinux
import FoundationEssentials
import Glibc
import KernelBuilds
import NetworkTypes
import Synchronization
import SystemPackage

/// Starts and ends labs' supervisors.
public enum LabLauncher {
    /// The first argument of this executable when it is to be a supervisor; the lab's name follows.
    public static let supervisorWord = "--supervise-lab"

    /// Starts a supervisor for a lab and waits until it answers.
    ///
    /// - Parameters:
    ///   - arguments: How this executable is told to be the supervisor.
    /// - Throws: ``LabFailure`` when the lab is up already or its kernel does not start; nothing is left behind.
    public static func launch(
        _ lab: LabDirectory, directories: HostDirectories, executable: String, arguments: [String]
    ) async throws {
        switch lab.state() {
        case .running: throw alreadyUp(lab)
        case .starting: throw beingBroughtUp(lab)
        case .dead(let record): lab.cleanUp(record)
        case .absent: break
        }
        for _ in 1..<Self.boots {
            do {
                return try await boot(lab, directories: directories, executable: executable, arguments: arguments)
            } catch is StalledBoot {}
        }
        do {
            try await boot(lab, directories: directories, executable: executable, arguments: arguments)
        } catch let stall as StalledBoot {
            throw LabFailure(
                "The lab's kernel did not answer within \(Self.patience.shortText), \(Self.boots) times in a row"
                    + (stall.cause.map { ": \($0.words)" } ?? "."),
                remedy: stall.cause?.remedy ?? "`netlab doctor` examines what it needs.", details: stall.lastWords)
        }
    }

    /// A kernel that answers takes a fifth of a second to boot, some seconds on a machine that is very busy.
    private static let patience = Duration.seconds(10)
    private static let boots = 3

    private struct StalledBoot: Error {
        let cause: KernelConsole.Cause?
        let lastWords: [String]
    }

    private static func boot(
        _ lab: LabDirectory, directories: HostDirectories, executable: String, arguments: [String]
    ) async throws {
        guard try lab.claim(directories) else { throw beingBroughtUp(lab) }
        own.withLock { $0[lab.name] = Own(lab: lab, supervisor: nil) }
        lab.clearLogs()
        var supervisor: pid_t?
        do {
            let started = try own.withLock { own in
                let started = try spawn(executable, arguments, log: lab.supervisorLog)
                own[lab.name] = Own(lab: lab, supervisor: started)
                return started
            }
            supervisor = started
            try await awaitSocket(of: lab, supervisor: started)
        } catch {
            // Whatever came up goes: the supervisor first, so that it cannot start anything more. It may not have come to
            // write down that it is there.
            if let supervisor, waitpid(supervisor, nil, WNOHANG) == 0 {
                kill(supervisor, SIGKILL)
                waitpid(supervisor, nil, 0)
            }
            switch lab.state() {
            case .running(let record) where record.supervisor == supervisor:
                kill(record.supervisor, SIGKILL)
                lab.cleanUp(record)
            case .starting(let record) where record.supervisor == getpid(): lab.cleanUp(record)
            case .dead(let record): lab.cleanUp(record)
            // Somebody else has been here, and brings it up.
            case .running, .starting, .absent: break
            }
            leave(lab)
            throw error
        }
    }

    // MARK: Labs that this process answers for

    private struct Own {
        let lab: LabDirectory
        let supervisor: pid_t?
    }

    /// The labs that this process has started, and has neither ended nor left to their user.
    private static let own = Mutex<[String: Own]>([:])

    /// Leaves a lab to its user: it stays when this process ends.
    public static func leave(_ lab: LabDirectory) { _ = own.withLock { $0.removeValue(forKey: lab.name) } }

    /// Ends every lab that this process answers for, at once and asking nobody, with all that is left of them but the logs of those that
    /// have names of their own.
    ///
    /// For a process that is about to end; it blocks for as long as killed processes take to go.
    public static func endAllAtOnce() {
        for item in own.withLock({ $0.values.map(\.self) }) {
            if let supervisor = item.supervisor {
                kill(supervisor, SIGKILL)
                while waitpid(supervisor, nil, 0) < 0, errno == EINTR {}
            }
            switch item.lab.state() {
            case .running(let record), .starting(let record): item.lab.cleanUp(record)
            case .dead(let record): item.lab.cleanUp(record)
            case .absent: break
            }
            if LabDirectory.owner(ofLab: item.lab.name) != nil { item.lab.forget() }
        }
    }

    public static func alreadyUp(_ lab: LabDirectory) -> LabFailure {
        LabFailure(
            "The lab \(lab.name) is up already.",
            remedy: "`netlab status \(lab.name)` shows it, `netlab down \(lab.name)` ends it.", code: .alreadyUp)
    }

    public static func beingBroughtUp(_ lab: LabDirectory) -> LabFailure {
        LabFailure(
            "Somebody else is bringing up \(lab.name) at this moment.", remedy: "`netlab list` shows it.",
            code: .alreadyUp)
    }

    private static func spawn(_ executable: String, _ arguments: [String], log: FilePath) throws -> pid_t {
        let null = try SystemPackage.FileDescriptor.open("/dev/null", .readWrite, options: .closeOnExec)
        defer { try? null.close() }
        let output = try SystemPackage.FileDescriptor.open(
            log, .writeOnly, options: [.create, .append, .closeOnExec, .noFollow], permissions: [.ownerReadWrite])
        defer { try? output.close() }
        // A crash report would show what registers point at.
        let environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
            .map { "\($0)=\($1)" }
        let id = withCStrings([executable] + arguments) { arguments in
            withCStrings(environment) { environment in
                netlab_spawn(
                    executable, arguments, environment, [null.rawValue, output.rawValue, output.rawValue], nil, 0, 0,
                    nil)
            }
        }
        guard id > 0 else {
            throw LabFailure("The supervisor cannot be started: \(String(cString: strerror(errno))).")
        }
        return id
    }

    /// How waitpid(2) tells of a supervisor that ended with code 3, because the machine lacks something.
    private static let lacksSomething: Int32 = 3 << 8

    /// Looks for the socket until it is there.
    ///
    /// - Throws: ``LabFailure`` when the supervisor has died, ``StalledBoot`` when patience has come to its end.
    private static func awaitSocket(of lab: LabDirectory, supervisor: pid_t) async throws {
        let deadline = ContinuousClock.now + patience
        while access(lab.socket.string, F_OK) != 0 {
            var status: Int32 = 0
            let isGone = waitpid(supervisor, &status, WNOHANG) == supervisor
            let cause = { KernelConsole(lab.console).cause }
            guard !isGone else {
                let lacks = status == Self.lacksSomething
                guard !lacks, let cause = cause() else {
                    throw LabFailure(
                        "The lab's kernel did not start.", remedy: "`netlab doctor` examines what it needs.",
                        details: end(of: lab.supervisorLog), code: lacks ? .machineLacks : .labBroke)
                }
                throw LabFailure(
                    "The lab's kernel did not start: \(cause.words)", remedy: cause.remedy,
                    details: ["All that it said is in \(lab.consoleLog)."], code: .machineLacks)
            }
            guard ContinuousClock.now < deadline else {
                throw StalledBoot(cause: cause(), lastWords: end(of: lab.supervisorLog))
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private static func end(of log: FilePath) -> [String] {
        ((try? TextFile.read(log.string)) ?? "").split(whereSeparator: \.isNewline).suffix(6).map(String.init)
    }

    /// Ends a lab and waits until its directory is gone.
    ///
    /// - Parameter asking: How long its supervisor has to end it by itself.
    /// - Throws: ``LabFailure`` when the lab is not there.
    public static func end(_ lab: LabDirectory, asking: Duration = .seconds(10)) async throws {
        defer { leave(lab) }
        // What somebody brings up at this moment has to be there first.
        let deadline = ContinuousClock.now + patience * boots
        while case .starting = lab.state(), ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(5))
        }
        switch lab.state() {
        case .absent:
            throw LabFailure("The lab \(lab.name) is not up.", remedy: "`netlab list` shows what is.")
        case .starting:
            throw beingBroughtUp(lab)
        case .dead(let record):
            lab.cleanUp(record)
        case .running(let record):
            try await askToEnd(lab, record, within: asking)
            switch lab.state() {
            case .running(let current) where current.isSameLab(as: record):
                // One that does not go by itself is made to.
                kill(record.supervisor, SIGKILL)
                lab.cleanUp(current)
            case .dead(let record): lab.cleanUp(record)
            case .running, .starting, .absent: break
            }
        }
    }

    /// Asks a lab to end, as soon as it answers, and waits until its supervisor is gone.
    private static func askToEnd(
        _ lab: LabDirectory, _ record: LabDirectory.Record, within patience: Duration
    ) async throws {
        let deadline = ContinuousClock.now + patience
        // One that somebody has stopped (SIGSTOP) hears nothing.
        kill(record.supervisor, SIGCONT)
        // One that is only starting does not answer yet, and one that is stuck never.
        let asking = Task {
            while true {
                if let client = try? await LabClient(lab) {
                    do {
                        _ = try await client.ask(ShutDown())
                    } catch let failure as LabFailure where failure.code == .otherVersion {
                        // It ends at a signal, and nobody else has its number.
                        if case .running(let now) = lab.state(), now.isSameLab(as: record) {
                            kill(now.supervisor, SIGTERM)
                        }
                    } catch {}
                    return
                }
                try await Task.sleep(for: .milliseconds(2))
            }
        }
        defer { asking.cancel() }
        while ProcessTable.startTime(of: record.supervisor) == record.supervisorStart, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}
