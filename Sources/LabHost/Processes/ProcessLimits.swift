import CLinux
import Glibc
import KernelBuilds

/// What this user may have at once: open files, processes and threads; and how long a file may be.
public enum ProcessLimits {
    /// Lets this process, and what it starts, have as many open files as it may: a lab's kernel holds one for each of the host's
    /// files that its programs have looked at. setrlimit(2)
    public static func raiseOpenFiles() {
        var limit = openFiles
        limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, 65_536))
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    static var openFiles: rlimit { limit(RLIMIT_NOFILE) }

    /// The most bytes that a file of this user's may have; whoever writes more is ended (SIGXFSZ).
    static var fileSize: Int { Int(clamping: UInt64(limit(RLIMIT_FSIZE).rlim_cur)) }

    private static func limit(_ resource: __rlimit_resource) -> rlimit {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(resource.rawValue), &limit)
        return limit
    }

    /// Tries whether this program can have the threads that it cannot do without: one that its libraries ask for in vain stops or
    /// crashes it.
    ///
    /// - Throws: `SetupError` when it cannot.
    public static func checkThreads() throws(SetupError) {
        let needed: Int32 = 8
        let possible = netlab_try_threads(needed)
        guard possible < needed else { return }
        throw SetupError(
            .limitTooLow, "this user may start only \(possible) more processes and threads, and netlab needs \(needed)",
            remedy: Doctor.moreProcesses)
    }
}

extension Doctor {
    static let moreProcesses =
        "Raise the limit (`ulimit -u`, limits.conf(5); a container's --pids-limit), or end what else you run."

    static func openFiles() -> DoctorFinding { openFilesFinding(Int(clamping: ProcessLimits.openFiles.rlim_cur)) }

    /// aws-oci holds 112 in all.
    static func openFilesFinding(_ limit: Int) -> DoctorFinding {
        let status: DoctorFinding.Status = limit < 256 ? .missing : limit < 1024 ? .warning : .ok
        return DoctorFinding(
            name: "open files", purpose: "a lab's kernel keeps the host's files open", status: status,
            detail: "\(limit) at most",
            remedy: status == .ok ? nil : "Raise the limit: ulimit -n 4096 (limits.conf(5)).")
    }

    static func fileSize() -> DoctorFinding { fileSizeFinding(ProcessLimits.fileSize) }

    static func fileSizeFinding(_ limit: Int) -> DoctorFinding {
        let isEnough = limit >> 20 >= GuestMemory.longestFile
        return DoctorFinding(
            name: "file size", purpose: "a lab's memory file is long, though mostly empty",
            status: isEnough ? .ok : .missing,
            detail: limit == .max ? "no limit" : "\(limit >> 20) MiB at most",
            remedy: isEnough ? nil : "Raise the limit: ulimit -f unlimited (limits.conf(5)).")
    }

    static func processes() -> DoctorFinding { processesFinding(Int(netlab_try_threads(enoughProcesses))) }

    private static let enoughProcesses: Int32 = 64

    /// The judgement where so many more can be started. A lab without daemons takes 20, aws-oci 30.
    static func processesFinding(_ possible: Int) -> DoctorFinding {
        let isEnough = possible >= enoughProcesses
        return DoctorFinding(
            name: "processes", purpose: "every program in a lab is one of this user's",
            status: isEnough ? .ok : possible < 20 ? .missing : .warning,
            detail: isEnough ? "\(enoughProcesses) more can be started" : "only \(possible) more can be started",
            remedy: isEnough ? nil : moreProcesses)
    }
}
