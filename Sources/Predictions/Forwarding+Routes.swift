import Daemons
import LabModel
import NetworkTypes

/// Which way a node sends a packet.
extension Forwarding {
    /// A route of a node's, and what leads on from it.
    struct Candidate: Sendable {
        let prefix: IPPrefix
        let metric: Int
        let hops: [NextHop]
    }

    /// The next hops of the longest match, those of several routes that are equally good taken together.
    func nextHops(at place: Place, _ packet: Packet, _ damage: Damage) -> [NextHop] {
        let node = place.node
        let source = packet.source
        let rules = node.rules.sorted { $0.priority < $1.priority }.filter { rule in
            rule.from.map { prefix in source.map { prefix.contains($0) } ?? false } ?? true
                && rule.to.map { $0.contains(packet.destination) } ?? true
                && rule.inputInterface.map { $0 == packet.input } ?? true
        }
        for table in rules.map(\.table) + [Self.mainTable] {
            let question = Memory.Table(node: node.name, number: table, damage: damage)
            let matching = memory.tables(question) { candidates(at: place, in: table, damage) }
                .filter { $0.prefix.contains(packet.destination) }
            guard let longest = matching.map(\.prefix.length).max() else { continue }
            let best = matching.filter { $0.prefix.length == longest }
            let metric = best.map(\.metric).min()
            var hops: [NextHop] = []
            for hop in best.filter({ $0.metric == metric }).flatMap(\.hops) where !hops.contains(hop) {
                hops.append(hop)
            }
            return hops
        }
        return []
    }

    private static let mainTable: UInt32 = 254

    private func candidates(at place: Place, in table: UInt32, _ damage: Damage) -> [Candidate] {
        let node = place.node
        let isUp = { (interface: InterfaceName) in
            !damage.downPorts.contains(Damage.Port(node: node.name, interface: interface))
                && !place.isWaiting(interface, damage)
        }
        let fixed = node.routes.filter { $0.table == table }.map { route in
            Candidate(
                prefix: route.destination, metric: 0,
                hops: route.nextHops.compactMap { hop in
                    (hop.interface ?? hop.gateway.flatMap(place.interface(towards:))).map {
                        NextHop(gateway: hop.gateway, interface: $0)
                    }
                })
        }
        var all = fixed
        if table == Self.mainTable {
            all = connected(at: place, damage) + fixed + learned(at: node.name, damage)
        }
        return all.compactMap { candidate in
            let hops = candidate.hops.filter { isUp($0.interface) }
            return hops.isEmpty ? nil : Candidate(prefix: candidate.prefix, metric: candidate.metric, hops: hops)
        }
    }

    private func connected(at place: Place, _ damage: Damage) -> [Candidate] {
        let links = place.links.flatMap { _, end in
            end.addresses.map { ($0.prefix, 0, end.routedInterface) }
        }
        let tunnels = place.tunnels.flatMap { tunnel, end -> [(IPPrefix, Int, InterfaceName)] in
            let side = Damage.Side(name: tunnel.name, node: end.node)
            let isUp = !tunnel.isUnused && !damage.forgotten.contains(side)
            guard let interface = end.interface else { return [] }
            let routes = end.withdrawal == .never || isUp ? end.routes : []
            return [end.inside?.prefix].compactMap { $0 }.map { ($0, 0, interface) }
                + routes.map { ($0, Int(end.metric), interface) }
        }
        let plain = place.plainTunnels.flatMap { tunnel, end -> [Candidate] in
            let inside = [end.inside?.prefix].compactMap(\.self).map { ($0, nil as IPAddress?) }
            return (inside + end.routes.map { ($0, tunnel.gateway(of: end)) }).map { prefix, gateway in
                Candidate(prefix: prefix, metric: 0, hops: [NextHop(gateway: gateway, interface: end.interface)])
            }
        }
        return (links + tunnels).map { prefix, metric, interface in
            Candidate(prefix: prefix, metric: metric, hops: [NextHop(gateway: nil, interface: interface)])
        } + plain
    }

    /// What BGP and OSPF have told the node, with the metric that such routes have in the kernel.
    private func learned(at node: String, _ damage: Damage) -> [Candidate] {
        let metric = topology.routeMetric(of: node)
        return dynamicRoutes(in: damage).routes(at: node).map { prefix, routes in
            Candidate(
                prefix: prefix, metric: metric,
                hops: routes.map { NextHop(gateway: $0.gateway, interface: $0.interface) })
        }
    }

    /// Why it is not computed which route BGP gives a node for a packet; nil where it is.
    func doubt(at node: String, _ packet: Packet, _ damage: Damage) -> String? {
        let propagation = dynamicRoutes(in: damage).bgp
        let full = propagation.overLimit.subtracting(dynamicRoutes(in: Damage()).bgp.overLimit)
        if let session = full.sorted().first {
            return
                "\(session) is told more prefixes than it takes, and ends for good, which is not computed here"
        }
        return propagation.openEnd(at: node, for: packet.destination).map {
            "at \(node) \($0), which is not computed here"
        }
    }

    /// What protocols bring when some speakers have withdrawn what a session told them, and some routers have given each other up.
    private func dynamicRoutes(in damage: Damage) -> DynamicRoutes {
        let protocols = Memory.Protocols(damage)
        return memory.protocols(protocols) {
            let topology = topology
            let ospf = OSPFPropagation(
                in: topology, isAdjacent: { !protocols.parted.contains($0) },
                isTold: { protocols.tells($0, topology) }, isHalted: { protocols.halted.contains($0) })
            return DynamicRoutes(in: topology, ospf: ospf) { session, node in
                !protocols.withdrawn.contains(Damage.Side(name: session, node: node))
            }
        }
    }
}
