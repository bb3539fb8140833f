import HeaderStacks
import LabModel
import NetworkTypes

/// How long packets may be that enter a tunnel, so that their ESP fits the links between its ends.
struct TunnelRoom {
    /// Fits every shortest way between the ends: what can be advised, in bytes.
    let advised: Int
    /// Fits the way with the largest links: what is longer fits none, in bytes.
    let most: Int
    /// The smallest MTU on that way.
    let link: Int
}

extension Design {
    /// Nil where the tunnel's algorithms are not known, or no links join its ends.
    func room(of tunnel: Tunnel) -> TunnelRoom? {
        guard let esp = tunnel.espEncapsulation, tunnel.ends.count == 2,
            let (least, widest) = UnderlayPaths(topology).mtus(from: tunnel.ends[0].node, to: tunnel.ends[1].node),
            let advised = esp.largestInner(within: least), let most = esp.largestInner(within: widest)
        else { return nil }
        return TunnelRoom(advised: advised, most: most, link: widest)
    }
}

/// The ways between nodes by links alone, through nodes that forward.
private struct UnderlayPaths {
    private let neighbours: [String: [(node: String, mtu: Int)]]
    private let forwarders: Set<String>

    init(_ topology: Topology) {
        var neighbours: [String: [(node: String, mtu: Int)]] = [:]
        for link in topology.links where link.ends.count == 2 {
            let (one, other) = (link.ends[0].node, link.ends[1].node)
            neighbours[one, default: []].append((other, link.mtu.bytes))
            neighbours[other, default: []].append((one, link.mtu.bytes))
        }
        self.neighbours = neighbours
        forwarders = Set(topology.nodes.filter(\.role.forwards).map(\.name))
    }

    /// The smallest MTU of all links on shortest ways, and of the way on which it is largest; nil where there is no way.
    func mtus(from start: String, to end: String) -> (least: Int, widest: Int)? {
        let (there, back) = (distances(from: start), distances(from: end))
        guard start != end, let length = there[end] else { return nil }
        var least = Int.max
        for (node, distance) in there {
            for next in neighbours[node] ?? [] {
                if let rest = back[next.node], distance + 1 + rest == length { least = min(least, next.mtu) }
            }
        }
        return (least, widest(from: start, to: end))
    }

    private func goesOn(_ node: String, _ start: String) -> Bool { node == start || forwarders.contains(node) }

    private func distances(from start: String) -> [String: Int] {
        var distances = [start: 0]
        var queue = [start]
        while let node = queue.first {
            queue.removeFirst()
            guard goesOn(node, start), let distance = distances[node] else { continue }
            for next in neighbours[node] ?? [] where distances[next.node] == nil {
                distances[next.node] = distance + 1
                queue.append(next.node)
            }
        }
        return distances
    }

    /// The bottleneck of the way whose bottleneck is largest.
    private func widest(from start: String, to end: String) -> Int {
        var best = [start: Int.max]
        var open: Set = [start]
        while let node = open.max(by: { (best[$0] ?? 0) < (best[$1] ?? 0) }) {
            open.remove(node)
            guard goesOn(node, start), let width = best[node] else { continue }
            for next in neighbours[node] ?? [] where min(width, next.mtu) > best[next.node] ?? 0 {
                best[next.node] = min(width, next.mtu)
                open.insert(next.node)
            }
        }
        return best[end] ?? 0
    }
}
