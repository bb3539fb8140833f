import Daemons
import LabModel
import NetworkTypes
import YAMLReading

// How packets get into a tunnel with IPsec, and which ones do.
extension TopologyResolver {
    /// An end as far as it has been read.
    struct WrittenEnd {
        let spec: TunnelSpec.End
        let local: IPAddress
        /// The address that the peer knows the end by.
        let identity: IPAddress
        let own: OwnConnection?
        let configuration: TunnelEnd.Configuration
    }

    /// Whether something leads packets into a tunnel's end; if not, that is reported.
    func hasWayIn(_ end: TunnelSpec.End, of tunnel: TunnelSpec, _ place: String) -> Bool {
        guard end.interface == nil else { return true }
        let place = "\(place).ends.\(end.node.value)"
        guard
            end.configuration != nil || tunnel.mode?.value == .transport || tunnel.selectors != nil
                || end.selectors != nil
        else {
            collector.error(
                end.line, "\(place) has no \"interface\"",
                "Add `interface: …`, the name of the interface that leads into the tunnel; or `selectors:` to the tunnel, such as `{\(tunnel.ends.map { "\($0.node.value): PREFIX" }.joined(separator: ", "))}`, for policies alone."
            )
            return false
        }
        for key in end.ofInterface {
            collector.error(
                key.line, "\(place) has `\(key.value):` and no interface",
                "Add `interface: NAME`; or remove `\(key.value):`, for `selectors:` say what goes into the tunnel.")
        }
        return end.ofInterface.isEmpty
    }

    /// Nil for what cannot be, which is reported.
    func steering(of side: WrittenEnd, number: UInt32, place: String) -> Steering? {
        let end = side.spec
        let place = "\(place).ends.\(end.node.value)"
        let file = end.configuration?.value ?? ""
        // A connection that is not there has been reported.
        if end.configuration != nil, side.own == nil { return nil }
        guard let interface = end.interface else {
            guard let own = side.own, let kind = own.interfaceKind else { return .policy }
            collector.error(
                end.line, "\(place): \(file) leads through \(kind.words), and the end has no `interface:`",
                own.makesInterface
                    ? "Add `interface: NAME`, the name that \(file) gives it."
                    : "Add `interface: NAME`: netlab makes it with the number \(own.number.map(String.init) ?? "of that file")."
            )
            return nil
        }
        if end.configuration != nil, side.own?.interfaceKind == nil {
            collector.error(
                interface.line,
                "\(place): the end has `interface: \(interface.value)`, and \(file) leads through none, by policies alone",
                "Remove `interface:` here, with `inside:` and `routes:`; or name an interface or its number in \(file)."
            )
            return nil
        }
        let daemon = daemon(of: end.node.value)
        let kind = side.own?.interfaceKind ?? end.interfaceKind?.value ?? daemon.usualInterface
        if let own = side.own, let written = end.interfaceKind, written.value != own.interfaceKind {
            collector.error(
                written.line, "\(place): \(file) leads through \(kind.words)",
                "Remove `interface-kind:`: the file says it.")
            return nil
        }
        // What its daemon makes is called as the file has it.
        if let own = side.own, own.makesInterface, let number = own.number {
            return .interface(interface.value, kind, number: number)
        }
        switch daemon.number(of: interface.value, kind) {
        case .free: return .interface(interface.value, kind, number: side.own?.number ?? number)
        case .fixed(let number): return .interface(interface.value, kind, number: side.own?.number ?? number)
        case .impossible(let rule, let remedy):
            collector.error(interface.line, "\(place): \(rule)", remedy)
            return nil
        }
    }

    /// What an end wants its associations to carry; nil where its file leaves that open.
    func selectors(of side: WrittenEnd, and peer: WrittenEnd, in tunnel: TunnelSpec, _ mode: Tunnel.Mode)
        -> [SelectorPair]?
    {
        if let own = side.own {
            // A host behind NAT is another one to its peer.
            let isHidden = own.selectors?.contains { $0.local.length == 32 && $0.local.contains(side.local) } ?? false
            return isHidden && side.local != side.identity ? nil : own.selectors
        }
        let hosts = [side.spec.node.value: side.identity, peer.spec.node.value: peer.identity]
        if let written = side.spec.selectors ?? tunnel.selectors {
            return written.compactMap { $0.pair(at: side.spec.node.value, towards: peer.spec.node.value, hosts: hosts) }
        }
        if side.spec.interface != nil { return nil }
        return [
            SelectorPair(
                local: IPPrefix(side.identity, length: side.identity.bitWidth),
                remote: IPPrefix(peer.identity, length: peer.identity.bitWidth))
        ]
    }

    /// Reports selectors that cannot be, or that leave open where a packet goes.
    func checkSelectors(of tunnel: Tunnel, _ spec: TunnelSpec) {
        let place = "tunnels.\(tunnel.name)"
        let writtenLine = spec.selectors?.first?.line ?? spec.ends.lazy.compactMap { $0.selectors?.first?.line }.first
        if spec.ends.allSatisfy({ $0.configuration != nil }), let line = writtenLine {
            collector.error(
                line, "\(place) has `selectors:`, which its ends' own files say",
                "Remove `selectors:` here.")
        }
        for end in tunnel.ends {
            for (index, pair) in end.selectors.enumerated() {
                if pair.local.address.bitWidth != pair.remote.address.bitWidth {
                    collector.error(
                        writtenLine ?? spec.name.line, "\(place): \(pair) has a side of IPv4 and one of IPv6",
                        "Give each pair two prefixes of one family.")
                }
                if let other = end.selectors[..<index].first(where: { $0.intersection(pair) != nil }) {
                    collector.error(
                        writtenLine ?? spec.name.line,
                        "\(place): at \(end.node) the selectors \(other) and \(pair) overlap",
                        "Give each pair packets of its own.")
                }
            }
        }
        guard tunnel.mode == .transport else { return }
        for (end, written) in zip(tunnel.ends, spec.ends) {
            if let interface = written.interface {
                collector.error(
                    interface.line,
                    "\(place).ends.\(end.node): transport mode protects packets between the ends' own addresses, and none that an interface takes in",
                    "Remove `interface:`, or `mode: transport`.")
            }
            if end.localAddress != end.identity {
                collector.error(
                    written.line,
                    "\(place): \(end.node) is behind NAT, where transport mode spoils the checksums of what it carries (RFC 3948, section 3.1.2)",
                    end.own == nil
                        ? "Remove `mode: transport`."
                        : "Have both ends' files ask for tunnel mode.")
            }
            // Whoever names no prefixes, or any peer, means the addresses that both turn out to have.
            for pair in end.own != nil && end.wantedSelectors == nil ? [] : end.selectors
            where pair.local.length != end.identity.bitWidth || !pair.local.contains(end.identity) {
                collector.error(
                    writtenLine ?? spec.name.line,
                    "\(place): in transport mode \(end.node) sends from \(end.identity), and the selectors say \(pair.local)",
                    end.own == nil
                        ? "Leave the prefixes out: `selectors:` then says protocols and ports alone."
                        : "Leave the prefixes out of its file: in transport mode they are the ends' addresses.")
            }
        }
    }

    /// Reports a tunnel that only the end outside of a masquerade would begin.
    func checkReach(of tunnel: Tunnel, _ spec: TunnelSpec) {
        guard !tunnel.isUnused else { return }
        let masquerade = { (end: TunnelEnd) in
            wires?.translations(of: end.localAddress).first { end.localAddress != end.identity && $0.isMasquerade }
        }
        for end in tunnel.ends {
            guard let gateway = masquerade(end)?.gateway else { continue }
            if !end.begins {
                collector.error(
                    spec.ends.first { $0.node.value == end.node }?.line ?? spec.name.line,
                    "tunnels.\(tunnel.name): \(end.node) waits for its peer, and \(gateway.name) lets nothing in to it that begins outside (masquerade)",
                    "Have \(end.node) begin: \(end.own == nil ? "`startup: initiate`" : end.keyDaemon.startSetting).")
            }
            checkKeepAlives(of: end, tunnel, behind: gateway, spec)
            if tunnel.peer(of: end).flatMap(masquerade) != nil {
                collector.error(
                    spec.name.line,
                    "tunnels.\(tunnel.name): both ends are behind a masquerade, so neither reaches the other",
                    "Give one of them an address of its own by `map:`.")
                return
            }
        }
    }

    /// Warns of a gateway that forgets a tunnel's end behind it sooner than that one speaks up.
    private func checkKeepAlives(of end: TunnelEnd, _ tunnel: Tunnel, behind gateway: Node, _ spec: TunnelSpec) {
        let silence = gateway.nat?.timeouts.silence ?? .zero
        let interval = wires.flatMap { end.keyDaemon.keepAlive(of: end, in: $0) }
        guard interval.map({ $0 >= silence }) ?? true else { return }
        collector.warning(
            spec.ends.first { $0.node.value == end.node }?.line ?? spec.name.line,
            "tunnels.\(tunnel.name): \(gateway.name) forgets who is behind a port after a silence of \(silence.shortText), and \(end.node) "
                + (interval.map { "sends keep-alives every \($0.shortText)" } ?? "sends no keep-alives")
                + ": in between its peer may not reach it",
            "Write a longer `udp-stream:` under `timeouts:` of \(gateway.name), or have \(end.node) send keep-alives more often, by files of your own."
        )
    }

    /// Reports what a kernel or a daemon cannot tell apart: VTIs between the same addresses, of which there is one whatever its key
    /// (`ip_tunnel_find`, net/ipv4/ip_tunnel.c), and generated tunnels from peers of one name behind a masquerade.
    func checkTwins(of tunnels: [Tunnel]) {
        let ends = tunnels.flatMap { tunnel in tunnel.ends.map { (tunnel: tunnel, end: $0) } }
        for (index, (tunnel, end)) in ends.enumerated() {
            if let spec = file.tunnels.first(where: { $0.name.value == tunnel.name }),
                let clash = ends[..<index].first(where: { other in
                    other.end.node == end.node && end.proposal != nil && other.end.proposal != nil
                        && !Set(other.end.childNames).isDisjoint(with: end.childNames)
                })
            {
                collector.error(
                    spec.name.line,
                    "tunnels.\(tunnel.name): at \(end.node) a child SA of it has the name of one of \(clash.tunnel.name)'s, \(end.childNames.first(where: clash.end.childNames.contains) ?? "")",
                    "Give it another name: netlab numbers the pairs of a tunnel.")
            }
            let twin = ends[..<index].first { other in
                other.end.node == end.node && other.end.localAddress == end.localAddress
                    && other.end.remoteAddress == end.remoteAddress
            }
            guard let twin, let spec = file.tunnels.first(where: { $0.name.value == tunnel.name }) else { continue }
            let line = spec.ends.first { $0.node.value == end.node }?.line ?? spec.name.line
            if case .interface(_, .vti, _) = end.steering, case .interface(_, .vti, _) = twin.end.steering {
                collector.error(
                    line,
                    "tunnels.\(tunnel.name): \(end.node) has a VTI from \(end.localAddress) to \(end.remoteAddress) already, in \(twin.tunnel.name), and Linux takes no second one",
                    "Take `interface-kind: xfrm`, or another address.")
            }
            if end.proposal != nil, twin.end.proposal != nil, let peer = tunnel.peer(of: end),
                let other = twin.tunnel.peer(of: twin.end), peer.node != other.node,
                peer.ikeIdentity == other.ikeIdentity
            {
                collector.error(
                    line,
                    "tunnels.\(tunnel.name): its peer calls itself \(peer.ikeIdentity), as that of \(twin.tunnel.name) does, and \(end.node) could not tell them apart",
                    "Give each end behind \(end.remoteAddress) an `identity:` of its own, such as \(peer.node).example.net; or a public address by `map:`."
                )
            }
        }
    }

    /// Reports plain tunnels that Linux could not tell apart at a node: same addresses, same kind of packets, same key.
    func checkTwins(ofPlain tunnels: [PlainTunnel]) {
        let ends = tunnels.flatMap { tunnel in tunnel.ends.map { (tunnel: tunnel, end: $0) } }
        for (index, (tunnel, end)) in ends.enumerated() where tunnel.kind != .isatap {
            let twin = ends[..<index].first { other in
                // Over IPv6, what is carried does not tell tunnels apart (ip6_tnl_locate, net/ipv6/ip6_tunnel.c).
                let isAlike =
                    other.tunnel.kind == tunnel.kind
                    || [other.tunnel.kind, tunnel.kind].allSatisfy { $0.hasEncapsulationLimit && !$0.isGRE }
                // VXLAN's are told apart by identifier and port alone (vxlan_vni_in_use, drivers/net/vxlan/vxlan_core.c).
                if tunnel.kind.isVXLAN {
                    return other.end.node == end.node && isAlike && other.end.vxlan == end.vxlan
                }
                if tunnel.kind.isWireGuard, let port = end.wireGuard?.port {
                    return other.end.node == end.node && other.end.wireGuard?.port == port
                }
                return other.end.node == end.node && isAlike && other.end.localAddress == end.localAddress
                    && other.end.remoteAddress == end.remoteAddress && other.end.gre.key == end.gre.key
            }
            guard let twin, let spec = file.plainTunnels.first(where: { $0.name.value == tunnel.name }) else {
                continue
            }
            if tunnel.kind.isVXLAN {
                collector.error(
                    spec.name.line,
                    "tunnels.\(tunnel.name): \(end.node) has a tunnel with this `vni:` already, \(twin.tunnel.name), and Linux takes no second one at a port",
                    "Give each a `vni:` of its own.")
                continue
            }
            if tunnel.kind.isWireGuard {
                collector.error(
                    spec.name.line,
                    "tunnels.\(tunnel.name): \(end.node) has a tunnel at this `port:` already, \(twin.tunnel.name), and Linux takes no second one",
                    "Give each a `port:` of its own, from 51820 to 51835.")
                continue
            }
            collector.error(
                spec.name.line,
                "tunnels.\(tunnel.name): \(end.node) has a tunnel of the same kind from \(end.localAddress) to \(end.remoteAddress) already, \(twin.tunnel.name), and Linux takes no second one",
                tunnel.kind.isGRE ? "Give each a `key:` of its own." : "Take another address for one of them.")
        }
    }

    /// Reports options that have no effect, or that go with no other, and IKEv1, which is on its way out.
    func checkOptions(of tunnel: Tunnel, _ spec: TunnelSpec) {
        let place = "tunnels.\(tunnel.name)"
        for (end, written) in zip(tunnel.ends, spec.ends) where written.configuration == nil {
            let line = { (key: String) in
                (written.options.written + spec.options.written).first { $0.value == key }?.line ?? spec.name.line
            }
            let options = end.options
            if let identity = written.identity, options.ikeVersion == 1 {
                collector.error(
                    identity.line,
                    "\(place): with IKEv1 the key is found by addresses before a name is heard (RFC 2409, section 5.4)",
                    "Remove `identity:`, or take IKEv2.")
            }
            if options.isAggressive, options.ikeVersion == 2 {
                collector.error(
                    line("aggressive"), "\(place): IKEv2 has no aggressive mode",
                    "Remove `aggressive:`, or write `ike-version: 1`.")
            }
            if let margin = options.rekeyMargin, let proposal = end.proposal,
                margin * 2 >= min(proposal.ikeLifetime, proposal.espLifetime)
            {
                collector.error(
                    line("rekey-margin"),
                    "\(place): a margin of \(margin.shortText), doubled by chance, leaves nothing of a lifetime of \(min(proposal.ikeLifetime, proposal.espLifetime).shortText)",
                    "Write less than half of the shorter lifetime.")
            }
            let sequences = tunnel.ends.map { $0.options.hasExtendedSequence ?? $0.keyDaemon.usualExtendedSequence }
            if end.node == tunnel.ends[0].node, spec.ends.allSatisfy({ $0.configuration == nil }),
                let own = sequences[0], let other = sequences[1], own != other
            {
                collector.error(
                    line("esn"),
                    "\(place): one end wants sequence numbers of 64 bits and the other of 32, so no proposal for ESP fits (RFC 7296, section 3.3.2)",
                    "Give both the same `esn:`.")
            }
            let other = tunnel.ends.first { $0.node != end.node }
            if end.node == tunnel.ends[0].node, let other, other.proposal != nil, options.ikeVersion == 1,
                other.options.ikeVersion == 1, options.isAggressive != other.options.isAggressive
            {
                collector.error(
                    line("aggressive"), "\(place): one end begins in aggressive mode and the other in main mode",
                    "Give both the same `aggressive:`.")
            }
            let groups = Set(end.proposal?.esp.map(\.group) ?? [])
            if groups.count > 1, end.keyDaemon.hasConnectionForEachChild {
                collector.error(
                    spec.name.line,
                    "\(place): \(end.keyDaemon.product) at \(end.node) takes one group of perfect forward secrecy for all proposals of ESP",
                    "Give each of `esp:` the same `pfs-group:`, or none.")
            }
            if options.hasExtendedSequence == true, options.replayWindow == 0 {
                collector.error(
                    line("replay-window"),
                    "\(place): sequence numbers of 64 bits need a replay window, by which their upper half is found (RFC 4303, section 3.3.3)",
                    "Remove `replay-window: 0`, or `esn:`.")
            }
            guard options.ikeVersion == 1 else { continue }
            if options.moves {
                collector.error(
                    line("mobike"), "\(place): MOBIKE is IKEv2's (RFC 4555)",
                    "Remove `mobike:`, or write `ike-version: 2`.")
            }
            if options.hasExtendedSequence == true, end.keyDaemon.hasConnectionForEachChild {
                collector.error(
                    line("esn"), "\(place): \(end.keyDaemon.product) has no sequence numbers of 64 bits with IKEv1",
                    "Remove `esn:`, or write `ike-version: 2`.")
            }
            if let aead = end.proposal?.ike.first(where: \.encryption.isAuthenticated) {
                collector.error(
                    line("ike-version"),
                    "\(place): IKEv1 does not protect IKE with \(aead.encryption.rawValue) (RFC 5282 is IKEv2's)",
                    "Take aes-256-cbc for `ike:`; under `esp:` it will do.")
            }
            if let cipher = end.proposal?.esp.map(\.algorithms.encryption.cipher).first(where: {
                $0 == .chacha20Poly1305
            }) {
                collector.error(
                    line("ike-version"),
                    "\(place): IKEv1 has no number for \(cipher.rawValue) (RFC 7634 is IKEv2's)",
                    "Take aes-256-gcm-16 for `esp:`.")
            }
            let wanted = (end.proposal?.ike.map(\.group) ?? []) + (end.proposal?.esp.compactMap(\.group) ?? [])
            if let group = wanted.first(where: { end.keyDaemon.lacksInIKEv1($0) }) {
                collector.error(
                    line("ike-version"),
                    "\(place): \(end.keyDaemon.product) at \(end.node) has no group \(group.number) in IKEv1",
                    "Take group 14 or 16, or write `ike-version: 2`.")
            }
            if end.node == tunnel.ends[0].node || tunnel.ends[0].options.ikeVersion == 2 {
                collector.warning(
                    line("ike-version"),
                    "\(place): nobody should use IKEv1 any more (RFC 9395)"
                        + (options.isAggressive
                            ? ", and aggressive mode gives a pre-shared key away to whoever tries words for long enough"
                            : ""),
                    "Write `ike-version: 2`, where the peer can do it. What a fault does to an IKEv1 tunnel is not predicted."
                )
            }
        }
    }

    /// Reports policies of one node that take the same packets, and those for which the node has no route: a kernel looks for a route
    /// before it looks for a policy (`ip_route_output_flow`, net/ipv4/route.c).
    func checkPolicies(of topology: Topology) {
        for node in topology.nodes {
            let ends = topology.tunnelEnds(of: node.name).filter { $0.end.steering == .policy && !$0.tunnel.isUnused }
            for (index, (tunnel, end)) in ends.enumerated() {
                guard let spec = file.tunnels.first(where: { $0.name.value == tunnel.name }) else { continue }
                let line = spec.selectors?.first?.line ?? spec.name.line
                for (other, earlier) in ends[..<index] {
                    for pair in end.selectors {
                        guard let clash = earlier.selectors.first(where: { $0.intersection(pair) != nil }) else {
                            continue
                        }
                        collector.error(
                            line,
                            "tunnels.\(tunnel.name): at \(node.name) its selectors \(pair) overlap those of \(other.name), \(clash)",
                            "Give each tunnel packets of its own, or write both as pairs of one tunnel.")
                    }
                    // Peers behind one address are told apart by their names, and their packets by the selectors.
                    if earlier.localAddress == end.localAddress, earlier.remoteAddress == end.remoteAddress,
                        other.peer(of: earlier)?.node == tunnel.peer(of: end)?.node
                    {
                        collector.error(
                            line,
                            "tunnels.\(tunnel.name): at \(node.name) it has the addresses of \(other.name), and no interface to tell it by",
                            "Write both as pairs of one tunnel: `selectors:` is a list.")
                    }
                }
                for pair in end.selectors {
                    let mapped = node.nat?.mappings.contains { pair.local.contains($0.inside) } ?? false
                    let masked = node.nat?.masqueraded.contains { $0.inside.overlaps(pair.local) } ?? false
                    guard mapped || masked else { continue }
                    collector.error(
                        line,
                        "tunnels.\(tunnel.name): \(node.name) translates what comes from \(pair.local) on its way out, before its policies are asked, so it would leave in clear",
                        "Leave the prefixes of `selectors:` out of the node's `nat:`.")
                }
                let speaks = (topology.sessions.flatMap(\.speakers).map(\.node) + topology.oneSidedSessions.map(\.node))
                    .contains(node.name)
                let known =
                    node.routes.map(\.destination)
                    + topology.linkEnds(of: node.name).flatMap(\.end.addresses).map(\.prefix)
                for pair in end.selectors where !speaks && !known.contains(where: { $0.overlaps(pair.remote) }) {
                    collector.error(
                        line,
                        "tunnels.\(tunnel.name): \(node.name) has no route to \(pair.remote), and a kernel looks for a route before it looks for a policy",
                        "Give \(node.name) a route that holds it, such as a default route to its provider.")
                }
            }
        }
    }
}

extension TunnelInterfaceKind {
    fileprivate var words: String {
        switch self {
        case .vti: "a VTI"
        case .xfrm: "an XFRM interface"
        }
    }
}
