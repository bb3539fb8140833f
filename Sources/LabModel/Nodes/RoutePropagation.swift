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

    /// An end of a session that goes by what the session tells it.
    private struct Listener {
        let session: String
        let own: BGPSpeaker
        let peer: BGPSpeaker
        var told: [IPPrefix: Route] = [:]
    }

    private var best: [String: [IPPrefix: [Route]]] = [:]

    /// - Parameter isHeard: Whether a node still goes by what a session tells it.
    public init(in topology: Topology, isHeard: (_ session: String, _ node: String) -> Bool) {
        var advertised: [String: Set<IPPrefix>] = [:]
        var listeners: [Listener] = []
        for session in topology.sessions {
            for speaker in session.speakers {
                advertised[speaker.node, default: []].formUnion(speaker.advertised)
                guard let peer = session.peer(of: speaker), session.canComeUp, isHeard(session.name, speaker.node)
                else { continue }
                listeners.append(Listener(session: session.name, own: speaker, peer: peer))
            }
        }
        let places = Dictionary(grouping: listeners.indices) { listeners[$0].own.node }
        // A path has each AS once at most, so this many rounds carry every route as far as it goes. In each, only those have
        // something new to tell who have learned something in the one before.
        var changed = Set(listeners.map(\.peer.node))
        for _ in 0...(topology.sessions.count + 1) where !changed.isEmpty {
            var learners: Set<String> = []
            for place in listeners.indices where changed.contains(listeners[place].peer.node) {
                let told = Self.announcements(to: listeners[place], knowing: routes(at: listeners[place].peer.node))
                guard told != listeners[place].told else { continue }
                listeners[place].told = told
                learners.insert(listeners[place].own.node)
            }
            for node in learners {
                let told = (places[node] ?? []).map { listeners[$0].told }
                best[node] = Self.best(of: told, without: advertised[node] ?? [])
            }
            changed = learners
        }
    }

    /// What a node goes by: for each prefix the best routes, those of equal rank together.
    public func routes(at node: String) -> [IPPrefix: [Route]] { best[node] ?? [:] }

    /// - Parameters:
    ///   - told: By each of a node's sessions, in their order.
    ///   - own: What the node advertises itself.
    private static func best(of told: [[IPPrefix: Route]], without own: Set<IPPrefix>) -> [IPPrefix: [Route]] {
        var best: [IPPrefix: [Route]] = [:]
        for routes in told {
            for (prefix, route) in routes where !own.contains(prefix) {
                let rank = best[prefix]?.first?.rank ?? .max
                if route.rank < rank { best[prefix] = [route] }
                if route.rank == rank { best[prefix]?.append(route) }
            }
        }
        return best
    }

    private static func announcements(
        to listener: Listener, knowing known: [IPPrefix: [Route]]
    ) -> [IPPrefix: Route] {
        let (own, peer) = (listener.own, listener.peer)
        let isExternal = peer.asn != own.asn
        var paths = Dictionary(peer.advertised.map { ($0, [ASN]()) }) { first, _ in first }
        if peer.passesOn {
            for (prefix, routes) in known where paths[prefix] == nil {
                guard let best = routes.first, best.session != listener.session,
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
                prefix: prefix, session: listener.session, gateway: peer.address,
                interface: own.interface, path: whole, isExternal: isExternal)
        }
        return told
    }
}
