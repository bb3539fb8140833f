import AgentProtocol
import CLinux
import DaemonDrivers
import DaemonProfiles
import Daemons
import Decryption
import Glibc
import HeaderStacks
import LabModel
import LabRecords
import Netlink
import NetworkTypes
import NodeRuntime

// What the lab is like now: from the kernel by netlink, from daemons by their drivers.
extension RunningLab {
    /// Whether both ends have a security association in use in each direction.
    func tunnelState(_ name: String) throws -> (holds: Bool, seen: String) {
        guard let tunnel = topology.tunnel(named: name) else { return (false, "there is no tunnel \(name)") }
        for end in tunnel.ends {
            let (inbound, outbound) = try associations(of: end)
            if inbound.isEmpty || outbound.isEmpty {
                return (false, "\(end.node) has no security association \(inbound.isEmpty ? "inbound" : "outbound")")
            }
            if let missing = try sandbox(end.node).missing(of: tunnel, at: end, among: outbound) {
                return (false, "\(end.node) has no security association for \(missing)")
            }
        }
        return (true, "security associations at both ends")
    }

    /// The security associations of each direction behind a tunnel's interface, newest first.
    func associations(of end: TunnelEnd) throws -> (inbound: [SecurityAssociation], outbound: [SecurityAssociation]) {
        try sandbox(end.node).associations(of: end)
    }

    func daemonState(_ node: String, _ kind: Daemon.Kind) throws -> (holds: Bool, seen: String) {
        guard let path = DaemonRegistry.profile(kind)?.socketPath else { return (false, "there is no daemon \(kind)") }
        // Looking is enough; connecting and saying nothing would be an error in the daemon's log.
        guard try sandbox(node).isListening(at: path) else { return (false, "nobody listens on \(path)") }
        let isLoaded = daemons[DaemonName(node: node, kind: kind).description]?.isStarted ?? true
        return (isLoaded, isLoaded ? "\(kind.rawValue) listens" : "\(kind.rawValue) has not read its configuration yet")
    }

    /// - Parameter asksProbes: Whether each probe is asked once.
    func status(askingProbes asksProbes: Bool = false) async throws -> LabStatus {
        var keys: [String: [String: ConnectionState]] = [:]
        for node in Set(topology.tunnels.flatMap(\.ends).map(\.node)).sorted() {
            keys[node] = try await keyDriver(of: node)?.connections()
        }
        let tunnels = try topology.tunnels.map { try status(of: $0, keys: keys) }
        var sessions: [SessionStatus] = []
        for session in topology.sessions { sessions.append(try await status(of: session)) }
        for session in topology.oneSidedSessions { sessions.append(try await status(of: session)) }
        var adjacencies: [OSPFStatus] = []
        for adjacency in topology.ospf.flatMap(\.adjacencies) { adjacencies.append(try await status(of: adjacency)) }
        let answers = asksProbes ? try await askProbes() : [:]
        let tracer = PathTracer(topology: topology, sandboxes: sandboxes)
        let paths = topology.probes.map { tracer.path(of: $0, isAnswered: answers[$0.name]) }
        var choices: [ObservedChoice] = []
        for path in paths {
            for choice in try await self.choices(at: path.hops.map(\.node), to: path.destination)
            where !choices.contains(where: { $0.node == choice.node && $0.prefix == choice.prefix }) {
                choices.append(choice)
            }
        }
        return LabStatus(
            lab: topology.name, title: topology.title, clock: nil, tunnels: tunnels, sessions: sessions,
            paths: paths,
            daemons: daemons.values.sorted { $0.daemon.name < $1.daemon.name }.map(status),
            nodes: try topology.nodes.map(status), faults: activeFaults, monitors: monitors?.statuses ?? [],
            plainTunnels: try topology.plainTunnels.map(status), adjacencies: adjacencies, choices: choices)
    }

    /// Whether each probe is answered, all of them asked at once.
    private func askProbes() async throws -> [String: Bool] {
        let running = topology.probes.map { probe in
            let request = ProbeRequest(
                source: probe.source, sourceAddress: probe.sourceAddress, destination: probe.destination,
                kind: .echo(count: 1, interval: .zero, payload: 56, dontFragment: false, timeout: .seconds(1)))
            return (probe.name, Task { try await run(request).isReached })
        }
        var answers: [String: Bool] = [:]
        for (name, task) in running { answers[name] = try await task.value }
        return answers
    }

    private func status(of tunnel: PlainTunnel) throws -> PlainTunnelStatus {
        PlainTunnelStatus(name: tunnel.name, kind: tunnel.kind, ends: try tunnel.ends.map(status))
    }

    func status(of end: PlainTunnelEnd) throws -> PlainTunnelStatus.End {
        let link = try sandbox(end.node).sockets.link(named: end.interface)
        let (local, remote, options): (IPAddress, IPAddress?, String) =
            switch link.kind {
            case .ip6Tunnel(let local, let remote, _, let limit, let hopLimit, let flow):
                (.v6(local), .v6(remote), LinkKind.options(limit: limit, hopLimit: hopLimit, flow: flow))
            case .sit(let local, let remote, let isISATAP): (.v4(local), isISATAP ? nil : .v4(remote), "")
            case .ipip(let local, let remote): (.v4(local), .v4(remote), "")
            case .gre(let local, let remote, let key, let hasSequenceNumbers, let hasChecksum):
                (
                    local, remote,
                    [key.map { "key \($0)" }, hasSequenceNumbers ? "seq" : nil, hasChecksum ? "csum" : nil]
                        .compactMap(\.self).joined(separator: " ")
                )
            case .vxlan(let local, let remote, let vni, let port): (local, remote, "vni \(vni) dstport \(port)")
            case .other("wireguard"): try wireGuard(end)
            default: throw LabFailure("\(end.node): \(end.interface) is no tunnel's interface any more.")
            }
        return PlainTunnelStatus.End(
            node: end.node, interface: end.interface, isUp: link.isUp, local: local, remote: remote, mtu: link.mtu,
            options: options, receivedBytes: link.received.bytes, sentBytes: link.sent.bytes)
    }

    /// Where a WireGuard interface's peer was last heard, and when they last agreed on keys.
    private func wireGuard(_ end: PlainTunnelEnd) throws -> (IPAddress, IPAddress?, String) {
        let (port, peers) = try sandbox(end.node).sockets.wireGuard(end.interface)
        let peer = peers.first
        let age = peer?.lastHandshake.map { max(0, Int64(time(nil)) - $0) }
        let words = [
            "port \(port)", peer?.endpoint.map { "peer's \($0.port)" },
            age.map { "handshake \($0)s ago" } ?? "no handshake",
        ]
        return (end.localAddress, peer?.endpoint?.address, words.compactMap(\.self).joined(separator: " "))
    }

    private func status(of tunnel: Tunnel, keys: [String: [String: ConnectionState]]) throws -> TunnelStatus {
        let ends = try tunnel.ends.map { end in
            let (inbound, outbound) = try associations(of: end)
            let ike = keys[end.node]?.state(of: end)?.ike
            return TunnelStatus.End(
                node: end.node, interface: end.interface, local: end.localAddress, remote: end.remoteAddress, ike: ike,
                inbound: status(of: inbound), outbound: status(of: outbound))
        }
        let isWhole = try tunnel.ends.allSatisfy { end in
            try sandbox(end.node).missing(of: tunnel, at: end, among: associations(of: end).outbound) == nil
        }
        let isUp = isWhole && ends.allSatisfy { $0.inbound != nil && $0.outbound != nil }
        return TunnelStatus(
            name: tunnel.name, state: tunnel.isUnused && !isUp ? .unused : isUp ? .up : .down, ends: ends)
    }

    /// The newest association, with what all of them have carried.
    private func status(of associations: [SecurityAssociation]) -> SAStatus? {
        guard let association = associations.first else { return nil }
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let words = ESPAssociation(association)?.algorithmNames ?? []
        return SAStatus(
            spi: association.spi, algorithms: words.joined(separator: " "),
            isUDPEncapsulated: association.encapsulation != nil, bytes: associations.reduce(0) { $0 + $1.bytes },
            packets: associations.reduce(0) { $0 + $1.packets },
            ageSeconds: max(0, Double(time.tv_sec) - Double(association.addTime)))
    }

    private func status(of daemon: DaemonProcess) -> DaemonStatus {
        switch daemon.current {
        case .running: DaemonStatus(name: daemon.daemon.name, isRunning: true, detail: "")
        case .suspended:
            DaemonStatus(name: daemon.daemon.name, isRunning: false, isSuspended: true, detail: "by SIGSTOP")
        case .stopping: DaemonStatus(name: daemon.daemon.name, isRunning: true, detail: "being stopped")
        case .ended(let reason): DaemonStatus(name: daemon.daemon.name, isRunning: false, detail: reason)
        }
    }

    private func status(of node: Node) throws -> NodeStatus {
        let sockets = try sandbox(node.name).sockets
        let addresses = try sockets.addresses()
        let interfaces = try sockets.links().filter { $0.name.description != "lo" && !$0.isFallback }.map { link in
            NodeStatus.Interface(
                name: link.name.description, kind: link.kindWord, isUp: link.isUp, mtu: link.mtu,
                addresses: addresses.filter { $0.interface == link.name }.map(\.address),
                receivedBytes: link.received.bytes,
                sentBytes: link.sent.bytes, drops: link.received.drops + link.sent.drops)
        }
        return NodeStatus(name: node.name, cloud: node.cloud, summary: node.summary, interfaces: interfaces)
    }
}

extension NodeSandbox {
    /// The security associations of each direction behind the interface of one of the node's tunnels, newest first.
    ///
    /// There are several while one is renewed, and when both ends have initiated at once. Daemons may mark the policies
    /// only; a policy leads to its associations by their common request id.
    func associations(of end: TunnelEnd) throws -> (inbound: [SecurityAssociation], outbound: [SecurityAssociation]) {
        let requests = Set(try policies(of: end).flatMap(\.templates).map(\.requestID))
        let all = try sockets.securityAssociations().filter { association in
            // One without algorithms is a larval state: asked for and not yet negotiated.
            requests.contains(association.requestID) && (association.encryption != nil || association.aead != nil)
        }
        let sorted = all.sorted { ($0.addTime, $0.spi) > ($1.addTime, $1.spi) }
        let isBetween = { (source: IPAddress, destination: IPAddress) in
            // Policies with a number are this end's alone; a NAT's other side may have moved the peer's address.
            end.steering != .policy || [source, destination].contains(end.remoteAddress)
        }
        return (
            sorted.filter { $0.destination == end.localAddress && isBetween($0.source, $0.destination) },
            sorted.filter { $0.source == end.localAddress && isBetween($0.source, $0.destination) }
        )
    }

    /// The kernel's policies that lead into an end's tunnel, or out of it.
    func policies(of end: TunnelEnd) throws -> [SecurityPolicy] {
        try sockets.securityPolicies().filter { policy in
            switch end.steering {
            case .interface(_, .vti, let mark): policy.mark?.value == mark
            case .interface(_, .xfrm, let id): policy.interfaceID == id
            case .policy:
                policy.mark == nil && policy.interfaceID == nil && !policy.templates.isEmpty && end.owns(policy)
            }
        }
    }

    /// The first selectors of an end for which no outbound association is there; nil where each has one.
    func missing(
        of tunnel: Tunnel, at end: TunnelEnd, among outbound: [SecurityAssociation]
    ) throws -> SelectorPair? {
        guard end.steering == .policy || end.selectors.count > 1, end.wantedSelectors != nil else { return nil }
        let requests = Set(outbound.map(\.requestID))
        let policies = try policies(of: end).filter { policy in
            policy.direction == .output && policy.templates.contains { requests.contains($0.requestID) }
        }
        return tunnel.carried(at: end).first { pair in !policies.contains { $0.selector.covers(pair) } }
    }
}

extension TunnelEnd {
    /// Whether a policy without a number is for packets of the end's own selectors; peers behind one address have the same outer
    /// addresses. Any policy where the end's selectors are not known.
    func owns(_ policy: SecurityPolicy) -> Bool {
        guard let wantedSelectors else { return true }
        let (near, far) =
            policy.direction == .output
            ? (policy.selector.source, policy.selector.destination)
            : (policy.selector.destination, policy.selector.source)
        return wantedSelectors.contains { $0.local.overlaps(near) && $0.remote.overlaps(far) }
    }
}

extension IPsecSelector {
    /// Whether it takes everything that an end sends of a pair.
    func covers(_ pair: SelectorPair) -> Bool {
        source.contains(pair.local) && destination.contains(pair.remote)
            && (self.protocol == 0 || self.protocol == pair.upper?.rawValue)
            && (sourcePort == 0 || sourcePort == pair.localPort)
            && (destinationPort == 0 || destinationPort == pair.remotePort)
    }
}

extension LinkKind {
    /// An IPv6 tunnel's settings in the words of ip-tunnel(8).
    static func options(limit: Int?, hopLimit: Int, flow: UInt32) -> String {
        let digits = { (value: UInt32, width: Int) -> String in
            let text = String(value, radix: 16)
            return "0x" + String(repeating: "0", count: max(0, width - text.count)) + text
        }
        return
            "encaplimit \(limit.map(String.init) ?? "none") hoplimit \(hopLimit) tclass \(digits(flow >> 20 & 0xFF, 2)) "
            + "flowlabel \(digits(flow & 0xFFFFF, 5))"
    }
}

extension LinkInfo {
    /// The kind as `ip -details link` names it; nil where there is none.
    var kindWord: String? {
        switch kind {
        case .physical: nil
        case .dummy: "dummy"
        case .veth: "veth"
        case .bridge: "bridge"
        case .vlan: "vlan"
        case .vrf: "vrf"
        case .vti: "vti"
        case .xfrm: "xfrm"
        case .ip6Tunnel: "ip6tnl"
        case .ipip: "ipip"
        case .sit: "sit"
        case .gre: "gre"
        case .vxlan: "vxlan"
        case .other(let name): name
        }
    }

    /// Whether this is one of the devices that tunnel modules make in every namespace (`ip_vti0`, `tunl0`, …).
    var isFallback: Bool {
        ["tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "sit0", "ip6tnl0", "ip6gre0"].contains(
            name.description)
    }
}
