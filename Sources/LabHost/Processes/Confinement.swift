import CLinux
import Glibc
import NetworkTypes
import SystemPackage

/// What keeps a lab kernel from writing the host's files, whatever its guest does: the guest's root may mount the host's file
/// system for writing, and its kernel would then write what the kernel's user may.
///
/// The confinement is set up outside of the guest, before the kernel's first instruction, and cannot be taken back. It takes two
/// of three means: Landlock (Documentation/userspace-api/landlock.rst), a filter of system calls (seccomp(2)), and a mount namespace
/// in which nothing else can be written. None of them needs rights, but not every host allows all of them.
public enum Confinement: Sendable, Hashable, CustomStringConvertible {
    /// Landlock and the filter.
    case landlock(version: Int32)
    /// The mount namespace and the filter, where the host's kernel is without Landlock.
    ///
    /// - Parameter byUserNamespace: The user may not make one, except as root of a user namespace.
    case mountNamespace(byUserNamespace: Bool)
    /// Landlock within the mount namespace, where a container forbids filters. Modes and times of the lab's own files can be changed.
    case landlockInMountNamespace(version: Int32, byUserNamespace: Bool)
    /// The user has asked for none.
    case none

    /// The variable by which a user does without, and its value.
    static let waiver = (variable: "NETLAB_UNCONFINED", value: "1")

    /// The first means that works here; nil where none does.
    ///
    /// Tried with a program that does nothing.
    public static func find(_ environment: [String: String]) -> Confinement? {
        if environment[waiver.variable] == waiver.value { return Confinement.none }
        return candidates.first { $0.works }
    }

    /// All that this kernel might allow, the one to be preferred first.
    static var candidates: [Confinement] {
        let version = netlab_landlock_version()
        let namespaces = [false, true]
        return (version > 0 ? [.landlock(version: version)] : [])
            + namespaces.map { .mountNamespace(byUserNamespace: $0) }
            + (version > 0 ? namespaces.map { .landlockInMountNamespace(version: version, byUserNamespace: $0) } : [])
    }

    private var landlockVersion: Int32? {
        switch self {
        case .landlock(let version), .landlockInMountNamespace(let version, _): version
        case .mountNamespace, .none: nil
        }
    }

    private var needsUserNamespace: Bool {
        switch self {
        case .mountNamespace(let byUserNamespace), .landlockInMountNamespace(_, let byUserNamespace): byUserNamespace
        case .landlock, .none: false
        }
    }

    private var hasFilter: Bool {
        if case .landlockInMountNamespace = self { false } else { true }
    }

    private var works: Bool {
        guard let null = try? FileDescriptor.open("/dev/null", .readWrite, options: .closeOnExec) else { return false }
        defer { try? null.close() }
        let streams = [null.rawValue, null.rawValue, null.rawValue]
        guard let id = try? spawn("/bin/sh", ["sh", "-c", ":"], environment: [], streams: streams, places: []) else {
            return false
        }
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0, errno == EINTR {}
        return status == 0
    }

    public var description: String {
        switch self {
        case .landlock(let version): "Landlock, version \(version)"
        case .mountNamespace(false): "a mount namespace"
        case .mountNamespace(true): "a mount namespace in a user namespace"
        case .landlockInMountNamespace(let version, let byUserNamespace):
            "Landlock, version \(version), in \(Self.mountNamespace(byUserNamespace: byUserNamespace)): no seccomp filters here"
        case .none: "nothing: \(Self.waiver.variable)=\(Self.waiver.value) is set"
        }
    }

    /// A directory that stays writable.
    struct Place: Sendable, Hashable {
        let path: FilePath
        /// Whether directories and sockets may be made there, too.
        var isTree = false
    }

    /// Starts a program that can write in `places` and nowhere else.
    ///
    /// - Returns: Its id.
    /// - Throws: The system call's error that stood in the way; nothing has been started then.
    func spawn(
        _ program: String, _ arguments: [String], environment: [String], streams: [Int32], places: [Place],
        flags: Int32 = 0
    ) throws(Errno) -> pid_t {
        var confinement = netlab_confinement()
        confinement.ruleset =
            try landlockVersion.map { version throws(Errno) in try Self.ruleset(version, places) } ?? -1
        confinement.with_filter = hasFilter ? 1 : 0
        defer { if confinement.ruleset >= 0 { close(confinement.ruleset) } }
        let (user, group) = (geteuid(), getegid())
        // The last two are the maps of a user namespace that has nobody but the user in it.
        let texts = places.map(\.path.string) + ["\(user) \(user) 1", "\(group) \(group) 1"]
        let id = withCStrings(arguments) { arguments in
            withCStrings(environment) { environment in
                withCStrings(texts) { texts in
                    Swift.withUnsafeMutableBytes(of: &confinement.writable) { bytes in
                        let slots = bytes.bindMemory(to: UnsafePointer<CChar>?.self)
                        for (index, text) in texts.prefix(places.count).enumerated() {
                            slots[index] = UnsafePointer(text)
                        }
                    }
                    confinement.writable_count = Int32(places.count)
                    if needsUserNamespace {
                        confinement.user_map = UnsafePointer(texts[places.count])
                        confinement.group_map = UnsafePointer(texts[places.count + 1])
                    }
                    return withUnsafePointer(to: confinement) { confinement in
                        netlab_spawn(
                            program, arguments, environment, streams, nil, 0, flags,
                            self == .none ? nil : confinement)
                    }
                }
            }
        }
        guard id > 0 else { throw Errno(rawValue: errno) }
        return id
    }

    private static func ruleset(_ version: Int32, _ places: [Place]) throws(Errno) -> Int32 {
        let ruleset = netlab_landlock_ruleset(version)
        guard ruleset >= 0 else { throw Errno(rawValue: errno) }
        for place in places {
            guard netlab_landlock_allow_files(ruleset, version, place.path.string, place.isTree ? 1 : 0) == 0 else {
                let code = errno
                close(ruleset)
                throw Errno(rawValue: code)
            }
        }
        return ruleset
    }
}

extension Doctor {
    /// Whether a lab's guest can be kept from writing the host's files.
    static func confinement(_ environment: [String: String]) -> DoctorFinding {
        confinementFinding(Confinement.find(environment))
    }

    static func confinementFinding(_ confinement: Confinement?) -> DoctorFinding {
        let purpose = "keeps a lab's root from writing this machine's files"
        let name = "confinement"
        switch confinement {
        case .some(.none):
            return DoctorFinding(
                name: name, purpose: purpose, status: .warning, detail: "\(Confinement.none)",
                remedy: "Unset it, unless you trust all that runs in your labs with your files.")
        case let confinement?:
            return DoctorFinding(name: name, purpose: purpose, status: .ok, detail: "\(confinement)")
        case nil:
            return DoctorFinding(
                name: name, purpose: purpose, status: .missing,
                detail: "of Landlock, seccomp filters and a mount namespace no two can be had",
                remedy: "Use Linux 5.13 or later with landlock in its list of security modules (lsm=), and allow user"
                    + " namespaces or seccomp filters (in a container: its security profile); or set"
                    + " \(Confinement.waiver.variable)=\(Confinement.waiver.value) if you trust all that runs in your labs with"
                    + " your files.")
        }
    }
}
