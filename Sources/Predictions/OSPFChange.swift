import Daemons
import LabModel
import NetworkTypes
import RoutingDaemons

extension Damage {
    /// Whether an interface is up and its cable's other end as well.
    func hasCarrier(_ own: OSPFDomain.Interface, _ topology: Topology) -> Bool {
        guard !downNodes.contains(own.node), !downPorts.contains(Port(node: own.node, interface: own.interface)) else {
            return false
        }
        let peer = topology.link(named: own.link)?.ends.first { $0.node != own.node }
        return !(peer.map { downNodes.contains($0.node) } ?? false)
    }
}

// Routers that give each other up, and what all of their domain make of it.
extension Predictor {
    /// From what one router of a domain knows until all do: the delays of its links.
    private func flooding(in domain: OSPFDomain) -> Duration {
        Set(domain.interfaces.map(\.link)).reduce(Duration.zero) { sum, link in
            sum + (topology.link(named: link)?.delay ?? .zero)
        }
    }

    private func habits(in domain: OSPFDomain) -> OSPFHabits? {
        domain.routers.lazy.compactMap { topology.routingDaemonProfile(of: $0)?.ospfHabits }.first
    }

    /// From a route of BGP's that an edge gets or loses until its whole domain knows; zero without edges.
    var flooding: Duration {
        let telling = topology.ospf.filter { !$0.edges.isEmpty }
        return telling.map { flooding(in: $0) + (habits(in: $0)?.telling ?? .zero) }.max() ?? .zero
    }

    /// What an edge tells its domain less than a second after it has told something else of the same prefix waits for its repetition.
    func flooded(_ changes: [RouteChange]) -> [RouteChange] {
        changes.map { change in
            let node = change.side.node
            guard topology.ospfEdge(at: node)?.tellsDomain == true,
                changes.count(where: { $0.subject == .session && $0.side.node == node }) > 1,
                let habits = topology.routingDaemonProfile(of: node)?.ospfHabits
            else { return change }
            return RouteChange(
                subject: change.subject, side: change.side,
                window: change.window + Window(.zero, habits.repetition),
                reasons: change.reasons + [
                    "\(node) loses several sessions, and tells its domain of each; what it tells of a prefix less than 1s after the last time is not taken (RFC 2328, section 13: MinLSArrival), and repeated after \(habits.repetition.shortText) at most."
                ])
        }
    }

    func adjacencyChanges(after impact: Impact, in damage: Damage, since earlier: Damage) -> [RouteChange] {
        topology.ospf.flatMap { domain -> [RouteChange] in
            guard let habits = habits(in: domain) else { return [] }
            let adjacencies = domain.adjacencies
            let passive = domain.interfaces.filter(\.isPassive)
            let parted = adjacencies.compactMap { parting(of: $0, in: domain, impact, damage) }
            let untold = passive.filter { !damage.hasCarrier($0, topology) && !damage.downNodes.contains($0.node) }
                .map { own in
                    RouteChange(
                        subject: .adjacency, side: Damage.Side(name: own.link, node: own.node),
                        window: Window(.zero, .zero),
                        reasons: [
                            "\(own.node): \(own.interface) is down, and its network is not told of by OSPF any more."
                        ])
                }
            return (parted + untold).filter { !earlier.parted.contains($0.side.name) }.map { change in
                let known = flooding(in: domain) + habits.settling + propagation
                return RouteChange(
                    subject: .adjacency, side: change.side, window: change.window + Window(.zero, known),
                    reasons: change.reasons + [
                        "\(habits.settlingReason): all routers of \(domain.name) have other routes after \(known.shortText) at most."
                    ])
            }
        }
    }

    /// When the first of two routers gives the other up; from then on no router takes the link (RFC 2328, section 16.1: both name it).
    private func parting(
        of adjacency: OSPFDomain.Adjacency, in domain: OSPFDomain, _ impact: Impact, _ damage: Damage
    ) -> RouteChange? {
        let ends = [adjacency.ends.0, adjacency.ends.1]
        let side = Damage.Side(name: adjacency.link, node: ends[0].node)
        var windows: [Window] = []
        var reasons: [String] = []
        var isToldLate = false
        for own in ends {
            let peer = adjacency.peer(of: own.node)
            guard !damage.downNodes.contains(own.node), !damage.halted.contains(own.node) else { continue }
            if !damage.hasCarrier(own, topology) {
                windows.append(Window(.zero, .zero))
                reasons.append(
                    "\(own.node): \(own.interface) is down or has no carrier, and OSPF gives \(peer.node) up at once.")
            } else if isLost(on: adjacency.link, from: peer, damage) {
                windows.append(
                    Window(domain.dead - domain.hello - Self.timerError, domain.dead + Self.timerError))
                reasons.append(
                    "\(own.node) hears nothing more of \(peer.node) on \(adjacency.link), and gives it up \(domain.dead.shortText) after its last hello packet (RouterDeadInterval, RFC 2328, appendix C.3), which is 0 to \(domain.hello.shortText) old when the fault begins."
                )
            } else {
                // The next packet of a neighbour that hears nothing does not name it (1-WayReceived, section 10.2).
                isToldLate = true
            }
        }
        guard let earliest = windows.map(\.earliest).min(), let latest = windows.map(\.latest).max() else { return nil }
        return RouteChange(
            subject: .adjacency, side: side, window: Window(earliest, latest + (isToldLate ? domain.hello : .zero)),
            reasons: reasons)
    }

    /// What ospfd's timers may be late by.
    private static let timerError = Duration.milliseconds(10)

    /// Whether a router's packets on a link are lost.
    private func isLost(on link: String, from sender: OSPFDomain.Interface, _ damage: Damage) -> Bool {
        damage.halted.contains(sender.node) || damage.downNodes.contains(sender.node)
            || damage.downPorts.contains(Damage.Port(node: sender.node, interface: sender.interface))
            || damage.sieves.contains {
                $0.place == link && $0.traffic == nil && ($0.sender.map { $0 == sender.node } ?? true)
            }
    }

    /// Why OSPF keeps a fault from being predicted; nil where it does not.
    func doubtOfOSPF(about impact: Impact, _ faults: [Fault], around journey: Journey) -> String? {
        let nodes = Set(journey.all.flatMap(\.nodes))
        for domain in topology.ospf where domain.routers.contains(where: nodes.contains) {
            let routers = Set(domain.routers)
            if let router = impact.rebooting.union(impact.restartedRouters).sorted().first(where: routers.contains) {
                return
                    "what speaks OSPF at \(router) starts anew, and how its neighbours take that is not computed here"
            }
            if let restarted = impact.begunAnew.map(\.node).sorted().first(where: routers.contains) {
                return
                    "\(restarted) begins sessions anew, and what OSPF makes of routes that go and come within a second is not computed here"
            }
            if faults.count > 1, let halted = impact.damage.halted.sorted().first(where: routers.contains) {
                return
                    "the kernel of \(halted) keeps old routes while other things change as well, which is not computed here"
            }
            if let port = impact.damage.mtu.keys.first(where: { port in
                domain.interfaces.contains { $0.node == port.node && $0.interface == port.interface }
            }) {
                return
                    "\(port.node):\(port.interface) has another MTU, over which OSPF's neighbours do not come up again (RFC 2328, section 10.6), which is not computed here"
            }
            let links = Set(domain.adjacencies.map(\.link))
            if let degradation = impact.degradations.first(where: { $0.delays && links.contains($0.place) }) {
                return
                    "\(degradation.reason.prefix { $0 != ";" }), and whether OSPF's packets get through in time is not computed here"
            }
        }
        return nil
    }

    /// How routers find each other again on links that are mended, all of them at the same time.
    func adjoin(_ links: [String], _ restoration: inout Restoration) {
        var longest = Duration.zero
        for domain in topology.ospf {
            let parted = links.filter { link in domain.interfaces.contains { $0.link == link } }
            guard let habits = habits(in: domain), !parted.isEmpty else { continue }
            let latest = domain.hello + habits.adjoining + flooding(in: domain) + propagation + Self.start
            longest = max(longest, latest)
            restoration.reasons.append(
                "OSPF on \(parted.joined(separator: ", ")), when it is mended: the neighbour's next hello packet is up to \(domain.hello.shortText) away; \(habits.adjoiningReason): \(latest.shortText) at most."
            )
        }
        restoration.window = restoration.window.map { $0 + Window(.zero, longest) }
    }

    /// How long a daemon takes at most that is started again: what it computes takes no time.
    private static let start = Duration.seconds(1)
}

extension Duration {
    var isZero: Bool { self == .zero }
}
