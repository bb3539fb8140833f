import NetworkTypes

/// The steps by which a router chooses one of several routes to a prefix, in their order.
///
/// Source: RFC 4271, section 9.1.2.2, and each daemon's own code, which its folder names. Nothing in a lab has an interior cost for the
/// step between `external` and `routerID`: next hops are on links.
public enum RouteChoiceStep: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
    /// There is no other route.
    case only
    /// The router's own, the highest first; no attribute of BGP's.
    case weight
    /// The highest first (section 9.1.1).
    case localPreference = "local-preference"
    /// The fewest AS numbers first.
    case asPath = "as-path"
    case origin
    /// The lowest first, among routes by one neighbouring autonomous system; one without counts as 0.
    case med
    /// From another autonomous system before the same.
    case external
    /// The lowest of the peers' identifiers; of a route that was reflected, of who told it first (RFC 4456, section 9).
    case routerID = "router-id"
    /// The fewest reflectors on the way first (RFC 4456, section 9).
    case clusterList = "cluster-list"
    /// The lowest of the peers' addresses.
    case peerAddress = "peer-address"

    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// What a session tells a node about a prefix, as the node takes it.
public struct LearnedRoute: Hashable, Sendable {
    public let prefix: IPPrefix
    public let session: String
    /// The peer's address, as `next hop self` has it, or whom the peer has it from.
    public let gateway: IPAddress
    public let interface: InterfaceName
    /// The nearest first.
    public let path: [ASN]
    public let isExternal: Bool
    public var localPreference: UInt32
    public var origin: RouteOrigin
    public var med: UInt32?
    public var weight: UInt16 = 0
    public var communities: [BGPCommunity]
    /// The autonomous system that MEDs are compared within.
    let neighbour: ASN
    let peer: IPAddress
    /// Nil where that is not known: the peer has a configuration of the user's own.
    let peerID: IPv4Address?
    /// Who told it first inside this AS, if it was reflected (ORIGINATOR_ID, RFC 4456, section 8).
    public var originator: IPv4Address?
    /// The reflectors on its way, by their cluster identifiers, the nearest first (CLUSTER_LIST, RFC 4456, section 8).
    public var clusters: [IPv4Address] = []

    /// - Parameters:
    ///   - receiver: The autonomous system that takes it, which a path without a number belongs to.
    ///   - peerID: Nil where it is not known.
    public init(
        prefix: IPPrefix, session: String, gateway: IPAddress, interface: InterfaceName, path: [ASN], receiver: ASN,
        isExternal: Bool, localPreference: UInt32, origin: RouteOrigin, med: UInt32?, weight: UInt16,
        communities: [BGPCommunity], peer: IPAddress, peerID: IPv4Address?
    ) {
        self.prefix = prefix
        self.session = session
        self.gateway = gateway
        self.interface = interface
        self.path = path
        self.isExternal = isExternal
        self.localPreference = localPreference
        self.origin = origin
        self.med = med
        self.weight = weight
        self.communities = communities
        neighbour = path.first ?? receiver
        self.peer = peer
        self.peerID = peerID
    }

    /// The step that has this route before another; nil where the other goes before it, or that is not known.
    public func step(before other: LearnedRoute, _ options: BestPathOptions) -> RouteChoiceStep? {
        comparison(with: other, options).flatMap { $0.isBetter ? $0.step : nil }
    }

    /// Which step has this route before another, or the other before this; nil for the first unknown one.
    ///
    /// - Returns: The step, and whether this one goes first.
    func comparison(with other: LearnedRoute, _ options: BestPathOptions) -> (step: RouteChoiceStep, isBetter: Bool)? {
        if weight != other.weight { return (.weight, weight > other.weight) }
        if localPreference != other.localPreference {
            return (.localPreference, localPreference > other.localPreference)
        }
        if path.count != other.path.count { return (.asPath, path.count < other.path.count) }
        if origin != other.origin { return (.origin, origin < other.origin) }
        if options.alwaysComparesMED || neighbour == other.neighbour, (med ?? 0) != (other.med ?? 0) {
            return (.med, (med ?? 0) < (other.med ?? 0))
        }
        if isExternal != other.isExternal { return (.external, isExternal) }
        guard let ownID = originator ?? peerID, let otherID = other.originator ?? other.peerID else { return nil }
        if ownID != otherID { return (.routerID, ownID < otherID) }
        if clusters.count != other.clusters.count { return (.clusterList, clusters.count < other.clusters.count) }
        return (.peerAddress, peer < other.peer)
    }
}

/// What a node makes of the routes to a prefix that its sessions tell it.
public struct RouteChoice: Hashable, Sendable {
    /// All that it has taken, by its sessions' order.
    public let candidates: [LearnedRoute]
    /// The one that it passes on.
    public let best: LearnedRoute
    /// Those that its kernel is given, among which traffic is shared.
    public let shared: [LearnedRoute]
    /// The step that leaves the best alone; nil where none does that is known.
    public let step: RouteChoiceStep?
    /// Why which one is the best, or which are shared, is not computed; nil where it is.
    public let openEnd: String?

    /// - Parameter candidates: At least one; nil for none.
    public init?(among candidates: [LearnedRoute], _ options: BestPathOptions) {
        guard let first = candidates.first else { return nil }
        self.candidates = candidates
        /// Nil where it does not go before all others.
        func lastStep(_ route: LearnedRoute) -> RouteChoiceStep? {
            var last = RouteChoiceStep.only
            for other in candidates where other.session != route.session {
                guard let (step, isBetter) = route.comparison(with: other, options), isBetter else { return nil }
                last = max(last, step)
            }
            return last
        }
        let winner = candidates.lazy.compactMap { route in lastStep(route).map { (route, $0) } }.first
        best = winner?.0 ?? candidates.reduce(first) { Self.isBetter($1, than: $0, options) ? $1 : $0 }
        step = winner?.1
        let chosen = best
        // As many as share, by the gateways' order, in which a list of next hops is kept and cut.
        let equal = candidates.filter { route in
            route.session == chosen.session
                || route.comparison(with: chosen, options).map { $0.step >= .routerID } ?? true
        }
        shared =
            options.multipath == 1
            ? [chosen]
            : equal.count <= options.multipath
                ? equal : Array(equal.sorted { $0.gateway < $1.gateway }.prefix(options.multipath))
        // Without a winner, but with those known that share traffic and go before all others, nothing is open for packets.
        let isShared =
            equal.count <= options.multipath && options.multipath > 1
            && equal.allSatisfy { route in
                candidates.allSatisfy { other in
                    route.comparison(with: other, options).map { $0.isBetter || $0.step >= .routerID } ?? true
                }
            }
        let isCutOpen = options.multipath > 1 && equal.count > options.multipath && !options.isCutByGateway
        openEnd =
            isCutOpen
            ? "which \(options.multipath) of \(equal.count) equally good routes to \(first.prefix) it shares traffic among is not known of its daemon"
            : winner != nil || isShared
                ? nil
                : candidates.contains { $0.originator ?? $0.peerID == nil }
                    ? "which of equally good routes to \(first.prefix) it takes follows from identifiers in users' own files, which are not read"
                    : "which route to \(first.prefix) it takes depends on the order in which they come: their MEDs are compared in pairs only (RFC 4271, section 9.1.2.2 c)"
    }

    private static func isBetter(_ route: LearnedRoute, than other: LearnedRoute, _ options: BestPathOptions) -> Bool {
        route.comparison(with: other, options).map(\.isBetter) ?? false
    }
}
