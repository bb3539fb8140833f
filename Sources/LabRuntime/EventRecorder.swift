import AgentProtocol
import Glibc
import LabModel
import LabRecords
import Netlink
import NetworkTypes
import NodeRuntime
import Probing
import Synchronization

/// Records what happens in a lab: from netlink in every node, and what the lab's own parts tell.
///
/// A thread of its own waits for netlink. As processing takes no time on the lab's clock, the time at which it reads an
/// event is the event's own.
final class EventRecorder: Sendable {
    private let board: EventBoard
    private let listener: Int
    private let events: Recording
    private let stop: Cancellation
    private let watching: Task<Void, any Error>

    private final class Recording: Sendable {
        let events = Mutex<[LabEvent]>([])
        func append(_ event: LabEvent) { events.withLock { $0.append(event) } }
    }

    /// Starts to record.
    ///
    /// - Throws: `NetlinkError`.
    init(_ topology: Topology, sandboxes: [String: NodeSandbox], board: EventBoard) throws {
        let watches = try sandboxes.values.sorted { $0.name < $1.name }.map { try NodeWatch($0, topology) }
        let stop = try Cancellation()
        let events = Recording()
        self.board = board
        self.stop = stop
        self.events = events
        listener = board.add { events.append($0) }
        watching = Task {
            try await offThread {
                var watches = watches
                var places = ([stop.descriptor] + watches.map(\.descriptor)).map {
                    pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
                }
                while true {
                    poll(&places, nfds_t(places.count), -1)
                    for index in watches.indices where places[index + 1].revents != 0 {
                        try watches[index].read(events.append)
                    }
                    if places[0].revents != 0 { return }
                }
            }
        }
    }

    deinit {
        board.remove(listener)
        stop.cancel()
    }

    /// Ends the recording and returns all of it, by time.
    func finish() async throws -> [LabEvent] {
        board.remove(listener)
        stop.cancel()
        try await watching.value
        let all = events.events.withLock { $0 }
        // Two threads write: the order of one moment is that in which they came.
        return all.enumerated().sorted { ($0.element.nanoseconds, $0.offset) < ($1.element.nanoseconds, $1.offset) }
            .map(\.element)
    }
}

/// What netlink tells of one node, as changes of what is known.
private struct NodeWatch {
    private struct RouteKey: Hashable {
        let destination: IPPrefix
        let metric: UInt32
        /// Of an IPv6 route without a gateway: there is one for each interface that the network is on.
        let interface: InterfaceName?
    }

    private struct AssociationKey: Hashable {
        let destination: IPAddress
        let spi: UInt32
    }

    private struct KnownAssociation {
        let tunnel: String?
        let isOutbound: Bool
    }

    private let sandbox: NodeSandbox
    private let ends: [(tunnel: Tunnel, end: TunnelEnd)]
    private let own: Set<IPAddress>
    private let monitor: NetlinkMonitor
    private var links: [InterfaceName: Bool] = [:]
    private var routes: [RouteKey: Route] = [:]
    private var associations: [AssociationKey: KnownAssociation] = [:]

    init(_ sandbox: NodeSandbox, _ topology: Topology) throws {
        self.sandbox = sandbox
        ends = topology.tunnelEnds(of: sandbox.name)
        own = Set(ends.map(\.end.localAddress))
        // The monitor first: what comes between it and the listing is then in both.
        monitor = try NetlinkMonitor(in: sandbox.network, for: [.links, .routes, .securityAssociations])
        for link in try sandbox.sockets.links() { links[link.name] = link.carriesPackets }
        for route in try sandbox.sockets.routes() where route.type == .unicast { routes[Self.key(of: route)] = route }
        for association in try sandbox.sockets.securityAssociations() { remember(association) }
    }

    var descriptor: Int32 { monitor.descriptor }

    /// Reports what has changed since the last call.
    mutating func read(_ report: (LabEvent) -> Void) throws {
        let now = LabClock.now.nanoseconds
        let node = sandbox.name
        func tell(_ kind: LabEvent.Kind) { report(LabEvent(nanoseconds: now, node: node, kind: kind)) }
        for event in try monitor.drain() {
            switch event {
            case .linkChanged(let link):
                try change(link.name, isUp: link.carriesPackets, tell)
            case .linkRemoved(let link):
                try change(link.name, isUp: false, tell)
                links[link.name] = nil
            case .routeAdded(let route):
                guard route.table == Route.mainTable, route.type == .unicast else { break }
                replace(Self.key(of: route), by: route, tell)
            case .routeRemoved(let route):
                guard route.table == Route.mainTable, route.type == .unicast else { break }
                replace(Self.key(of: route), by: nil, tell)
            case .saAdded(let association):
                let key = Self.key(of: association)
                guard associations[key] == nil, let known = remember(association) else { break }
                tell(.association(tunnel: known.tunnel, spi: key.spi, isOutbound: known.isOutbound, .added))
            case .saExpired(let association, let isHard):
                let key = Self.key(of: association)
                guard let known = associations[key] else { break }
                tell(.association(tunnel: known.tunnel, spi: key.spi, isOutbound: known.isOutbound, .expired))
                if isHard { associations[key] = nil }
            case .saRemoved(let association):
                forget(Self.key(of: association), tell)
            case .saFlushed(let family):
                guard family == nil || family == .esp else { break }
                for key in associations.keys.sorted(by: { $0.spi < $1.spi }) { forget(key, tell) }
            case .overrun:
                tell(.overrun)
                try catchUp(tell)
            case .addressAdded, .addressRemoved: break
            }
        }
    }

    private mutating func change(_ name: InterfaceName, isUp: Bool, _ tell: (LabEvent.Kind) -> Void) throws {
        guard links[name] ?? false != isUp else {
            links[name] = isUp
            return
        }
        links[name] = isUp
        tell(.link(name, isUp: isUp))
        // The kernel does not tell of the IPv4 routes that go with an interface (fib_table_flush, net/ipv4/fib_trie.c).
        try compareRoutes(tell)
    }

    private mutating func replace(_ key: RouteKey, by route: Route?, _ tell: (LabEvent.Kind) -> Void) {
        let old = routes[key]
        guard old?.description != route?.description || old?.protocol != route?.protocol else { return }
        routes[key] = route
        for (route, isPresent) in [(old, false), (route, true)] {
            guard let route else { continue }
            tell(
                .route(
                    route.destination, text: "\(route)", isPresent: isPresent,
                    isLearned: route.protocol.isRoutingDaemons))
        }
    }

    private mutating func compareRoutes(_ tell: (LabEvent.Kind) -> Void) throws {
        let listed = try sandbox.sockets.routes().filter { $0.type == .unicast }
        let current = Dictionary(listed.map { (Self.key(of: $0), $0) }) { first, _ in first }
        for key in routes.keys.filter({ current[$0] == nil }).sorted(by: { "\($0)" < "\($1)" }) {
            replace(key, by: nil, tell)
        }
        for route in listed { replace(Self.key(of: route), by: current[Self.key(of: route)], tell) }
    }

    /// After events were lost: what is there now.
    private mutating func catchUp(_ tell: (LabEvent.Kind) -> Void) throws {
        for link in try sandbox.sockets.links() { try change(link.name, isUp: link.carriesPackets, tell) }
        try compareRoutes(tell)
        let listed = try sandbox.sockets.securityAssociations()
        let present = Set(listed.map(Self.key))
        for key in associations.keys.filter({ !present.contains($0) }).sorted(by: { $0.spi < $1.spi }) {
            forget(key, tell)
        }
        for association in listed where associations[Self.key(of: association)] == nil {
            guard let known = remember(association) else { continue }
            tell(.association(tunnel: known.tunnel, spi: association.spi, isOutbound: known.isOutbound, .added))
        }
    }

    /// Nil for one that is still being negotiated, which has no algorithms, and for what is not ESP.
    @discardableResult
    private mutating func remember(_ association: SecurityAssociation) -> KnownAssociation? {
        guard association.protocol == .esp, association.encryption != nil || association.aead != nil else { return nil }
        let known = KnownAssociation(tunnel: tunnel(of: association), isOutbound: own.contains(association.source))
        associations[Self.key(of: association)] = known
        return known
    }

    private mutating func forget(_ key: AssociationKey, _ tell: (LabEvent.Kind) -> Void) {
        guard let known = associations.removeValue(forKey: key) else { return }
        tell(.association(tunnel: known.tunnel, spi: key.spi, isOutbound: known.isOutbound, .removed))
    }

    /// By its addresses; where several tunnels share them, by the policies that its request number joins it to.
    private func tunnel(of association: SecurityAssociation) -> String? {
        let pair: Set = [association.source, association.destination]
        let candidates = ends.filter { pair == [$0.end.localAddress, $0.end.remoteAddress] }
        if candidates.count <= 1 { return candidates.first?.tunnel.name }
        let marks = Set(
            ((try? sandbox.sockets.securityPolicies()) ?? []).filter { policy in
                policy.templates.contains { $0.requestID == association.requestID }
            }.map { $0.interfaceID ?? $0.mark?.value })
        // Policies without a number have nil, and so has their end.
        let marked = candidates.filter { marks.contains($0.end.steering.number) }
        return marked.count == 1 ? marked.first?.tunnel.name : nil
    }

    private static func key(of route: Route) -> RouteKey {
        let isIPv6 = route.destination.address.bitWidth == 128
        return RouteKey(
            destination: route.destination, metric: route.metric,
            interface: isIPv6 ? route.nexthops.first { $0.gateway == nil }?.interface : nil)
    }

    private static func key(of association: SecurityAssociation) -> AssociationKey {
        AssociationKey(destination: association.destination, spi: association.spi)
    }
}

extension LinkInfo {
    /// Set up, and with a carrier.
    fileprivate var carriesPackets: Bool { isUp && hasCarrier }
}
