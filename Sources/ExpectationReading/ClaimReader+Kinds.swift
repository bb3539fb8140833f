import Daemons
import LabModel
import NetworkTypes
import YAMLReading

// One function for each kind of expectation.
extension ClaimReader {
    func encapsulation() -> Expectation.Claim? {
        guard let probes = known(fields[kind.rawValue], .probes), let links = links() else { return nil }
        guard let value = fields["in"], value.node.mapping != nil else {
            return way(in: fields["in"]).map {
                .encapsulation(EncapsulationClaim(probes: probes, ways: [$0], links: links))
            }
        }
        guard let any = value.fields(["any"])?["any"] else { return nil }
        for key in ["as", "esp"] {
            guard let beside = fields[key] else { continue }
            collector.error(
                beside.line, "\(beside.path) is of one way, and `in:` has several",
                "Remove `\(key):`; it follows from each tunnel.")
            return nil
        }
        guard !any.members.isEmpty else {
            any.wrong("a list of tunnels, or of lists of them")
            return nil
        }
        let ways = any.members.compactMap { way(in: $0) }
        guard ways.count == any.members.count else { return nil }
        return .encapsulation(EncapsulationClaim(probes: probes, ways: ways, links: links))
    }

    /// - Parameter value: The tunnels that a packet is inside of, outermost first; nil where only `as:` says it.
    private func way(in value: YAMLValue?) -> EncapsulationClaim.Way? {
        guard let names = value.map({ known($0, .tunnels) }) ?? .some([]) else { return nil }
        let secured = names.compactMap(topology.tunnel(named:))
        let plain = names.filter { topology.plainTunnel(named: $0) != nil }
        if secured.count > 1, let value {
            collector.error(
                value.line, "\(value.path) names \(secured.count) IPsec tunnels",
                "Name the tunnels that one packet is inside of, outermost first; ESP within ESP is not looked into. Where a packet takes one of several, write `in: {any: [\(secured.map(\.name).joined(separator: ", "))]}`."
            )
        }
        let tunnel = secured.first
        var wrappings = names.compactMap { name in
            topology.plainTunnel(named: name)?.kind.wrapping
                ?? topology.tunnel(named: name).map { $0.isUDPEncapsulated ? .espInUDP : .esp }
        }
        if let value = fields["as"] {
            let read = value.members.map {
                $0.value(Wrapping.self, "one of \(Wrapping.known.joined(separator: ", "))")?.value
            }
            guard !read.contains(nil) else { return nil }
            if !plain.isEmpty, read != wrappings {
                collector.error(
                    value.line, "\(value.path) is not what \(names.joined(separator: ", ")) makes of packets",
                    "Remove `as:`; it follows from the kinds of the tunnels.")
            }
            wrappings = read.compactMap { $0 }
        }
        guard !wrappings.isEmpty else {
            collector.error(
                fields.owner.line, "\(fields.owner.path) does not say how traffic is wrapped",
                "Add `in: TUNNEL`, or `as: \(Wrapping.known[0])`.")
            return nil
        }
        if wrappings.contains(.wireGuard), wrappings.count > 1 || plain.isEmpty {
            collector.error(
                (value ?? fields.owner).line,
                "\(fields.owner.path): nothing but WireGuard's own messages can be looked at, for nothing opens them",
                "Name a WireGuard tunnel by itself: `in: TUNNEL`, without `as:`.")
            return nil
        }
        let algorithms = fields["esp"].flatMap(self.algorithms) ?? tunnel?.algorithms
        if !wrappings.contains(where: { $0 == .esp || $0 == .espInUDP }),
            let cause = (tunnel == nil ? nil : value) ?? fields["esp"]
        {
            collector.error(
                cause.line, "\(cause.path) is about ESP, and `as:` has none",
                "Write esp or esp-in-udp in `as:`, or remove `in:` and `esp:`.")
        }
        return EncapsulationClaim.Way(
            tunnel: tunnel?.name, plainTunnels: plain, wrappings: wrappings, algorithms: algorithms)
    }

    func confidentiality() -> Expectation.Claim? {
        guard let probes = known(fields[kind.rawValue], .probes), let links = links() else { return nil }
        let allowed =
            fields["allow"]?.members.map {
                $0.choice(ConfidentialityClaim.ControlTraffic.self, noun: "control traffic")
            } ?? []
        guard !allowed.contains(where: { $0 == nil }) else { return nil }
        return .confidentiality(
            ConfidentialityClaim(probes: probes, links: links, allowed: allowed.compactMap { $0?.value }))
    }

    func mtu() -> Expectation.Claim? {
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

    func mss() -> Expectation.Claim? {
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

    func path() -> Expectation.Claim? {
        guard let name = probe(), let probe = topology.probe(named: name),
            let written = fields.required("via", "the nodes and tunnels on the way")
        else { return nil }
        let target = topology.owner(of: probe.destination)
        guard let via = way(written, from: probe.source, to: target) else { return nil }
        guard let value = fields["back"] else { return .path(PathClaim(probe: name, via: via, back: nil)) }
        return way(value, from: target, to: probe.source).map { .path(PathClaim(probe: name, via: via, back: $0)) }
    }

    /// The places between a probe's ends, each joined to the next; nil where they are not, which is reported.
    func way(_ value: YAMLValue, from source: String?, to target: String?) -> [String]? {
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

    func isJoined(_ near: String, _ far: String) -> Bool {
        topology.links.contains { $0.ends.map(\.node) == [near, far] || $0.ends.map(\.node) == [far, near] }
            || topology.nodes.contains { node in
                topology.tunnelEntrances(of: node.name).contains {
                    $0.tunnel == near && node.name == far || $0.tunnel == far && node.name == near
                }
            }
    }

    func rtt() -> Expectation.Claim? {
        guard let probe = probe(), let expected = duration("is"), let tolerance = duration("within"),
            let count = number("count", 1...1000, "a number of echoes from 1 to 1000")
        else { return nil }
        return .rtt(
            RTTClaim(
                probe: probe, expected: expected.value, tolerance: tolerance.value ?? .microseconds(100),
                count: count.value))
    }

    func routes() -> Expectation.Claim? {
        guard let node = one(fields[kind.rawValue], .nodes),
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
            let interfaces = subject.interfaces[node, default: [:]].keys.map(\.description) + ["lo"]
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

    func bgp() -> Expectation.Claim? {
        enum State: String, CaseIterable { case up, down, connecting, flapping }
        guard let session = one(fields[kind.rawValue], .sessions), let hold = duration("hold") else { return nil }
        let isOneSided = topology.oneSidedSession(named: session) != nil
        let state =
            fields["is"].map { $0.choice(State.self, noun: "states")?.value } ?? (isOneSided ? .connecting : .up)
        guard let state else { return nil }
        if isOneSided != (state == .connecting), isOneSided || state == .connecting {
            collector.error(
                fields["is"]?.line,
                "\(fields.owner.path): \(session) is a session that \(isOneSided ? "one side alone has" : "both sides have") configured",
                isOneSided
                    ? "Write `is: connecting`, or give the session both its speakers." : "Write `is: up` or `is: down`."
            )
            return nil
        }
        if state == .flapping, topology.session(named: session).flatMap(topology.holdConflict) == nil {
            collector.error(
                fields["is"]?.line, "\(fields.owner.path): nothing in \(session)'s timers makes it flap",
                "Write `is: up`; a speaker that keeps its timers has `negotiate: off`.")
            return nil
        }
        if state != .up, let hold = fields["hold"] {
            collector.error(hold.line, "\(hold.path): a session that is down has no hold time", "Remove `hold:`.")
        }
        return .bgp(
            BGPClaim(session: session, isEstablished: state == .up, isFlapping: state == .flapping, hold: hold.value))
    }

    /// `bfd: SESSION`, with `is: down`, or with `detection: 900ms` where that is not what follows from the timers.
    func bfd() -> Expectation.Claim? {
        enum State: String, CaseIterable { case up, down }
        guard let name = one(fields[kind.rawValue], .sessions), let detection = duration("detection") else {
            return nil
        }
        let state = fields["is"].map { $0.choice(State.self, noun: "states")?.value } ?? .up
        guard let state else { return nil }
        guard let session = topology.session(named: name),
            session.speakers.allSatisfy({ topology.bfdDetection(of: session, at: $0) != nil })
        else {
            collector.error(
                fields[kind.rawValue]?.line, "\(fields.owner.path): no BFD is spoken beside \(name)",
                "Give the session `bfd: {interval: 300ms, multiplier: 3}`, or remove this.")
            return nil
        }
        if state == .down, let detection = fields["detection"] {
            collector.error(
                detection.line, "\(detection.path): BFD that is down has no time of detection",
                "Remove `detection:`.")
        }
        return .bfd(BFDClaim(session: name, isUp: state == .up, detection: detection.value))
    }

    func securityAssociation() -> Expectation.Claim? {
        guard let name = one(fields[kind.rawValue], .tunnels) else { return nil }
        guard let tunnel = topology.tunnel(named: name) else {
            collector.error(
                fields[kind.rawValue]?.line,
                "\(fields.owner.path): tunnel \(name) has no security associations: it is no IPsec",
                Suggestion.remedy(for: name, among: topology.tunnels.map(\.name), noun: "IPsec tunnels"))
            return nil
        }
        let isEncapsulated = fields["nat-t"].map { $0.flag()?.value } ?? tunnel.isUDPEncapsulated
        guard let isEncapsulated else { return nil }
        return .securityAssociation(
            SAClaim(
                tunnel: name, algorithms: fields["esp"].flatMap(algorithms) ?? tunnel.algorithms,
                isUDPEncapsulated: isEncapsulated))
    }

    func rate() -> Expectation.Claim? {
        guard let probe = probe(), let transfer = transfer(default: 8_000_000) else { return nil }
        let expected = fields["is"]?.value(BitRate.self, "a rate such as 471mbit")?.value
        let tolerance =
            fields["within"].map { $0.value(Percentage.self, "a share such as 2%")?.value }
            ?? Percentage(fraction: 0.02)
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
        let published = fields["published"]?.value(BitRate.self, "a rate such as 51.9MB/s")?.value
        guard fields["published"] == nil || published != nil else { return nil }
        return .rate(
            RateClaim(
                probe: probe, expected: expected, tolerance: tolerance, transfer: transfer, published: published))
    }

    func security() -> Expectation.Claim? {
        guard let flow = fields[kind.rawValue]?.fields(["from", "source", "to", "protocol", "port"]),
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
        collector.warn(ofNobodys: destination, to.line, place: to.path, in: topology)
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
}

extension Wrapping: LosslessStringConvertible {}
