import Glibc
import SystemPackage

/// Where netlab keeps files on this machine: built kernels, logs of past runs, sockets of running labs.
///
/// Follows the XDG base directory specification; a variable that is empty or not an absolute path counts as unset, as
/// the specification says. Nothing is created until ``create(_:)`` is called.
public struct HostDirectories: Sendable {
    /// What a directory is for.
    public enum Purpose: String, Sendable, CaseIterable {
        /// What can be made again: `${XDG_CACHE_HOME:-~/.cache}/netlab`.
        case cache
        /// What outlives a lab, its logs: `${XDG_STATE_HOME:-~/.local/state}/netlab`.
        case state
        /// What lives as long as a lab: `$XDG_RUNTIME_DIR/netlab` if that directory is the user's and nobody else may write
        /// there, else `/tmp/netlab-UID`.
        case runtime
    }

    private let environment: [String: String]
    private let user: UserID
    private let temporary: FilePath

    /// Takes the variables HOME and XDG_* from `environment`; `temporary` is where a runtime directory goes for want of
    /// XDG_RUNTIME_DIR.
    public init(
        environment: [String: String], user: UserID = UserID(getuid()), temporary: FilePath = "/tmp"
    ) {
        self.environment = environment
        self.user = user
        self.temporary = temporary
    }

    /// The path of a directory, which need not exist yet.
    ///
    /// Throws `directoryUnavailable` when neither the XDG variable nor HOME says where it is.
    public func path(_ purpose: Purpose) throws(SetupError) -> FilePath {
        switch purpose {
        case .cache: try underHome(variable: "XDG_CACHE_HOME", default: ".cache", purpose)
        case .state: try underHome(variable: "XDG_STATE_HOME", default: ".local/state", purpose)
        case .runtime: runtime
        }
    }

    /// The path of a directory, which need not exist yet; if it does, it is checked as by ``create(_:)``.
    public func checkedPath(_ purpose: Purpose) throws(SetupError) -> FilePath {
        let path = try path(purpose)
        if access(path.string, F_OK) == 0 || errno != ENOENT { try check(path, purpose) }
        return path
    }

    /// Makes a directory, with those above it, open to its owner only, and returns its path; one that exists is checked.
    ///
    /// Throws `directoryUnavailable` when it cannot be made or written, and `directoryUnsafe` when what stands in its
    /// place is a link (a runtime directory), belongs to someone else, or is open to others: a runtime directory at all, one
    /// for state for writing. The cache may be shared: whoever sets XDG_CACHE_HOME trusts what is there.
    @discardableResult
    public func create(_ purpose: Purpose) throws(SetupError) -> FilePath {
        let path = try path(purpose)
        let remedy = remedy(for: purpose)
        do {
            try createDirectories(path)
        } catch {
            throw SetupError(
                .directoryUnavailable, "cannot make the \(purpose.rawValue) directory \(path)", remedy: remedy,
                cause: error)
        }
        try check(path, purpose)
        guard access(path.string, W_OK | X_OK) == 0 else {
            throw SetupError(
                .directoryUnavailable, "cannot write to the \(purpose.rawValue) directory \(path)", remedy: remedy,
                cause: Errno(rawValue: errno))
        }
        return path
    }

    // MARK: - Where

    private func absolute(_ variable: String) -> FilePath? {
        guard let text = environment[variable], text.hasPrefix("/") else { return nil }
        return FilePath(text)
    }

    private func underHome(
        variable: String, default relative: FilePath, _ purpose: Purpose
    ) throws(SetupError) -> FilePath {
        if let base = absolute(variable) {
            return base.appending("netlab")
        }
        guard let home = absolute("HOME") else {
            throw SetupError(
                .directoryUnavailable,
                "no place for the \(purpose.rawValue) directory: neither \(variable) nor HOME is set to an absolute path",
                remedy: "Set HOME, or set \(variable) to a directory that you can write to.")
        }
        return home.pushing(relative).appending("netlab")
    }

    private var runtime: FilePath {
        if let base = absolute("XDG_RUNTIME_DIR"), let status = try? Stat(base, followTargetSymlink: false),
            status.type == .directory, status.userID == user,
            status.permissions.isDisjoint(with: [.groupWrite, .otherWrite])
        {
            return base.appending("netlab")
        }
        return temporary.appending("netlab-\(user.rawValue)")
    }

    private func remedy(for purpose: Purpose) -> String {
        switch purpose {
        case .cache: "Set XDG_CACHE_HOME to a directory that you can write to."
        case .state: "Set XDG_STATE_HOME to a directory that you can write to."
        case .runtime: "Set XDG_RUNTIME_DIR to a directory of your own that only you can open (mode 0700)."
        }
    }

    // MARK: - Making and checking

    private func createDirectories(_ path: FilePath) throws(Errno) {
        if (try? Stat(path, followTargetSymlink: false)) != nil {
            return
        }
        let parent = path.removingLastComponent()
        if parent != path, !parent.isEmpty {
            try createDirectories(parent)
        }
        if mkdir(path.string, 0o700) != 0, errno != EEXIST {
            throw Errno(rawValue: errno)
        }
    }

    /// A cache or state directory may be reached through the user's own links; a runtime directory may lie in /tmp,
    /// where anyone can put something in its place first.
    private func check(_ path: FilePath, _ purpose: Purpose) throws(SetupError) {
        let status: Stat
        do {
            status = try Stat(path, followTargetSymlink: purpose != .runtime)
        } catch {
            throw SetupError(
                .directoryUnavailable, "cannot examine \(path)", remedy: remedy(for: purpose), cause: error)
        }
        guard status.type == .directory else {
            let what = status.type == .symbolicLink ? "a symbolic link" : "not a directory"
            throw SetupError(
                .directoryUnsafe, "\(path) is \(what), where netlab keeps its \(purpose.rawValue) files",
                remedy: "Remove it, or move it away: netlab makes the directory itself.")
        }
        guard purpose != .cache else { return }
        guard status.userID == user else {
            throw SetupError(
                .directoryUnsafe,
                "\(path) belongs to user \(status.userID.rawValue), not to you (\(user.rawValue)): not used",
                remedy: remedy(for: purpose))
        }
        let forbidden: FilePermissions =
            purpose == .runtime
            ? [.groupReadWriteExecute, .otherReadWriteExecute] : [.groupWrite, .otherWrite]
        guard status.permissions.isDisjoint(with: forbidden) else {
            throw SetupError(
                .directoryUnsafe, "\(path) is open to other users: not used",
                remedy: "See what is in it, and close it: chmod 700 \(path)")
        }
    }
}

extension HostDirectories {
    /// The bytes that an ordinary user can still write to a path's file system; nil when it cannot be asked. statvfs(3).
    public static func freeBytes(_ path: FilePath) -> Int? {
        var status = statvfs()
        guard statvfs(path.string, &status) == 0 else { return nil }
        return Int(clamping: UInt64(status.f_bavail) &* UInt64(status.f_frsize))
    }
}
