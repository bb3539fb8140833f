import NetworkTypes

// What the words of a fault's text stand for.
extension FaultReader {
    // MARK: Names

    /// The one of `all` that has the name.
    private func named<Part>(_ name: String?, _ all: [Part], _ path: KeyPath<Part, String>, noun: String)
        throws(FaultError) -> Part
    {
        let name = name ?? ""
        guard let part = all.first(where: { $0[keyPath: path] == name }) else {
            throw unknown(name, among: all.map { $0[keyPath: path] }, noun: noun)
        }
        return part
    }

    private func unknown(_ name: String, among names: [String], noun: String) -> FaultError {
        FaultError(
            "There is no \"\(name)\". \(Suggestion.remedy(for: name, among: Set(names), noun: noun))", unknownName: name
        )
    }

    func node(_ name: String?) throws(FaultError) -> Node {
        try named(name, topology.nodes, \.name, noun: "nodes")
    }

    func session(_ name: String?) throws(FaultError) -> BGPSession {
        try named(name, topology.sessions, \.name, noun: "BGP sessions")
    }

    func link(_ name: String?) throws(FaultError) -> String {
        try named(name, topology.links, \.name, noun: "links").name
    }

    func taggedLink(_ name: String?) throws(FaultError) -> Link {
        let link = try named(name, topology.links, \.name, noun: "links")
        guard link.vlan != nil else {
            throw FaultError(
                "Link \(link.name) has no VLAN: take `link \(link.name) down`. Links with one: "
                    + Self.list(topology.links.filter { $0.vlan != nil }.map(\.name)))
        }
        return link
    }

    func end(_ name: String, of link: Link) throws(FaultError) -> String {
        try one(name, of: link.ends.map(\.node), noun: "ends of \(link.name)")
    }

    func linkOrTunnel(_ name: String?) throws(FaultError) -> String {
        let names = topology.links.map(\.name) + topology.tunnels.map(\.name) + topology.plainTunnels.map(\.name)
        return try named(name, names, \.self, noun: "links and tunnels")
    }

    /// A tunnel that comes up: nothing of another can break.
    func usedTunnel(_ name: String?) throws(FaultError) -> Tunnel {
        let tunnel = try named(name, topology.tunnels, \.name, noun: "tunnels")
        guard !tunnel.isUnused else {
            throw FaultError(
                "Tunnel \(tunnel.name) is unused: it never comes up. Used tunnels: "
                    + Self.list(topology.tunnels.filter { !$0.isUnused }.map(\.name)))
        }
        return tunnel
    }

    func zone(_ name: String?) throws(FaultError) -> String {
        let zones = Set(topology.nodes.compactMap(\.zone) + topology.nodes.compactMap(\.cloud))
        return try named(name, zones.sorted(), \.self, noun: "zones and clouds")
    }

    func daemon(_ text: String?) throws(FaultError) -> (node: String, kind: DaemonID) {
        let known = topology.nodes.flatMap { node in
            topology.daemons(of: node.name).map { (node: node.name, kind: $0) }
        }
        let parts = (text ?? "").split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let node = try node(parts[0]).name
        guard let daemon = known.first(where: { $0.node == node && [node, $0.kind.rawValue] == parts }) else {
            let own = known.filter { $0.node == node }.map(\.kind.rawValue)
            let runs = own.isEmpty ? "no daemon" : own.joined(separator: " and ")
            let all = known.map { "\($0.node)/\($0.kind.rawValue)" }
            throw FaultError(
                "Node \(node) runs \(runs). \(Suggestion.remedy(for: text ?? "", among: all, noun: "daemons"))",
                unknownName: text)
        }
        return daemon
    }

    // MARK: Ends

    /// The node that sends, one end of the link or tunnel; nil for both.
    func sender(_ name: String?, on place: String?) throws(FaultError) -> String? {
        guard let name else { return nil }
        let place = place ?? ""
        return try one(name, of: ends(of: place), noun: "ends of \(place)")
    }

    /// The nodes at the ends of a link or tunnel; none where there is no such thing.
    private func ends(of place: String) -> [String] {
        if let link = topology.link(named: place) { return link.ends.map(\.node) }
        if let tunnel = topology.tunnel(named: place) { return tunnel.ends.map(\.node) }
        if let tunnel = topology.plainTunnel(named: place) { return tunnel.ends.map(\.node) }
        return []
    }

    /// An end of the tunnel, its first unless named.
    func end(_ name: String?, of tunnel: Tunnel) throws(FaultError) -> String {
        try one(name, of: tunnel.ends.map(\.node), noun: "ends of \(tunnel.name)")
    }

    /// A mismatch that the end's configuration can have.
    func mismatch(of tunnel: Tunnel, _ parameter: Fault.Parameter, at node: String) throws(FaultError) -> Fault {
        let end = tunnel.ends.first { $0.node == node }
        if parameter == .certificate, case .own = end?.configuration {
            throw FaultError(
                "\(tunnel.name) has files of its own at \(node), whose certificate netlab does not replace. Take a tunnel that netlab configures."
            )
        }
        switch (parameter, end?.certificate) {
        case (.certificate, nil):
            throw FaultError(
                "\(tunnel.name) authenticates by a pre-shared key at \(node): take `mismatch \(tunnel.name) psk at \(node)`."
            )
        case (.psk, .some):
            throw FaultError(
                "\(tunnel.name) authenticates by certificate at \(node): take `mismatch \(tunnel.name) certificate at \(node)`."
            )
        default: return .mismatch(tunnel: tunnel.name, parameter, node: node)
        }
    }

    /// A revocation by the lab's own authority: of a certificate of another subject, for a daemon's store may tell them apart by nothing else.
    func revocation(of tunnel: Tunnel, at node: String) throws(FaultError) -> Fault {
        guard let use = tunnel.ends.first(where: { $0.node == node })?.certificate, case .made = use.origin else {
            throw FaultError(
                "\(tunnel.name) has no certificate at \(node) that the lab's own CA has signed and could revoke. Take a tunnel with `certificate: {key-type: …, identity: address}`."
            )
        }
        if case .distinguishedName = use.identity {
            throw FaultError(
                "\(node) calls itself \(use.identity) in \(tunnel.name), the subject of its certificate, and the revoked one has another. Write `certificate: {…, identity: address}`, or a DNS name."
            )
        }
        return .mismatch(tunnel: tunnel.name, .revoked, node: node)
    }

    /// The maintenance of a tunnel's end: of the one in a provider's cloud unless named; of the first where both are, or neither is.
    func maintenance(of tunnel: Tunnel, at name: String?) throws(FaultError) -> Fault {
        let providers = tunnel.ends.filter { end in
            topology.clouds.contains { $0.name == topology.node(named: end.node)?.cloud && $0.provider != nil }
        }
        let node = try end(name ?? (providers.count == 1 ? providers[0].node : nil), of: tunnel)
        let own = tunnel.ends.first { $0.node == node }
        let others = topology.tunnelEnds(of: node).filter { other, end in
            other.name != tunnel.name && !other.isUnused && end.localAddress == own?.localAddress
                && end.remoteAddress == own?.remoteAddress
        }.map(\.tunnel.name)
        guard others.isEmpty else {
            throw FaultError(
                "\(tunnel.name) is between the same addresses as \(others.joined(separator: " and ")): its endpoint at \(node) cannot be away alone. Take `node \(node) down`."
            )
        }
        return .maintenance(tunnel: tunnel.name, node: node)
    }

    /// A speaker of the session, its first unless named.
    func speaker(_ name: String?, of session: BGPSession) throws(FaultError) -> String {
        try one(name, of: session.speakers.map(\.node), noun: "speakers of \(session.name)")
    }

    /// A session whose speakers both have BFD, or may have it in a configuration of their own.
    func sessionWithBFD(_ name: String?) throws(FaultError) -> BGPSession {
        func hasBFD(_ session: BGPSession) -> Bool {
            session.speakers.allSatisfy {
                $0.bfd != nil || topology.node(named: $0.node)?.routingConfiguration != nil
            }
        }
        let session = try session(name)
        guard hasBFD(session) else {
            throw FaultError(
                "\(session.name) has no BFD that could stop. Sessions with BFD: "
                    + Self.list(topology.sessions.filter(hasBFD).map(\.name)))
        }
        return session
    }

    /// A speaker whose configuration netlab writes, and so can write anew.
    func configuredSpeaker(_ name: String?, of session: BGPSession) throws(FaultError) -> String {
        let speaker = try speaker(name, of: session)
        guard topology.node(named: speaker)?.routingConfiguration == nil else {
            let others = session.speakers.map(\.node).filter { topology.node(named: $0)?.routingConfiguration == nil }
            throw FaultError(
                "Node \(speaker) brings its own routing configuration, which netlab does not change. "
                    + (others.isEmpty ? "So does its peer." : "Write `at \(others.joined(separator: ", "))`."))
        }
        return speaker
    }

    private func one(_ name: String?, of ends: [String], noun: String) throws(FaultError) -> String {
        guard let name else { return ends[0] }
        // A node that is there but is no end is not an unknown name.
        guard topology.node(named: name) == nil || ends.contains(name) else {
            throw FaultError("Node \(name) is not one of the \(noun): \(Self.list(ends))")
        }
        return try named(name, ends, \.self, noun: noun)
    }

    static func list(_ names: [String]) -> String {
        names.isEmpty ? "none." : names.sorted().joined(separator: ", ") + "."
    }

    // MARK: Amounts

    func choice<Choice: RawRepresentable<String> & CaseIterable>(_ text: String?, noun: String)
        throws(FaultError) -> Choice
    {
        guard let choice = Choice(rawValue: text ?? "") else {
            throw FaultError(
                "\"\(text ?? "")\" is not one of the \(noun). "
                    + Suggestion.remedy(for: text ?? "", among: Choice.allCases.map(\.rawValue), noun: noun))
        }
        return choice
    }

    func share(_ text: String?) throws(FaultError) -> Percentage {
        guard let share = Percentage(text ?? ""), share.fraction > 0 else {
            throw FaultError("\"\(text ?? "")\" is not a share. Write more than 0% and at most 100%, such as 0.5%.")
        }
        return share
    }

    func time(_ text: String?) throws(FaultError) -> Duration {
        // Longer than any protocol waits: what is meant then is a black hole.
        guard let time = Duration(text: text ?? ""), time > .zero, time <= .seconds(3600) else {
            throw FaultError("\"\(text ?? "")\" is not a delay. Write more than 0s and at most 1h, such as 20ms.")
        }
        return time
    }

    func rate(_ text: String?) throws(FaultError) -> BitRate {
        guard let rate = BitRate(text ?? "") else {
            throw FaultError("\"\(text ?? "")\" is not a rate. Write one such as 500mbit or 1.25gbit.")
        }
        return rate
    }

    /// RFC 4271, section 4.2: zero, or at least three seconds; whole seconds in 16 bits.
    func hold(_ text: String?) throws(FaultError) -> Duration {
        guard let hold = Duration(text: text ?? ""), hold.components.attoseconds == 0, hold <= .seconds(65535),
            hold == .zero || hold >= .seconds(3)
        else {
            throw FaultError(
                "\"\(text ?? "")\" is not a hold time. Write 0s, or whole seconds from 3s to 65535s (RFC 4271).")
        }
        return hold
    }

    // MARK: What takes more than one word

    func impairment(_ impairment: Fault.Impairment, _ arguments: Arguments) throws(FaultError) -> Fault {
        .impairment(impairment, link: try link(arguments[0]), sender: try sender(arguments[2], on: arguments[0]))
    }

    func mtu(_ arguments: Arguments) throws(FaultError) -> Fault {
        let node = try node(arguments[0]).name
        let interfaces =
            topology.linkEnds(of: node).map { (name: $0.end.routedInterface.description, mtu: Optional($0.link.mtu)) }
            + topology.tunnelEnds(of: node).compactMap { _, end in
                end.interface.map { (name: $0.description, mtu: end.mtu) }
            }
            + topology.plainTunnelEnds(of: node).map { tunnel, end in
                (name: end.interface.description, mtu: MTU(topology.mtu(of: end, in: tunnel.kind)))
            }
        let interface = try named(arguments[1], interfaces, \.name, noun: "interfaces of \(node)")
        guard let name = InterfaceName(interface.name) else {
            throw unknown(interface.name, among: interfaces.map(\.name), noun: "interfaces of \(node)")
        }
        let most = (interface.mtu?.bytes ?? 65536) - 1
        guard let mtu = MTU(arguments[2] ?? ""), mtu.bytes <= most else {
            let now = interface.mtu.map { ", below the \($0) that \(name) of \(node) has" } ?? ""
            throw FaultError("\"\(arguments[2] ?? "")\" is not a lower MTU. Write 68 to \(most)\(now).")
        }
        return .mtu(node: node, name, mtu)
    }

    func translator(_ name: String?) throws(FaultError) -> (node: Node, nat: AddressTranslation) {
        let node = try node(name)
        guard let nat = node.nat else {
            throw FaultError(
                "Node \(node.name) translates no addresses. Nodes that do: "
                    + Self.list(topology.nodes.filter { $0.nat != nil }.map(\.name)))
        }
        return (node, nat)
    }

    func changedMapping(_ arguments: Arguments) throws(FaultError) -> Fault {
        let (node, nat) = try translator(arguments[0])
        let outside = arguments[1] ?? ""
        guard let mapping = nat.mappings.first(where: { $0.outside == IPAddress(outside) }) else {
            let known = nat.mappings.map(\.outside.description)
            throw unknown(outside, among: known, noun: "public addresses of \(node.name)")
        }
        guard let inside = IPAddress(arguments[2] ?? ""), inside.bitWidth == mapping.outside.bitWidth,
            inside != mapping.inside
        else {
            throw FaultError(
                "\"\(arguments[2] ?? "")\" is not another private address. Write one for \(mapping.outside) instead of "
                    + "\(mapping.inside), which it stands for now.")
        }
        return .natChanged(node: node.name, outside: mapping.outside, inside: inside)
    }

    func removedRule(_ arguments: Arguments) throws(FaultError) -> Fault {
        let node = try node(arguments[0])
        guard let rules = node.security else {
            throw FaultError(
                "Node \(node.name) has no security rules: everything comes in. Nodes with some: "
                    + Self.list(topology.nodes.filter { $0.security != nil }.map(\.name)))
        }
        let transport = try arguments[2].map { text throws(FaultError) -> SecurityRule.TransportProtocol in
            try choice(text, noun: "protocols")
        }
        let source = arguments[1] ?? ""
        guard
            let rule = rules.first(where: {
                $0.source == IPPrefix(source) && (transport == nil || $0.transport == transport)
            })
        else {
            let known = rules.map { $0.transport == .any ? "\($0.source)" : "\($0.source) \($0.transport.rawValue)" }
            let name = [source, arguments[2]].compactMap { $0 }.joined(separator: " ")
            throw unknown(name, among: known, noun: "security rules of \(node.name)")
        }
        return .securityRuleRemoved(node: node.name, source: rule.source, transport)
    }

    func sourceDestinationCheck(_ name: String?) throws(FaultError) -> Fault {
        let node = try node(name)
        guard node.role == .instance, !node.sourceDestinationCheck else {
            let state = node.role == .instance ? "is on already" : "does not exist: it is no instance"
            let off = topology.nodes.filter { $0.role == .instance && !$0.sourceDestinationCheck }
            throw FaultError(
                "The source/destination check of \(node.name) \(state). Instances without it: "
                    + Self.list(off.map(\.name)))
        }
        return .sourceDestinationCheck(node: node.name)
    }
}
