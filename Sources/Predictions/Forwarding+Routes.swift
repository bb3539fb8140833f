import LabModel
import NetworkTypes
import Synchronization

/// Which way a node sends a packet.
extension Forwarding {
    private struct Candidate {
        let prefix: IPPrefix
        let metric: Int
        let hops: [NextHop]
    }

    /// The next hops of the longest match, those of several routes that are equally good taken together.
    func nextHops(at node: Node, _ packet: Packet, _ damage: Damage) -> [NextHop] {
        let source = packet.source
        let rules = node.rules.sorted { $0.priority < $1.priority }.filter { rule in
            rule.from.map { prefix in source.map { prefix.contains($0) } ?? false } ?? true
                && rule.to.map { $0.contains(packet.destination) } ?? true
                && rule.inputInterface.map { $0 == packet.input } ?? true
        }
        for table in rules.map(\.table) + [Self.mainTable] {
            let matching = candidates(of: node, in: table, damage).filter { $0.prefix.contains(packet.destination) }
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

    private func candidates(of node: Node, in table: UInt32, _ damage: Damage) -> [Candidate] {
        let isUp = { (interface: InterfaceName) in
            !damage.downPorts.contains(Damage.Port(node: node.name, interface: interface))
        }
        let fixed = node.routes.filter { $0.table == table }.map { route in
            Candidate(
                prefix: route.destination, metric: 0,
                hops: route.nextHops.compactMap { hop in
                    (hop.interface ?? hop.gateway.flatMap { interface(of: node.name, towards: $0) }).map {
                        NextHop(gateway: hop.gateway, interface: $0)
                    }
                })
        }
        var all = fixed
        if table == Self.mainTable {
            all = connected(at: node.name, damage) + fixed + learned(at: node.name, damage)
        }
        return all.compactMap { candidate in
            let hops = candidate.hops.filter { isUp($0.interface) }
            return hops.isEmpty ? nil : Candidate(prefix: candidate.prefix, metric: candidate.metric, hops: hops)
        }
    }

    private func connected(at node: String, _ damage: Damage) -> [Candidate] {
        let links = topology.linkEnds(of: node).flatMap { _, end in
            end.addresses.map { ($0.prefix, 0, end.routedInterface) }
        }
        let tunnels = topology.tunnelEnds(of: node).flatMap { tunnel, end in
            let side = Damage.Side(name: tunnel.name, node: node)
            let isUp = !tunnel.isUnused && !damage.forgotten.contains(side)
            let routes = end.withdrawal == .never || isUp ? end.routes : []
            return [end.inside?.prefix].compactMap { $0 }.map { ($0, 0, end.interface) }
                + routes.map { ($0, Int(end.metric), end.interface) }
        }
        let plain = topology.plainTunnelEnds(of: node).flatMap { _, end in
            ([end.inside?.prefix].compactMap { $0 } + end.routes).map { ($0, 0, end.interface) }
        }
        return (links + tunnels + plain).map { prefix, metric, interface in
            Candidate(prefix: prefix, metric: metric, hops: [NextHop(gateway: nil, interface: interface)])
        }
    }

    /// What BGP has told the node, with the metric that such routes have in the kernel.
    private func learned(at node: String, _ damage: Damage) -> [Candidate] {
        propagation(after: damage.withdrawn).routes(at: node).map { prefix, routes in
            Candidate(
                prefix: prefix, metric: 32,
                hops: routes.map { NextHop(gateway: $0.gateway, interface: $0.interface) })
        }
    }

    /// What BGP brings when some speakers have withdrawn what a session told them.
    private func propagation(after withdrawn: Set<Damage.Side>) -> RoutePropagation {
        if let known = propagations.values.withLock({ $0[withdrawn] }) { return known }
        let propagation = RoutePropagation(in: topology) { session, node in
            !withdrawn.contains(Damage.Side(name: session, node: node))
        }
        propagations.values.withLock { $0[withdrawn] = propagation }
        return propagation
    }

    /// Those worked out so far: a packet's way asks at each of its hops.
    final class Propagations: Sendable {
        let values = Mutex<[Set<Damage.Side>: RoutePropagation]>([:])
    }

    private func interface(of node: String, towards gateway: IPAddress) -> InterfaceName? {
        topology.linkEnds(of: node).first { $0.end.addresses.contains { $0.prefix.contains(gateway) } }?.end
            .routedInterface
            ?? topology.tunnelEntrances(of: node).first { $0.inside?.prefix.contains(gateway) ?? false }?.interface
    }
}
