import AgentProtocol
import Daemons
import FoundationEssentials
import Glibc
import KernelBuilds
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

    /// The process that a lab with such a name was started for, and ends with; nil for a lab that stays by itself.
    ///
    /// Lab files cannot give a name with a point in it.
    public static func owner(ofLab name: String) -> pid_t? {
        guard let mark = name.wholeMatch(of: /[^.]+\.(\d+)-\d+/) else { return nil }
        return pid_t(mark.1)
    }

    /// The process that a lab with such a name was started for, when it is gone: nobody will ask for what is left of the lab.
    static func goneOwner(ofLab name: String) -> pid_t? {
        guard let owner = owner(ofLab: name), !ProcessTable.isNetlab(owner) else { return nil }
        return owner
    }

    /// A name for a lab that this process starts for itself and that nobody else looks for.
    ///
    /// - Parameter number: Tells it from others of this process.
    public static func ownName(_ name: String, number: Int) -> String { "\(name).\(getpid())-\(number)" }

    /// - Throws: `SetupError` for a name that leads elsewhere, or when somebody else may have made what is there.
    public init(name: String, directories: HostDirectories) throws(SetupError) {
        guard !name.isEmpty, !name.hasPrefix("."), !name.contains("/"), !name.utf8.contains(0) else {
            throw SetupError(
                .directoryUnsafe, "\"\(name)\" is not the name of a lab",
                remedy: "Names of labs are those that `netlab list` shows.")
        }
        self.name = name
        path = try directories.checkedPath(.runtime).appending("labs").appending(name)
        logs = try directories.checkedPath(.state).appending("logs").appending(name)
    }

    /// Where a lab on the host's kernel notes every change before it is made.
    var journal: FilePath { path.appending("journal") }
    public var socket: FilePath { path.appending("socket") }
    var record: FilePath { path.appending("lab.json") }
    /// The guest's first program: a link to this executable, because the kernel's command line takes no spaces.
    var initProgram: FilePath { path.appending("init") }
    /// Where the kernel keeps its own small files.
    var kernelFiles: FilePath { path.appending(Self.kernelFilesName) }
    static let kernelFilesName = "uml"
    public var supervisorLog: FilePath { logs.appending("supervisor.log") }
    public var consoleLog: FilePath { logs.appending("console.log") }
    /// What its kernel has printed.
    public var console: String { (try? TextFile.read(consoleLog.string)) ?? "" }

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
        /// Set as long as `supervisor` is the command that brings the lab up, and its supervisor has not written this record.
        public var isStarting: Bool?
        /// How the lab ended when nobody had asked for it.
        public var ended: String?

        /// Why a lab is dead, in words.
        public var causeOfDeath: String {
            if isStarting == true { return "it was never started" }
            return ended.map { "its kernel ended unexpectedly (\($0))" } ?? "its supervisor was gone"
        }

        /// Whether another record tells of the same lab, perhaps later.
        func isSameLab(as other: Record?) -> Bool {
            supervisor == other?.supervisor && supervisorStart == other?.supervisorStart
        }
    }

    public enum State: Sendable {
        case absent
        /// A command is bringing it up, and there is no supervisor to speak to.
        case starting(Record)
        case running(Record)
        /// The supervisor or the kernel is gone, and nobody has been told yet.
        case dead(Record?)
    }

    public func state() -> State {
        guard access(path.string, F_OK) == 0 else { return .absent }
        guard let record = readRecord() else { return .dead(nil) }
        guard record.ended == nil, ProcessTable.startTime(of: record.supervisor) == record.supervisorStart else {
            return .dead(record)
        }
        return record.isStarting == true ? .starting(record) : .running(record)
    }

    private func readRecord() -> Record? {
        guard let text = try? TextFile.read(record.string) else { return nil }
        return try? JSONDecoder().decode(Record.self, from: Data(text.utf8))
    }

    /// Claims the name for this process until the supervisor writes its own record: makes the directory, which must not exist.
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
            try PrivateFile.makeDirectory(parent.string)
        }
        let claim = Record(
            lab: name, source: "", variant: nil, supervisor: getpid(),
            supervisorStart: ProcessTable.startTime(of: getpid()) ?? 0, runsOn: nil, startedAt: Double(time(nil)),
            isStarting: true)
        while true {
            guard mkdir(path.string, 0o700) == 0 else {
                if errno == EEXIST { return false }
                throw unwritable(Errno(rawValue: errno))
            }
            do {
                if try alone({ try write(claim) }) { return true }
                // It had no record yet, so that somebody took it for what a dead lab had left, and removed it.
            } catch {
                remove()
                throw error as? SetupError ?? unwritable(error as? Errno)
            }
        }
    }

    private func unwritable(_ cause: Errno?) -> SetupError {
        SetupError(
            .directoryUnavailable, "cannot make the directory \(path)",
            remedy: "Look at its parent's permissions and free space.", cause: cause)
    }

    /// Calls `body` while no other process does so with this directory (flock(2) on the directory itself, which ends with the
    /// process).
    ///
    /// - Returns: False when the directory is gone, or another one by then, and `body` was not called.
    @discardableResult
    private func alone(_ body: () throws -> Void) rethrows -> Bool {
        let descriptor = open(path.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        while flock(descriptor, LOCK_EX) != 0 { guard errno == EINTR else { return false } }
        var (held, current) = (stat(), stat())
        guard fstat(descriptor, &held) == 0, lstat(path.string, &current) == 0, held.st_ino == current.st_ino else {
            return false
        }
        try body()
        return true
    }

    /// - Throws: `SetupError` where there is no room for it.
    func write(_ record: Record) throws {
        let text = String(decoding: try JSONEncoder().encode(record), as: UTF8.self)
        do {
            try TextFile.write(text, to: self.record.string)
        } catch {
            throw SetupError(
                .directoryUnavailable, "cannot write to the runtime directory \(path)",
                remedy: "Make room there, or set XDG_RUNTIME_DIR to a directory of your own elsewhere (mode 0700).",
                cause: error)
        }
    }

    /// Ends what a dead lab left running, and removes its directory; the logs stay, without keys.
    ///
    /// - Parameter known: The record that the lab was found dead with. Does nothing if there is another by now: somebody else has
    ///   cleaned up, and brings the lab up again.
    public func cleanUp(_ known: Record?) {
        alone {
            let record = readRecord()
            guard isOurs, record.map({ $0.isSameLab(as: known) }) ?? true else { return }
            cleanUpAlone(record)
        }
    }

    private func cleanUpAlone(_ record: Record?) {
        if let kernel = record?.kernel {
            let kind = record?.runsOn ?? .lab
            if ProcessTable.startTime(of: kernel) == record?.kernelStart { KernelProcess(id: kernel, kind: kind).end() }
            if kind == .lab { KernelProcess.endOrphans(of: kernel, directory: kernelFiles) }
            KernelProcess.awaitEnd(ofGroup: kernel)
        }
        if let directory = record?.memoryDirectory { Self.removeMemoryPlace(directory) }
        NamespaceNames(lab: self).remove()
        retire()
    }

    /// Removes the directory of a lab in which nothing runs any more; the logs stay, without keys, unless the process that had the
    /// lab to itself is gone.
    func retire() {
        if Self.goneOwner(ofLab: name) == nil { maskLogs() } else { forget() }
        remove()
    }

    /// What the places of this user's kernels' memory files are called; the rest of the name is chance.
    static var memoryPlacePrefix: String { "netlab-\(getuid())-" }

    /// Removes the place of a kernel's memory file, which a kernel killed in its first moments may have left in it.
    static func removeMemoryPlace(_ directory: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
            unlink("\(directory)/\(name)")
        }
        rmdir(directory)
    }

    /// Whether the directory is one that netlab made: it has a record, or nothing in it yet.
    var isOurs: Bool {
        if access(record.string, F_OK) == 0 { return true }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path.string)) ?? ["?"]
        return names.allSatisfy { $0 == "\(record.lastComponent?.string ?? "").new" }
    }

    /// Masks the keys that a capture has left in the logs because the lab ended first.
    private func maskLogs() {
        for mark in (try? FileManager.default.contentsOfDirectory(atPath: logs.string)) ?? [] {
            guard let name = SecretLog.log(markedBy: mark), case let log = logs.appending(name).string,
                let text = try? TextFile.read(log),
                (try? TextFile.write(SecretLog.masked(text, of: name), to: log)) != nil
            else { continue }
            unlink(logs.appending(mark).string)
        }
    }

    /// Removes the directory with everything in it.
    ///
    /// In one step as others see it: whoever looks meanwhile finds either a lab or none.
    private func remove() {
        let grave = path.removingLastComponent().appending(Self.grave(of: name))
        let isMoved = rename(path.string, grave.string) == 0
        try? FileManager.default.removeItem(atPath: (isMoved ? grave : path).string)
    }

    /// What the directory of a lab is called that this process is removing.
    private static func grave(of name: String) -> String { ".\(ownName(name, number: 0))" }

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
        let labs = try directories.checkedPath(.runtime).appending("labs")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: labs.string)) ?? []
        var found: [LabDirectory] = []
        for name in names.sorted() where !name.hasPrefix(".") {
            found.append(try LabDirectory(name: name, directories: directories))
        }
        return found
    }
}
