import Daemons
import LabModel
import NetworkTypes
import RoutingDaemons
import YAMLReading

// Tunnels, with the configuration files their ends bring along.
extension TopologyResolver {
    mutating func resolve(tunnel spec: TunnelSpec) -> Tunnel? {
        let place = "tunnels.\(spec.name.value)"
        checkAlgorithms(of: spec)
        checkForwardSecrecy(of: spec)
        guard spec.isComplete else { return nil }
        guard spec.ends.count == 2 else {
            collector.error(
                spec.name.line, "\(place) leads to nowhere: it has \(spec.ends.count) usable ends",
                "A tunnel joins exactly two nodes: add them under `ends:`.")
            return nil
        }
        guard spec.ends.allSatisfy({ isKnown(node: $0.node, in: place) }) else { return nil }
        guard spec.ends.allSatisfy({ hasWayIn($0, of: spec, place) }) else { return nil }
        for end in spec.ends {
            if let interface = end.interface { claim(interface.value, of: end.node.value, line: interface.line) }
            if let inside = end.inside { check(hostAddress: inside) }
        }
        if let (near, far) = zip2(spec.ends[0].inside, spec.ends[1].inside) {
            if near.value.prefix != far.value.prefix {
                collector.error(
                    far.line, "\(place): \(far.value) is not on the link of \(near.value)",
                    "Both inside addresses need the same block with the same length, such as a /30.")
            } else if near.value.address == far.value.address {
                collector.error(
                    far.line, "\(place): both ends have the inside address \(near.value.address)",
                    "Give one of them another address.")
            }
        }
        let ownsFiles = spec.ends.allSatisfy { $0.configuration != nil }
        let proposals = spec.ends.map { $0.configuration == nil ? proposal(of: $0, in: spec, place: place) : nil }
        if !ownsFiles, !spec.isUnused, spec.ends.allSatisfy({ $0.startup == .listen }) {
            collector.error(
                spec.name.line, "\(place): both ends listen, so the tunnel never comes up",
                "Set `startup: initiate` at one end, or `unused: true` for the tunnel.")
        }
        var sides: [WrittenEnd] = []
        for end in spec.ends {
            let owned = self.ends(of: end.node.value).flatMap(\.addresses).map(\.value.address)
            let own = end.configuration.flatMap { connection(of: end, file: $0, place: place) }
            let local = end.address ?? own?.localAddress.map { Located(value: $0, line: end.line) }
            guard let local else {
                if end.configuration == nil {
                    collector.error(
                        end.line, "\(place).ends.\(end.node.value) has no \"address\"",
                        "Add `address: …`, one of the node's own: \(owned.map(\.description).joined(separator: ", ")).")
                } else if own != nil {
                    collector.error(
                        end.line,
                        "\(place).ends.\(end.node.value): its file does not say which address is the tunnel's",
                        "Add `address: …`, one of the node's own: \(owned.map(\.description).joined(separator: ", ")).")
                }
                continue
            }
            guard owned.contains(local.value) || unsure.contains(end.node.value) else {
                collector.error(
                    local.line, "\(place): node \(end.node.value) does not have the address \(local.value)",
                    "Take one of its own: \(owned.map(\.description).joined(separator: ", ")).")
                continue
            }
            if let configuration = configuration(of: end, place: place) {
                sides.append(
                    WrittenEnd(
                        spec: end, local: local.value, identity: outside(local.value), own: own,
                        configuration: configuration))
            }
        }
        guard sides.count == 2, zip(spec.ends, proposals).allSatisfy({ $0.configuration != nil || $1 != nil }) else {
            return nil
        }
        if sides[0].local.bitWidth != sides[1].local.bitWidth {
            collector.error(
                sides[1].spec.line,
                "\(place): its packets would go from \(sides[0].local) to \(sides[1].local), of which one is IPv6 and one is not",
                "Give both ends an address of one family.")
            return nil
        }
        let index = UInt32(file.tunnels.firstIndex { $0.name.value == spec.name.value } ?? 0)
        let mode = spec.mode?.value ?? sides.lazy.compactMap(\.own?.mode).first ?? .tunnel
        let ends = zip(zip(sides, proposals), sides.reversed()).compactMap { written, other -> TunnelEnd? in
            let (own, proposal) = written
            guard let steering = steering(of: own, number: 101 + index, place: place) else { return nil }
            checkPeer(of: own.spec, own.own, expected: other.identity, place: place)
            var end = TunnelEnd(
                node: own.spec.node.value, localAddress: own.local, remoteAddress: other.identity,
                identity: own.identity, daemon: daemon(of: own.spec.node.value).id, steering: steering,
                wantedSelectors: selectors(of: own, and: other, in: spec, mode),
                interfaceIsMadeByDaemon: own.own?.makesInterface ?? false, inside: own.spec.inside?.value,
                mtu: own.spec.mtu ?? (own.spec.interface == nil ? nil : spec.mtu?.value),
                routes: own.spec.routes.isEmpty ? own.own?.scriptedRoutes ?? [] : own.spec.routes.map(\.value),
                withdrawal: own.spec.withdrawal, metric: own.spec.metric,
                proposal: proposal,
                options: own.own == nil ? own.spec.options.over(spec.options.over(TunnelOptions())) : TunnelOptions(),
                deadPeerDetection: own.own == nil ? own.spec.deadPeerDetection ?? spec.deadPeerDetection : nil,
                connection: own.spec.connection?.value ?? spec.name.value, configuration: own.configuration)
            end.addressing = addressing(of: own.spec, place: place)
            end.name = own.spec.identity?.value
            return end
        }
        guard ends.count == 2 else { return nil }
        let tunnel = Tunnel(
            name: spec.name.value, summary: spec.summary, isUnused: spec.isUnused,
            mss: spec.mss, mode: mode, ends: ends)
        if let mtu = spec.mtu, ends.allSatisfy({ $0.steering == .policy }) {
            collector.error(
                mtu.line, "\(place) has `mtu:` and no interface that could have it",
                "Remove `mtu:`: the kernel reckons with ESP where policies lead into a tunnel.")
        }
        checkSelectors(of: tunnel, spec)
        checkOptions(of: tunnel, spec)
        checkReach(of: tunnel, spec)
        checkAgreement(of: tunnel, spec)
        checkCertificates(of: tunnel, spec)
        checkComeback(of: tunnel, spec)
        return tunnel
    }

    /// Who gives an end's interface its address and its routes; a script that is to must be there, and something for it to give.
    private func addressing(of end: TunnelSpec.End, place: String) -> TunnelEnd.Addressing {
        guard let addressing = end.addressing, addressing.value == .boot else { return .netlab }
        let place = "\(place).ends.\(end.node.value)"
        if file.nodes.first(where: { $0.name.value == end.node.value })?.boot.script == nil {
            collector.error(
                addressing.line, "\(place): node \(end.node.value) has no boot script that could give addresses",
                "Add `boot: FILE` to the node, or remove `addressed-by:`.")
        }
        if end.inside == nil, end.routes.isEmpty {
            collector.error(
                addressing.line, "\(place): there is nothing for the boot script to give",
                "Write what it gives: `inside: ADDRESS/LENGTH`, `routes: [PREFIX]`; or remove `addressed-by:`.")
        }
        if end.withdrawal == .whenDown {
            collector.error(
                addressing.line, "\(place): routes that follow their tunnel are netlab's, and a boot script's stay",
                "Remove `withdraw: when-down`, or `addressed-by:`.")
        }
        return .boot
    }

    /// What negotiates at a node.
    func daemon(of node: String) -> any KeyDaemon {
        file.nodes.first { $0.name.value == node }?.keyDaemon ?? DaemonRegistry.usualKeyDaemon
    }

    /// What speaks BGP at a node.
    func routingDaemon(of node: String) -> any RoutingDaemon {
        file.nodes.first { $0.name.value == node }?.routingDaemon ?? DaemonRegistry.usualRoutingDaemon
    }

    /// What an end offers: its own, and the tunnel's where it has none; nil where something is missing or wrong, which is reported.
    func proposal(of end: TunnelSpec.End, in spec: TunnelSpec, place: String) -> TunnelProposal? {
        let missing = { (end: TunnelSpec.End) in ProposalSpec.missing(in: [spec.proposal, end.proposal]) }
        // Both may lack the same.
        let first = spec.ends.first { $0.configuration == nil && !missing($0).isEmpty }
        if let first, end.node.value == first.node.value {
            collector.error(
                spec.name.line, "\(place) has no \(missing(first).joined(separator: ", "))",
                "A generated tunnel needs `ike:`, `esp:`, and `psk:` or `certificate:`; or give both ends their own `config:`."
            )
        }
        let authentication = authentication(of: end, in: spec, place: place)
        guard let ike = end.proposal.ike ?? spec.proposal.ike, let esp = end.proposal.esp ?? spec.proposal.esp,
            let authentication
        else { return nil }
        let ikeLifetime = ike.lifetime ?? spec.proposal.ike?.lifetime ?? standardLifetime(.ikeLifetime, of: spec)
        let espLifetime = esp.lifetime ?? spec.proposal.esp?.lifetime ?? standardLifetime(.espLifetime, of: spec)
        return TunnelProposal(
            ike: ike.proposals, ikeLifetime: ikeLifetime ?? .seconds(28800), esp: esp.proposals,
            espLifetime: espLifetime ?? .seconds(3600), authentication: authentication)
    }

    func configuration(of end: TunnelSpec.End, place: String) -> TunnelEnd.Configuration? {
        guard let name = end.configuration else {
            return .generated(startup: end.startup, deadPeerAction: end.deadPeerAction)
        }
        if end.secrets == nil, end.proposal.certificate == nil, daemon(of: end.node.value).keepsSecretsApart {
            collector.error(
                name.line, "\(place).ends.\(end.node.value) has `config:` but no `secrets:`",
                "Add `secrets: FILE` with its pre-shared key, or `certificate: {file: …, key: …, ca: …}`.")
            return nil
        }
        guard let configuration = self.configuration(name, place: place) else { return nil }
        var secrets = ""
        if let file = end.secrets {
            guard let text = self.configuration(file, place: place) else { return nil }
            secrets = text
        }
        var files = ConnectionFiles(
            configurationName: name.value, configuration: configuration, secretsName: end.secrets?.value,
            secrets: Secret(secrets))
        if let spec = end.proposal.certificate {
            guard let use = certificate(spec, of: end, tunnel: "", place: place) else { return nil }
            files.certificate = use
        }
        return .own(files)
    }
}

/// Both, or neither.
private func zip2<First, Second>(_ first: First?, _ second: Second?) -> (First, Second)? {
    guard let first, let second else { return nil }
    return (first, second)
}
