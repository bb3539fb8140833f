import NetworkTypes

/// Which routes BGP brings to each node when every speaker has told its neighbours what it has to tell.
///
/// What a speaker advertises itself goes to that peer alone; what it passes on is its best route, which is the one with the
/// shortest path of AS numbers (RFC 4271, section 9.1.2.2 b; nothing here sets a local preference), of an internal and an
/// external one the external (d), and the first session's of those left. A path with the receiver's own number is a loop, and
/// is not taken (section 9.1.2); what an internal session told is not told another (section 9.2). A prefix that a node
/// advertises itself it does not learn: a speaker prefers its own.
public struct RoutePropagation: Sendable {
    /// What a session tells a node about a prefix.
    public struct Route: Hashable, Sendable {
        public let prefix: IPPrefix
        public let session: String
        /// The peer's address, as `next hop self` has it.
        public let gateway: IPAddress
        public let interface: InterfaceName
        /// The nearest first.
        public let path: [ASN]
        let isExternal: Bool

        public init(
            prefix: IPPrefix, session: String, gateway: IPAddress, interface: InterfaceName, path: [ASN],
            isExternal: Bool
        ) {
            self.prefix = prefix
            self.session = session
            self.gateway = gateway
            self.interface = interface
            self.path = path
            self.isExternal = isExternal
        }

        /// Smaller is better; routes alike in it share traffic (equal-cost multipath).
        var rank: Int { path.count * 2 + (isExternal ? 0 : 1) }
    }

    private struct Side: Hashable {
        let session: Int
        let node: String
    }

    private var told: [Side: [IPPrefix: Route]] = [:]
    private let topology: Topology

    /// - Parameter isHeard: Whether a node still goes by what a session tells it.
    public init(in topology: Topology, isHeard: (_ session: String, _ node: String) -> Bool) {
        self.topology = topology
        let heard = topology.sessions.enumerated().flatMap { index, session in
            session.speakers.compactMap { speaker -> (Side, BGPSpeaker, BGPSpeaker)? in
                guard let peer = session.peer(of: speaker), session.canComeUp,
                    isHeard(session.name, speaker.node)
                else { return nil }
                return (Side(session: index, node: speaker.node), speaker, peer)
            }
        }
        // A path has each AS once at most, so this many rounds carry every route as far as it goes.
        for _ in 0...(topology.sessions.count + 1) {
            let known = Dictionary(uniqueKeysWithValues: Set(heard.map(\.2.node)).map { ($0, routes(at: $0)) })
            var next: [Side: [IPPrefix: Route]] = [:]
            for (side, own, peer) in heard {
                next[side] = announcements(by: peer, to: own, over: side.session, knowing: known[peer.node] ?? [:])
            }
            if next == told { break }
            told = next
        }
    }

    /// What a node goes by: for each prefix the best routes, those of equal rank together.
    public func routes(at node: String) -> [IPPrefix: [Route]] {
        let own = Set(
            topology.sessions.flatMap(\.speakers).filter { $0.node == node }.flatMap(\.advertised))
        var best: [IPPrefix: [Route]] = [:]
        for index in topology.sessions.indices {
            for (prefix, route) in told[Side(session: index, node: node)] ?? [:] where !own.contains(prefix) {
                let others = best[prefix] ?? []
                let rank = others.first?.rank ?? .max
                if route.rank < rank { best[prefix] = [route] }
                if route.rank == rank { best[prefix] = others + [route] }
            }
        }
        return best
    }

    private func announcements(
        by peer: BGPSpeaker, to own: BGPSpeaker, over session: Int, knowing known: [IPPrefix: [Route]]
    ) -> [IPPrefix: Route] {
        let isExternal = peer.asn != own.asn
        var paths = Dictionary(peer.advertised.map { ($0, [ASN]()) }) { first, _ in first }
        if peer.passesOn {
            for (prefix, routes) in known where paths[prefix] == nil {
                guard let best = routes.first, best.session != topology.sessions[session].name,
                    isExternal || best.isExternal
                else { continue }
                paths[prefix] = best.path
            }
        }
        var told: [IPPrefix: Route] = [:]
        for (prefix, path) in paths {
            let whole = Array(repeating: peer.asn, count: (isExternal ? 1 : 0) + peer.prepended) + path
            guard prefix.address.bitWidth == own.address.bitWidth, !whole.contains(own.asn) else { continue }
            told[prefix] = Route(
                prefix: prefix, session: topology.sessions[session].name, gateway: peer.address,
                interface: own.interface, path: whole, isExternal: isExternal)
        }
        return told
    }
}
