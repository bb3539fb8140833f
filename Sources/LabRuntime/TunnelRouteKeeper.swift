import Glibc
import LabModel
import LabPlan
import Netlink
import NetworkTypes
import NodeRuntime
import Probing
import Synchronization

/// Keeps a node's routes into those of its tunnels that are up, as the control plane of a cloud's VPN gateway does.
///
/// It listens to the kernel (XFRM and rtnetlink multicast, xfrm_notify_sa of net/xfrm/xfrm_user.c), so it does not matter
/// who takes an association away: a daemon that gives a silent peer up, a peer's Delete, an expiry, or somebody by hand.
/// A thread of its own waits for that, and as processing takes no time on the lab's clock, a route goes at the very
/// moment at which its tunnel does.
final class TunnelRouteKeeper: Sendable {
    private let routes: [TunnelRoute]
    private let ends: [String: TunnelEnd]
    private let sandbox: NodeSandbox
    private let cancellation: Cancellation
    private let watching: Task<Void, any Error>
    /// One at a time compares what is there with what should be.
    private let turn: Turn

    private final class Turn: Sendable {
        let isOver = Mutex(false)
    }

    /// Makes the routes of the tunnels that are up now, and follows what becomes of them.
    ///
    /// - Parameter ends: The node's ends of the routes' tunnels.
    /// - Throws: `NetlinkError`.
    init(_ routes: [TunnelRoute], ends: [String: TunnelEnd], in sandbox: NodeSandbox) throws {
        self.routes = routes
        self.ends = ends
        self.sandbox = sandbox
        // The monitor first: what comes between it and the first look is then told as well.
        // A daemon may make associations before the policies that they are found by.
        let monitor = try NetlinkMonitor(
            in: sandbox.network, for: [.links, .securityAssociations], wakesForPolicies: true)
        let cancellation = try Cancellation()
        let turn = Turn()
        self.cancellation = cancellation
        self.turn = turn
        try Self.update(routes, ends, sandbox, turn)
        watching = Task {
            try await offThread {
                var places = [cancellation.descriptor, monitor.descriptor].map {
                    pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
                }
                while true {
                    poll(&places, nfds_t(places.count), -1)
                    if places[0].revents != 0 { return }
                    _ = try monitor.drain()
                    try Self.update(routes, ends, sandbox, turn)
                }
            }
        }
    }

    deinit { cancellation.cancel() }

    /// Brings the routes in line with the tunnels at once, for who wants to see them and not wait for the thread.
    func update() throws { try Self.update(routes, ends, sandbox, turn) }

    /// Removes the routes and looks after them no more.
    ///
    /// - Throws: What kept it from following the tunnels, or from removing the routes.
    func stop() async throws {
        cancellation.cancel()
        let ending = await watching.result
        try turn.isOver.withLock { isOver in
            isOver = true
            for route in try Self.present(in: sandbox) { try sandbox.sockets.deleteRoute(route) }
        }
        try ending.get()
    }

    private static func present(in sandbox: NodeSandbox) throws -> [Route] {
        try sandbox.sockets.routes().filter { $0.protocol == .followed }
    }

    private static func update(
        _ routes: [TunnelRoute], _ ends: [String: TunnelEnd], _ sandbox: NodeSandbox, _ turn: Turn
    ) throws {
        try turn.isOver.withLock { isOver in
            guard !isOver else { return }
            let usable = Set(try sandbox.sockets.links().filter(\.isUp).map(\.name))
            let up = Set(
                try ends.filter { _, end in
                    guard let interface = end.interface, usable.contains(interface) else { return false }
                    let (inbound, outbound) = try sandbox.associations(of: end)
                    return !inbound.isEmpty && !outbound.isEmpty
                }.keys)
            let present = try present(in: sandbox)
            for route in routes {
                let interfaces = route.ways.filter { up.contains($0.tunnel) }.map(\.interface)
                let old = present.first { $0.destination == route.destination && $0.metric == route.metric }
                guard old?.nexthops.map(\.interface) ?? [] != interfaces.map(Optional.some) else { continue }
                if interfaces.isEmpty {
                    if let old { try sandbox.sockets.deleteRoute(old) }
                } else {
                    try sandbox.sockets.replaceRoute(
                        Route(
                            destination: route.destination, nexthops: interfaces.map { NextHop(interface: $0) },
                            metric: route.metric, protocol: .followed))
                }
            }
        }
    }
}
