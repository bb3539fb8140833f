import AgentProtocol
import DaemonProfiles
import Daemons
import LabModel
import LabRecords
import Netlink
import NetworkTypes
import NodeRuntime
import RoutingDaemons

/// Waiting for what a plan wants to come about.
extension RunningLab {
    /// Waits until a condition holds, looking again in ever longer steps of virtual time.
    ///
    /// - Returns: Whether it came about within the deadline, and what was seen last.
    func wait(for condition: Condition, within deadline: Duration) async throws -> (holds: Bool, lastSeen: String) {
        let end = LabClock.now + deadline
        var pause = Duration.milliseconds(5)
        while true {
            let (holds, seen) = try await examine(condition)
            if holds == condition.holds { return (true, seen) }
            // A daemon that has ended will not come up however long one waits.
            if condition.holds, let dead = deadDaemon(for: condition) { return (false, dead) }
            guard LabClock.now < end else { return (false, seen) }
            try await LabSleep.wait(for: pause)
            pause = min(pause * 2, .milliseconds(250))
        }
    }

    private func deadDaemon(for condition: Condition) -> String? {
        // One that a fault has killed comes back when the fault heals by itself.
        if activeFaults.contains(where: { $0.until != nil }) { return nil }
        for daemon in daemons.values where condition.concerns(daemon.daemon, in: topology) {
            if case .ended(let reason) = daemon.current { return "\(daemon.daemon.name) \(reason)" }
        }
        return nil
    }

    private func examine(_ condition: Condition) async throws -> (holds: Bool, seen: String) {
        switch condition.subject {
        case .tunnel(let name):
            return try tunnelState(name)
        case .session(let name):
            return try await sessionState(name)
        case .ospf(let place):
            return try await ospfState(place)
        case .interface(let node, let name):
            guard let link = try sandbox(node).sockets.linkIfPresent(named: name) else {
                return (false, "\(node) has no interface \(name)")
            }
            return (link.isUp, "\(name) is \(link.isUp ? "up" : "down")")
        case .route(let node, let prefix, let gateway):
            let isWanted = { (route: Route) in
                gateway.map { gateway in route.nexthops.contains { $0.gateway == gateway } } ?? true
            }
            // A plan waits for each route of a table that may have thousands.
            if condition.holds, let table = routeTables[node], LabClock.now - table.seen < .milliseconds(10),
                let route = table.routes[prefix]?.first(where: isWanted)
            {
                return (true, "\(route)")
            }
            try routeKeepers[node]?.update()
            let table = SeenRoutes(try sandbox(node).sockets.routes())
            routeTables[node] = table
            let routes = table.routes[prefix] ?? []
            let found = routes.first(where: isWanted)
            let seen = (found ?? routes.first).map { "\($0)" }
            return (found != nil, seen ?? "\(node) has no route to \(prefix)")
        case .echo(let node, let address):
            let echo = ProbeRequest.Kind.echo(
                count: 1, interval: .zero, payload: 56, dontFragment: false, timeout: .seconds(1))
            let result = try await run(ProbeRequest(source: node, destination: address, kind: echo))
            guard case .echo(let attempts) = result.outcome, let trip = attempts.first?.roundTripNanoseconds else {
                return (false, "no reply from \(address)")
            }
            return (true, "reply after \(Duration.nanoseconds(trip).shortText)")
        case .daemon(let node, let kind):
            return try daemonState(node, kind)
        }
    }
}

/// The routes that a node had at a moment.
struct SeenRoutes {
    let seen = LabClock.now
    let routes: [IPPrefix: [Route]]

    init(_ routes: [Route]) {
        self.routes = Dictionary(grouping: routes, by: \.destination)
    }
}

extension Condition {
    /// Whether a daemon's state bears on the condition.
    func concerns(_ daemon: Daemon, in topology: Topology) -> Bool {
        switch subject {
        case .tunnel(let name):
            DaemonRegistry.profile(daemon.kind) is any KeyDaemon
                && topology.tunnel(named: name)?.ends.contains { $0.node == daemon.node } ?? false
        case .session(let name):
            DaemonRegistry.profile(daemon.kind) is any RoutingDaemon
                && (topology.session(named: name)?.speakers.contains { $0.node == daemon.node }
                    ?? (topology.oneSidedSession(named: name)?.node == daemon.node))
        case .ospf(let place):
            DaemonRegistry.profile(daemon.kind) is any RoutingDaemon
                && topology.ospfAdjacencies(at: place).contains {
                    [$0.ends.0.node, $0.ends.1.node].contains(daemon.node)
                }
        case .daemon(let node, let kind):
            daemon.node == node && daemon.kind == kind
        case .interface, .route, .echo:
            false
        }
    }
}
