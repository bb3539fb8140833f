import LabModel
import NetworkTypes

extension SelectorPair {
    /// What nft(8) matches packets by that the end sends.
    var match: String {
        let family = local.address.bitWidth == 32 ? "ip" : "ip6"
        let prefixes = [("saddr", local), ("daddr", remote)].filter { !$0.1.isDefault }.map {
            "\(family) \($0.0) \($0.1)"
        }
        let ports = [("sport", localPort), ("dport", remotePort)].compactMap { name, port in
            port.map { "th \(name) \($0)" }
        }
        return
            (["meta nfproto \(family == "ip" ? "ipv4" : "ipv6")"] + prefixes
            + (upper.map { ["meta l4proto \($0.rawValue)"] } ?? []) + ports).joined(separator: " ")
    }
}

extension Topology {
    /// Whether a node drops packets by a rule: its own filter's, or those of the fabric's ports that instances are plugged into.
    public func filtersPackets(at node: Node) -> Bool {
        !node.filters.isEmpty
            || nodes.contains { instance in
                instance.role == .instance && (instance.security != nil || instance.sourceDestinationCheck)
                    && fabricPort(of: instance)?.node == node.name
            }
    }
}

/// nftables rules for what a cloud's fabric enforces (security rules, source/destination check, 1:1 NAT), and for a
/// router's filters and MSS clamp.
///
/// The fabric's stand at its port, outside the instance, as in the real thing: nothing an instance does changes them.
enum FilterRules {
    /// The ruleset of one node; nil where the fabric has nothing to enforce there.
    static func ruleset(for node: Node, in topology: Topology) -> Ruleset? {
        let guarded = topology.nodes.filter { $0.role == .instance }.compactMap { instance -> (Node, LinkEnd)? in
            guard let port = topology.fabricPort(of: instance), port.node == node.name,
                instance.security != nil || instance.sourceDestinationCheck
            else { return nil }
            return (instance, port)
        }
        var tables: [(name: String, text: String)] = []
        if !guarded.isEmpty {
            tables.append(("inet netlab-fabric", fabric(guarded, in: topology)))
        }
        if !node.filters.isEmpty {
            tables.append(("inet netlab-filter", filtering(node.filters)))
        }
        if let nat = node.nat {
            tables.append(("ip netlab-nat", translation(nat)))
        }
        let clamps = clamps(of: node, in: topology)
        if !clamps.isEmpty {
            tables.append(("inet netlab-mss", clamping(clamps)))
        }
        if !node.decrementsTTL {
            let hasIPv6 = topology.addresses(of: node.name).contains { $0.bitWidth == 128 }
            tables.append(("inet netlab-ttl", keepingTTL(hasIPv6: hasIPv6)))
        }
        let tagged = topology.linkEnds(of: node.name).map(\.end).filter { $0.vlanInterface != nil }.map(\.interface)
        if !tagged.isEmpty {
            tables.append(("inet netlab-vlan", onlyTagged(tagged)))
        }
        let timers = FixedTimers.text(for: node.name, in: topology)
        if let timers { tables.append((FixedTimers.table, timers)) }
        guard !tables.isEmpty else { return nil }
        let purposes =
            guarded.map { "the fabric's port of \($0.0.name)" }
            + node.filters.map { "the filter of \($0.interface)" }
            + (node.nat?.mappings.map { "1:1 NAT \($0.outside) = \($0.inside)" } ?? [])
            + (node.nat?.masqueraded.map { "masquerade of \($0.inside)" } ?? [])
            + clamps.map { "MSS clamp" + ($0.place.map { " of \($0.name)" } ?? "") }
            + (node.decrementsTTL ? [] : ["TTL kept"])
            + (timers == nil ? [] : ["hold times that are not negotiated"])
            + tagged.map { "only tagged frames at \($0)" }
        return Ruleset(
            purpose: purposes.joined(separator: ", "), tables: tables.map(\.name),
            text: tables.map(\.text).joined(separator: "\n"))
    }

    private static func fabric(_ guarded: [(instance: Node, port: LinkEnd)], in topology: Topology) -> String {
        var checks: [String] = []
        var jumps: [String] = []
        var chains: [String] = []
        for (instance, port) in guarded {
            let addresses = topology.linkEnds(of: instance.name).flatMap(\.end.addresses).map(\.address)
            if instance.sourceDestinationCheck {
                for (family, members) in byFamily(addresses) {
                    let set = members.map(\.description).joined(separator: ", ")
                    checks.append("iifname \"\(port.routedInterface)\" \(family) saddr != { \(set) } counter drop")
                    checks.append("oifname \"\(port.routedInterface)\" \(family) daddr != { \(set) } counter drop")
                }
            }
            if let rules = instance.security {
                let chain = "to-\(instance.name)"
                jumps.append("oifname \"\(port.routedInterface)\" jump \(chain)")
                let accepted = ["ct state established,related counter accept"] + rules.map(accept) + ["counter drop"]
                chains.append(self.chain(chain, accepted))
            }
        }
        let hooks = [
            chain("source-destination-check", ["type filter hook forward priority -10; policy accept;"] + checks),
            chain("security", ["type filter hook forward priority 0; policy accept;"] + jumps),
        ]
        return "table inet netlab-fabric {\n" + (chains + hooks).joined() + "}"
    }

    private static func accept(_ rule: SecurityRule) -> String {
        let (family, icmp) =
            switch rule.source.address {
            case .v4: ("ip", "icmp")
            case .v6: ("ip6", "icmpv6")
            }
        let source =
            rule.source.isDefault
            ? "meta nfproto \(family == "ip" ? "ipv4" : "ipv6")" : "\(family) saddr \(rule.source)"
        let ports = rule.ports.isEmpty ? "" : " th dport { \(rule.ports.map(String.init).joined(separator: ", ")) }"
        let transport =
            switch rule.transport {
            case .any: ""
            case .tcp, .udp, .esp: " meta l4proto \(rule.transport.rawValue)"
            case .icmp: " meta l4proto \(icmp)"
            case .ipv6: " meta l4proto ipv6"
            case .ipv4: " meta l4proto 4"
            }
        return "\(source)\(transport)\(ports) counter accept"
    }

    /// Before routing, so that what is for the node itself and what it forwards are filtered alike.
    private static func filtering(_ filters: [InboundFilter]) -> String {
        let passed = [
            "meta l4proto { tcp, udp } ct state established,related counter accept",
            "icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } counter accept",
        ]
        let chains = filters.map { chain("in-\($0.interface)", passed + $0.rules.map(accept) + ["counter drop"]) }
        let jumps = filters.map { "iifname \"\($0.interface)\" jump in-\($0.interface)" }
        return "table inet netlab-filter {\n" + chains.joined()
            + chain("arriving", ["type filter hook prerouting priority filter; policy accept;"] + jumps) + "}"
    }

    private static func translation(_ nat: AddressTranslation) -> String {
        let inward = nat.mappings.map {
            "iifname \"\(nat.interface)\" ip daddr \($0.outside) counter dnat to \($0.inside)"
        }
        let outward =
            nat.mappings.map { "oifname \"\(nat.interface)\" ip saddr \($0.inside) counter snat to \($0.outside)" }
            + nat.masqueraded.map { one in
                let match = "oifname \"\(nat.interface)\"\(one.inside.isDefault ? "" : " ip saddr \(one.inside)")"
                return "\(match) counter \(one.outside.map { "snat to \($0)" } ?? "masquerade")"
            }
        return "table ip netlab-nat {\n"
            + chain("inward", ["type nat hook prerouting priority dstnat; policy accept;"] + inward)
            + chain("outward", ["type nat hook postrouting priority srcnat; policy accept;"] + outward) + "}"
    }

    /// Traffic into and out of a tunnel at one of its ends, as nft(8) matches it.
    private struct TunnelTraffic {
        let name: String
        let entering: [String]
        let leaving: [String]

        init(by interface: InterfaceName) {
            name = "\(interface)"
            entering = ["oifname \"\(interface)\""]
            leaving = ["iifname \"\(interface)\""]
        }

        init(byPoliciesOf tunnel: Tunnel, at end: TunnelEnd) {
            name = "tunnel \(tunnel.name)"
            let carried = tunnel.carried(at: end)
            entering = carried.map { "rt ipsec exists \($0.match)" }
            leaving = carried.map { "meta ipsec exists \($0.mirrored.match)" }
        }
    }

    /// What a node clamps: traffic through one tunnel, or all that it forwards.
    private static func clamps(of node: Node, in topology: Topology) -> [(place: TunnelTraffic?, clamp: MSSClamp)] {
        let all: [(place: TunnelTraffic?, clamp: MSSClamp)] =
            [(nil, node.mss)]
            + topology.tunnelEnds(of: node.name).map { tunnel, end in
                let traffic =
                    end.interface.map { TunnelTraffic(by: $0) } ?? TunnelTraffic(byPoliciesOf: tunnel, at: end)
                return (traffic, tunnel.mss)
            } + topology.plainTunnelEnds(of: node.name).map { (TunnelTraffic(by: $0.end.interface), $0.end.mss) }
        return all.filter { $0.clamp != .off }
    }

    /// `rt mtu` is the smaller MTU of both directions' routes (nft_rt_get_eval, net/netfilter/nft_rt.c), and the kernel
    /// never raises a segment size (nft_exthdr_tcp_set_eval, net/netfilter/nft_exthdr.c).
    private static func clamping(_ clamps: [(place: TunnelTraffic?, clamp: MSSClamp)]) -> String {
        let change = { (clamp: MSSClamp) -> String in
            let size = if case .to(let bytes) = clamp { "\(bytes)" } else { "rt mtu" }
            return "tcp flags & (syn|rst) == syn counter tcp option maxseg size set \(size)"
        }
        let forwarded = clamps.flatMap { place, clamp -> [String] in
            guard let place else { return [change(clamp)] }
            return (place.leaving + place.entering).map { "\($0) \(change(clamp))" }
        }
        let own = clamps.flatMap { place, clamp in (place?.entering ?? []).map { "\($0) \(change(clamp))" } }
        return "table inet netlab-mss {\n"
            + chain("forwarded", ["type filter hook forward priority mangle; policy accept;"] + forwarded)
            + (own.isEmpty ? "" : chain("own", ["type filter hook output priority mangle; policy accept;"] + own)) + "}"
    }

    /// Drops what arrives at ports without the tag: packets with it arrive at the VLAN's interface.
    private static func onlyTagged(_ ports: [InterfaceName]) -> String {
        "table inet netlab-vlan {\n"
            + chain(
                "untagged",
                ["type filter hook prerouting priority -450; policy accept;"]
                    + ports.map { "iifname \"\($0)\" counter drop" }) + "}"
    }

    /// Gives each packet the hop back that forwarding is about to take, before it looks whether one is left (`ip_forward`,
    /// net/ipv4/ip_forward.c; `ip6_forward`, net/ipv6/ip6_output.c). nft(8) has no sums, so there is a rule for each number, found by
    /// its upper half; as of Linux 7.3 the field is written alone or not at all (`nft_nh_write_ok_ip6`, net/netfilter/nft_payload.c).
    /// A packet of 255 still loses its hop.
    private static func keepingTTL(hasIPv6: Bool) -> String {
        let fields = [("ttl", "ip ttl")] + (hasIPv6 ? [("hoplimit", "ip6 hoplimit")] : [])
        let halves = (0..<16).map { 16 * $0 }
        let chains = fields.flatMap { name, field in
            halves.map { half in
                chain(
                    "\(name)-\(half)",
                    (max(1, half)..<min(255, half + 16)).map { "\(field) \($0) \(field) set \($0 + 1) return" })
            }
        }
        let jumps = fields.map { name, field in
            "\(field) & 240 vmap { \(halves.map { "\($0) : goto \(name)-\($0)" }.joined(separator: ", ")) }"
        }
        return "table inet netlab-ttl {\n" + chains.joined()
            + chain("kept", ["type filter hook prerouting priority -450; policy accept;"] + jumps) + "}"
    }

    private static func chain(_ name: String, _ lines: [String]) -> String {
        "    chain \(name) {\n" + lines.map { "        \($0)\n" }.joined() + "    }\n"
    }

    private static func byFamily(_ addresses: [IPAddress]) -> [(family: String, members: [IPAddress])] {
        [("ip", 32), ("ip6", 128)].compactMap { family, width in
            let members = addresses.filter { $0.bitWidth == width }
            return members.isEmpty ? nil : (family, members)
        }
    }
}
