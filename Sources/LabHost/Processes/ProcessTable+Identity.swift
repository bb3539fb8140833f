import FoundationEssentials
import Glibc
import KernelBuilds
import SystemPackage

// Who a process is. proc(5).
extension ProcessTable {
    static func parent(of process: pid_t) -> pid_t? {
        fields(of: process).flatMap { $0.count > 1 ? pid_t($0[1]) : nil }
    }

    /// The leader of its process group.
    static func group(of process: pid_t) -> pid_t? {
        fields(of: process).flatMap { $0.count > 2 ? pid_t($0[2]) : nil }
    }

    /// Whose it is: its real user, also where /proc/PID itself is root's (PR_SET_DUMPABLE, prctl(2)).
    static func user(of process: pid_t) -> uid_t? {
        guard let text = try? TextFile.read("/proc/\(process)/status"),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("Uid:") })
        else { return nil }
        return line.split(separator: "\t").dropFirst().first.flatMap { uid_t($0) }
    }

    /// Nil for a process that is gone, or the kernel's own.
    static func commandLine(of process: pid_t) -> [String]? {
        guard let text = try? TextFile.read("/proc/\(process)/cmdline"), !text.isEmpty else { return nil }
        return text.split(separator: "\0", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    /// The environment that it was started with; nil where that is not for us to read.
    static func environment(of process: pid_t) -> [String: String]? {
        guard let text = try? TextFile.read("/proc/\(process)/environ") else { return nil }
        let pairs = text.split(separator: "\0").map { entry in
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return (parts[0], parts.count > 1 ? parts[1] : "")
        }
        return Dictionary(pairs) { first, _ in first }
    }

    /// The file that it executes, with " (deleted)" behind it where that is so.
    static func program(of process: pid_t) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/exe")
    }

    /// Whether a process is this program, this build or another.
    static func isNetlab(_ process: pid_t) -> Bool {
        guard let program = program(of: process) else { return false }
        return program == Self.program(of: getpid())
            || FilePath(program).lastComponent?.string.split(separator: " ").first == "netlab"
    }
}
