import AgentProtocol
import Daemons
import Glibc
import LabModel
import LabPlan
import Netlink
import NetworkTypes
import NodeRuntime

/// Which faults a lab has, and what has to be known to undo them.
struct FaultLedger {
    /// In the order in which they began.
    var active: [ActiveFault] = []
    /// What ends those that end by themselves.
    var timers: [Fault: Task<Void, Never>] = [:]
    /// The MTUs that interfaces had before any fault.
    var usualMTUs: [Disturbances.Port: MTU] = [:]
    /// What each node's kernel has dropped with an interface, and does not bring back by itself.
    var lost: [String: NodeRoutes] = [:]
    /// Configurations that were written while their daemon could not read them.
    var unread: [DaemonName: Set<ConfigurationChange.Connection>] = [:]
    /// Ends when the changes that were asked for last are done.
    var lastTurn: Task<Void, Never>?
}

/// A node's addresses and routes, as far as neither the kernel nor a routing daemon nor a tunnel's state makes them.
struct NodeRoutes {
    var addresses: [AddressInfo] = []
    var routes: [Route] = []

    init() {}

    init(of sandbox: NodeSandbox) throws {
        addresses = try sandbox.sockets.addresses().filter { !$0.address.address.isLinkLocal }
        routes = try sandbox.sockets.routes(table: nil).filter { route in
            route.table != Route.localTable
                && ![.kernel, .advertisement, .followed].contains(route.protocol)
                && !route.protocol.isRoutingDaemons
        }
    }

    /// What is in these and not in others.
    func subtracting(_ others: NodeRoutes) -> NodeRoutes {
        var rest = NodeRoutes()
        rest.addresses = addresses.filter { !others.addresses.contains($0) }
        rest.routes = routes.filter { !others.routes.contains($0) }
        return rest
    }

    mutating func append(_ others: NodeRoutes) {
        addresses += others.addresses.filter { !addresses.contains($0) }
        routes += others.routes.filter { !routes.contains($0) }
    }

    /// Puts back what can be put back now.
    ///
    /// - Returns: The rest, which needs an interface that is still down, or too small.
    func restore(in sandbox: NodeSandbox) throws -> NodeRoutes {
        var rest = NodeRoutes()
        let links = try sandbox.sockets.links()
        // An interface with less than the least MTU of IPv6 takes no address of it (RFC 8200, section 5).
        let takes = { (address: AddressInfo) in
            links.contains { link in
                link.name == address.interface && link.isUp
                    && (address.address.address.bitWidth == 32 || link.mtu >= 1280)
            }
        }
        let present = try sandbox.sockets.addresses()
        for address in addresses where !present.contains(address) {
            if takes(address) {
                try sandbox.sockets.addAddress(address.address, to: address.interface, peer: address.peer)
            } else {
                rest.addresses.append(address)
            }
        }
        let known = try sandbox.sockets.routes(table: nil)
        for route in routes where !known.contains(route) {
            do {
                // One that has lost some of its next hops is there still.
                try sandbox.sockets.replaceRoute(route)
            } catch let error as NetlinkError where error.isForLackOfInterface {
                rest.routes.append(route)
            }
        }
        return rest
    }
}

extension NetlinkError {
    /// Whether a route cannot be because its interface is down, or its gateway beyond one that is.
    fileprivate var isForLackOfInterface: Bool {
        [ENETDOWN, ENETUNREACH, EHOSTUNREACH, ENODEV, EINVAL].contains(errno)
    }
}

extension IPAddress {
    /// An IPv6 address that the kernel gives an interface by itself (RFC 4291, section 2.5.6).
    fileprivate var isLinkLocal: Bool {
        if case .v6 = self { bytes.starts(with: [0xFE, 0x80]) } else { false }
    }
}

extension RouteProtocol {
    /// Whether a kernel was given such a route by a routing daemon.
    var isRoutingDaemons: Bool { DaemonRegistry.routingDaemons.contains { $0.gives(rawValue) } }
}
