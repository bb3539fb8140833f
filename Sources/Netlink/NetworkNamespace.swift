import CLinux
import CNetlink
import Glibc

/// A Linux network namespace, kept alive by an open descriptor (network_namespaces(7)).
///
/// Nothing here changes the caller's own namespace: what must run inside does so on a thread of its own.
public final class NetworkNamespace: Sendable {
    /// The open descriptor, close-on-exec; closed with this object. A child reaches it as `/proc/PID/fd/N`.
    public let descriptor: Int32

    /// Takes over an open descriptor of a network namespace, and will close it.
    public init(adopting descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// Makes a new namespace, empty but for a loopback interface that is down.
    ///
    /// It lives as long as this object, and as long as anything is inside. Needs CAP_SYS_ADMIN (unshare(2)).
    /// Kernels with tunnel drivers built in put a dozen more interfaces there (tunl0, sit0...), at some cost, unless the first namespace's
    /// `net.core.fb_tunnels_only_for_init_net` is 1 or 2.
    ///
    /// - Throws: `NetlinkError`.
    public static func create() throws -> NetworkNamespace {
        try DedicatedThread.run {
            guard netlab_unshare(netlab_new_network) == 0 else {
                throw NetlinkError(errno: errno, operation: "create network namespace", object: "")
            }
            return try current()
        }
    }

    /// The calling thread's namespace.
    ///
    /// - Throws: `NetlinkError`, where /proc is not mounted or descriptors have run out.
    public static func current() throws -> NetworkNamespace {
        let path = "/proc/thread-self/ns/net"
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw NetlinkError(errno: errno, operation: "open network namespace", object: path)
        }
        return NetworkNamespace(adopting: descriptor)
    }

    /// Runs a closure inside the namespace and returns its result; the caller waits.
    ///
    /// The closure runs on a thread made for it, which entered the namespace and ends afterwards: the caller's thread never
    /// changes. Needs CAP_SYS_ADMIN (setns(2)). Task-local values are not seen inside. The thread costs about 1 ms of wall time in
    /// the lab kernel: do what belongs together in one call.
    ///
    /// - Throws: `NetlinkError` where the namespace cannot be entered, and whatever the closure throws.
    public func perform<T: Sendable>(_ body: @Sendable () throws -> T) throws -> T {
        try DedicatedThread.run {
            try enter()
            return try body()
        }
    }

    /// Puts the calling thread into the namespace, for good.
    func enter() throws(NetlinkError) {
        guard netlab_setns(descriptor, netlab_new_network) == 0 else {
            throw NetlinkError(
                errno: errno, operation: "enter network namespace", object: "of descriptor \(descriptor)")
        }
    }
}
