import NetworkTypes

// What the lab must show. Each is `KIND: SUBJECT` with what else its kind takes.
extension TopologyResolver {
    func resolve(expectation name: Located<String>, _ value: YAMLValue, topology: Topology) -> Expectation? {
        let entries = value.entries("a mapping such as {mtu: PROBE}")
        let written = entries.map(\.key.value).filter(Expectation.Claim.kinds.contains)
        guard let kind = written.first, written.count == 1 else {
            if value.node.mapping != nil {
                collector.error(
                    name.line, "\(value.path) says \(written.isEmpty ? "no kind" : "several kinds") of expectation",
                    guess(among: entries.map(\.key.value))
                        + "Write exactly one of \(Expectation.Claim.kinds.joined(separator: ", ")).")
            }
            return nil
        }
        guard let fields = value.fields([kind, "when"] + Self.options(of: kind)) else { return nil }
        let reader = ClaimReader(resolver: self, topology: topology, fields: fields, kind: kind)
        let when = fields["when"].flatMap { reader.condition($0) }
        guard let claim = reader.claim(), fields["when"] == nil || when != nil else { return nil }
        reader.checkSense(of: claim, when: when)
        return Expectation(name: name.value, line: name.line, when: when, claim: claim)
    }

    /// The kind that a mistyped key most likely meant.
    private func guess(among keys: [String]) -> String {
        let options = Expectation.Claim.kinds.flatMap(Self.options) + ["when"]
        let strange = keys.filter { !options.contains($0) && !Expectation.Claim.kinds.contains($0) }
        return strange.lazy.compactMap { Suggestion.nearest(to: $0, among: Expectation.Claim.kinds) }.first
            .map { "Did you mean \"\($0)\"? " } ?? ""
    }

    private static func options(of kind: String) -> [String] {
        switch kind {
        case "encapsulation": ["in", "as", "esp", "on"]
        case "confidentiality": ["allow", "on"]
        case "mtu": ["is", "beyond"]
        case "mss": ["is", "transfer"]
        case "path": ["via", "back"]
        case "rtt": ["is", "within"]
        case "routes": ["are"]
        case "bgp": ["is", "hold"]
        case "sa": ["esp", "nat-t"]
        case "rate": ["is", "within", "transfer"]
        default: ["is"]
        }
    }
}

/// Reads one expectation against the topology it speaks of.
private struct ClaimReader {
    let resolver: TopologyResolver
    let topology: Topology
    let fields: YAMLFields
    let kind: String

    private var collector: DiagnosticCollector { fields.owner.collector }

    func claim() -> Expectation.Claim? {
        switch kind {
        case "encapsulation": encapsulation()
        case "confidentiality": confidentiality()
        case "mtu": mtu()
        case "mss": mss()
        case "path": path()
        case "rtt": rtt()
        case "routes": routes()
        case "bgp": bgp()
        case "sa": securityAssociation()
        case "rate": rate()
        default: security()
        }
    }

    func condition(_ value: YAMLValue) -> Condition? {
        guard let text = value.text("a condition such as bgp NAME down") else { return nil }
        do {
            return try Condition(text.value, in: topology)
        } catch {
            // What is written and was left out for an error of its own has been reported already.
            let isWritten = resolver.file.written.values.contains { $0.contains(error.unknownName ?? "") }
            if !(isWritten && collector.hasErrors) {
                collector.error(text.line, "\(value.path): the condition cannot be used", error.description)
            }
            return nil
        }
    }

    /// Reports what can never hold: an unused tunnel, or something expected only while its opposite is so.
    func checkSense(of claim: Expectation.Claim, when: Condition?) {
        let line = (fields["in"] ?? fields["via"] ?? fields[kind])?.line
        var tunnels: [String] = []
        switch claim {
        case .encapsulation(let claim): tunnels = [claim.tunnel].compactMap { $0 }
        case .path(let claim): tunnels = claim.via + (claim.back ?? [])
        case .securityAssociation(let claim): tunnels = [claim.tunnel]
        case .bgp(let claim):
            if let when, when.subject == .session(claim.session), when.holds != claim.isEstablished {
                collector.error(
                    fields["when"]?.line, "\(fields.owner.path): \(when) is the opposite of what is expected",
                    "Change `is:` or `when:`.")
            }
        default: break
        }
        for name in Set(tunnels) where when == Condition(.tunnel(name), holds: false) {
            collector.error(
                fields["when"]?.line, "\(fields.owner.path): while tunnel \(name) is down, nothing goes through it",
                "Write `when: tunnel \(name) up`, or name another tunnel.")
        }
        if case .tunnel(let name)? = when?.subject, when?.holds == true { tunnels.append(name) }
        for name in Set(tunnels)
        where topology.tunnel(named: name)?.isUnused == true && topology.node(named: name) == nil {
            collector.error(
                line, "\(fields.owner.path): tunnel \(name) is unused, so it never comes up",
                "Remove `unused: true` from the tunnel, or the expectation.")
        }
    }

    // MARK: Kinds

    private func encapsulation() -> Expectation.Claim? {
        guard let probes = known(fields[kind], .probes), let links = links() else { return nil }
        var tunnel: Tunnel?
        if let value = fields["in"] {
            guard let name = one(value, .tunnels) else { return nil }
            tunnel = topology.tunnel(named: name)
        }
        var wrappings = tunnel.map { [$0.isUDPEncapsulated ? Wrapping.espInUDP : .esp] } ?? []
        if let value = fields["as"] {
            let read = value.members.map {
                $0.value(Wrapping.self, "one of \(Wrapping.known.joined(separator: ", "))")?.value
            }
            guard !read.contains(nil) else { return nil }
            wrappings = read.compactMap { $0 }
        }
        guard !wrappings.isEmpty else {
            collector.error(
                fields.owner.line, "\(fields.owner.path) does not say how traffic is wrapped",
                "Add `in: TUNNEL`, or `as: \(Wrapping.known[0])`.")
            return nil
        }
        let algorithms = fields["esp"].flatMap(algorithms) ?? tunnel?.algorithms
        if !wrappings.contains(where: { $0 == .esp || $0 == .espInUDP }), let cause = fields["in"] ?? fields["esp"] {
            collector.error(
                cause.line, "\(cause.path) is about ESP, and `as:` has none",
                "Write esp or esp-in-udp in `as:`, or remove `in:` and `esp:`.")
        }
        return .encapsulation(
            EncapsulationClaim(
                probes: probes, tunnel: tunnel?.name, wrappings: wrappings, algorithms: algorithms, links: links))
    }

    private func confidentiality() -> Expectation.Claim? {
        guard let probes = known(fields[kind], .probes), let links = links() else { return nil }
        let allowed =
            fields["allow"]?.members.map {
                $0.choice(ConfidentialityClaim.ControlTraffic.self, noun: "control traffic")
            } ?? []
        guard !allowed.contains(where: { $0 == nil }) else { return nil }
        return .confidentiality(
            ConfidentialityClaim(probes: probes, links: links, allowed: allowed.compactMap { $0?.value }))
    }

    private func mtu() -> Expectation.Claim? {
        guard let probe = probe() else { return nil }
        let beyond = fields["beyond"].map { $0.choice(MTUClaim.Beyond.self, noun: "answers")?.value } ?? .fragNeeded
        guard let beyond, let bytes = number("is", 68...65535, "an MTU from 68 to 65535") else { return nil }
        if let size = bytes.value, let most = best(of: probe, { $0.mtu.bytes }), size > most {
            warn(
                "is", "no packet of \(size) bytes passes the links at both ends of \(probe)",
                "Write an MTU of at most \(most).")
        }
        return .mtu(MTUClaim(probe: probe, bytes: bytes.value, beyond: beyond))
    }

    private func mss() -> Expectation.Claim? {
        guard let probe = probe(), let bytes = number("is", 88...65495, "a segment size from 88 to 65495"),
            let transfer = transfer(default: 1_000_000)
        else { return nil }
        // 40: IPv4's and TCP's headers without options (RFC 6691).
        if let size = bytes.value, let most = best(of: probe, { $0.mtu.bytes - 40 }), size > most {
            warn(
                "is", "no segment of \(size) bytes passes the links at both ends of \(probe)",
                "Write a segment size of at most \(most).")
        }
        return .mss(MSSClaim(probe: probe, bytes: bytes.value, transfer: transfer))
    }

    private func path() -> Expectation.Claim? {
        guard let name = probe(), let probe = topology.probe(named: name),
            let written = fields.required("via", "the nodes and tunnels on the way")
        else { return nil }
        let target = topology.owner(of: probe.destination)
        guard let via = way(written, from: probe.source, to: target) else { return nil }
        guard let value = fields["back"] else { return .path(PathClaim(probe: name, via: via, back: nil)) }
        return way(value, from: target, to: probe.source).map { .path(PathClaim(probe: name, via: via, back: $0)) }
    }

    /// The places between a probe's ends, each joined to the next; nil where they are not, which is reported.
    private func way(_ value: YAMLValue, from source: String?, to target: String?) -> [String]? {
        // Nodes that a link joins have nothing between them.
        guard let places = value.node.sequence?.isEmpty == true ? [] : known(value, .nodes, .tunnels) else {
            return nil
        }
        guard isWhole(.links), isWhole(.tunnels) else { return nil }
        let all = [source].compactMap { $0 } + places + [target].compactMap { $0 }
        guard let gap = zip(all, all.dropFirst()).first(where: { !isJoined($0, $1) }) else { return places }
        collector.error(
            value.line, "\(value.path): nothing joins \(gap.0) to \(gap.1)",
            "Write every node and tunnel on the way in its order, without the probe's own ends.")
        return nil
    }

    private func isJoined(_ near: String, _ far: String) -> Bool {
        topology.links.contains { $0.ends.map(\.node) == [near, far] || $0.ends.map(\.node) == [far, near] }
            || topology.tunnels.contains { tunnel in
                let ends = tunnel.ends.map(\.node)
                return tunnel.name == near && ends.contains(far) || tunnel.name == far && ends.contains(near)
            }
    }

    private func rtt() -> Expectation.Claim? {
        guard let probe = probe(), let expected = duration("is"), let tolerance = duration("within") else { return nil }
        return .rtt(RTTClaim(probe: probe, expected: expected.value, tolerance: tolerance.value ?? .microseconds(100)))
    }

    private func routes() -> Expectation.Claim? {
        guard let node = one(fields[kind], .nodes),
            let are = fields.required("are", "a mapping of prefixes to gateways, interfaces, or absent")
        else { return nil }
        let written = are.entries("a mapping of prefixes to gateways, interfaces, or absent")
        let routes = written.compactMap { key, value -> RoutesClaim.Route? in
            guard let prefix = IPPrefix(key.value) else {
                collector.error(
                    key.line, "\(are.path): \"\(key.value)\" is not a prefix",
                    "Write a block without host bits, such as 10.2.0.0/16.")
                return nil
            }
            let targets = value.members.compactMap {
                $0.value(RoutesClaim.Target.self, "a gateway, an interface, or absent")?.value
            }
            if targets.contains(.absent), targets.count > 1 {
                collector.error(
                    value.line, "\(value.path) is absent and has a next hop", "Write either `absent` or next hops.")
            }
            let interfaces = resolver.interfaces[node, default: [:]].keys.map(\.description) + ["lo"]
            for case .interface(let name) in targets
            where !interfaces.contains(name.description) && isWhole(.links) && isWhole(.tunnels) {
                collector.error(
                    value.line, "\(value.path): node \(node) has no interface \"\(name)\"",
                    Suggestion.remedy(for: name.description, among: interfaces, noun: "interfaces"))
            }
            return targets.isEmpty ? nil : RoutesClaim.Route(prefix: prefix, targets: targets)
        }
        if are.node.mapping?.isEmpty == true {
            collector.error(are.line, "\(are.path) names no route", "Write for example `10.2.0.0/16: absent`.")
        }
        guard routes.count == written.count, !routes.isEmpty else { return nil }
        return .routes(RoutesClaim(node: node, routes: routes))
    }

    private func bgp() -> Expectation.Claim? {
        enum State: String, CaseIterable { case up, down }
        guard let session = one(fields[kind], .sessions), let hold = duration("hold") else { return nil }
        let state = fields["is"].map { $0.choice(State.self, noun: "states")?.value } ?? .up
        guard let state else { return nil }
        if state == .down, let hold = fields["hold"] {
            collector.error(hold.line, "\(hold.path): a session that is down has no hold time", "Remove `hold:`.")
        }
        return .bgp(BGPClaim(session: session, isEstablished: state == .up, hold: hold.value))
    }

    private func securityAssociation() -> Expectation.Claim? {
        guard let name = one(fields[kind], .tunnels), let tunnel = topology.tunnel(named: name) else { return nil }
        let isEncapsulated = fields["nat-t"].map { $0.flag()?.value } ?? tunnel.isUDPEncapsulated
        guard let isEncapsulated else { return nil }
        return .securityAssociation(
            SAClaim(
                tunnel: name, algorithms: fields["esp"].flatMap(algorithms) ?? tunnel.algorithms,
                isUDPEncapsulated: isEncapsulated))
    }

    private func rate() -> Expectation.Claim? {
        guard let probe = probe(), let transfer = transfer(default: 8_000_000) else { return nil }
        let expected = fields["is"]?.value(BitRate.self, "a rate such as 471mbit")?.value
        let tolerance =
            fields["within"].map { $0.value(Percentage.self, "a share such as 2%")?.value }
            ?? Percentage(fraction: 0.05)
        guard let tolerance, fields["is"] == nil || expected != nil else { return nil }
        guard tolerance.fraction > 0 else {
            fields["within"]?.wrong("a share above 0%, such as 2%")
            return nil
        }
        if let expected, let most = best(of: probe, { $0.rate }), expected > most {
            warn(
                "is", "the links at both ends of \(probe) carry no more than \(most)",
                "Write a rate below that: headers take their part.")
        }
        return .rate(RateClaim(probe: probe, expected: expected, tolerance: tolerance, transfer: transfer))
    }

    private func security() -> Expectation.Claim? {
        guard let flow = fields[kind]?.fields(["from", "source", "to", "protocol", "port"]),
            let source = flow.required("from", "the node that sends").flatMap({ one($0, .nodes) }),
            let to = flow.required("to", "the node or address it sends to"), let destination = address(to),
            let outcome = fields.required("is", "accepted or dropped")?.choice(
                SecurityClaim.Outcome.self, noun: "outcomes")
        else { return nil }
        let transport =
            flow["protocol"].map { $0.choice(SecurityClaim.TransportProtocol.self, noun: "protocols")?.value } ?? .icmp
        let own = flow["source"]?.value(IPAddress.self, "an address")?.value
        let port = flow["port"]?.value(UInt16.self, "a port from 0 to 65535")?.value
        guard let transport, flow["source"] == nil || own != nil, flow["port"] == nil || port != nil else { return nil }
        if let own, let value = flow["source"], own.bitWidth != destination.bitWidth {
            collector.error(
                value.line, "\(value.path): \(own) cannot send to \(destination)",
                "Take two addresses of IPv4, or two of IPv6.")
        }
        resolver.warnOfNobodys(destination, to.line, place: to.path, topology: topology)
        if (transport == .icmp) != (port == nil) {
            collector.error(
                flow.owner.line,
                "\(flow.owner.path): \(transport.rawValue) \(transport == .icmp ? "has no ports" : "needs a port")",
                transport == .icmp ? "Remove `port:`." : "Add `port: N`.")
            return nil
        }
        return .security(
            SecurityClaim(
                source: source, sourceAddress: own, destination: destination, transport: transport, port: port,
                outcome: outcome.value))
    }

    // MARK: Parts

    /// A field that may be missing: nil where it is there and wrong, which has been reported.
    private struct Field<Value> {
        let value: Value?
    }

    private func number(_ key: String, _ range: ClosedRange<Int>, _ expected: String) -> Field<Int>? {
        guard let field = fields[key] else { return Field(value: nil) }
        guard let number = field.value(Int.self, expected)?.value else { return nil }
        guard range.contains(number) else {
            field.wrong(expected)
            return nil
        }
        return Field(value: number)
    }

    private func duration(_ key: String) -> Field<Duration>? {
        guard let field = fields[key] else { return Field(value: nil) }
        guard let duration = field.duration()?.value else { return nil }
        guard duration > .zero else {
            field.wrong("a time above zero, such as 2ms, 30s or 1h")
            return nil
        }
        return Field(value: duration)
    }

    /// A number of bytes in `transfer:`, with kB or MB.
    private func transfer(default standard: Int) -> Int? {
        guard let field = fields["transfer"] else { return standard }
        return field.value(ByteCount.self, "an amount such as 500kB or 20MB")?.value.bytes
    }

    private func probe() -> String? { one(fields[kind], .probes) }

    /// The most that links at either end of a probe have of something, at the end that has less.
    private func best<Quantity: Comparable>(of probe: String, _ quantity: (Link) -> Quantity) -> Quantity? {
        guard let probe = topology.probe(named: probe) else { return nil }
        let ends = [probe.source, topology.owner(of: probe.destination)].compactMap { $0 }
        return ends.compactMap { topology.linkEnds(of: $0).map { quantity($0.link) }.max() }.min()
    }

    private func warn(_ key: String, _ message: String, _ remedy: String) {
        guard let field = fields[key] else { return }
        collector.warning(field.line, "\(field.path): \(message)", remedy)
    }

    /// The links named, or else those between clouds.
    private func links() -> [String]? {
        if let value = fields["on"] { return known(value, .links) }
        let links = topology.underlayLinks.map(\.name)
        guard !links.isEmpty else {
            guard isWhole(.links) else { return nil }
            collector.error(
                fields.owner.line, "\(fields.owner.path): no link of this lab joins two clouds",
                "Name the links to look at with `on:`.")
            return nil
        }
        return links
    }

    private func algorithms(_ value: YAMLValue) -> ESPAlgorithms? {
        value.fields(["encryption", "integrity"])?.espAlgorithms()
    }

    private func address(_ value: YAMLValue) -> IPAddress? {
        guard let text = value.text("a node or an address") else { return nil }
        if let address = IPAddress(text.value) ?? topology.address(of: text.value) { return address }
        guard isWhole(.links) || !resolver.file.written["nodes", default: []].contains(text.value) else { return nil }
        collector.error(
            text.line, "\(value.path): \"\(text.value)\" is neither an address nor a node with one",
            Suggestion.remedy(for: text.value, among: topology.nodes.map(\.name), noun: "nodes"))
        return nil
    }

    /// A section of the lab file whose parts can be named.
    private enum Section: String {
        case nodes, links, tunnels, probes
        case sessions = "bgp"

        var noun: String { self == .sessions ? "BGP sessions" : rawValue }
    }

    private func names(_ section: Section) -> [String] {
        switch section {
        case .nodes: topology.nodes.map(\.name)
        case .links: topology.links.map(\.name)
        case .tunnels: topology.tunnels.map(\.name)
        case .sessions: topology.sessions.map(\.name)
        case .probes: topology.probes.map(\.name)
        }
    }

    /// Whether none of a section's parts was left out for an error of its own.
    private func isWhole(_ section: Section) -> Bool {
        names(section).count == resolver.file.written[section.rawValue, default: []].count
    }

    private func one(_ value: YAMLValue?, _ section: Section) -> String? {
        guard let value, value.text("the name of one of the \(section.noun)") != nil else { return nil }
        return known(value, section)?.first
    }

    /// The names in a value, all of them known; nil where one is not, which is reported here or where it is defined.
    private func known(_ value: YAMLValue?, _ sections: Section...) -> [String]? {
        guard let value else { return nil }
        let noun = sections.map(\.noun).joined(separator: " and ")
        let written = sections.flatMap { resolver.file.written[$0.rawValue, default: []] }
        guard !value.members.isEmpty else {
            collector.error(
                value.line, "\(value.path) names none of the \(noun)",
                Suggestion.remedy(for: "", among: written, noun: noun))
            return nil
        }
        let used = value.members.compactMap { $0.text("a name") }
        for name in used where !written.contains(name.value) {
            collector.error(
                name.line, "\(value.path): there is no \"\(name.value)\"",
                Suggestion.remedy(for: name.value, among: written, noun: noun))
        }
        let usable = sections.flatMap(names)
        guard used.count == value.members.count, used.allSatisfy({ usable.contains($0.value) }) else { return nil }
        return used.map(\.value)
    }
}

extension Wrapping: LosslessStringConvertible {}

extension RoutesClaim.Target: LosslessStringConvertible {
    public init?(_ text: String) {
        if text == "absent" {
            self = .absent
        } else if let gateway = IPAddress(text) {
            self = .gateway(gateway)
        } else if let interface = InterfaceName(text) {
            self = .interface(interface)
        } else {
            return nil
        }
    }

    public var description: String {
        switch self {
        case .gateway(let address): address.description
        case .interface(let name): name.description
        case .absent: "absent"
        }
    }
}
