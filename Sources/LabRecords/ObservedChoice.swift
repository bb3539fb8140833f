import LabModel
import NetworkTypes

/// Which of several routes to a prefix a node's daemon has chosen, and the step of RFC 4271, section 9.1.2.2, at which each other lost.
///
/// A daemon says which route is the best and not why: that follows from the attributes that it has for them.
public struct ObservedChoice: Hashable, Sendable, Codable {
    public struct Candidate: Hashable, Sendable, Codable {
        public let session: String
        public let isBest: Bool
        /// Its attributes as the daemon tells them, in words.
        public let attributes: String
        /// The step that has the best route before it; nil for the best, and where that does not follow from the attributes.
        public let step: RouteChoiceStep?
        /// Whether it shares traffic with the best: it is alike in all that counts before the peers' identifiers.
        public let isShared: Bool
    }

    public let node: String
    public let prefix: IPPrefix
    /// The best first, then by the step at which they lost, the last steps first.
    public let candidates: [Candidate]
    /// The step that leaves the best alone; nil where the attributes do not lead to what the daemon has chosen.
    public let step: RouteChoiceStep?

    public var best: Candidate? { candidates.first { $0.isBest } }

    /// Nil where no session tells the node that prefix, or the daemon takes none of what it is told.
    public init?(of routes: [ObservedBGPRoute], to prefix: IPPrefix, at node: String, in topology: Topology) {
        let routes = routes.filter { $0.prefix == prefix }
        guard let chosen = routes.first(where: \.isBest) else { return nil }
        let options = topology.node(named: node)?.bestPath ?? BestPathOptions()
        let learned = routes.compactMap { route in
            topology.learned(route, at: node).map { (route: route, learned: $0) }
        }
        let choice = RouteChoice(among: learned.map(\.learned), options)
        let isExplained = choice?.best.session == chosen.session && learned.count == routes.count
        let best = learned.first { $0.route == chosen }?.learned
        let others = routes.filter { $0 != chosen }.map { route -> Candidate in
            let own = learned.first { $0.route == route }?.learned
            let step = own.flatMap { own in best.flatMap { $0.step(before: own, options) } }
            return Candidate(
                session: route.session, isBest: false, attributes: route.attributes, step: isExplained ? step : nil,
                isShared: isExplained && (choice?.shared.contains { $0.session == route.session } ?? false))
        }
        self.node = node
        self.prefix = prefix
        step = isExplained ? choice?.step : nil
        candidates =
            [
                Candidate(
                    session: chosen.session, isBest: true, attributes: chosen.attributes, step: nil,
                    isShared: (choice?.shared.count ?? 0) > 1 && isExplained)
            ] + others.sorted { ($0.step ?? .only) > ($1.step ?? .only) }
    }
}

extension Topology {
    /// A route as the steps of choice compare it; nil for a session that the lab does not have.
    fileprivate func learned(_ route: ObservedBGPRoute, at node: String) -> LearnedRoute? {
        guard let session = session(named: route.session),
            let own = session.speakers.first(where: { $0.node == node }), let peer = session.peer(of: own)
        else { return nil }
        // Who told a route first that may have been reflected counts, and not every daemon tells.
        let isUnsure = route.reflection == nil && own.asn == peer.asn && peer.passesOn && reflects(peer.node)
        var learned = LearnedRoute(
            prefix: route.prefix, session: route.session, gateway: peer.address, interface: own.interface,
            path: route.path, receiver: own.asn, isExternal: own.asn != peer.asn,
            localPreference: route.localPreference ?? 100, origin: route.origin, med: route.med,
            weight: route.weight ?? 0, communities: route.communities, peer: peer.address,
            peerID: isUnsure ? nil : route.peerID)
        learned.originator = route.reflection?.originator
        learned.clusters = route.reflection?.clusters ?? []
        return learned
    }

    private func reflects(_ node: String) -> Bool {
        sessions.flatMap(\.speakers).contains { $0.node == node && $0.reflects }
    }
}

extension ObservedBGPRoute {
    /// All that it has, in words.
    public var attributes: String {
        let path = path.isEmpty ? "empty path" : "path \(path.map(\.description).joined(separator: " "))"
        let parts =
            [weight.map { "weight \($0)" }, localPreference.map { "local preference \($0)" }, path]
            + ["origin \(origin.rawValue)", med.map { "MED \($0)" }, peerID.map { "router id \($0)" }]
            + [
                reflection?.originator.map { "originator \($0)" },
                reflection.flatMap { $0.clusters.isEmpty ? nil : $0.clusters }.map {
                    "clusters \($0.map(\.description).joined(separator: " "))"
                },
                communities.isEmpty
                    ? nil : "communities \(communities.map(\.description).joined(separator: " "))",
            ]
        return parts.compactMap(\.self).joined(separator: ", ")
    }
}
