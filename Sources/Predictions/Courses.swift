import Daemons
import LabModel
import NetworkTypes

/// One way that packets take through a lab, or how far they get.
public struct Course: Hashable, Sendable {
    /// A link on the way.
    public struct Crossing: Hashable, Sendable {
        public let link: String
        public let sender: String
        /// The tunnels that the packet is inside of there, outermost first; none where it goes in clear.
        public let within: [String]
    }

    /// Whether it ends at who has its destination address.
    public let arrives: Bool
    /// Where and why it is lost; empty for one that arrives.
    public let loss: String
    /// The nodes that see the packet in clear and the tunnels that it enters itself, in order, without source and destination.
    public let places: [String]
    /// The tunnels that it enters itself, in order.
    public let tunnels: [String]
    public let crossings: [Crossing]
    /// Why it is not known for sure what becomes of them; nil where it is.
    public let doubt: String?
    /// The node where it ends; nil for one that does not arrive.
    public let end: String?

    init(_ path: Forwarding.Path) {
        arrives = path.arrives
        loss = path.loss
        doubt = path.doubt
        end = path.arrives ? path.nodes.last : nil
        places = Array(path.arrives ? path.places.dropFirst().dropLast() : path.places.dropFirst())
        tunnels = path.tunnels
        crossings = path.crossings.map {
            Crossing(link: $0.link, sender: $0.sender, within: $0.within.reversed())
        }
    }

    /// Whether it goes through a tunnel, itself or within another.
    public func uses(_ tunnel: String) -> Bool {
        tunnels.contains(tunnel) || crossings.contains { $0.within.contains(tunnel) }
    }
}

/// The ways of a probe's question and of its answer in a lab that is well: several where routes share traffic by flow.
public struct Courses: Hashable, Sendable {
    public let forth: [Course]
    public let back: [Course]
    /// Why no answer comes; nil where one does.
    public let loss: String?
    /// Why the ways are not known for sure; nil where they are.
    public let doubt: String?

    public var all: [Course] { forth + back }

    /// Whether an answer comes, whichever way a flow takes.
    public var isAnswered: Bool { loss == nil && doubt == nil && all.allSatisfy(\.arrives) }
}

extension Predictor {
    /// The ways of a probe that sends ``traffic``.
    public func courses(of probe: Probe) -> Courses {
        let journey = journey(of: probe, in: Damage())
        return Courses(
            forth: journey.forth.map(Course.init), back: journey.back.map(Course.init), loss: journey.loss,
            doubt: journey.openEnd ?? journey.doubt ?? opening(around: journey))
    }

    /// The ways of what an end of a tunnel negotiates, to the other end.
    public func negotiation(from end: TunnelEnd, of tunnel: Tunnel) -> [Course] {
        underlay(from: end, of: tunnel, isIKE: true, Damage()).map(Course.init)
    }

    /// The ways of a tunnel's own packets, from one end to the other.
    public func underlay(from end: TunnelEnd, of tunnel: Tunnel) -> [Course] {
        underlay(from: end, of: tunnel, isIKE: false, Damage()).map(Course.init)
    }

    /// The same of a tunnel without encryption; what carries it is another tunnel, perhaps.
    public func underlay(from end: PlainTunnelEnd, of tunnel: PlainTunnel) -> [Course] {
        forwarding.outerPaths(
            from: end.node, source: end.localAddress, to: end.remoteAddress, .wrapped(tunnel.kind.wrapping),
            of: tunnel.name, in: Damage()
        ).map(Course.init)
    }

    /// The ways of BGP's packets from one node to an address.
    public func conversation(from node: String, _ source: IPAddress?, to peer: IPAddress) -> [Course] {
        forwarding.paths(from: node, source: source, to: peer, .bgp, in: Damage()).map(Course.init)
    }

    /// When the last one has noticed some faults: routes taken back, silent peers given up.
    public func settling(of faults: [Fault]) -> Duration {
        let impact = impact(of: faults)
        let routes = changes(after: impact, in: impact.damage, since: Damage()).map(\.window.latest)
        let deaths = topology.tunnels.flatMap { tunnel in
            tunnel.ends.compactMap { death(of: $0, tunnel, impact, impact.damage)?.window.latest }
        }
        return max(routes.max() ?? .zero, deaths.max() ?? .zero)
    }

    /// What users' own files leave open of the ways themselves; nil for nothing.
    private func opening(around journey: Journey) -> String? {
        for tunnel in topology.tunnels where journey.all.contains(where: { $0.uses(tunnel.name) }) {
            for end in tunnel.ends where end.steering == .policy && end.wantedSelectors == nil {
                return "which packets \(end.node) sends into \(tunnel.name) is said in a way that is not read here"
            }
        }
        let nodes = Set(journey.all.flatMap(\.nodes))
        for node in topology.nodes where nodes.contains(node.name) && node.routingConfiguration != nil {
            guard let open = topology.openRouting(of: node.name).first else { continue }
            return "\(node.name)'s own configuration: \(open), which is not computed here"
        }
        return nil
    }
}
