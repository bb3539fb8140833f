import LabModel
import NetworkTypes

// Routes into tunnels, which must leave no doubt where a packet goes.
extension TopologyResolver {
    /// A prefix leads into one tunnel of a node, or into several that all withdraw it when they are down.
    func checkTunnelRoutes() {
        for node in file.nodes {
            var seen: [IPPrefix: (tunnel: String, line: Int, withdrawal: TunnelEnd.RouteWithdrawal)] = [:]
            for tunnel in file.tunnels {
                for end in tunnel.ends where end.node.value == node.name.value {
                    let place = "tunnels.\(tunnel.name.value).ends.\(end.node.value)"
                    for route in end.routes {
                        if let earlier = seen[route.value] {
                            guard earlier.withdrawal == .never || end.withdrawal == .never else { continue }
                            collector.error(
                                route.line,
                                "\(place): \(route.value) leads into \(earlier.tunnel) already, in line \(earlier.line)",
                                "Set `withdraw: when-down` at both, and they share its traffic while both are up; or remove one."
                            )
                        }
                        seen[route.value] = (tunnel.name.value, route.line, end.withdrawal)
                    }
                }
            }
            for route in node.routes where route.entry.table == 254 {
                guard let end = seen[route.entry.destination] else { continue }
                collector.error(
                    end.line,
                    "nodes.\(node.name.value) has a route to \(route.entry.destination) of its own, in line \(route.line), besides the one into \(end.tunnel)",
                    "Keep one of them.")
            }
        }
    }
}
