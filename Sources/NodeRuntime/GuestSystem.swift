import AgentProtocol
import CLinux
import Glibc

/// Prepares the file system of a lab: the host's root is read-only there, and what must be written is in memory.
///
/// On the host's own kernel, all of it is in the agent's mount namespace and seen by nobody else.
public enum GuestSystem {
    /// Directories that hide the host's own, like /run: everything below them is the lab's, in memory.
    private static let scratch = ["/dev/shm", "/tmp", "/var/tmp", "/var/log", "/var/cache"]

    /// Gives the lab file systems of its own where programs write.
    ///
    /// - Throws: ``LabFailure``.
    public static func mountFileSystems(keeping kept: [String], on kernel: KernelKind) throws {
        if kernel == .host {
            try mount("none", on: "/", type: "", flags: netlab_mount_private | netlab_mount_recursive)
            guard netlab_mount_read_only("/") == 0 else {
                throw LabFailure(
                    "The host's files cannot be made read-only for the lab: \(String(cString: strerror(errno))).",
                    remedy: "The host's kernel has to be 5.12 or later; the lab kernel (--kernel lab) runs anywhere.")
            }
        }
        try mount("proc", on: "/proc", type: "proc")
        try mount("sysfs", on: "/sys", type: "sysfs")
        if kernel == .lab {
            try mount("devpts", on: "/dev/pts", type: "devpts", data: "ptmxmode=0666,mode=0620", makingDirectory: true)
        }
        // One file system for all of it, so that all of it together takes no more than one may: half of the memory.
        try mount("tmpfs", on: "/run", type: "tmpfs", data: "mode=0755")
        for path in scratch where !kept.contains(path) {
            if path == "/dev/shm", kernel == .lab { mkdir(path, 0o755) }
            let own = "/run/netlab/scratch\(path)"
            try createDirectory(own)
            try mount(own, on: path, type: "", flags: netlab_mount_bind)
            if path != "/var/log", path != "/var/cache" { chmod(path, 0o1777) }
        }
        var limit = rlimit(rlim_cur: 262_144, rlim_max: 262_144)
        if kernel == .lab { try claimMachine() }
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// What only a kernel of the lab's own is told.
    private static func claimMachine() throws {
        if access("/dev/ptmx", F_OK) != 0 { symlink("pts/ptmx", "/dev/ptmx") }
        for (name, target) in [("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")] {
            symlink(target, "/dev/\(name)")
        }
        // No process of a lab may be refused the processor because another one of a higher class has used its share.
        try? write("-1", to: "/proc/sys/kernel/sched_rt_runtime_us")
        try? write("1048576", to: "/proc/sys/fs/nr_open")
        // All nodes share the kernel's table of neighbours, which has room for 1024 otherwise (arp(7)).
        for family in ["ipv4", "ipv6"] {
            for threshold in 1...3 {
                try? write("\(threshold << 18)", to: "/proc/sys/net/\(family)/neigh/default/gc_thresh\(threshold)")
            }
        }
        // These follow from the memory otherwise: transfers would be slower in a lab that has less. Nodes inherit them
        // (net/ipv4/tcp.c, tcp_init; tcp_ipv4.c, tcp_sk_init).
        try? write("4096 131072 6291456", to: "/proc/sys/net/ipv4/tcp_rmem")
        try? write("4096 16384 4194304", to: "/proc/sys/net/ipv4/tcp_wmem")
        MemoryShortage.spareAgent()
    }

    /// Sets the date to so many seconds since 1970 before the lab's clock showed zero, to the nanosecond.
    ///
    /// - Throws: ``LabFailure``.
    public static func setDate(_ start: Int64) throws {
        let now = LabClock.now.nanoseconds
        var date = timespec(tv_sec: Int(start + now / 1_000_000_000), tv_nsec: Int(now % 1_000_000_000))
        guard clock_settime(CLOCK_REALTIME, &date) == 0 else {
            throw LabFailure("The date cannot be set: \(String(cString: strerror(errno))).")
        }
    }

    /// Mounts a directory of the host for writing: the only one.
    ///
    /// - Throws: ``LabFailure``.
    public static func mountHostDirectory(_ directory: String, on path: String) throws {
        try createDirectory(path)
        try mount("none", on: path, type: "hostfs", data: directory)
    }

    /// Makes an open directory seen at a path.
    ///
    /// - Throws: ``LabFailure``.
    public static func bind(_ directory: Int32, on path: String, isWritable: Bool = false) throws {
        try createDirectory(path)
        try mount("/proc/self/fd/\(directory)", on: path, type: "", flags: netlab_mount_bind)
        // The mount has the flags of the one that it shows.
        if isWritable { try mount("none", on: path, type: "", flags: netlab_mount_bind | netlab_mount_remount) }
    }

    static func mount(
        _ source: String, on path: String, type: String, flags: UInt = 0, data: String = "",
        makingDirectory: Bool = false
    ) throws {
        if makingDirectory { mkdir(path, 0o755) }
        guard netlab_mount(source, path, type, flags, data) == 0 else {
            throw LabFailure("\(type) cannot be mounted on \(path): \(String(cString: strerror(errno))).")
        }
    }

    /// Makes a directory with those above it; one that is there is fine.
    ///
    /// - Throws: ``LabFailure``.
    public static func createDirectory(_ path: String, mode: mode_t = 0o755) throws {
        var prefix = ""
        for part in path.split(separator: "/") {
            prefix += "/\(part)"
            if mkdir(prefix, mode) != 0, errno != EEXIST {
                throw LabFailure("The directory \(prefix) cannot be made: \(String(cString: strerror(errno))).")
            }
        }
    }

    /// Writes a whole file.
    ///
    /// - Throws: ``LabFailure``.
    public static func write(_ text: String, to path: String, mode: mode_t = 0o644) throws {
        try write(Array(text.utf8), to: path, mode: mode)
    }

    /// Writes a whole file.
    ///
    /// - Throws: ``LabFailure``.
    public static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            throw LabFailure("\(path) cannot be written: \(String(cString: strerror(errno))).")
        }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw LabFailure("\(path) cannot be written: \(String(cString: strerror(errno))).") }
            rest = rest.dropFirst(count)
        }
    }

    public static func read(_ path: String, limit: Int = 1 << 20) -> String? {
        readBytes(path, limit: limit).map { String(decoding: $0, as: UTF8.self) }
    }

    public static func readBytes(_ path: String, limit: Int) -> [UInt8]? {
        readBytes(open(path, O_RDONLY | O_CLOEXEC), limit: limit)
    }

    /// What can be read of an open file, which is closed then; nil for one that could not be opened.
    public static func readBytes(_ descriptor: Int32, limit: Int) -> [UInt8]? {
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < limit {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return bytes
    }
}
