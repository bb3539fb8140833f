import AgentProtocol
import CLinux
import DaemonProfiles
import Daemons
import Glibc
import LabPlan
import Netlink

/// A node's namespaces: network, mounts and host name, with an /etc and a /run of its own.
///
/// Daemons and people find everything at its usual place: a daemon's own tools typed in a node speak to that node's
/// daemons, and nothing written there reaches another node or the host.
public final class NodeSandbox: Sendable {
    public let name: String
    public let network: NetworkNamespace
    public let sockets: NetlinkSocket
    public let nftables: Nftables
    private let mounts: Int32
    private let hostname: Int32
    /// Whether the node's programs are others than the host's.
    let hasOwnSystem: Bool

    /// Where the agent keeps what the node sees at its own paths.
    let directory: String

    /// Directories of the node's own, with the place that the agent reaches the same files at.
    private static var ownRunDirectories: [String] { DaemonRegistry.all.map(\.runDirectory) }
    /// Where a tree of programs is, outside of the nodes.
    public static func place(ofTree name: String) -> String { "/run/netlab/trees/\(name)" }
    /// What all nodes have below /etc, laid over the host's and under what is a node's own.
    private static let sharedDirectory = "/run/netlab/etc"
    /// Directories below /etc that begin empty whatever the host has there.
    private static var emptiedDirectories: [String] { DaemonRegistry.all.flatMap(\.emptiedDirectories) }

    /// Makes the namespaces on a thread of their own, which ends with this call; descriptors keep them alive.
    ///
    /// - Throws: ``LabFailure``.
    public init(_ setup: NodeSetup) throws {
        name = setup.name
        hasOwnSystem = setup.system != nil
        let directory = "/run/netlab/nodes/\(setup.name)"
        self.directory = directory
        try GuestSystem.createDirectory(Self.sharedDirectory)
        for path in Self.ownRunDirectories + ["/etc-changes", "/etc-work"] {
            try GuestSystem.createDirectory(directory + path)
        }
        for name in Self.emptiedDirectories {
            let path = "\(directory)/etc-changes/\(name)"
            try GuestSystem.createDirectory(path)
            // overlayfs: an opaque directory hides the lower one's entries (Documentation/filesystems/overlayfs.rst).
            guard netlab_setxattr(path, "trusted.overlay.opaque", "y") == 0 else {
                throw LabFailure("\(path) cannot be marked opaque: \(String(cString: strerror(errno))).")
            }
        }
        try GuestSystem.write(setup.name + "\n", to: "\(directory)/etc-changes/hostname")
        let namespaces = try DedicatedThread.run {
            try Self.enterNewNamespaces(setup, directory: directory)
        }
        (mounts, hostname) = (namespaces.mounts, namespaces.hostname)
        network = NetworkNamespace(adopting: namespaces.network)
        sockets = try NetlinkSocket(in: network)
        nftables = Nftables(in: network)
    }

    deinit {
        close(mounts)
        close(hostname)
    }

    private static func enterNewNamespaces(
        _ setup: NodeSetup, directory: String
    ) throws -> (network: Int32, mounts: Int32, hostname: Int32) {
        let name = setup.name
        guard netlab_unshare(netlab_new_network | netlab_new_mount | netlab_new_uts) == 0 else {
            throw LabFailure("Node \(name) cannot have namespaces of its own: \(String(cString: strerror(errno))).")
        }
        netlab_sethostname(name)
        try GuestSystem.mount("none", on: "/", type: "", flags: netlab_mount_private | netlab_mount_recursive)
        let system = setup.system.map(place(ofTree:))
        let trees = setup.trees.sorted().map(place(ofTree:)) + [system].compactMap(\.self)
        if !trees.isEmpty { try mount(trees, isWhole: system != nil, in: name) }
        let etc = ([sharedDirectory] + trees.map { "\($0)/etc" }.filter { access($0, F_OK) == 0 } + ["/etc"]).joined(
            separator: ":")
        try GuestSystem.mount(
            "etc-of-\(name)", on: "/etc", type: "overlay",
            data: "lowerdir=\(etc),upperdir=\(directory)/etc-changes,workdir=\(directory)/etc-work")
        // What /sys/class/net lists depends on the namespace it was mounted in.
        try GuestSystem.mount("sysfs", on: "/sys", type: "sysfs")
        for path in ownRunDirectories {
            try GuestSystem.createDirectory(path)
            try GuestSystem.mount(directory + path, on: path, type: "", flags: netlab_mount_bind)
        }
        let descriptors = ["net", "mnt", "uts"].map { open("/proc/thread-self/ns/\($0)", O_RDONLY | O_CLOEXEC) }
        guard descriptors.allSatisfy({ $0 >= 0 }) else {
            throw LabFailure("Node \(name)'s namespaces cannot be kept: \(String(cString: strerror(errno))).")
        }
        return (descriptors[0], descriptors[1], descriptors[2])
    }

    /// Lays trees of programs over the host's, at the paths that they were built for, or in their place.
    private static func mount(_ trees: [String], isWhole: Bool, in node: String) throws {
        for tree in trees where access("\(tree)/usr", F_OK) != 0 {
            throw LabFailure(
                "Node \(node) runs programs of \(tree.split(separator: "/").last ?? ""), which are not in netlab's cache.",
                remedy: "netlab doctor says how they get there.", code: .machineLacks)
        }
        if isWhole, trees.count == 1 {
            // One that nothing lies over needs no overlay: its files are opened sooner so.
            return try GuestSystem.mount("\(trees[0])/usr", on: "/usr", type: "", flags: netlab_mount_bind)
        }
        let layers = trees.map { "\($0)/usr" } + (isWhole ? [] : ["/usr"])
        try GuestSystem.mount(
            "programs-of-\(node)", on: "/usr", type: "overlay", data: "lowerdir=\(layers.joined(separator: ":"))")
    }

    /// A descriptor of the namespace of the node's files.
    var fileSystem: Int32 { mounts }

    /// Descriptors of the node's namespaces, in the order to enter them.
    var namespaces: [Int32] { [network.descriptor, hostname, mounts] }

    /// Where the agent finds a file that the node sees at `path`: below /etc or in one of its own directories of /run.
    public func agentPath(of path: String) -> String {
        path.hasPrefix("/etc/") ? "\(directory)/etc-changes/\(path.dropFirst(5))" : directory + path
    }

    /// Writes a file that every node sees which is made from now on: what lies under an overlay must not change (overlayfs.rst).
    ///
    /// - Throws: ``LabFailure``.
    public static func share(_ file: ConfigurationFile) throws {
        let path = sharedDirectory + file.path.dropFirst("/etc".count)
        try GuestSystem.createDirectory(path.lastIndex(of: "/").map { String(path[..<$0]) } ?? path)
        try GuestSystem.write(file.contents.reveal(), to: path)
    }

    public static func unshare(_ path: String) { unlink(sharedDirectory + path.dropFirst("/etc".count)) }

    /// Runs a closure on a thread inside the node's mount namespace, which then ends.
    ///
    /// - Throws: ``LabFailure``.
    public func withMounts<Result: Sendable>(_ body: @Sendable () throws -> Result) throws -> Result {
        try DedicatedThread.run {
            guard netlab_unshare(netlab_own_root) == 0, netlab_setns(self.mounts, netlab_new_mount) == 0 else {
                throw LabFailure("Node \(self.name)'s files cannot be reached: \(String(cString: strerror(errno))).")
            }
            return try body()
        }
    }

    /// Writes a file at its place in the node.
    ///
    /// - Throws: ``LabFailure``.
    public func writeFile(_ file: ConfigurationFile) throws {
        try withMounts {
            // A file of the host's that only its owner may read cannot be copied up: replace it, don't open it.
            unlink(file.path)
            let parent = file.path.split(separator: "/").dropLast().joined(separator: "/")
            try GuestSystem.createDirectory("/" + parent)
            try GuestSystem.write(file.contents.reveal(), to: file.path, mode: file.isSecret ? 0o600 : 0o644)
        }
    }

    /// Removes a file, or a directory with the files in it; what is not there is fine.
    ///
    /// - Throws: ``LabFailure``.
    public func removeFile(_ path: String) throws {
        try withMounts {
            if unlink(path) == 0 || errno == ENOENT { return }
            if let directory = opendir(path) {
                defer { closedir(directory) }
                while let entry = readdir(directory) {
                    let name = withUnsafePointer(to: &entry.pointee.d_name) {
                        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                    }
                    if name != ".", name != ".." { unlink("\(path)/\(name)") }
                }
            }
            guard rmdir(path) == 0 || errno == ENOENT else {
                throw LabFailure("\(self.name): \(path) cannot be removed: \(String(cString: strerror(errno))).")
            }
        }
    }
}
