import LabModel
import NetworkTypes
import YAMLReading

/// The link-local blocks (APIPA) that a provider's own BGP addresses may be from.
struct APIPARange: ProviderConstraint {
    static let kind = "apipa-range"
    static let keys = ["within"]
    static let severity = LabFileDiagnostic.Severity.error

    let within: [IPPrefix]

    init?(_ fields: YAMLFields) {
        guard fields.required("within", "the blocks they are from") != nil, let within = fields.prefixes("within")
        else {
            return nil
        }
        self.within = within
    }

    private var blocks: String { within.map(\.description).joined(separator: ", ") }

    var statement: String { "link-local (APIPA) BGP addresses of its own: from \(blocks)" }

    func findings(in design: Design) -> [Finding] {
        design.peerings.filter { peering in
            peering.own.isLinkLocal && !within.contains { $0.contains(peering.own) }
        }.map { peering in
            Finding(
                line: design.line("tunnels", peering.end.tunnel.name, "ends", peering.end.end.node, "inside"),
                message:
                    "bgp.\(peering.session): \(peering.end.end.node) peers from \(peering.own), outside the link-local blocks that \(design.provider) has for BGP",
                remedy: "Take the inside block of tunnel \(peering.end.tunnel.name) from \(blocks).")
        }
    }
}

/// How many link-local BGP addresses one public address of the provider's gateway takes.
struct APIPAPeerLimit: ProviderConstraint {
    static let kind = "apipa-peers-per-public-ip"
    static let keys = ["at-most"]
    static let severity = LabFileDiagnostic.Severity.error

    let most: Int

    init?(_ fields: YAMLFields) {
        guard let most = fields.number("at-most", 1...1000, "how many addresses") else { return nil }
        self.most = most
    }

    var statement: String {
        "one public address of a gateway has at most \(most) link-local (APIPA) BGP address\(most == 1 ? "" : "es")"
    }

    func findings(in design: Design) -> [Finding] {
        let local = design.peerings.filter(\.own.isLinkLocal)
        let gateways = Dictionary(grouping: local) { $0.end.end.identity }
        return gateways.sorted { $0.key < $1.key }.compactMap { address, peerings in
            let addresses = peerings.map(\.own).uniqued
            guard addresses.count > most, let last = peerings.last else { return nil }
            let node = last.end.end.node
            // Who asks for so many: the rules of the other side that this cannot be reconciled with.
            let against = peerings.compactMap { peering in
                design.rule(BGPAddressPerTunnel.kind, of: peering.end.peer.node)
            }.uniqued(by: \.id)
            let tunnels = peerings.map(\.end.tunnel.name).uniqued
            let demand =
                against.isEmpty
                ? "" : "; \(against.map(\.id).joined(separator: ", ")) asks for one of each tunnel to that address"
            return Finding(
                line: design.line("bgp", last.session),
                message:
                    "\(node) would peer from \(addresses.count) link-local addresses, \(addresses.map(\.description).joined(separator: " and ")) (tunnels \(tunnels.joined(separator: ", "))), on its one public address \(address), which takes \(most)\(demand)",
                remedy:
                    "End the other tunnel at a second public address of the gateway, or route statically: no `bgp:` over these tunnels, `routes:` at their ends.",
                against: against,
                refused: peerings.filter { !addresses.prefix(most).contains($0.own) }.map {
                    Refusal(session: $0.session, node: $0.end.end.node)
                })
        }
    }
}

/// Each tunnel to one address of a customer's gateway has a BGP address of its own there, and a session.
struct BGPAddressPerTunnel: ProviderConstraint {
    static let kind = "bgp-address-per-tunnel"
    static let keys: [String] = []
    static let severity = LabFileDiagnostic.Severity.warning

    init?(_ fields: YAMLFields) {}

    var statement: String {
        "dynamic routing: each tunnel to a customer's gateway has a session and a BGP address of its own there, also where the tunnels lead to one public address"
    }

    func findings(in design: Design) -> [Finding] {
        let ends = design.ownEnds.filter { !$0.tunnel.isUnused }
        let gateways = Dictionary(grouping: ends) { $0.end.remoteAddress }.filter { $0.value.count > 1 }
        return gateways.sorted { $0.key < $1.key }.flatMap { address, ends -> [Finding] in
            let speaking = ends.filter { end in design.wishes(over: end.tunnel).contains { $0.alone == nil } }
            guard !speaking.isEmpty, speaking.count < ends.count else { return [] }
            return ends.filter { end in !speaking.contains { $0.tunnel.name == end.tunnel.name } }.map { end in
                Finding(
                    line: design.line("tunnels", end.tunnel.name),
                    message:
                        "tunnels.\(end.tunnel.name): the tunnels to \(address) are routed dynamically, and this one has no session that both sides configure: it stays down, and nothing takes over for \(speaking.map(\.tunnel.name).joined(separator: ", "))",
                    remedy:
                        "Give \(end.peer.node) a second BGP address and a session over \(end.tunnel.name), or route all of them statically.",
                    against: [design.rule(APIPAPeerLimit.kind, of: end.peer.node)].compactMap { $0 })
            }
        }
    }
}

extension Design {
    /// A BGP session over a tunnel, wanted by either side, seen from the provider's end.
    struct Peering {
        let session: String
        let end: OwnEnd
        /// The provider's own address in it: its end's, or the one that the other side expects there.
        let own: IPAddress
    }

    var peerings: [Peering] {
        ownEnds.filter { !$0.tunnel.isUnused }.flatMap { end in
            wishes(over: end.tunnel).compactMap { wish in
                let expected = wish.alone.flatMap { $0.node == end.peer.node ? $0.peer : nil }
                return (expected ?? end.end.inside?.address).map { Peering(session: wish.name, end: end, own: $0) }
            }
        }
    }

    /// A rule of the provider that runs a node.
    func rule(_ kind: String, of node: String) -> ProviderRule? {
        provider(of: node).flatMap { providers[$0]?.rule(kind) }
    }
}

extension IPAddress {
    /// Whether it is from 169.254.0.0/16 (RFC 3927).
    var isLinkLocal: Bool {
        guard case .v4(let address) = self else { return false }
        return address.rawValue >> 16 == 0xA9FE
    }
}

extension Sequence {
    /// Without the elements that have a key for the second time.
    func uniqued<Key: Hashable>(by key: (Element) -> Key) -> [Element] {
        var seen: Set<Key> = []
        return filter { seen.insert(key($0)).inserted }
    }
}

extension Sequence where Element: Hashable {
    var uniqued: [Element] { uniqued { $0 } }
}
