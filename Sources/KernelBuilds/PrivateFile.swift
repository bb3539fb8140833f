import CLinux
import Glibc
import SystemPackage

// Files that nobody but their owner may read, made in places where others may have been first.

/// Small text files, whole.
public enum TextFile {
    /// - Parameter limit: The most bytes that the file may have.
    /// - Throws: `Errno.fileTooLarge` for one that has more.
    public static func read(_ path: String, limit: Int = .max) throws(Errno) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        defer { close(descriptor) }
        return try read(descriptor, limit: limit)
    }

    /// Reads a file in a directory that somebody else may have filled: a plain file and nothing that leads elsewhere.
    ///
    /// - Throws: `Errno`: `tooManySymbolicLinkLevels` for a link, `invalidArgument` for what is not a file.
    public static func read(_ name: String, in directory: String, limit: Int) throws(Errno) -> String {
        let descriptor = netlab_open_beneath(directory, name)
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        defer { close(descriptor) }
        guard let status = try? Stat(FileDescriptor(rawValue: descriptor)), status.type == .regular else {
            throw .invalidArgument
        }
        return try read(descriptor, limit: limit)
    }

    private static func read(_ descriptor: Int32, limit: Int) throws(Errno) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { throw Errno(rawValue: errno) }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            guard bytes.count + count <= limit else { throw .fileTooLarge }
            bytes += chunk[..<count]
        }
    }

    /// Writes a file that only its owner may read, complete or not at all.
    public static func write(_ text: String, to path: String) throws(Errno) {
        let temporary = path + ".new"
        let descriptor = try PrivateFile.make(temporary)
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, rename(temporary, path) == 0 else {
            let code = errno
            unlink(temporary)
            throw Errno(rawValue: code)
        }
    }
}

/// Files for their owner only.
public enum PrivateFile {
    /// Makes a file and opens it for writing; what was at its place is removed, not written to.
    public static func make(_ path: String) throws(Errno) -> Int32 {
        unlink(path)
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        return descriptor
    }

    /// Opens, for writing from its beginning, what a user has named: a file, which is closed to others, or a pipe or device as
    /// it is.
    ///
    /// - Throws: `SetupError` when it cannot be opened, and for a file or a link that somebody else has put there.
    public static func open(named path: String) throws(SetupError) -> Int32 {
        let isTrusted = { (owner: UserID) in owner.rawValue == geteuid() || owner.rawValue == 0 }
        var isLink = false
        if let status = try? Stat(FilePath(path), followTargetSymlink: false), status.type == .symbolicLink {
            guard isTrusted(status.userID) else { throw foreign(path, status.userID) }
            isLink = true
        }
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (isLink ? 0 : O_NOFOLLOW), 0o600)
        guard descriptor >= 0 else {
            throw SetupError(
                .directoryUnavailable, "\(path) cannot be written",
                remedy: "Look at its directory and permissions.", cause: Errno(rawValue: errno))
        }
        guard let status = try? Stat(FileDescriptor(rawValue: descriptor)), status.type == .regular else {
            return descriptor
        }
        guard status.userID.rawValue == geteuid() else {
            close(descriptor)
            throw foreign(path, status.userID)
        }
        guard fchmod(descriptor, 0o600) == 0, ftruncate(descriptor, 0) == 0 else {
            let code = errno
            close(descriptor)
            throw SetupError(
                .directoryUnavailable, "\(path) cannot be written", remedy: "Name another file.",
                cause: Errno(rawValue: code))
        }
        return descriptor
    }

    private static func foreign(_ path: String, _ owner: UserID) -> SetupError {
        SetupError(
            .directoryUnsafe,
            "\(path) belongs to user \(owner.rawValue), who could read what is written there: not used",
            remedy: "Remove it, or name another file.")
    }

    /// Makes a directory for its owner only; one that exists must be a directory, and the user's, and is closed to others.
    public static func makeDirectory(_ path: String, for user: UserID = UserID(geteuid())) throws(SetupError) {
        if mkdir(path, 0o700) == 0 { return }
        let code = errno
        guard code == EEXIST else {
            throw SetupError(
                .directoryUnavailable, "cannot make the directory \(path)",
                remedy: "Look at its parent's permissions and free space.", cause: Errno(rawValue: code))
        }
        let status = try? Stat(FilePath(path), followTargetSymlink: false)
        guard status?.type == .directory, status?.userID == user, chmod(path, 0o700) == 0 else {
            throw SetupError(
                .directoryUnsafe, "\(path) is not a directory of your own",
                remedy: "Remove it, or move it away: netlab makes the directory itself.")
        }
    }
}
