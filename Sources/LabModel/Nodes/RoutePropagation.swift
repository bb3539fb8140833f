import NetworkTypes

/// Which routes BGP brings to each node when every speaker has told its neighbours what it has to tell.
///
/// What a speaker advertises itself goes to that peer alone; what it passes on is its best route (``RouteChoiceStep``). Both
/// pass its policy on their way out and the peer's on their way in. A path with the receiver's own number is a loop, and
/// is not taken (RFC 4271, section 9.1.2); what an internal session told is not told another (section 9.2), unless one of both peers is
/// a client of a reflector's, which adds who told it first and itself, by which loops are found (RFC 4456, section 8). A prefix that a node
/// advertises itself it does not learn: a speaker prefers its own. A MED goes no further than one autonomous system (5.1.4), a local
/// preference to internal peers alone (5.1.5).
public struct RoutePropagation: Sendable {
    /// An end of a session that goes by what the session tells it.
    private struct Listener {
        let session: String
        let own: BGPSpeaker
        let peer: BGPSpeaker
        /// Nil for a peer with a configuration of the user's own.
        let peerID: IPv4Address?
        /// What decides over routes on their way out of the peer and in here.
        let policies: (out: [RoutePolicy.Entry], in: [RoutePolicy.Entry])
        var told: [IPPrefix: LearnedRoute] = [:]

        /// Whether it takes more than its speaker does.
        var isFull: Bool { own.policy.maximumPrefixes.map { told.count > $0 } ?? false }
    }

    /// Who tells what first. With policies it may decide where all of this ends.
    private enum Order: CaseIterable {
        /// Everyone hears what was so at the beginning of a round.
        case together
        case forwards, backwards
    }

    private let topology: Topology
    private var listeners: [Listener] = []
    private var advertised: [String: Set<IPPrefix>] = [:]
    /// What an edge of an OSPF domain tells in all of its sessions, as long as OSPF gives it a route there.
    private var redistributed: [String: Set<IPPrefix>] = [:]
    private var options: [String: BestPathOptions] = [:]
    private var best: [String: [IPPrefix: RouteChoice]] = [:]
    private var open: [String: [IPPrefix: String]] = [:]
    /// What kept changing, for as long as anybody looked.
    private var restless: [String: Set<IPPrefix>] = [:]
    /// The sessions that end because one of them is told more prefixes than it takes.
    public private(set) var overLimit: Set<String> = []

    /// - Parameters:
    ///   - ospf: What OSPF gives its routers; nil for a domain that is well.
    ///   - isHeard: Whether a node still goes by what a session tells it.
    public init(
        in topology: Topology, ospf: OSPFPropagation? = nil, isHeard: (_ session: String, _ node: String) -> Bool
    ) {
        self.topology = topology
        let ospf = ospf ?? OSPFPropagation(in: topology)
        for edge in topology.ospf.flatMap(\.edges) {
            redistributed[edge.node] = topology.prefixesToldPeers(by: edge, ospf)
        }
        options = Dictionary(topology.nodes.map { ($0.name, $0.bestPath) }) { first, _ in first }
        for session in topology.sessions {
            for speaker in session.speakers {
                advertised[speaker.node, default: []].formUnion(speaker.advertised)
                guard let peer = session.peer(of: speaker), session.canComeUp, isHeard(session.name, speaker.node)
                else { continue }
                let hasOwnFile = topology.node(named: peer.node)?.routingConfiguration != nil
                listeners.append(
                    Listener(
                        session: session.name, own: speaker, peer: peer,
                        peerID: hasOwnFile ? nil : topology.routerID(of: peer.node),
                        policies: (peer.outEntries, speaker.inEntries)))
            }
        }
        settleWithinLimits()
    }

    /// What a node goes by: for each prefix the routes that its kernel is given.
    public func routes(at node: String) -> [IPPrefix: [LearnedRoute]] {
        (best[node] ?? [:]).mapValues(\.shared)
    }

    /// What it makes of all that it is told, by prefixes.
    public func choices(at node: String) -> [IPPrefix: RouteChoice] { best[node] ?? [:] }

    /// What a session tells a node that the node takes.
    public func prefixes(toldBy session: String, to node: String) -> Set<IPPrefix> {
        listeners.first { $0.session == session && $0.own.node == node }.map { Set($0.told.keys) } ?? []
    }

    /// Why it is not computed what a node makes of a prefix; nil where it is.
    public func openEnd(at node: String, to prefix: IPPrefix) -> String? { open[node]?[prefix] }

    /// Why it is not computed by which route a node sends to an address; nil where it is.
    public func openEnd(at node: String, for address: IPAddress) -> String? {
        guard let prefixes = open[node] else { return nil }
        return prefixes.sorted { $0.key < $1.key }.first { $0.key.contains(address) }?.value
    }

    /// A session that has been told too much stays down, and what it told is gone: then all is told anew without it.
    private mutating func settleWithinLimits() {
        while true {
            settleInEveryOrder()
            spreadOpenEnds()
            let full = Set(listeners.filter(\.isFull).map(\.session))
            guard !full.isEmpty else { return }
            overLimit.formUnion(full)
            listeners.removeAll { full.contains($0.session) }
            for index in listeners.indices { listeners[index].told = [:] }
        }
    }

    private mutating func settleInEveryOrder() {
        let beginning = listeners
        restless = [:]
        settle(.together)
        open = best.mapValues { $0.compactMapValues(\.openEnd) }
        guard hasPolicies else { return }
        let result = (listeners, best)
        var ends = [best]
        for order in Order.allCases where order != .together {
            listeners = beginning
            settle(order)
            ends.append(best)
        }
        (listeners, best) = result
        for node in Set(listeners.map(\.own.node)) {
            let prefixes = ends.reduce(into: restless[node] ?? []) { $0.formUnion($1[node]?.keys.map(\.self) ?? []) }
            for prefix in prefixes
            where restless[node]?.contains(prefix) == true
                || ends.contains(where: { $0[node]?[prefix] != best[node]?[prefix] })
            {
                open[node, default: [:]][prefix] =
                    "the policies have no single outcome: which route to \(prefix) it has depends on who tells its own first"
            }
        }
    }

    /// What is open at a node is open at those whom it tells its best route.
    private mutating func spreadOpenEnds() {
        var isSpreading = !open.isEmpty
        while isSpreading {
            isSpreading = false
            for listener in listeners where listener.peer.passesOn {
                for (prefix, reason) in open[listener.peer.node] ?? [:]
                where open[listener.own.node]?[prefix] == nil
                    && !(advertised[listener.own.node]?.contains(prefix) ?? false)
                    && !(redistributed[listener.own.node]?.contains(prefix) ?? false)
                {
                    open[listener.own.node, default: [:]][prefix] = "at \(listener.peer.node) \(reason)"
                    isSpreading = true
                }
            }
        }
    }

    /// By the length of paths alone, where nothing is reflected, all orders come to the same.
    private var hasPolicies: Bool {
        listeners.contains { !$0.own.policy.isEmpty || !$0.peer.policy.isEmpty || $0.peer.reflects }
            || listeners.contains { options[$0.own.node] != BestPathOptions() }
    }

    private mutating func settle(_ order: Order) {
        best = [:]
        let places = Dictionary(grouping: listeners.indices) { listeners[$0].own.node }
        let sequence = order == .backwards ? Array(listeners.indices.reversed()) : Array(listeners.indices)
        // A path has each AS once at most, so half of these rounds carry every route as far as it goes, and another in its place; what
        // changes in the other half does so without end. In each, only those have something new to tell who have learned something in the
        // one before.
        let half = 2 * topology.sessions.count + 2
        var changed = Set(listeners.map(\.peer.node))
        for round in 0..<(2 * half) where !changed.isEmpty {
            var learners: Set<String> = []
            func learn(_ node: String) {
                let choices = choices(among: (places[node] ?? []).map { listeners[$0].told }, at: node)
                if round >= half {
                    let known = best[node] ?? [:]
                    let moved = Set(known.keys).union(choices.keys).filter { known[$0] != choices[$0] }
                    restless[node, default: []].formUnion(moved)
                }
                best[node] = choices
            }
            for place in sequence where order != .together || changed.contains(listeners[place].peer.node) {
                let told = announcements(to: listeners[place])
                guard told != listeners[place].told else { continue }
                listeners[place].told = told
                learners.insert(listeners[place].own.node)
                if order != .together { learn(listeners[place].own.node) }
            }
            if order == .together { learners.forEach(learn) }
            changed = learners
        }
    }

    /// - Parameter told: By each of a node's sessions, in their order.
    private func choices(among told: [[IPPrefix: LearnedRoute]], at node: String) -> [IPPrefix: RouteChoice] {
        let own = (advertised[node] ?? []).union(redistributed[node] ?? [])
        var routes: [IPPrefix: [LearnedRoute]] = [:]
        for (prefix, route) in told.flatMap(\.self) where !own.contains(prefix) {
            routes[prefix, default: []].append(route)
        }
        let options = options[node] ?? BestPathOptions()
        return routes.compactMapValues { RouteChoice(among: $0, options) }
    }

    /// What a route says of itself on its way from one speaker to another.
    private struct Announcement {
        let prefix: IPPrefix
        var originator: IPv4Address?
        var clusters: [IPv4Address] = []
        var path: [ASN] = []
        var localPreference: UInt32 = 100
        var origin = RouteOrigin.igp
        var med: UInt32?
        var communities: [BGPCommunity] = []
        var weight: UInt16 = 0
        var gateway: IPAddress?

        /// Applies a policy.
        ///
        /// - Returns: Nil for what it rejects.
        func passing(_ entries: [RoutePolicy.Entry], prepending asn: ASN) -> Announcement? {
            let entry = entries.first { entry in
                let (match, communities) = (entry.match, communities)
                return (match.prefixes.isEmpty || match.prefixes.contains { $0.takes(prefix) })
                    && (match.paths.isEmpty || match.paths.contains { $0.takes(path) })
                    && (match.communities.isEmpty || match.communities.contains(where: communities.contains))
            }
            guard let entry, entry.isAccepting else { return nil }
            var changed = self
            changed.localPreference = entry.changes.localPreference ?? localPreference
            changed.med = entry.changes.med ?? med
            changed.origin = entry.changes.origin ?? origin
            changed.weight = entry.changes.weight ?? weight
            changed.communities += entry.changes.communities.filter { !communities.contains($0) }
            changed.path = Array(repeating: asn, count: entry.changes.prepended) + path
            return changed
        }
    }

    private func announcements(to listener: Listener) -> [IPPrefix: LearnedRoute] {
        let (own, peer) = (listener.own, listener.peer)
        let isExternal = peer.asn != own.asn
        var announced = Dictionary(peer.advertised.map { ($0, Announcement(prefix: $0)) }) { first, _ in first }
        for prefix in redistributed[peer.node] ?? [] where announced[prefix] == nil {
            announced[prefix] = Announcement(prefix: prefix, origin: .incomplete)
        }
        if peer.passesOn {
            for (prefix, choice) in best[peer.node] ?? [:] where announced[prefix] == nil {
                let route = choice.best
                let isReflected = !isExternal && !route.isExternal
                guard route.session != listener.session,
                    !isReflected || peer.reflects || reflects(peer.node, in: route.session),
                    !route.communities.contains(.noAdvertise),
                    !(isExternal && route.communities.contains(.noExport))
                else { continue }
                announced[prefix] = Announcement(
                    prefix: prefix, path: route.path, localPreference: isExternal ? 100 : route.localPreference,
                    origin: route.origin, med: isExternal ? nil : route.med, communities: route.communities,
                    gateway: peer.policy.isNextHop || isExternal ? nil : route.gateway)
                guard isReflected else { continue }
                announced[prefix]?.originator = route.originator ?? route.peerID
                announced[prefix]?.clusters = [topology.routerID(of: peer.node)] + route.clusters
            }
        }
        var told: [IPPrefix: LearnedRoute] = [:]
        for (prefix, announcement) in announced where prefix.address.bitWidth == own.address.bitWidth {
            guard var sent = announcement.passing(listener.policies.out, prepending: peer.asn) else { continue }
            if isExternal {
                sent.path.insert(peer.asn, at: 0)
                sent.localPreference = 100
            }
            sent.weight = 0
            let ownID = topology.routerID(of: own.node)
            guard !sent.path.contains(own.asn), sent.originator != ownID, !sent.clusters.contains(ownID),
                let taken = sent.passing(listener.policies.in, prepending: peer.asn),
                let interface = taken.gateway.map({ interface(of: own.node, towards: $0) }) ?? own.interface
            else { continue }
            var route = LearnedRoute(
                prefix: prefix, session: listener.session, gateway: taken.gateway ?? peer.address,
                interface: interface, path: taken.path, receiver: own.asn, isExternal: isExternal,
                localPreference: taken.localPreference, origin: taken.origin, med: taken.med, weight: taken.weight,
                communities: taken.communities, peer: peer.address, peerID: listener.peerID)
            (route.originator, route.clusters) = (taken.originator, taken.clusters)
            told[prefix] = route
        }
        return told
    }

    /// Whether a node has a client at the other end of a session.
    private func reflects(_ node: String, in session: String) -> Bool {
        topology.session(named: session)?.speakers.first { $0.node == node }?.reflects ?? false
    }

    /// A next hop beyond the peer is taken only where a link of the node's own leads to it (RFC 4271, section 9.1.2.1).
    private func interface(of node: String, towards gateway: IPAddress) -> InterfaceName? {
        topology.linkEnds(of: node).first { $0.end.addresses.contains { $0.prefix.contains(gateway) } }?.end
            .routedInterface
            ?? topology.tunnelEnds(of: node).first { $0.end.inside?.prefix.contains(gateway) ?? false }?.end.interface
    }
}

extension Topology {
    /// What a node calls itself in BGP (RFC 4271, section 1: BGP Identifier): an IPv4 address of its own, or where it has none a number
    /// of its own in the same form.
    public func routerID(of node: String) -> IPv4Address {
        let own =
            linkEnds(of: node).flatMap(\.end.addresses).map(\.address)
            + tunnelEnds(of: node).compactMap(\.end.inside?.address)
        let index = nodes.firstIndex { $0.name == node } ?? 0
        return own.lazy.compactMap { if case .v4(let address) = $0 { address } else { nil } }.first
            ?? IPv4Address(rawValue: UInt32(index + 1))
    }
}
