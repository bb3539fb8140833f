import Daemons
import LabModel
import NetworkTypes
import Predictions

// What crosses links: in which form, and what of it can be read.
extension ExpectationDeriver {
    /// Tunnels that one packet is inside of, outermost first.
    private typealias Chain = [String]

    mutating func deriveWires(_ answered: [Answered]) {
        deriveEncapsulation(answered)
        deriveConfidentiality(answered)
    }

    // MARK: Form

    /// One for all probes that go by the same tunnels.
    private mutating func deriveEncapsulation(_ answered: [Answered]) {
        var order: [[Chain]] = []
        var groups: [[Chain]: [Answered]] = [:]
        for one in answered {
            let chains = Self.chains(one.courses)
            guard !chains.isEmpty else { continue }
            if groups[chains] == nil { order.append(chains) }
            groups[chains, default: []].append(one)
        }
        for chains in order {
            guard let group = groups[chains], let first = group.first else { continue }
            let crossings = group.flatMap(\.courses.all).flatMap(\.crossings)
            let links = linksOf(crossings)
            let tunnels = Self.distinct(chains.flatMap(\.self))
            let name = tunnels.count == 1 ? "\(tunnels[0])-wire" : "\(first.probe.name)-wire"
            guard !links.isEmpty else {
                leaveOut(
                    name, .encapsulation, "the same links carry the probes' packets in clear, or with a VLAN's tag")
                continue
            }
            if chains.contains(where: {
                $0.count > 1 && $0.contains { topology.plainTunnel(named: $0)?.kind.isWireGuard ?? false }
            }) {
                leaveOut(name, .encapsulation, "what is within WireGuard, or around it, cannot be looked at with it")
                continue
            }
            add(
                name,
                .encapsulation(
                    EncapsulationClaim(probes: group.map(\.probe.name), ways: chains.map(way), links: links)),
                from: tunnels.map { "tunnels.\($0)" }.joined(separator: ", "))
        }
    }

    /// Those between clouds and those that carry the tunnels' packets, without those that probes cross in clear as they should.
    private func linksOf(_ crossings: [Course.Crossing]) -> [String] {
        let clear = Set(crossings.filter(\.within.isEmpty).map(\.link))
        let wrapped = Set(crossings.filter { !$0.within.isEmpty }.map(\.link))
        let between = Set(topology.underlayLinks.map(\.name))
        let links = topology.links.filter { link in
            link.vlan == nil && !clear.contains(link.name)
                && (wrapped.contains(link.name) || between.contains(link.name))
        }
        return links.contains { wrapped.contains($0.name) } ? links.map(\.name) : []
    }

    /// In an order that does not depend on the direction.
    private static func chains(_ courses: Courses) -> [Chain] {
        distinct(courses.all.flatMap(\.crossings).map(\.within)).filter { !$0.isEmpty }.sorted {
            ($0.count, $0.joined(separator: " ")) < ($1.count, $1.joined(separator: " "))
        }
    }

    private static func distinct<Value: Equatable>(_ values: [Value]) -> [Value] {
        values.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    private func way(_ chain: Chain) -> EncapsulationClaim.Way {
        let secured = chain.lazy.compactMap(topology.tunnel(named:)).first
        return EncapsulationClaim.Way(
            tunnel: secured?.name, plainTunnels: chain.filter { topology.plainTunnel(named: $0) != nil },
            wrappings: chain.compactMap { name in
                topology.plainTunnel(named: name)?.kind.wrapping
                    ?? topology.tunnel(named: name).map { $0.isUDPEncapsulated ? .espInUDP : .esp }
            }, algorithms: secured?.algorithms)
    }

    // MARK: Secrecy

    /// Links that encrypted packets cross, and nothing that the lab sends in clear on purpose.
    private mutating func deriveConfidentiality(_ answered: [Answered]) {
        let protected = answered.filter { one in Self.chains(one.courses).contains(where: isEncrypted) }
        guard !protected.isEmpty else { return }
        let encrypted = Set(
            protected.flatMap(\.courses.all).flatMap(\.crossings).filter { isEncrypted($0.within) }.map(\.link))
        let open = openLinks(answered)
        let spoken = conversations
        // A user's own file may have BFD with neighbours that the lab file does not know of.
        let withBFD = spoken.filter {
            !$0.session.speakers.allSatisfy { topology.node(named: $0.node)?.routingConfiguration == nil }
        }
        let links = topology.links.filter { link in
            encrypted.contains(link.name) && !open.contains(link.name)
                && !withBFD.contains { $0.links.contains(link.name) }
        }
        guard !links.isEmpty else {
            return leaveOut(
                "nothing-in-clear", .confidentiality,
                "every link that carries ESP also carries what the lab sends in clear")
        }
        let names = Set(links.map(\.name))
        var allowed: [ConfidentialityClaim.ControlTraffic] = [.arp, .ike, .icmpErrors]
        if links.contains(where: { $0.ends.contains { $0.addresses.contains { $0.address.bitWidth == 128 } } }) {
            allowed.append(.neighbourDiscovery)
        }
        let tried = topology.oneSidedSessions.flatMap { session in
            predictor.conversation(from: session.node, session.address, to: session.peer).flatMap(\.crossings)
        }.filter(\.within.isEmpty).map(\.link)
        if spoken.contains(where: { !$0.links.isDisjoint(with: names) }) || tried.contains(where: names.contains) {
            allowed.append(.bgp)
        }
        if spoken.contains(where: { spoken in
            spoken.session.speakers.contains { $0.bfd != nil } && !spoken.links.isDisjoint(with: names)
        }) {
            allowed.append(.bfd)
        }
        if topology.ospf.flatMap(\.adjacencies).contains(where: { names.contains($0.link) }) { allowed.append(.ospf) }
        let tunnels = Self.distinct(protected.flatMap { Self.chains($0.courses) }.filter(isEncrypted).flatMap(\.self))
        add(
            "nothing-in-clear",
            .confidentiality(
                ConfidentialityClaim(
                    probes: protected.map(\.probe.name), links: links.map(\.name), allowed: allowed)),
            from: tunnels.map { "tunnels.\($0)" }.joined(separator: ", "))
    }

    /// Whether one of the tunnels encrypts; one whose algorithms are not known is taken to.
    private func isEncrypted(_ chain: Chain) -> Bool {
        chain.compactMap(topology.tunnel(named:)).contains { $0.algorithms?.encryption != .null }
            || chain.compactMap(topology.plainTunnel(named:)).contains { $0.kind.isWireGuard }
    }

    /// Links that something crosses in clear, or in a tunnel that does not encrypt, as the lab file has it.
    private func openLinks(_ answered: [Answered]) -> Set<String> {
        // A probe that is lost on its way crosses links as well.
        let probes = topology.probes.map { probe in
            answered.first { $0.probe.name == probe.name }?.courses ?? predictor.courses(of: probe)
        }
        let plain = topology.plainTunnels.flatMap { tunnel in
            tunnel.ends.flatMap { predictor.underlay(from: $0, of: tunnel) }
        }
        let unencrypted = topology.tunnels.filter { !isEncrypted([$0.name]) }.flatMap { tunnel in
            tunnel.ends.flatMap { predictor.underlay(from: $0, of: tunnel) }
        }
        let crossings = (probes.flatMap(\.all) + plain + unencrypted).flatMap(\.crossings)
        return Set(crossings.filter { !isEncrypted($0.within) }.map(\.link))
    }

    /// The links that BGP's packets cross in clear.
    private var conversations: [(session: BGPSession, links: Set<String>)] {
        topology.sessions.map { session in
            let courses = session.speakers.flatMap { speaker in
                session.peer(of: speaker).map {
                    predictor.conversation(from: speaker.node, speaker.address, to: $0.address)
                } ?? []
            }
            return (session, Set(courses.flatMap(\.crossings).filter(\.within.isEmpty).map(\.link)))
        }
    }
}
