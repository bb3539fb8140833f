import Foundation
import SystemPackage
import Testing

/// What is to be seen of labs from outside: the host's processes and files.
enum Host {
    /// The ids of the processes whose command line or environment names a directory: supervisors have it in their
    /// environment, kernels and every guest process in their command line.
    static func processes(naming directory: FilePath) -> [pid_t] {
        processes.filter { process in
            guard process != getpid(), !isZombie(process) else { return false }
            return ["cmdline", "environ"].contains { file in
                contents("/proc/\(process)/\(file)").contains(directory.string)
            }
        }
    }

    /// The members of a process group.
    static func group(_ leader: pid_t) -> [pid_t] {
        processes.filter { !isZombie($0) && fields(of: $0).dropFirst(2).first == "\(leader)" }
    }

    /// Whether a process is there, and not only waits to be noticed by its parent.
    static func isThere(_ process: pid_t) -> Bool { !fields(of: process).isEmpty && !isZombie(process) }

    /// Whether a process is using a processor, or would.
    static func isRunning(_ process: pid_t) -> Bool { fields(of: process).first == "R" }

    /// A process for a person to recognise: id, state, parent, process group, command line.
    static func description(of process: pid_t) -> String {
        let line = contents("/proc/\(process)/cmdline").replacing("\0", with: " ")
        return "\(process) \(fields(of: process).prefix(3).joined(separator: " ")) \(line)"
    }

    /// Every process's command line.
    static var commandLines: [String] {
        processes.map { contents("/proc/\($0)/cmdline").replacing("\0", with: " ") }
    }

    /// Every process but this one, its children and the kernel's own, which have no command line.
    static var others: [pid_t] {
        processes.filter { process in
            process != getpid() && fields(of: process).dropFirst().first != "\(getpid())"
                && !isZombie(process) && !contents("/proc/\(process)/cmdline").isEmpty
        }
    }

    /// The children of a process.
    static func parent(of process: pid_t) -> pid_t? {
        let fields = fields(of: process)
        return fields.count > 1 ? pid_t(fields[1]) : nil
    }

    static func children(of process: pid_t) -> [pid_t] {
        contents("/proc/\(process)/task/\(process)/children").split(separator: " ").compactMap { pid_t($0) }
    }

    /// The names in a directory, sorted; none where there is no such directory.
    static func names(in directory: FilePath) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []).sorted()
    }

    /// Paths below a directory, relative to it, sorted.
    static func files(below directory: FilePath) -> [String] {
        (FileManager.default.enumerator(atPath: directory.string)?.compactMap { $0 as? String } ?? []).sorted()
    }

    /// A file's text; none where it cannot be read.
    ///
    /// FileManager loses memory with each file of /proc, whose length nobody knows before it is read.
    static func contents(_ path: String) -> String {
        guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return "" }
        defer { try? file.close() }
        var bytes: [UInt8] = []
        while true {
            let chunk = [UInt8](unsafeUninitializedCapacity: 1 << 14) { buffer, count in
                count = (try? file.read(into: UnsafeMutableRawBufferPointer(buffer))) ?? 0
            }
            if chunk.isEmpty { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk
        }
    }

    private static var processes: [pid_t] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }
    }

    /// A process that has ended is nobody's any more, even if its parent has yet to notice.
    private static func isZombie(_ process: pid_t) -> Bool { fields(of: process).first == "Z" }

    /// The fields of /proc/PID/stat after the name (proc(5)): state, parent, process group, …
    private static func fields(of process: pid_t) -> [Substring] {
        let stat = contents("/proc/\(process)/stat")
        guard let end = stat.lastIndex(of: ")") else { return [] }
        return stat[stat.index(after: end)...].split(separator: " ")
    }
}

/// Waits until something of the host's holds; that it does not within a time of the wall clock is an issue.
func eventually(
    within deadline: Duration = .seconds(5), _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + deadline
    while try await !condition() {
        guard ContinuousClock.now < end else {
            Issue.record("\(what) did not come about within \(deadline)", sourceLocation: sourceLocation)
            return
        }
        try await Task.sleep(for: .milliseconds(10))
    }
}
