import AgentProtocol
import LabModel
import Netlink
import NetworkTypes
import NodeRuntime

/// Follows a packet through the lab by each node's own route lookup, sending nothing.
struct PathTracer {
    let topology: Topology
    let sandboxes: [String: NodeSandbox]

    func path(of probe: Probe) -> PathStatus {
        var hops: [PathStatus.Hop] = []
        var node = probe.source
        var input: InterfaceName?
        var source = topology.address(of: probe.source)
        let finish = { (hops: [PathStatus.Hop], reason: String?) in
            PathStatus(
                probe: probe.name, source: probe.source, destination: probe.destination, hops: hops, broken: reason)
        }
        let destination = topology.owner(of: probe.destination)
        // Who gets to the same place a second time goes on as the first time.
        var passed: Set<[String]> = []
        while passed.insert([node, input?.description ?? ""]).inserted {
            if destination == node {
                hops.append(.init(node: node, route: nil, tunnel: nil))
                return finish(hops, nil)
            }
            guard let sandbox = sandboxes[node] else { return finish(hops, "\(node) is not there") }
            let route: ResolvedRoute
            do {
                route = try sandbox.sockets.lookup(
                    destination: probe.destination, source: input == nil ? nil : source, inputInterface: input)
            } catch {
                hops.append(.init(node: node, route: nil, tunnel: nil))
                return finish(hops, "\(node) has no route to \(probe.destination)")
            }
            if input == nil, let preferred = route.preferredSource { source = preferred }
            let text = [
                route.prefix?.description ?? probe.destination.description, route.gateway.map { "via \($0)" },
                route.interface.map { "dev \($0)" },
            ].compactMap { $0 }.joined(separator: " ")
            guard let interface = route.interface,
                let (next, nextInput, tunnel) = neighbour(of: node, through: interface)
            else {
                hops.append(.init(node: node, route: text, tunnel: nil))
                return finish(hops, "\(node) sends it where the lab has nobody")
            }
            hops.append(.init(node: node, route: text, tunnel: tunnel))
            (node, input) = (next, nextInput)
        }
        return finish(hops, "the route lookups go in a circle")
    }

    private func neighbour(of node: String, through interface: InterfaceName) -> (
        node: String, input: InterfaceName, tunnel: String?
    )? {
        if let (link, end) = topology.linkEnds(of: node).first(where: { $0.end.routedInterface == interface }),
            let peer = link.peer(of: end)
        {
            return (peer.node, peer.routedInterface, nil)
        }
        return topology.tunnelEntrance(interface, of: node).map { ($0.peer, $0.peerInterface, $0.tunnel) }
    }
}
