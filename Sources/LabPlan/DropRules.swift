import LabModel
import NetworkTypes

/// nftables rules that drop what arrives at an end of a link or of a tunnel, by its kind; and what a speaker does not send any more.
///
/// The former come before all else, reassembly included (NF_IP_PRI_RAW_BEFORE_DEFRAG, linux/netfilter_ipv4.h): a capture on
/// the interface still shows what arrives.
struct DropRules {
    /// The matches at each node, in the order of the faults.
    private var matches: [String: [String]] = [:]
    /// The same of what leaves a node.
    private var leaving: [String: [String]] = [:]

    init(_ faults: [Fault], in topology: Topology) {
        for case .maintenance(let tunnel, let node) in faults {
            // As where nobody has the address: nothing is answered, and no tunnel that is negotiated from here gets anywhere.
            guard let end = topology.tunnel(named: tunnel)?.ends.first(where: { $0.node == node }) else { continue }
            for traffic: Fault.Traffic in [.esp, .udp500, .udp4500] { add(traffic, Self.outer(end), at: node) }
        }
        for case .bfdStopped(let session, let node) in faults {
            guard let session = topology.session(named: session),
                let own = session.speakers.first(where: { $0.node == node }), let peer = session.peer(of: own)
            else { continue }
            let family = own.address.bitWidth == 32 ? "ip" : "ip6"
            // RFC 5881, section 4; RFC 5883, section 5.
            leaving[node, default: []].append(
                "\(family) saddr \(own.address) \(family) daddr \(peer.address) udp dport { 3784, 4784 }")
        }
        for case .drop(let traffic, let place, let sender) in faults {
            if let link = topology.link(named: place) {
                for end in link.ends where sender == nil || link.peer(of: end)?.node == sender {
                    add(traffic, "iifname \"\(end.routedInterface)\"", at: end.node)
                }
            } else if let tunnel = topology.plainTunnel(named: place) {
                for end in tunnel.ends where sender == nil || tunnel.peer(of: end)?.node == sender {
                    add(traffic, "iifname \"\(end.interface)\"", at: end.node)
                }
            } else if let tunnel = topology.tunnel(named: place) {
                for end in tunnel.ends where sender == nil || tunnel.peer(of: end)?.node == sender {
                    let places = traffic.isOuter ? [Self.outer(end)] : Self.inner(tunnel, end)
                    for place in places { add(traffic, place, at: end.node) }
                }
            }
        }
    }

    /// What a tunnel's end receives from its peer, before it is opened.
    private static func outer(_ end: TunnelEnd) -> String {
        switch end.localAddress {
        case .v4: "ip saddr \(end.remoteAddress) ip daddr \(end.localAddress)"
        case .v6: "ip6 saddr \(end.remoteAddress) ip6 daddr \(end.localAddress)"
        }
    }

    /// What comes out of a tunnel at an end.
    private static func inner(_ tunnel: Tunnel, _ end: TunnelEnd) -> [String] {
        if let interface = end.interface { return ["iifname \"\(interface)\""] }
        return tunnel.carried(at: end).map { "meta ipsec exists \($0.mirrored.match)" }
    }

    private mutating func add(_ traffic: Fault.Traffic, _ place: String, at node: String) {
        matches[node, default: []] += traffic.matches.map { "\(place) \($0)" }
    }

    /// Nil for a node that drops nothing.
    func ruleset(for node: String) -> Ruleset? {
        let chains = [
            ("arriving", "prerouting priority -450", matches[node]), ("leaving", "output priority -450", leaving[node]),
        ].compactMap { name, hook, matches in
            matches.map { matches in
                "    chain \(name) {\n        type filter hook \(hook); policy accept;\n"
                    + matches.map { "        \($0) counter drop\n" }.joined() + "    }\n"
            }
        }
        guard !chains.isEmpty else { return nil }
        return Ruleset(
            purpose: "dropped traffic", tables: ["inet netlab-faults"],
            text: "table inet netlab-faults {\n\(chains.joined())}")
    }
}

extension Fault.Traffic {
    /// As nft(8) writes it; more than one where either will do.
    ///
    /// On port 4500 four zero bytes after the UDP header mark IKE, and anything else is an SPI (RFC 3948, section 2.2).
    /// A keepalive has a single byte: it is too short to be either.
    fileprivate var matches: [String] {
        let onPort4500 = ["udp sport 4500", "udp dport 4500"]
        return switch self {
        case .esp: ["meta l4proto esp"]
        case .espInUDP: onPort4500.map { "\($0) @th,64,32 != 0" }
        case .ike: ["udp sport 500", "udp dport 500"] + onPort4500.map { "\($0) @th,64,32 0" }
        case .udp500: ["udp sport 500", "udp dport 500"]
        case .udp4500: onPort4500
        case .fragNeeded: ["icmp type destination-unreachable icmp code 4", "icmpv6 type packet-too-big"]
        case .bgp: ["tcp sport 179", "tcp dport 179"]
        case .icmp: ["meta l4proto { icmp, icmpv6 }"]
        case .tcp: ["meta l4proto tcp"]
        case .udp: ["meta l4proto udp"]
        }
    }
}
