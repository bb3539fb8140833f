import AgentProtocol
import Daemons
import FoundationEssentials
import Glibc
import SystemPackage

/// A running lab's directory, and through it the list of the user's running labs.
///
/// `RUNTIME/labs/NAME` exists as long as the lab does: its socket, its record, the kernel's own files.
/// `STATE/logs/NAME` has the logs of the last run and stays.
public struct LabDirectory: Sendable {
    public let name: String
    /// Where everything of the running lab is.
    public let path: FilePath
    /// Where its logs are and stay.
    public let logs: FilePath

    public init(name: String, directories: HostDirectories) throws(SetupError) {
        self.name = name
        path = try directories.path(.runtime).appending("labs").appending(name)
        logs = try directories.path(.state).appending("logs").appending(name)
    }

    /// Where a lab on the host's kernel notes every change before it is made.
    var journal: FilePath { path.appending("journal") }
    public var socket: FilePath { path.appending("socket") }
    var record: FilePath { path.appending("lab.json") }
    /// The guest's first program: a link to this executable, because the kernel's command line takes no spaces.
    var initProgram: FilePath { path.appending("init") }
    /// Where the kernel keeps its own small files.
    var kernelFiles: FilePath { path.appending("uml") }
    public var supervisorLog: FilePath { logs.appending("supervisor.log") }
    public var consoleLog: FilePath { logs.appending("console.log") }

    /// Who runs the lab. With the start times, a process id is never mistaken for a later process's.
    public struct Record: Sendable, Codable, Hashable {
        public let lab: String
        public let source: String
        /// The variant of the lab file that the lab is; nil for the lab as it stands.
        public let variant: String?
        public let supervisor: pid_t
        public let supervisorStart: UInt64
        /// Nil in records of older versions: a lab kernel.
        public let runsOn: KernelKind?
        public var kernel: pid_t?
        public var kernelStart: UInt64?
        /// Where the kernel makes its memory file while it starts: an empty directory afterwards.
        public var memoryDirectory: String?
        /// Seconds since 1970 by the host's clock.
        public let startedAt: Double
        /// How the lab ended when nobody had asked for it.
        public var ended: String?

        /// Why a lab is dead, in words.
        public var causeOfDeath: String {
            ended.map { "its kernel ended unexpectedly (\($0))" } ?? "its supervisor was gone"
        }
    }

    public enum State: Sendable {
        case absent
        case running(Record)
        /// The supervisor or the kernel is gone, and nobody has been told yet.
        case dead(Record?)
    }

    public func state() -> State {
        guard access(path.string, F_OK) == 0 else { return .absent }
        guard let text = try? TextFile.read(record.string),
            let record = try? JSONDecoder().decode(Record.self, from: Data(text.utf8))
        else { return .dead(nil) }
        let isRunning = record.ended == nil && ProcessTable.startTime(of: record.supervisor) == record.supervisorStart
        return isRunning ? .running(record) : .dead(record)
    }

    /// Claims the name: makes the directory, which must not exist.
    ///
    /// - Returns: False when somebody else has it.
    func claim(_ directories: HostDirectories) throws(SetupError) -> Bool {
        let runtime = try directories.create(.runtime)
        // The kernel's command line takes no spaces, and a Unix socket's path 107 bytes (unix(7)).
        guard socket.string.utf8.count <= 100, !path.string.contains(where: \.isWhitespace) else {
            throw SetupError(
                .directoryUnavailable, "the runtime directory \(runtime) is too long, or has a space in it",
                remedy: "Set XDG_RUNTIME_DIR to a shorter path without spaces, a directory of your own with mode 0700.")
        }
        let state = try directories.create(.state)
        for parent in [runtime.appending("labs"), state.appending("logs"), logs] {
            guard mkdir(parent.string, 0o700) == 0 || errno == EEXIST else {
                throw SetupError(
                    .directoryUnavailable, "cannot make the directory \(parent)",
                    remedy: "Look at its parent's permissions and free space.",
                    cause: Errno(rawValue: errno))
            }
        }
        if mkdir(path.string, 0o700) == 0 { return true }
        guard errno == EEXIST else {
            throw SetupError(
                .directoryUnavailable, "cannot make the directory \(path)",
                remedy: "Look at its parent's permissions and free space.",
                cause: Errno(rawValue: errno))
        }
        return false
    }

    func write(_ record: Record) throws {
        let text = String(decoding: try JSONEncoder().encode(record), as: UTF8.self)
        try TextFile.write(text, to: self.record.string)
    }

    /// Ends what a dead lab left running, and removes its directory; the logs stay, without keys.
    public func cleanUp(_ record: Record?) {
        if let kernel = record?.kernel {
            let kind = record?.runsOn ?? .lab
            if ProcessTable.startTime(of: kernel) == record?.kernelStart { KernelProcess(id: kernel, kind: kind).end() }
            if kind == .lab { KernelProcess.endOrphans(of: kernel, directory: kernelFiles) }
            KernelProcess.awaitEnd(ofGroup: kernel)
            if kind == .host { NamespaceNames(lab: self, kernel: kernel).remove() }
        }
        if let directory = record?.memoryDirectory { rmdir(directory) }
        maskLogs()
        remove()
    }

    /// Masks the keys that a capture has left in the logs because the lab ended first.
    private func maskLogs() {
        for mark in (try? FileManager.default.contentsOfDirectory(atPath: logs.string)) ?? [] {
            guard let log = PlutoKeyLog.log(markedBy: mark).map({ logs.appending($0).string }),
                let text = try? TextFile.read(log),
                (try? TextFile.write(String(decoding: PlutoKeyLog.masked(Array(text.utf8)), as: UTF8.self), to: log))
                    != nil
            else { continue }
            unlink(logs.appending(mark).string)
        }
    }

    /// Removes the directory with everything in it.
    func remove() {
        try? FileManager.default.removeItem(atPath: path.string)
    }

    /// Forgets the logs of the run before.
    func clearLogs() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: logs.string)) ?? [] {
            unlink(logs.appending(name).string)
        }
    }

    /// Removes the logs too, of a run that nobody will ask about.
    public func forget() {
        try? FileManager.default.removeItem(atPath: logs.string)
    }

    /// The user's labs that run or have died, by name.
    public static func all(_ directories: HostDirectories) throws(SetupError) -> [LabDirectory] {
        let labs = try directories.path(.runtime).appending("labs")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: labs.string)) ?? []
        var found: [LabDirectory] = []
        for name in names.sorted() { found.append(try LabDirectory(name: name, directories: directories)) }
        return found
    }
}
