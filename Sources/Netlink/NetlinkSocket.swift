import CNetlink
import Glibc
import NetworkTypes
import Synchronization

/// The kernel's network configuration in one namespace: links, addresses, routes, rules, queues, IPsec.
///
/// One `NETLINK_ROUTE` socket is opened inside the namespace and kept; a `NETLINK_XFRM` socket joins it when first needed.
/// Methods are synchronous: the kernel has done what was asked when they return (rtnetlink(7)). Safe in threads, one request at a time.
/// Changes need CAP_NET_ADMIN in the namespace. Everything throws `NetlinkError`.
public final class NetlinkSocket: Sendable {
    /// The namespace the socket is in.
    public let namespace: NetworkNamespace
    private let route: Mutex<Channel>
    private let xfrm = Mutex<Channel?>(nil)

    /// Opens the socket inside a namespace.
    ///
    /// - Throws: ``NetlinkError``.
    public init(in namespace: NetworkNamespace) throws {
        self.namespace = namespace
        route = Mutex(try namespace.perform { try Channel(family: Int32(NETLINK_ROUTE)) })
    }

    /// Runs a body with the route socket, which no one else uses meanwhile.
    func withRoute<T>(_ body: (Channel) throws -> sending T) throws -> sending T {
        try route.withLock { try body($0) }
    }

    /// Runs a body with the IPsec socket.
    ///
    /// Throws `EPROTONOSUPPORT` where the kernel has no XFRM.
    func withXFRM<T>(_ body: (Channel) throws -> sending T) throws -> sending T {
        try xfrm.withLock { channel in
            let open = try channel ?? namespace.perform { try Channel(family: Int32(NETLINK_XFRM)) }
            channel = open
            return try body(open)
        }
    }
}
