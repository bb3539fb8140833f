import Glibc
import SystemPackage

/// The output of a build's tools: a file, and its last lines at hand for an error's text.
package final class BuildLog {
    let path: FilePath
    private(set) var lastLines: [String] = []
    private let file: FileDescriptor

    /// Starts the log anew.
    package init(_ path: FilePath) throws(SetupError) {
        self.path = path
        do {
            file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
        } catch {
            throw SetupError(
                .directoryUnavailable, "cannot write \(path)",
                remedy: "Set XDG_CACHE_HOME to a directory that you can write to.", cause: error as? Errno)
        }
    }

    deinit {
        try? file.close()
    }

    /// Adds a line. A log that cannot be written must not end the build that it tells of.
    func append(_ line: String) {
        lastLines.append(line)
        if lastLines.count > 12 {
            lastLines.removeFirst()
        }
        _ = try? file.writeAll("\(line)\n".utf8)
    }
}

/// The right to build in a cache: held by one process at a time, and given up by the kernel when that process ends.
package struct BuildLock: ~Copyable {
    private let file: FileDescriptor

    /// Takes the lock on `directory/.lock`; when another has it, calls `waiting` once, and waits.
    package static func take(in directory: FilePath, waiting: () -> Void) async throws -> BuildLock {
        let path = directory.appending(".lock")
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(
                path, .readWrite, options: [.create, .closeOnExec], permissions: [.ownerReadWrite])
        } catch {
            throw SetupError(
                .directoryUnavailable, "cannot lock \(path)",
                remedy: "Set XDG_CACHE_HOME to a directory that you can write to.", cause: error as? Errno)
        }
        let lock = BuildLock(file: file)
        var told = false
        while flock(file.rawValue, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else {
                throw SetupError(
                    .directoryUnavailable, "cannot lock \(path)",
                    remedy: "Set XDG_CACHE_HOME to a directory on a file system that has locks.",
                    cause: Errno(rawValue: errno))
            }
            if !told {
                waiting()
                told = true
            }
            try await Task.sleep(for: .milliseconds(200))
        }
        return lock
    }

    /// Gives the lock up, and with that says until when it was held. An error on the way gives it up as well.
    package consuming func release() {}

    deinit {
        try? file.close()
    }
}
