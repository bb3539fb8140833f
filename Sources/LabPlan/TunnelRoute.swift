import LabModel
import NetworkTypes

/// A route that leads into those of its tunnels that are up, and is not there while none is.
///
/// A tunnel is up at a node that has security associations of it in both directions.
public struct TunnelRoute: Hashable, Sendable, Codable, CustomStringConvertible {
    /// A tunnel and the node's interface that leads into it.
    public struct Way: Hashable, Sendable, Codable {
        public let tunnel: String
        public let interface: InterfaceName
    }

    public let destination: IPPrefix
    /// As the kernel lists it. A route with a larger one is used while those with smaller ones are down.
    public let metric: UInt32
    /// In the lab file's order; several that are up share the traffic by flow.
    public let ways: [Way]

    /// `10.1.0.0/16 dev vpn1, dev vpn2 while their tunnels are up`.
    public var description: String {
        let words = ways.map { "dev \($0.interface)" }.joined(separator: ", ")
        let rank = metric == 0 || metric == Self.usualMetricOfIPv6 ? "" : " metric \(metric)"
        return "\(destination) \(words)\(rank) while \(ways.count > 1 ? "their tunnels are" : "its tunnel is") up"
    }

    /// What the kernel makes of 0 there (IP6_RT_PRIO_USER, net/ipv6/route.c).
    private static let usualMetricOfIPv6: UInt32 = 1024

    /// Those of a node, in the lab file's order.
    static func all(of node: String, in topology: Topology) -> [TunnelRoute] {
        struct Key: Hashable {
            let destination: IPPrefix
            let metric: UInt32
        }
        var ways: [Key: [Way]] = [:]
        var keys: [Key] = []
        for (tunnel, end) in topology.tunnelEnds(of: node) where end.withdrawal == .whenDown {
            guard let interface = end.interface else { continue }
            for prefix in end.routes {
                let isDefault = end.metric == 0 && prefix.address.bitWidth == 128
                let key = Key(destination: prefix, metric: isDefault ? usualMetricOfIPv6 : end.metric)
                if ways[key] == nil { keys.append(key) }
                ways[key, default: []].append(Way(tunnel: tunnel.name, interface: interface))
            }
        }
        return keys.map { TunnelRoute(destination: $0.destination, metric: $0.metric, ways: ways[$0] ?? []) }
    }
}
