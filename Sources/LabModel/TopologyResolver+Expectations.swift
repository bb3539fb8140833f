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
                    "Write exactly one of \(Expectation.Claim.kinds.joined(separator: ", ")).")
            }
            return nil
        }
        guard let fields = value.fields([kind, "when"] + Self.options(of: kind)) else { return nil }
        let reader = ClaimReader(topology: topology, fields: fields, kind: kind)
        let when = fields["when"].flatMap { reader.condition($0) }
        guard let claim = reader.claim(), fields["when"] == nil || when != nil else { return nil }
        return Expectation(name: name.value, line: name.line, when: when, claim: claim)
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
            collector.error(text.line, "\(value.path): the condition cannot be used", error.description)
            return nil
        }
    }

    // MARK: Kinds

    private func encapsulation() -> Expectation.Claim? {
        guard let probes = known(fields[kind], topology.probes.map(\.name), noun: "probes"),
            let links = links()
        else { return nil }
        var tunnel: Tunnel?
        if let value = fields["in"] {
            guard let name = known(value, topology.tunnels.map(\.name), noun: "tunnels")?.first else { return nil }
            tunnel = topology.tunnel(named: name)
        }
        var wrappings = tunnel.map { [$0.isUDPEncapsulated ? Wrapping.espInUDP : .esp] } ?? []
        if let value = fields["as"] {
            let read = value.members.map { $0.value(Wrapping.self, "one of \(Wrapping.known.joined(separator: ", "))")?.value }
            guard !read.contains(nil) else { return nil }
            wrappings = read.compactMap { $0 }
        }
        guard !wrappings.isEmpty else {
            collector.error(
                fields.owner.line, "\(fields.owner.path) does not say how traffic is wrapped", "Add `in: TUNNEL`, or `as: \(Wrapping.known[0])`.")
            return nil
        }
        return .encapsulation(
            EncapsulationClaim(
                probes: probes, tunnel: tunnel?.name, wrappings: wrappings, algorithms: fields["esp"].flatMap(algorithms) ?? tunnel?.algorithms,
                links: links))
    }

    private func confidentiality() -> Expectation.Claim? {
        guard let probes = known(fields[kind], topology.probes.map(\.name), noun: "probes"), let links = links() else { return nil }
        let allowed = fields["allow"]?.members.map { $0.choice(ConfidentialityClaim.ControlTraffic.self, noun: "control traffic") } ?? []
        guard !allowed.contains(where: { $0 == nil }) else { return nil }
        return .confidentiality(ConfidentialityClaim(probes: probes, links: links, allowed: allowed.compactMap { $0?.value }))
    }

    private func mtu() -> Expectation.Claim? {
        guard let probe = probe() else { return nil }
        let beyond = fields["beyond"].map { $0.choice(MTUClaim.Beyond.self, noun: "answers")?.value } ?? .fragNeeded
        guard let beyond, let bytes = number("is", 68...65535, "an MTU from 68 to 65535") else { return nil }
        return .mtu(MTUClaim(probe: probe, bytes: bytes.value, beyond: beyond))
    }

    private func mss() -> Expectation.Claim? {
        guard let probe = probe(), let bytes = number("is", 88...65495, "a segment size from 88 to 65495"),
            let transfer = transfer(default: 1_000_000)
        else { return nil }
        return .mss(MSSClaim(probe: probe, bytes: bytes.value, transfer: transfer))
    }

    private func path() -> Expectation.Claim? {
        let places = topology.nodes.map(\.name) + topology.tunnels.map(\.name)
        guard let probe = probe(), let via = fields.required("via", "the nodes and tunnels on the way"),
            let there = known(via, places, noun: "nodes and tunnels")
        else { return nil }
        var back: [String]?
        if let value = fields["back"] {
            back = known(value, places, noun: "nodes and tunnels")
            if back == nil { return nil }
        }
        return .path(PathClaim(probe: probe, via: there, back: back))
    }

    private func rtt() -> Expectation.Claim? {
        guard let probe = probe(), let expected = duration("is"), let tolerance = duration("within") else { return nil }
        return .rtt(RTTClaim(probe: probe, expected: expected.value, tolerance: tolerance.value ?? .microseconds(100)))
    }

    private func routes() -> Expectation.Claim? {
        guard let node = known(fields[kind], topology.nodes.map(\.name), noun: "nodes")?.first,
            let are = fields.required("are", "a mapping of prefixes to gateways, interfaces, or absent")
        else { return nil }
        let written = are.entries("a mapping of prefixes to gateways, interfaces, or absent")
        let routes = written.compactMap { key, value -> RoutesClaim.Route? in
            guard let prefix = IPPrefix(key.value) else {
                collector.error(
                    key.line, "\(are.path): \"\(key.value)\" is not a prefix", "Write a block without host bits, such as 10.2.0.0/16.")
                return nil
            }
            let targets = value.members.compactMap { $0.value(RoutesClaim.Target.self, "a gateway, an interface, or absent")?.value }
            return targets.isEmpty ? nil : RoutesClaim.Route(prefix: prefix, targets: targets)
        }
        guard routes.count == written.count, !routes.isEmpty else { return nil }
        return .routes(RoutesClaim(node: node, routes: routes))
    }

    private func bgp() -> Expectation.Claim? {
        enum State: String, CaseIterable { case up, down }
        guard let session = known(fields[kind], topology.sessions.map(\.name), noun: "BGP sessions")?.first,
            let hold = duration("hold")
        else { return nil }
        let state = fields["is"].map { $0.choice(State.self, noun: "states")?.value } ?? .up
        guard let state else { return nil }
        return .bgp(BGPClaim(session: session, isEstablished: state == .up, hold: hold.value))
    }

    private func securityAssociation() -> Expectation.Claim? {
        guard let name = known(fields[kind], topology.tunnels.map(\.name), noun: "tunnels")?.first,
            let tunnel = topology.tunnel(named: name)
        else { return nil }
        let isEncapsulated = fields["nat-t"].map { $0.flag()?.value } ?? tunnel.isUDPEncapsulated
        guard let isEncapsulated else { return nil }
        return .securityAssociation(
            SAClaim(tunnel: name, algorithms: fields["esp"].flatMap(algorithms) ?? tunnel.algorithms, isUDPEncapsulated: isEncapsulated))
    }

    private func rate() -> Expectation.Claim? {
        guard let probe = probe(), let transfer = transfer(default: 20_000_000) else { return nil }
        let expected = fields["is"].map { $0.value(BitRate.self, "a rate such as 471mbit")?.value }
        let tolerance = fields["within"].map { $0.value(Percentage.self, "a share such as 2%")?.value } ?? Percentage(fraction: 0.05)
        guard let tolerance, expected == nil || expected != .some(nil) else { return nil }
        return .rate(RateClaim(probe: probe, expected: expected ?? nil, tolerance: tolerance, transfer: transfer))
    }

    private func security() -> Expectation.Claim? {
        guard let flow = fields[kind]?.fields(["from", "source", "to", "protocol", "port"]),
            let source = flow.required("from", "the node that sends").flatMap({ known($0, topology.nodes.map(\.name), noun: "nodes")?.first }),
            let to = flow.required("to", "the node or address it sends to"), let destination = address(to),
            let outcome = fields.required("is", "accepted or dropped")?.choice(SecurityClaim.Outcome.self, noun: "outcomes")
        else { return nil }
        let transport = flow["protocol"].map { $0.choice(SecurityClaim.TransportProtocol.self, noun: "protocols")?.value } ?? .icmp
        let own = flow["source"].map { $0.value(IPAddress.self, "an address")?.value }
        let port = flow["port"].map { $0.value(UInt16.self, "a port from 0 to 65535")?.value }
        guard let transport, own == nil || own != .some(nil), port == nil || port != .some(nil) else { return nil }
        if (transport == .icmp) != (port == nil) {
            collector.error(
                flow.owner.line, "\(flow.owner.path): \(transport.rawValue) \(transport == .icmp ? "has no ports" : "needs a port")",
                transport == .icmp ? "Remove `port:`." : "Add `port: N`.")
            return nil
        }
        return .security(
            SecurityClaim(
                source: source, sourceAddress: own ?? nil, destination: destination, transport: transport, port: port ?? nil,
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
        return field.duration().map { Field(value: $0.value) }
    }

    /// A number of bytes in `transfer:`, with kB or MB.
    private func transfer(default standard: Int) -> Int? {
        guard let field = fields["transfer"] else { return standard }
        return field.value(ByteCount.self, "an amount such as 500kB or 20MB")?.value.bytes
    }

    private func probe() -> String? {
        known(fields[kind], topology.probes.map(\.name), noun: "probes")?.first
    }

    /// The links named, or else those between clouds.
    private func links() -> [String]? {
        if let value = fields["on"] { return known(value, topology.links.map(\.name), noun: "links") }
        let links = topology.underlayLinks.map(\.name)
        guard !links.isEmpty else {
            collector.error(
                fields.owner.line, "\(fields.owner.path): no link of this lab joins two clouds", "Name the links to look at with `on:`.")
            return nil
        }
        return links
    }

    private func algorithms(_ value: YAMLValue) -> ESPAlgorithms? {
        guard let fields = value.fields(["encryption", "integrity"]),
            let encryption = fields.required("encryption", "for example aes-256-gcm-16")?
                .choice(EncryptionAlgorithm.self, noun: "encryption algorithms")
        else { return nil }
        let integrity = fields["integrity"]?.choice(IntegrityAlgorithm.self, noun: "integrity algorithms")
        return ESPAlgorithms(encryption: encryption.value, integrity: integrity?.value)
    }

    private func address(_ value: YAMLValue) -> IPAddress? {
        guard let text = value.text("a node or an address") else { return nil }
        if let address = IPAddress(text.value) ?? topology.address(of: text.value) { return address }
        collector.error(
            text.line, "\(value.path): \"\(text.value)\" is neither an address nor a node with one",
            Suggestion.remedy(for: text.value, among: topology.nodes.map(\.name), noun: "nodes"))
        return nil
    }

    /// The names in a value, all of them known; nil where one is not, which is reported.
    private func known(_ value: YAMLValue?, _ names: [String], noun: String) -> [String]? {
        guard let value else { return nil }
        let written = value.members.compactMap { $0.text("a name") }
        guard written.count == value.members.count, !written.isEmpty else { return nil }
        let unknown = written.filter { !names.contains($0.value) }
        for name in unknown {
            collector.error(
                name.line, "\(value.path): there is no \"\(name.value)\"", Suggestion.remedy(for: name.value, among: names, noun: noun))
        }
        return unknown.isEmpty ? written.map(\.value) : nil
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
