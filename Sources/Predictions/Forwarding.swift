import LabModel
import NetworkTypes
import PacketFormats

/// Where a lab's nodes send a packet, worked out from the configuration and from what does not work.
///
/// Longest match over static, connected, tunnel, BGP and OSPF routes (a static route to the same prefix goes before a learned
/// one, whose metric is its daemon's; one that follows its tunnel is there while the tunnel's end has associations), policy rules,
/// 1:1 NAT, source/destination check and security rules at the fabric's ports.
struct Forwarding: Sendable {
    let topology: Topology
    let memory = Memory()
    private let places: [String: Place]
    private let delays: [String: Duration]

    init(topology: Topology) {
        self.topology = topology
        places = Dictionary(topology.nodes.map { ($0.name, Place($0, in: topology)) }) { first, _ in first }
        delays = Dictionary(topology.links.map { ($0.name, $0.delay) }) { first, _ in first }
    }

    /// One way that a packet can take, or how far it gets.
    struct Path: Hashable, Sendable {
        /// Whether it reaches who has its destination address.
        var arrives = false
        /// Where and why it is lost; empty for one that arrives.
        var loss = ""
        /// The tunnels that it enters itself, in order, and not those that carry these.
        var tunnels: [String] = []
        /// The ends at which it enters tunnels with IPsec.
        var entrances: Set<Damage.Side> = []
        /// Why it cannot be said what becomes of it; nil where it can.
        var doubt: String?

        /// Whether it goes through a tunnel, itself or within another.
        func uses(_ tunnel: String) -> Bool {
            tunnels.contains(tunnel) || entrances.contains { $0.name == tunnel }
        }

        /// The nodes that see it in clear, in order.
        var nodes: [String] = []
        /// The same with the tunnels that it enters itself between them.
        var places: [String] = []
        /// Every link crossed, also by the outer packets of its tunnels.
        var crossings: [Crossing] = []
        /// The interfaces of tunnels and links it leaves a node by.
        var exits: [Exit] = []
        /// The instances' ports of the fabric it goes through, either way.
        var fabricPorts: Set<Damage.Port> = []
        /// Where a route shared traffic among several next hops, and which of them this way takes.
        var choices: [Choice] = []
    }

    /// What a flow's hash chose at a node.
    struct Choice: Hashable, Sendable {
        let node: String
        /// The tunnel whose outer packet was sent; nil for one in clear.
        let tunnel: String?
        let among: Set<NextHop>
        let taken: NextHop
    }

    struct Crossing: Hashable, Sendable {
        let link: String
        let sender: String
        /// The tunnel whose outer packet it is; nil for a packet in clear.
        let tunnel: String?
        /// The tunnels that a packet is inside of here, innermost first.
        let within: [String]
    }

    struct Exit: Hashable, Sendable {
        let port: Damage.Port
        /// The tunnel whose outer packet leaves here; nil for a packet in clear.
        let tunnel: String?
        /// What plain tunnels have added to the packet, in bytes.
        let overhead: Int
    }

    /// A packet on its way.
    struct Packet: Hashable, Sendable {
        var source: IPAddress?
        var destination: IPAddress
        let kind: PacketKind
        /// The tunnel whose outer packet it is.
        var tunnel: String?
        /// The tunnels that it is inside of, innermost first.
        var within: [String] = []
        /// What the flow's hash is known to choose.
        var choices: [Choice] = []
        var input: InterfaceName?
        /// The IPsec tunnel that it has just come out of.
        var opened: String?
        var hops = 0
        /// What plain tunnels have added, in bytes.
        var overhead = 0

        /// Whether it is a plain tunnel's own packet, which may go through IPsec.
        var isWrapped: Bool { if case .wrapped = kind { true } else { false } }

        /// Whether it belongs to a tunnel whose ends have spoken to each other before.
        var isNegotiated: Bool {
            if case .wrapped = kind { false } else { tunnel != nil }
        }
    }

    /// A way out of a node.
    struct NextHop: Hashable, Sendable {
        let gateway: IPAddress?
        let interface: InterfaceName
    }

    /// Every way a packet can take: several where routes share traffic among next hops.
    ///
    /// - Parameters:
    ///   - known: Ports of the fabric that have seen the conversation begin and let its packets pass without a rule.
    ///   - choices: What the flow's hash is known to choose where the same next hops share traffic; among others it is not
    ///     known.
    func paths(
        from node: String, source: IPAddress?, to destination: IPAddress, _ kind: PacketKind, in damage: Damage,
        known: Set<Damage.Port> = [], choices: [Choice] = []
    ) -> [Path] {
        paths(of: Packet(source: source, destination: destination, kind: kind, choices: choices), node, damage, known)
    }

    /// The same for a tunnel's own packets.
    func outerPaths(
        from node: String, source: IPAddress, to destination: IPAddress, _ kind: PacketKind, of tunnel: String,
        in damage: Damage
    ) -> [Path] {
        paths(
            of: Packet(source: source, destination: destination, kind: kind, tunnel: tunnel, within: [tunnel]), node,
            damage, [])
    }

    /// Each question is answered once: a prediction asks for the ways of the same packets again and again.
    private func paths(of packet: Packet, _ node: String, _ damage: Damage, _ known: Set<Damage.Port>) -> [Path] {
        let question = Memory.Question(packet: packet, node: node, damage: damage, known: known)
        return memory.ways(question) { follow(packet, at: node, Path(), damage, known) }
    }

    /// The address that a node's kernel takes for a packet of its own: that of the interface it leaves by.
    func sourceAddress(from node: String, to destination: IPAddress, _ damage: Damage) -> IPAddress? {
        guard let place = places[node] else { return nil }
        let packet = Packet(source: nil, destination: destination, kind: .request(.echo))
        let hop = place.has(destination, damage) ? nil : nextHops(at: place, packet, damage).first
        return place.source(by: hop?.interface, for: destination, damage)
    }

    /// The delays of all links that a path crosses.
    func delay(of path: Path) -> Duration {
        path.crossings.reduce(.zero) { $0 + (delays[$1.link] ?? .zero) }
    }

    private func follow(
        _ arriving: Packet, at node: String, _ soFar: Path, _ damage: Damage, _ known: Set<Damage.Port>
    ) -> [Path] {
        var packet = arriving
        var path = soFar
        if packet.tunnel == nil, path.nodes.last != node {
            path.nodes.append(node)
            path.places.append(node)
        }
        func lost(_ why: String) -> [Path] {
            path.loss = why
            return [path]
        }
        guard let place = places[node], !damage.downNodes.contains(node) else { return lost("\(node) is down") }
        let here = place.node
        packet.hops += 1
        guard packet.hops < 64 else { return lost("it goes round in circles at \(node)") }
        if let filter = here.filters.first(where: { $0.interface == packet.input }), !admits(filter, packet) {
            return lost("the filter of \(node) at \(filter.interface) lets in no such packet")
        }
        if let tunnel = missingProtection(of: packet, at: place, damage) {
            return lost("\(node) takes that only out of \(tunnel), whose policies are for it, and it came in clear")
        }
        packet.opened = nil
        if let nat = here.nat, packet.input == nat.interface,
            let mapping = nat.mappings.first(where: { $0.outside == packet.destination })
        {
            let changed = damage.translations[Damage.Translation(node: node, outside: mapping.outside)]
            packet.destination = changed ?? mapping.inside
        } else if let nat = here.nat, packet.input == nat.interface, let (end, inside) = masqueraded(packet, by: here) {
            if damage.unmapped.contains(end) {
                return lost("\(node) does not know for which node behind it packets of \(end.name) are")
            }
            packet.destination = inside
        }
        if place.has(packet.destination, damage) {
            // An IPsec tunnel's own packets are dropped where they arrive.
            if let tunnel = packet.tunnel.flatMap({ topology.tunnel(named: $0) }),
                let sender = tunnel.ends.first(where: { $0.node != node }),
                let sieve = sieve(at: tunnel.name, from: sender.node, packet.kind, damage, isOuter: true)
            {
                return lost("\(node) drops \(sieve) of \(tunnel.name)")
            }
            path.arrives = true
            return [path]
        }
        guard packet.input == nil || forwards(here) else { return lost("\(node) does not forward") }
        let hops = nextHops(at: place, packet, damage)
        path.doubt = path.doubt ?? doubt(at: node, packet, damage)
        guard !hops.isEmpty else { return lost("\(node) has no route to \(packet.destination)") }
        guard hops.count > 1 else { return leave(packet, at: place, by: hops[0], path, damage, known) }
        let choice = packet.choices.first {
            $0.node == node && $0.tunnel == packet.tunnel && $0.among == Set(hops)
        }
        return (choice.map { [$0.taken] } ?? hops).flatMap { hop in
            var next = path
            next.choices.append(Choice(node: node, tunnel: packet.tunnel, among: Set(hops), taken: hop))
            return leave(packet, at: place, by: hop, next, damage, known)
        }
    }

    private func leave(
        _ leaving: Packet, at place: Place, by hop: NextHop, _ soFar: Path, _ damage: Damage, _ known: Set<Damage.Port>
    ) -> [Path] {
        let node = place.node
        var packet = leaving
        var path = soFar
        let port = Damage.Port(node: node.name, interface: hop.interface)
        func lost(_ why: String) -> [Path] {
            path.loss = why
            return [path]
        }
        if packet.source == nil { packet.source = place.source(by: hop.interface, for: packet.destination, damage) }
        path.exits.append(Exit(port: port, tunnel: packet.tunnel, overhead: packet.overhead))
        let entrance =
            policyEnd(for: packet, at: place) ?? place.tunnels.first { $0.end.interface == hop.interface }
        // What a policy takes does not leave where its route leads, but where its tunnel's own packets do.
        let output = entrance?.end.steering == .policy ? nil : hop.interface
        if packet.input != nil, let refusal = refusal(of: packet, at: place, to: output, &path, damage, known) {
            return lost(refusal)
        }
        if let (tunnel, end) = entrance, let peer = tunnel.peer(of: end) {
            let entrance = Damage.Side(name: tunnel.name, node: node.name)
            path.entrances.insert(entrance)
            guard packet.tunnel == nil || packet.isWrapped else {
                path.doubt = "\(tunnel.name) carries another tunnel, which is not followed here"
                return lost("a tunnel in a tunnel, which is not followed")
            }
            if end.steering == .policy, damage.forgotten.contains(entrance) {
                return unprotected(packet, at: place, by: hop, path, tunnel, damage, known)
            }
            if packet.tunnel == nil {
                path.tunnels.append(tunnel.name)
                path.places.append(tunnel.name)
            }
            if end.wantedSelectors != nil, let source = packet.source,
                !tunnel.carried(at: end).contains(where: {
                    $0.takes(from: source, to: packet.destination, upper: upper(of: packet))
                })
            {
                return lost("no selectors of \(tunnel.name) take what goes from \(source) to \(packet.destination)")
            }
            for side in [end, peer]
            where damage.forgotten.contains(Damage.Side(name: tunnel.name, node: side.node)) {
                return lost("\(side.node) has no security associations of \(tunnel.name)")
            }
            if let sieve = sieve(at: tunnel.name, from: node.name, packet.kind, damage) {
                return lost("\(tunnel.name) loses \(sieve)")
            }
            let kind: PacketKind = tunnel.isUDPEncapsulated ? .espInUDP : .esp
            let outer = Packet(
                source: end.localAddress, destination: end.remoteAddress, kind: kind, tunnel: tunnel.name,
                within: packet.within + [tunnel.name], choices: packet.choices)
            return follow(outer, at: node.name, path, damage, known).flatMap { under -> [Path] in
                guard under.arrives else { return [under] }
                var inner = packet
                inner.input = topology.arrival(of: peer)
                inner.opened = tunnel.name
                var next = under
                next.arrives = false
                return follow(inner, at: peer.node, next, damage, known)
            }
        }
        return leaveUnprotected(packet, at: place, by: hop, path, damage, known)
    }

    /// By a link or a plain tunnel, whatever policies would take the packet.
    private func leaveUnprotected(
        _ leaving: Packet, at place: Place, by hop: NextHop, _ soFar: Path, _ damage: Damage, _ known: Set<Damage.Port>
    ) -> [Path] {
        let node = place.node
        var packet = leaving
        var path = soFar
        func lost(_ why: String) -> [Path] {
            path.loss = why
            return [path]
        }
        if let (tunnel, end) = place.plainTunnels.first(where: { $0.end.interface == hop.interface }) {
            return enter(tunnel, end, packet, by: hop, path, damage, known)
        }
        guard let (link, end) = place.links.first(where: { $0.end.routedInterface == hop.interface }),
            let peer = link.peer(of: end)
        else { return lost("\(node.name) has no interface \(hop.interface)") }
        path.crossings.append(
            Crossing(link: link.name, sender: node.name, tunnel: packet.tunnel, within: packet.within))
        let next = hop.gateway ?? packet.destination
        guard places[peer.node]?.links.contains(where: { $0.end.addresses.contains { $0.address == next } }) ?? false
        else { return lost("nobody on \(link.name) has \(next)") }
        if let sieve = sieve(at: link.name, from: node.name, packet.kind, damage) {
            return lost("\(link.name) loses \(sieve)")
        }
        if damage.downPorts.contains(Damage.Port(node: peer.node, interface: peer.routedInterface)) {
            return lost("\(link.name) is down")
        }
        if let nat = node.nat, nat.interface == hop.interface,
            let mapping = nat.mappings.first(where: {
                (damage.translations[Damage.Translation(node: node.name, outside: $0.outside)] ?? $0.inside)
                    == packet.source
            })
        {
            packet.source = mapping.outside
        } else if let nat = node.nat, nat.interface == hop.interface, let source = packet.source,
            let (gateway, outside) = topology.translator(of: source), gateway.name == node.name
        {
            packet.source = outside
        }
        packet.input = peer.routedInterface
        return follow(packet, at: peer.node, path, damage, known)
    }

    /// Whom a packet to a gateway's own address is for, where that is a tunnel's and stands for its end behind the gateway, who has begun.
    private func masqueraded(_ packet: Packet, by gateway: Node) -> (end: Damage.Side, inside: IPAddress)? {
        guard let tunnel = packet.tunnel.flatMap({ topology.tunnel(named: $0) }) else { return nil }
        for end in tunnel.ends {
            let step = topology.translations(of: end.localAddress).first {
                $0.gateway.name == gateway.name && $0.outside == packet.destination
            }
            if let step { return (Damage.Side(name: tunnel.name, node: end.node), step.inside) }
        }
        return nil
    }

    /// What becomes of a packet whose policies have lost their associations, and perhaps are gone with them: that is up to the daemon.
    /// It is lost either way where it gets nowhere in clear.
    private func unprotected(
        _ packet: Packet, at place: Place, by hop: NextHop, _ path: Path, _ tunnel: Tunnel, _ damage: Damage,
        _ known: Set<Damage.Port>
    ) -> [Path] {
        let why = "\(place.node.name) has no security associations of \(tunnel.name)"
        if damage.guarded.contains(Damage.Side(name: tunnel.name, node: place.node.name)) {
            var lost = path
            lost.loss = why
            return [lost]
        }
        let inClear = leaveUnprotected(packet, at: place, by: hop, path, damage, known)
        var lost = path
        lost.loss = why
        if inClear.contains(where: \.arrives) {
            lost.doubt = "\(why), and whether it then sends in clear is up to its daemon, which is not computed here"
        }
        return [lost]
    }

    /// The end whose policies take a packet at a node, whatever way its route leads; what a daemon and the kernel send for a tunnel is
    /// exempt (socket policies; `xfrm_output`).
    private func policyEnd(for packet: Packet, at place: Place) -> (tunnel: Tunnel, end: TunnelEnd)? {
        guard place.hasPolicies, packet.tunnel == nil || packet.isWrapped, let source = packet.source else {
            return nil
        }
        return topology.policyEnd(
            at: place.node.name, from: source, to: packet.destination, upper: upper(of: packet))
    }

    /// The tunnel whose policies at a node are for an arriving packet that has not come out of it: the kernel drops such a one
    /// (XfrmInTmplMismatch; `__xfrm_policy_check`, net/xfrm/xfrm_policy.c). Nil where nothing keeps it out.
    private func missingProtection(of packet: Packet, at place: Place, _ damage: Damage) -> String? {
        guard place.hasPolicies, packet.input != nil, packet.tunnel == nil || packet.isWrapped,
            let source = packet.source,
            let (tunnel, end) = topology.policyEnd(
                at: place.node.name, from: packet.destination, to: source, upper: upper(of: packet)),
            tunnel.name != packet.opened
        else { return nil }
        let side = Damage.Side(name: tunnel.name, node: end.node)
        return damage.forgotten.contains(side) && !damage.guarded.contains(side) ? nil : tunnel.name
    }

    /// What a packet's IP header says that it carries; nil where that is not known.
    private func upper(of packet: Packet) -> IPProtocol? {
        switch packet.kind {
        case .request(.echo), .reply(.echo): packet.destination.bitWidth == 32 ? .icmp : .icmpv6
        case .tooBig: packet.destination.bitWidth == 32 ? .icmp : .icmpv6
        case .bgp, .request(.stream), .reply(.stream): .tcp
        case .bfd, .request(.datagrams), .reply(.datagrams): .udp
        case .wrapped: packet.tunnel.flatMap { topology.plainTunnel(named: $0) }?.kind.carriedProtocol
        case .ike, .esp, .espInUDP: nil
        }
    }

    /// Through a tunnel without encryption: its own packet goes to the other end as any other does, perhaps through another
    /// tunnel, and what is in it goes on from there.
    private func enter(
        _ tunnel: PlainTunnel, _ end: PlainTunnelEnd, _ packet: Packet, by hop: NextHop, _ soFar: Path,
        _ damage: Damage, _ known: Set<Damage.Port>
    ) -> [Path] {
        var path = soFar
        if packet.tunnel == nil {
            path.tunnels.append(tunnel.name)
            path.places.append(tunnel.name)
        }
        func lost(_ why: String) -> [Path] {
            path.loss = why
            return [path]
        }
        guard let peer = tunnel.peer(of: end) else { return lost("\(tunnel.name) has no other end") }
        if tunnel.kind == .isatap {
            let next = hop.gateway ?? packet.destination
            guard peer.inside?.address == next else { return lost("nobody in \(tunnel.name) has \(next)") }
            guard peer.takes(packet.source, from: end) else {
                return lost("\(end.node) is not in the potential router list of \(peer.node)")
            }
        }
        if tunnel.kind.isVXLAN {
            let next = hop.gateway ?? packet.destination
            guard peer.inside?.address == next else { return lost("nobody in \(tunnel.name) has \(next)") }
        }
        if let sieve = sieve(at: tunnel.name, from: end.node, packet.kind, damage) {
            return lost("\(tunnel.name) loses \(sieve)")
        }
        var outer = Packet(
            source: end.localAddress, destination: end.remoteAddress, kind: .wrapped(tunnel.kind.wrapping),
            tunnel: tunnel.name, within: packet.within + [tunnel.name], choices: packet.choices)
        outer.hops = packet.hops
        outer.overhead = packet.overhead + end.overhead(tunnel.kind)
        return follow(outer, at: end.node, path, damage, known).flatMap { under -> [Path] in
            guard under.arrives else { return [under] }
            var inner = packet
            inner.input = peer.interface
            var next = under
            next.arrives = false
            return follow(inner, at: peer.node, next, damage, known)
        }
    }

    /// - Parameter isOuter: Whether it is one of the packets that the IPsec tunnel at the place is made of, and not one that goes through it.
    private func sieve(
        at place: String, from sender: String, _ kind: PacketKind, _ damage: Damage, isOuter: Bool = false
    ) -> String? {
        damage.sieves.first { sieve in
            sieve.place == place && (sieve.sender ?? sender) == sender
                && (sieve.traffic.map { kind.isCaught(by: $0) && (!isOuter || $0.isOuter) } ?? true)
        }.map { sieve in
            (sieve.traffic.map(\.rawValue) ?? "everything") + (sieve.sender.map { " that \($0) sends" } ?? "")
        }
    }

    private func forwards(_ node: Node) -> Bool {
        node.role.forwards
            || node.sysctls.contains {
                ["net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding", "net.ipv6.conf.all.forwarding"].contains($0.key)
                    && $0.value == "1"
            }
    }
}

extension PlainTunnelEnd {
    /// Whether an ISATAP host takes in a packet: from one of its potential routers, or from the host that its source address
    /// names (RFC 5214, section 7.3; `isatap_chksrc`, net/ipv6/sit.c).
    fileprivate func takes(_ source: IPAddress?, from sender: PlainTunnelEnd) -> Bool {
        guard case .v4(let address) = sender.localAddress else { return false }
        if potentialRouters.contains(address) { return true }
        guard case .v6(let source)? = source, let inside else { return false }
        return source.isatapAddress == address && inside.prefix.contains(.v6(source))
    }
}
