import Daemons
import Foundation
import Glibc
import KernelBuilds
import SystemPackage

/// Looks for leftovers of the user's own labs, by netlab's own marks, in the directories that the environment names.
///
/// Running labs, other users' and whatever does not bear such a mark are left alone, also by root.
public struct LeftoverSearch: Sendable {
    let directories: HostDirectories
    let memoryDirectories: [FilePath]

    public init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        directories = HostDirectories(environment: environment)
        memoryDirectories = GuestMemory.directories(environment)
    }

    /// Everything that can go, what depends on other things first.
    ///
    /// Takes half a second if there are processes among it: those that are about to end get the time to.
    public func find() throws(SetupError) -> [Leftover] {
        var processes = try strayProcesses()
        if !processes.isEmpty {
            usleep(500_000)
            let still = try strayProcesses()
            processes = processes.filter(still.contains)
        }
        return processes + (try deadLabs()) + namespaceNames() + (try removals()) + (try logs())
            + (try captures()) + memory() + (try builds())
    }

    /// Ends or removes it.
    ///
    /// - Returns: Nil, or why it is still there.
    public func remove(_ leftover: Leftover) throws(SetupError) -> String? {
        switch leftover.kind {
        case .lab:
            let lab = try LabDirectory(name: leftover.lab ?? "", directories: directories)
            if case .dead(let record) = lab.state() { lab.cleanUp(record) }
            if case .dead = lab.state() { return "it cannot be removed" }
        case .process:
            guard let process = leftover.process else { break }
            let deadline = ContinuousClock.now + .seconds(5)
            while ProcessTable.startTime(of: process) == leftover.processStart {
                guard kill(process, SIGKILL) == 0 || errno == ESRCH else { return "\(Errno(rawValue: errno))" }
                guard ContinuousClock.now < deadline else { return "it does not end" }
                usleep(2000)
            }
        case .directory, .logs, .capture, .build:
            do {
                try FileManager.default.removeItem(atPath: leftover.what)
            } catch {
                return access(leftover.what, F_OK) == 0 ? error.localizedDescription : nil
            }
        case .namespaceName:
            guard unlink(leftover.what) == 0 || errno == ENOENT else { return "\(Errno(rawValue: errno))" }
        case .memory:
            LabDirectory.removeMemoryPlace(leftover.what)
            guard unlink(leftover.what) == 0 || errno == ENOENT else { return "\(Errno(rawValue: errno))" }
        }
        return nil
    }

    // MARK: Labs

    private func deadLabs() throws(SetupError) -> [Leftover] {
        try LabDirectory.all(directories).compactMap { lab in
            guard lab.isOurs, case .dead(let record) = lab.state() else { return nil }
            return Leftover(
                .lab, lab.path.string, lab: lab.name,
                reason: record?.causeOfDeath ?? "it was never started")
        }
    }

    /// Directories that somebody was removing who is gone.
    private func removals() throws(SetupError) -> [Leftover] {
        let labs = try directories.checkedPath(.runtime).appending("labs")
        return Self.names(in: labs).compactMap { name in
            guard name.first == ".", let owner = LabDirectory.goneOwner(ofLab: String(name.dropFirst())) else {
                return nil
            }
            return Leftover(
                .directory, labs.appending(name).string, lab: String(name.dropFirst().prefix { $0 != "." }),
                reason: "process \(owner), which was removing it, is gone")
        }
    }

    private func logs() throws(SetupError) -> [Leftover] {
        let logs = try directories.checkedPath(.state).appending("logs")
        var found: [Leftover] = []
        for name in Self.names(in: logs) {
            guard let owner = LabDirectory.goneOwner(ofLab: name),
                case .absent = try LabDirectory(name: name, directories: directories).state()
            else { continue }
            found.append(
                Leftover(
                    .logs, logs.appending(name).string, lab: name,
                    reason: "process \(owner), which had this lab to itself, is gone"))
        }
        return found
    }

    /// Captures that a `check` or `capture` was reading or writing when it was killed, beside the logs of labs that are down.
    private func captures() throws(SetupError) -> [Leftover] {
        let logs = try directories.checkedPath(.state).appending("logs")
        let down = Self.names(in: logs).filter { lab in
            guard LabDirectory.owner(ofLab: lab) == nil else { return false }
            switch state(of: lab) {
            case .running, .starting: return false
            case .dead, .absent: return true
            }
        }
        return down.flatMap { lab in
            Self.names(in: logs.appending(lab)).compactMap { name -> Leftover? in
                guard let match = name.wholeMatch(of: /(?:check|capture)-(\d+)\.pcapng|check\.pcapng\.(\d+)/),
                    let owner = (match.1 ?? match.2).flatMap({ pid_t($0) }), !ProcessTable.isNetlab(owner)
                else { return nil }
                return Leftover(
                    .capture, logs.appending(lab).appending(name).string, lab: lab,
                    reason: "process \(owner), which was using it, is gone")
            }
        }
    }

    // MARK: Processes

    /// Supervisors, kernels and guest programs that belong to no running lab.
    private func strayProcesses() throws(SetupError) -> [Leftover] {
        let labs = try directories.checkedPath(.runtime).appending("labs")
        let user = getuid()
        return ProcessTable.all().compactMap { process in
            guard process != getpid(), ProcessTable.user(of: process) == user,
                let words = ProcessTable.commandLine(of: process), let start = ProcessTable.startTime(of: process)
            else { return nil }
            let found: (lab: String, what: String)?
            if let lab = Self.lab(ofKernel: words, below: labs) {
                found = isStray(kernel: process, of: lab) ? (lab, "a lab kernel or its guest's") : nil
            } else if let lab = supervisedLab(process, words, below: labs) {
                found = isStray(supervisor: process, of: lab) ? (lab, "a supervisor") : nil
            } else {
                found = nil
            }
            guard let found else { return nil }
            var leftover = Leftover(
                .process, "\(process): \(found.what)", lab: found.lab,
                reason: "no running lab of this name has it")
            (leftover.process, leftover.processStart) = (process, start)
            return leftover
        }
    }

    /// The lab that a kernel's or guest program's command line names.
    static func lab(ofKernel words: [String], below labs: FilePath) -> String? {
        let mark = "uml_dir=\(labs)/"
        guard words.contains("umid=kernel"), let word = words.first(where: { $0.hasPrefix(mark) }) else { return nil }
        let parts = word.dropFirst(mark.count).split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == 2 && !parts[0].isEmpty && parts[1] == LabDirectory.kernelFilesName
            ? String(parts[0]) : nil
    }

    /// The lab that a supervisor is the supervisor of: a process that runs netlab, with the words that only netlab gives
    /// it and an environment by which its directories are these.
    private func supervisedLab(_ process: pid_t, _ words: [String], below labs: FilePath) -> String? {
        guard words.count > 2, words[1] == LabLauncher.supervisorWord, ProcessTable.isNetlab(process),
            let environment = ProcessTable.environment(of: process),
            (try? HostDirectories(environment: environment).path(.runtime).appending("labs")) == labs
        else { return nil }
        return words[2]
    }

    private func isStray(kernel process: pid_t, of name: String) -> Bool {
        if case .starting = state(of: name) { return false }
        guard case .running(let record) = state(of: name) else { return true }
        // One that has only just started is not in the record yet.
        guard let kernel = record.kernel else { return false }
        return ProcessTable.group(of: process) != kernel
    }

    private func isStray(supervisor process: pid_t, of name: String) -> Bool {
        switch state(of: name) {
        case .running(let record): record.supervisor != process
        // It has yet to write its own record.
        case .starting(let record): record.supervisor != ProcessTable.parent(of: process)
        case .dead, .absent: true
        }
    }

    private func state(of name: String) -> LabDirectory.State {
        (try? LabDirectory(name: name, directories: directories))?.state() ?? .absent
    }

    // MARK: Names

    /// Names of nodes that lead to a process which is no agent of a running lab. Only root makes them; those that a dead lab's
    /// journal has go with the lab.
    private func namespaceNames() -> [Leftover] {
        Self.names(in: NamespaceNames.directory).compactMap { name in
            let path = NamespaceNames.directory.appending(name)
            guard name.hasPrefix("netlab."), let status = try? Stat(path, followTargetSymlink: false),
                status.type == .symbolicLink, status.userID == UserID(getuid()),
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path.string),
                let agent = target.wholeMatch(of: /\/proc\/(\d+)\/fd\/\d+/).flatMap({ pid_t($0.1) }),
                !ProcessTable.isNetlab(agent)
            else { return nil }
            let lab = name.dropFirst("netlab.".count).split(separator: ".").dropLast().joined(separator: ".")
            return Leftover(
                .namespaceName, path.string, lab: lab, reason: "process \(agent), the agent of \(lab), is gone")
        }
    }

    // MARK: Files

    /// Places of memory files, which are there while a kernel boots, and files of a `doctor` that was about to unlink them:
    /// made some time ago, and with no process that still knows them.
    private func memory() -> [Leftover] {
        let user = UserID(getuid())
        let paths = memoryDirectories.flatMap { directory in Self.names(in: directory).map { directory.appending($0) } }
        return paths.compactMap { path in
            let name = path.lastComponent?.string ?? ""
            guard let status = try? Stat(path, followTargetSymlink: false), status.userID == user,
                Self.age(of: path) > 60
            else { return nil }
            if status.type == .directory, name.hasPrefix(LabDirectory.memoryPlacePrefix),
                Self.names(in: path).allSatisfy({ $0.hasPrefix("vm_file-") }), !isTemporaryDirectory(path)
            {
                return Leftover(.memory, path.string, reason: "its kernel never came up")
            }
            if status.type == .regular, status.size == 0, name.wholeMatch(of: /netlab-[A-Za-z0-9]{6}/) != nil {
                return Leftover(.memory, path.string, reason: "empty: made to see whether memory files can be here")
            }
            return nil
        }
    }

    private func isTemporaryDirectory(_ path: FilePath) -> Bool {
        ProcessTable.all().contains { ProcessTable.environment(of: $0)?["TMPDIR"] == path.string }
    }

    /// Builds whose process is gone. Of kernels, the lock says whether one is under way.
    private func builds() throws(SetupError) -> [Leftover] {
        let cache = try directories.path(.cache)
        return ([("kernels", ".build-")] + DaemonRegistry.all.compactMap(\.tree).map { ($0.name, ".new.") }).flatMap {
            directory, prefix in
            Self.names(in: cache.appending(directory)).compactMap { name -> Leftover? in
                guard name.hasPrefix(prefix), let builder = pid_t(name.dropFirst(prefix.count)),
                    ProcessTable.startTime(of: builder) == nil
                else { return nil }
                return Leftover(
                    .build, cache.appending(directory).appending(name).string,
                    reason: "process \(builder), which was making it, is gone")
            }
        }
    }

    /// Seconds since a file was last written.
    private static func age(of path: FilePath) -> Int {
        var status = stat()
        guard lstat(path.string, &status) == 0 else { return 0 }
        return time(nil) - status.st_mtim.tv_sec
    }

    private static func names(in directory: FilePath) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []).sorted()
    }
}
