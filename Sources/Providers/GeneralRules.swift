import LabModel
import NetworkTypes

/// Rules that are nobody's in particular: they follow from how IP forwards.
public enum GeneralRules {
    /// A rule with its name, where it is from, and what breaks it.
    public struct Rule: Sendable {
        public let id: String
        public let severity: LabFileDiagnostic.Severity
        public let statement: String
        public let source: ProviderSource
        public let findings: @Sendable (Design) -> [Finding]
    }

    public static let all = [
        Rule(
            id: "general/overlapping-prefixes", severity: .error,
            statement: "two clouds that are joined have no private block in common",
            source: ProviderSource(
                title: "RFC 1918, section 4: enterprises that are joined need addresses that are unique in both",
                url: "https://www.rfc-editor.org/rfc/rfc1918", read: nil), findings: overlaps),
        Rule(
            id: "general/longest-match", severity: .warning,
            statement:
                "a static route that backs up a way learned by BGP is not more specific than that way, nor the same",
            source: ProviderSource(
                title: "RFC 1812, section 5.2.4.3: the longest match wins, whatever else speaks for a route",
                url: "https://www.rfc-editor.org/rfc/rfc1812", read: nil), findings: traps),
        Rule(
            id: "general/asymmetric-routing", severity: .warning,
            statement: "where two ways lead to one place, no node on one of them filters strictly by the reverse path",
            source: ProviderSource(
                title: "RFC 3704, section 2.2: strict reverse path forwarding breaks asymmetric routing",
                url: "https://www.rfc-editor.org/rfc/rfc3704", read: nil), findings: asymmetries),
        Rule(
            id: "general/recursive-route", severity: .error,
            statement:
                "what leads into a tunnel, be it learned by BGP or static, does not lead to the tunnel's own far end",
            source: ProviderSource(
                title:
                    "RFC 2003, section 3.2: a packet to the tunnel's own exit point must not enter the tunnel",
                url: "https://www.rfc-editor.org/rfc/rfc2003", read: nil), findings: recursions),
        Rule(
            id: "general/tunnel-room", severity: .warning,
            statement: "what enters a tunnel fits the links between its ends when ESP is around it",
            source: ProviderSource(
                title: "RFC 4459, section 3.3: packets enter a tunnel only where its headers have room, too",
                url: "https://www.rfc-editor.org/rfc/rfc4459", read: nil), findings: crampedTunnels),
    ]

    /// A block that a cloud uses inside: the link between two of its own nodes.
    private struct Block {
        let prefix: IPPrefix
        let cloud: String
        let link: String
    }

    private static func overlaps(_ design: Design) -> [Finding] {
        let blocks = design.topology.links.flatMap { link -> [Block] in
            let clouds = Set(link.ends.map { design.cloud(of: $0.node) })
            guard clouds.count == 1, let cloud = clouds.first ?? nil else { return [] }
            return link.ends.flatMap(\.addresses).map(\.prefix).filter(\.isPrivate).uniqued.map {
                Block(prefix: $0, cloud: cloud, link: link.name)
            }
        }
        return blocks.indices.flatMap { index in
            let late = blocks[index]
            return blocks[..<index].filter { $0.cloud != late.cloud && $0.prefix.overlaps(late.prefix) }.prefix(1).map {
                Finding(
                    line: design.line("links", late.link),
                    message:
                        "links.\(late.link): \(late.prefix) of \(late.cloud) overlaps \($0.prefix) of \($0.cloud) (links.\($0.link)): neither can send to the other's part of it",
                    remedy: "Number one of the clouds anew, or translate its addresses on the way.")
            }
        }
    }

    /// Static routes that keep traffic from a way that BGP has learned.
    private static func traps(_ design: Design) -> [Finding] {
        design.topology.nodes.flatMap { node in
            node.routes.filter { $0.table == 254 }.compactMap { route -> Finding? in
                let learned = design.topology.sessions.flatMap { session -> [(session: String, prefix: IPPrefix)] in
                    guard let speaker = session.speakers.first(where: { $0.node == node.name }),
                        let peer = session.peer(of: speaker),
                        !route.nextHops.contains(where: {
                            $0.interface == speaker.interface || $0.gateway == peer.address
                        }), leads(route, from: node.name, to: peer.node, in: design)
                    else { return [] }
                    return peer.advertised.filter { $0.contains(route.destination) }.map { (session.name, $0) }
                }
                guard let main = learned.first else { return nil }
                let kind = learned.contains { $0.prefix == route.destination } ? "as specific as" : "more specific than"
                return Finding(
                    line: design.line("nodes", node.name, "routes", route.destination.description),
                    message:
                        "nodes.\(node.name): the static route to \(route.destination) is \(kind) \(main.prefix), which BGP learns by \(learned.map(\.session).uniqued.joined(separator: ", ")): it takes the traffic while BGP is up, too",
                    remedy:
                        "For a backup, make it less specific: a block that holds \(main.prefix) and more. Or have more specific prefixes advertised."
                )
            }
        }
    }

    /// Whether somebody in the other cloud has an address in the block: what the node's own cloud has is simply there.
    private static func leads(_ route: RouteEntry, from node: String, to peer: String, in design: Design) -> Bool {
        let owners = design.topology.links.flatMap(\.ends).filter { end in
            end.addresses.contains { route.destination.contains($0.address) }
        }.map { design.cloud(of: $0.node) }
        return owners.contains(design.cloud(of: peer)) && design.cloud(of: peer) != design.cloud(of: node)
    }

    /// Nodes with two ways to another cloud, tunnels or lines, of which one filters strictly and is not on every way back.
    private static func asymmetries(_ design: Design) -> [Finding] {
        design.topology.nodes.flatMap { node -> [Finding] in
            let tunnels = design.topology.tunnelEnds(of: node.name).filter { !$0.tunnel.isUnused }.compactMap { pair in
                pair.end.interface.map { interface in
                    (
                        interface: interface,
                        cloud: pair.tunnel.peer(of: pair.end).flatMap { design.cloud(of: $0.node) }
                    )
                }
            }
            let sessions = design.topology.sessions.flatMap { session in
                session.speakers.filter { $0.node == node.name }.map { speaker in
                    (
                        interface: speaker.interface,
                        cloud: session.peer(of: speaker).flatMap { design.cloud(of: $0.node) }
                    )
                }
            }
            let ways = (tunnels + sessions).filter { $0.cloud != nil && $0.cloud != node.cloud }
            let byCloud = Dictionary(grouping: ways.uniqued(by: \.interface)) { $0.cloud ?? "" }
            return byCloud.sorted { $0.key < $1.key }.flatMap { cloud, ways -> [Finding] in
                guard ways.count > 1 else { return [] }
                return ways.map(\.interface).filter { design.filtersReversePath(node.name, $0) }.map { interface in
                    Finding(
                        line: design.line("nodes", node.name, "sysctls"),
                        message:
                            "nodes.\(node.name): \(ways.count) ways lead to \(cloud), and strict reverse path filtering on \(interface) drops what comes by it while the way back is another",
                        remedy:
                            "Set net.ipv4.conf.all.rp_filter and net.ipv4.conf.\(interface).rp_filter to 0, or to 2 (loose)."
                    )
                }
            }
        }
    }
}

extension GeneralRules {
    /// Sessions that tell a prefix with the outer address of the tunnel that they go through.
    fileprivate static func recursions(_ design: Design) -> [Finding] {
        let topology = design.topology
        let routes = topology.tunnels.filter { !$0.isUnused }.flatMap { tunnel in
            tunnel.ends.compactMap { end -> Finding? in
                guard end.interface != nil, let node = topology.node(named: end.node),
                    let route = end.routes.first(where: { $0.contains(end.remoteAddress) }),
                    !hasOwnRoute(node, to: end.remoteAddress, within: route, in: topology)
                else { return nil }
                return Finding(
                    line: design.line("tunnels", tunnel.name),
                    message:
                        "tunnels.\(tunnel.name): \(end.node) sends \(route) into the tunnel, and with it what goes to the tunnel's own far end, \(end.remoteAddress)",
                    remedy:
                        "Give \(end.node) a route to \(end.remoteAddress) outside of the tunnel, or write narrower `routes:`."
                )
            }
        }
        return routes + learnedRecursions(design)
    }

    /// Whether a node has a route to an address, whichever table it is in, that is as specific as another and so goes before it.
    private static func hasOwnRoute(
        _ node: Node, to address: IPAddress, within other: IPPrefix, in topology: Topology
    ) -> Bool {
        let own =
            node.routes.map(\.destination) + topology.linkEnds(of: node.name).flatMap(\.end.addresses).map(\.prefix)
        return own.contains { $0.contains(address) && $0.length >= other.length }
    }

    private static func learnedRecursions(_ design: Design) -> [Finding] {
        design.topology.sessions.flatMap { session -> [Finding] in
            session.speakers.compactMap { speaker -> Finding? in
                let topology = design.topology
                guard let peer = session.peer(of: speaker), let node = topology.node(named: speaker.node),
                    let (tunnel, end) = topology.tunnelEnds(of: speaker.node).first(where: {
                        $0.end.interface == speaker.interface
                    }), let told = peer.advertised.first(where: { $0.contains(end.remoteAddress) })
                else { return nil }
                guard !hasOwnRoute(node, to: end.remoteAddress, within: told, in: topology) else { return nil }
                return Finding(
                    line: design.line("bgp", session.name),
                    message:
                        "bgp.\(session.name): \(peer.node) tells \(told), which has the far end of \(tunnel.name) itself, \(end.remoteAddress): \(node.name) would send the tunnel's own packets into the tunnel",
                    remedy:
                        "Give \(node.name) a route to \(end.remoteAddress) outside of the tunnel, or have less advertised."
                )
            }
        }
    }

    /// Tunnels whose own MTU, or whose segments, are longer than what ESP leaves on the way.
    fileprivate static func crampedTunnels(_ design: Design) -> [Finding] {
        design.topology.tunnels.filter { !$0.isUnused }.flatMap { tunnel -> [Finding] in
            guard let room = design.room(of: tunnel), let esp = tunnel.espEncapsulation, let end = tunnel.ends.first
            else { return [] }
            // Of what goes through, IPv4 has the shorter ones (RFC 6691).
            let headers = tunnel.carried(at: end).contains { $0.local.address.bitWidth == 32 } ? 40 : 60
            let way = "the links between its ends take \(room.link), which leaves \(room.most)"
            let advice = design.advice(for: tunnel)
            // What is more than a provider advises has been said by its own rule.
            if let long = tunnel.ends.first(where: { ($0.mtu?.bytes ?? 0) > room.most }), let mtu = long.mtu?.bytes,
                mtu <= advice ?? mtu
            {
                return [
                    Finding(
                        line: design.line("tunnels", tunnel.name, "mtu"),
                        message:
                            "tunnels.\(tunnel.name): packets of \(mtu) bytes do not fit: they would be \(esp.outerLength(ofInner: mtu)) with ESP, and \(way)",
                        remedy: "Write `mtu: \(room.advised)`, or count on ICMP and on fragments.")
                ]
            }
            // A gateway lets nothing longer into its own interface than that has for its MTU.
            let narrowest = tunnel.ends.compactMap { $0.mtu?.bytes }.min()
            switch tunnel.mss {
            case .to(let bytes) where bytes + headers > min(room.most, narrowest ?? room.most):
                let isOwn = bytes + headers <= room.most
                return [
                    Finding(
                        line: design.line("tunnels", tunnel.name, "mss"),
                        message:
                            "tunnels.\(tunnel.name): segments of \(bytes) bytes make packets of \(bytes + headers), and "
                            + (isOwn ? "the tunnel's MTU is \(narrowest ?? room.most)" : way),
                        remedy: "Write `mss: \(min(room.advised, narrowest ?? room.advised) - headers)`.")
                ]
            case .toPathMTU
            where tunnel.ends.contains(where: { $0.mtu == nil && $0.interface != nil }) && advice == nil:
                return [
                    Finding(
                        line: design.line("tunnels", tunnel.name, "mss"),
                        message:
                            "tunnels.\(tunnel.name): `mss: clamp-to-pmtu` trusts the interface's MTU, which does not count ESP without `mtu:`: \(way)",
                        remedy: "Write `mtu: \(room.advised)`, or `mss: \(room.advised - headers)`.")
                ]
            default: return []
            }
        }
    }
}

extension Design {
    /// The least MTU that the providers at a tunnel's ends advise for it; nil where none does.
    fileprivate func advice(for tunnel: Tunnel) -> Int? {
        tunnel.ends.compactMap { provider(of: $0.node) }.flatMap { providers[$0]?.rules ?? [] }
            .compactMap { ($0.constraint as? TunnelMTUAdvice)?.advice(for: tunnel) }.min()
    }
}

extension IPPrefix {
    /// Whether it is from the blocks for private use (RFC 1918, section 3; RFC 4193 for IPv6) or for carriers (RFC 6598).
    var isPrivate: Bool { Self.privateBlocks.contains { $0.contains(self) } }

    private static let privateBlocks = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]
        .compactMap(IPPrefix.init)
}
