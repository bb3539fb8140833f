import LabModel
import NetworkTypes

/// nftables rules for what a cloud's fabric enforces: security rules, source/destination check, 1:1 NAT.
///
/// They stand at the fabric's port, outside the instance, as in the real thing: nothing an instance does changes them.
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
        if let nat = node.nat {
            tables.append(("ip netlab-nat", translation(nat)))
        }
        guard !tables.isEmpty else { return nil }
        let purposes =
            guarded.map { "the fabric's port of \($0.0.name)" }
            + (node.nat?.mappings.map { "1:1 NAT \($0.outside) = \($0.inside)" } ?? [])
        return Ruleset(
            purpose: purposes.joined(separator: ", "), tables: tables.map(\.name), text: tables.map(\.text).joined(separator: "\n"))
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
                    checks.append("iifname \"\(port.interface)\" \(family) saddr != { \(set) } counter drop")
                    checks.append("oifname \"\(port.interface)\" \(family) daddr != { \(set) } counter drop")
                }
            }
            if let rules = instance.security {
                let chain = "to-\(instance.name)"
                jumps.append("oifname \"\(port.interface)\" jump \(chain)")
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
        let source = rule.source.isDefault ? "meta nfproto \(family == "ip" ? "ipv4" : "ipv6")" : "\(family) saddr \(rule.source)"
        let ports = rule.ports.isEmpty ? "" : " th dport { \(rule.ports.map(String.init).joined(separator: ", ")) }"
        let transport =
            switch rule.transport {
            case .any: ""
            case .tcp, .udp, .esp: " meta l4proto \(rule.transport.rawValue)"
            case .icmp: " meta l4proto \(icmp)"
            case .ipv6: " meta l4proto ipv6"
            }
        return "\(source)\(transport)\(ports) counter accept"
    }

    private static func translation(_ nat: OneToOneNAT) -> String {
        let inward = nat.mappings.map { "iifname \"\(nat.interface)\" ip daddr \($0.outside) counter dnat to \($0.inside)" }
        let outward = nat.mappings.map { "oifname \"\(nat.interface)\" ip saddr \($0.inside) counter snat to \($0.outside)" }
        return "table ip netlab-nat {\n"
            + chain("inward", ["type nat hook prerouting priority dstnat; policy accept;"] + inward)
            + chain("outward", ["type nat hook postrouting priority srcnat; policy accept;"] + outward) + "}"
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
