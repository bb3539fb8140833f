import NetworkTypes

/// A route that OSPF gives a router.
public struct OSPFRoute: Hashable, Sendable {
    public struct NextHop: Hashable, Sendable {
        public let gateway: IPAddress
        public let interface: InterfaceName
    }

    public let prefix: IPPrefix
    /// Of the way there, or with an external route of type 2 its metric alone.
    public let cost: Int
    /// Whether it is from outside of the domain: an AS-external-LSA's.
    public let isExternal: Bool
    /// Those of equal cost, among which traffic is shared.
    public let hops: [NextHop]
}

/// Which routes OSPF gives each router when all have the same link state database.
///
/// A router's own networks are not among them. Shortest paths need both ends of a link to name each other (RFC 2328, section 16.1);
/// external routes come after all others, those of type 1 before those of type 2, and of equal ones the next hops of all are taken (section 16.4).
public struct OSPFPropagation: Sendable {
    private let domains: [OSPFDomain]
    private let trees: [String: [String: Reach]]
    private let halted: Set<String>
    private let isTold: @Sendable (OSPFDomain.Interface) -> Bool

    /// How a router reaches another.
    private struct Reach: Sendable {
        let cost: Int
        let hops: [OSPFRoute.NextHop]
    }

    /// - Parameters:
    ///   - isAdjacent: Whether the routers at both ends of a link name each other.
    ///   - isTold: Whether a router tells of the network of one of its interfaces.
    ///   - isHalted: Whether a router's daemon does nothing, so that it keeps the routes of a domain that was well.
    public init(
        in topology: Topology, isAdjacent: (_ link: String) -> Bool = { _ in true },
        isTold: @escaping @Sendable (OSPFDomain.Interface) -> Bool = { _ in true },
        isHalted: (_ node: String) -> Bool = { _ in false }
    ) {
        domains = topology.ospf
        self.isTold = isTold
        var trees: [String: [String: Reach]] = [:]
        var halted: Set<String> = []
        for domain in topology.ospf {
            let adjacencies = domain.adjacencies.filter { isAdjacent($0.link) }
            for router in domain.routers {
                let isStill = isHalted(router)
                if isStill { halted.insert(router) }
                trees[router] = Self.tree(from: router, isStill ? domain.adjacencies : adjacencies)
            }
        }
        self.halted = halted
        self.trees = trees
    }

    /// The shortest ways from a router to all others (RFC 2328, section 16.1), itself without one.
    private static func tree(from root: String, _ adjacencies: [OSPFDomain.Adjacency]) -> [String: Reach] {
        var settled: [String: Reach] = [:]
        var open: [String: Reach] = [root: Reach(cost: 0, hops: [])]
        while let next = open.min(by: { ($0.value.cost, $0.key) < ($1.value.cost, $1.key) }) {
            open[next.key] = nil
            settled[next.key] = next.value
            for adjacency in adjacencies {
                let own = adjacency.ends.0.node == next.key ? adjacency.ends.0 : adjacency.ends.1
                let peer = adjacency.peer(of: next.key)
                guard own.node == next.key, peer.node != next.key, settled[peer.node] == nil else { continue }
                let cost = next.value.cost + own.cost
                let hops =
                    next.key == root
                    ? [OSPFRoute.NextHop(gateway: peer.address.address, interface: own.interface)] : next.value.hops
                let known = open[peer.node]
                if let known, known.cost < cost { continue }
                let shared = known.map { $0.cost == cost ? $0.hops : [] } ?? []
                open[peer.node] = Reach(cost: cost, hops: shared + hops.filter { !shared.contains($0) })
            }
        }
        settled[root] = nil
        return settled
    }

    /// The networks of the domain that a router learns of, the least cost counting.
    public func internalRoutes(at router: String) -> [IPPrefix: OSPFRoute] {
        guard let domain = domain(of: router), let tree = trees[router] else { return [:] }
        let own = Set(domain.interfaces.filter { $0.node == router }.map(\.address.prefix))
        var routes: [IPPrefix: OSPFRoute] = [:]
        for interface in domain.interfaces where halted.contains(router) || isTold(interface) {
            let prefix = interface.address.prefix
            guard let reach = tree[interface.node], !own.contains(prefix) else { continue }
            merge(
                OSPFRoute(prefix: prefix, cost: reach.cost + interface.cost, isExternal: false, hops: reach.hops),
                into: &routes)
        }
        return routes
    }

    /// All that a router learns.
    ///
    /// - Parameter redistributed: The prefixes that an edge tells of.
    public func routes(
        at router: String, redistributed: (OSPFDomain.Edge) -> Set<IPPrefix>
    ) -> [IPPrefix: OSPFRoute] {
        guard let domain = domain(of: router), let tree = trees[router] else { return [:] }
        let inside = internalRoutes(at: router)
        let own = Set(domain.interfaces.filter { $0.node == router }.map(\.address.prefix))
        var outside: [IPPrefix: (rank: [Int], route: OSPFRoute)] = [:]
        for edge in domain.edges where edge.tellsDomain && edge.node != router {
            guard let reach = tree[edge.node] else { continue }
            let rank =
                edge.metricType == .one
                ? [1, edge.metric + reach.cost, 0] : [2, edge.metric, reach.cost]
            for prefix in redistributed(edge) where inside[prefix] == nil && !own.contains(prefix) {
                let route = OSPFRoute(prefix: prefix, cost: rank[1], isExternal: true, hops: reach.hops)
                guard let known = outside[prefix] else {
                    outside[prefix] = (rank, route)
                    continue
                }
                if rank == known.rank {
                    let hops = known.route.hops + reach.hops.filter { !known.route.hops.contains($0) }
                    outside[prefix] = (
                        rank, OSPFRoute(prefix: prefix, cost: rank[1], isExternal: true, hops: hops)
                    )
                } else if rank.lexicographicallyPrecedes(known.rank) {
                    outside[prefix] = (rank, route)
                }
            }
        }
        return inside.merging(outside.mapValues(\.route)) { inside, _ in inside }
    }

    private func domain(of router: String) -> OSPFDomain? {
        domains.first { $0.interfaces.contains { $0.node == router } }
    }

    private func merge(_ route: OSPFRoute, into routes: inout [IPPrefix: OSPFRoute]) {
        guard let known = routes[route.prefix], known.cost <= route.cost else {
            routes[route.prefix] = route
            return
        }
        guard known.cost == route.cost else { return }
        let hops = known.hops + route.hops.filter { !known.hops.contains($0) }
        routes[route.prefix] = OSPFRoute(prefix: route.prefix, cost: route.cost, isExternal: false, hops: hops)
    }
}

/// What BGP and OSPF together give each node's kernel, each telling the other where an edge redistributes.
///
/// A node takes a route from another AS before OSPF's, and OSPF's before one from its own AS: the administrative distances 20, 110 and 200
/// (FRR 8.4.4, zebra/zebra_rib.c, `route_info`). Networks of its own links and fixed routes go before all of them, and are not redistributed.
public struct DynamicRoutes: Sendable {
    /// A route as a kernel has it.
    public struct NextHop: Hashable, Sendable {
        public let gateway: IPAddress
        public let interface: InterfaceName
    }

    public let bgp: RoutePropagation
    private let ospf: OSPFPropagation
    private let topology: Topology

    /// - Parameter isHeard: Whether a node still goes by what a session tells it.
    public init(
        in topology: Topology, ospf: OSPFPropagation? = nil, isHeard: (_ session: String, _ node: String) -> Bool
    ) {
        let ospf = ospf ?? OSPFPropagation(in: topology)
        self.topology = topology
        self.ospf = ospf
        bgp = RoutePropagation(in: topology, ospf: ospf, isHeard: isHeard)
    }

    /// What a node's kernel is given: for each prefix the next hops.
    public func routes(at node: String) -> [IPPrefix: [NextHop]] {
        let learned = bgp.routes(at: node)
        let fromBGP = learned.mapValues { $0.map { NextHop(gateway: $0.gateway, interface: $0.interface) } }
        let inside = ospf.routes(at: node) { edge in redistributed(by: edge) }.filter { prefix, _ in
            bgp.choices(at: node)[prefix].map { !$0.best.isExternal } ?? true
        }
        return fromBGP.merging(
            inside.mapValues { $0.hops.map { NextHop(gateway: $0.gateway, interface: $0.interface) } }
        ) { _, inside in inside }
    }

    /// What an edge tells its domain: the routes by BGP that its kernel has.
    private func redistributed(by edge: OSPFDomain.Edge) -> Set<IPPrefix> {
        let inside = ospf.internalRoutes(at: edge.node)
        let fixed = topology.fixedPrefixes(of: edge.node)
        return Set(
            bgp.choices(at: edge.node).filter { prefix, choice in
                prefix.address.bitWidth == 32 && !fixed.contains(prefix)
                    && (choice.best.isExternal || inside[prefix] == nil)
            }.keys)
    }
}

extension Topology {
    /// What an edge tells all of its BGP peers, as long as OSPF gives it a route there.
    public func prefixesToldPeers(by edge: OSPFDomain.Edge, _ ospf: OSPFPropagation) -> Set<IPPrefix> {
        guard edge.tellsPeers else { return [] }
        return Set(ospf.internalRoutes(at: edge.node).keys).subtracting(fixedPrefixes(of: edge.node))
    }

    /// The prefixes that BGP speakers have of their own, or from OSPF, in a lab that is well.
    public var originatedPrefixes: Set<IPPrefix> {
        let ospf = OSPFPropagation(in: self)
        return Set(sessions.flatMap(\.speakers).flatMap(\.advertised)).union(
            self.ospf.flatMap(\.edges).flatMap { prefixesToldPeers(by: $0, ospf) })
    }

    /// The prefixes to which a node has a way that no protocol brings: networks of its links and tunnels, and fixed routes.
    public func fixedPrefixes(of node: String) -> Set<IPPrefix> {
        let links = linkEnds(of: node).flatMap(\.end.addresses).map(\.prefix)
        let tunnels = tunnelEnds(of: node).flatMap { [$0.end.inside?.prefix].compactMap(\.self) + $0.end.routes }
        let plain = plainTunnelEnds(of: node).flatMap { [$0.end.inside?.prefix].compactMap(\.self) + $0.end.routes }
        let fixed = (self.node(named: node)?.routes ?? []).filter { $0.table == 254 }.map(\.destination)
        return Set(links + tunnels + plain + fixed)
    }
}
