import LabModel
import NetworkTypes

// Tunnels without IPsec, which may go through each other.
extension TopologyResolver {
    mutating func resolve(plain spec: PlainTunnelSpec) -> PlainTunnel? {
        let place = "tunnels.\(spec.name.value)"
        guard spec.isComplete else { return nil }
        guard spec.ends.count == 2 else {
            collector.error(
                spec.name.line, "\(place) leads to nowhere: it has \(spec.ends.count) usable ends",
                "A tunnel joins exactly two nodes: add them under `ends:`.")
            return nil
        }
        guard spec.ends.allSatisfy({ isKnown(node: $0.node, in: place) }) else { return nil }
        let kind = spec.kind.value
        checkShape(spec.shape, kind, place)
        checkVXLAN(spec, place)
        checkWireGuard(spec, place)
        for end in spec.ends {
            if let interface = end.interface { claim(interface.value, of: end.node.value, line: interface.line) }
            check(end, kind, place: "\(place).ends.\(end.node.value)")
        }
        checkInsides(of: spec, place)
        let ends = zip(spec.ends, spec.ends.reversed()).compactMap { own, other -> PlainTunnelEnd? in
            guard let interface = own.interface, let local = own.address, let remote = other.address,
                isOverIPv6(local.value) == kind.isOverIPv6, isOverIPv6(remote.value) == kind.isOverIPv6
            else { return nil }
            let limit = (own.shape.encapsulationLimit ?? spec.shape.encapsulationLimit).map(\.value) ?? 4
            return PlainTunnelEnd(
                node: own.node.value, localAddress: local.value, remoteAddress: outside(remote.value),
                interface: interface.value, inside: own.inside?.value, mtu: (own.mtu ?? spec.mtu)?.value,
                mss: own.mss ?? spec.mss, routes: own.routes.map(\.value),
                encapsulationLimit: kind.hasEncapsulationLimit ? limit : nil,
                hopLimit: own.shape.hopLimit ?? spec.shape.hopLimit ?? 64,
                potentialRouters: own.potentialRouters.map(\.value), gre: spec.shape.gre,
                vxlan: kind.isVXLAN
                    ? PlainTunnel.VXLANOptions(
                        vni: spec.shape.vni?.value ?? 0,
                        port: spec.shape.port?.value ?? PlainTunnel.VXLANOptions.ports[0])
                    : nil,
                wireGuard: kind.isWireGuard
                    ? WireGuardOptions(
                        port: spec.shape.port?.value ?? WireGuardOptions.ports.lowerBound,
                        keepalive: (own.shape.keepalive ?? spec.shape.keepalive)?.value,
                        hasPresharedKey: spec.shape.presharedKey?.value ?? false
                    )
                    : nil)
        }
        guard ends.count == 2 else { return nil }
        return PlainTunnel(name: spec.name.value, summary: spec.summary, kind: kind, ends: ends)
    }

    private func carries(_ kind: PlainTunnel.Kind, _ address: IPAddress) -> Bool {
        isOverIPv6(address) ? kind.carriesIPv6 : kind.carriesIPv4
    }

    private func isOverIPv6(_ address: IPAddress) -> Bool {
        if case .v6 = address { true } else { false }
    }

    private func checkShape(_ shape: PlainTunnelSpec.Shape, _ kind: PlainTunnel.Kind, _ place: String) {
        if let limit = shape.encapsulationLimit, !kind.hasEncapsulationLimit {
            collector.error(
                limit.line,
                "\(place): \(kind.rawValue) has no encapsulation limit: it goes over \(kind.carriedProtocol == .udp ? "UDP" : "IPv4")",
                "Remove `encapsulation-limit:`; it is an option of IPv6 (RFC 2473, section 4.1.1).")
        }
        for key in shape.ofGRE where !kind.isGRE {
            collector.error(
                key.line, "\(place): \(kind.rawValue) has no `\(key.value):`, which is GRE's",
                "Remove it, or write `kind: gre`.")
        }
    }

    /// VXLAN's identifier and port; and the insides that its routes go by, for a frame needs a neighbour that it is for.
    private func checkVXLAN(_ spec: PlainTunnelSpec, _ place: String) {
        let kind = spec.kind.value
        guard kind.isVXLAN else {
            let written = [("vni", spec.shape.vni?.line), ("port", kind.isWireGuard ? nil : spec.shape.port?.line)]
            for case (let key, let line?) in written {
                collector.error(
                    line, "\(place): \(kind.rawValue) has no `\(key):`, which is VXLAN's",
                    "Remove it, or write `kind: vxlan`.")
            }
            return
        }
        if spec.shape.vni == nil {
            collector.error(
                spec.name.line, "\(place) has no \"vni\"",
                "Add `vni: NUMBER`, the VXLAN network identifier from 0 to 16777215 (RFC 7348, section 5).")
        }
        for (end, peer) in zip(spec.ends, spec.ends.reversed()) {
            let endPlace = "\(place).ends.\(end.node.value)"
            guard let prefix = end.routes.first else { continue }
            guard end.inside != nil, let next = peer.inside else {
                collector.error(
                    prefix.line, "\(endPlace): the routes have no next hop: both ends need an `inside:`",
                    "Add `inside: ADDRESS/LENGTH` at both ends: VXLAN carries frames, which are for one neighbour.")
                continue
            }
            for prefix in end.routes where isOverIPv6(prefix.value.address) != isOverIPv6(next.value.address) {
                collector.error(
                    prefix.line,
                    "\(endPlace): \(prefix.value) cannot go by \(next.value.address), which is of another family",
                    "Route prefixes of the inside addresses' family.")
            }
        }
    }

    /// What WireGuard alone has, and what it does not have.
    private func checkWireGuard(_ spec: PlainTunnelSpec, _ place: String) {
        let kind = spec.kind.value
        guard kind.isWireGuard else {
            let keepalives = ([spec.shape] + spec.ends.map(\.shape)).map { ("keepalive", $0.keepalive?.line) }
            let written = keepalives + [("preshared-key", spec.shape.presharedKey?.line)]
            for case (let key, let line?) in written {
                collector.error(
                    line, "\(place): \(kind.rawValue) has no `\(key):`, which is WireGuard's",
                    "Remove it, or write `kind: wireguard`.")
            }
            return
        }
        let lines = ([spec.shape] + spec.ends.map(\.shape)).compactMap(\.hopLimitLine)
        for line in lines {
            collector.error(
                line, "\(place): \(kind.rawValue) has no hop limit of its own: the node's is taken",
                "Remove `hop-limit:`.")
        }
    }

    /// Addresses: of the right family, and the node's own, on a link or inside another tunnel.
    private func check(_ end: PlainTunnelSpec.End, _ kind: PlainTunnel.Kind, place: String) {
        checkShape(end.shape, kind, place)
        let node = end.node.value
        let insides = file.plainTunnels.flatMap(\.ends).filter { $0.node.value == node }.compactMap(\.inside)
        if let address = end.address {
            let family = kind.isOverIPv6 ? "IPv6" : "IPv4"
            let owned = self.ends(of: node).flatMap(\.addresses).map(\.value.address) + insides.map(\.value.address)
            let usable = owned.filter { isOverIPv6($0) == kind.isOverIPv6 && $0 != end.inside?.value.address }
            let remedy =
                usable.isEmpty
                ? "Give one of the node's links an \(family) address."
                : "Take one of its own: \(usable.map(\.description).joined(separator: ", "))."
            if isOverIPv6(address.value) != kind.isOverIPv6 {
                collector.error(
                    address.line,
                    "\(place): \(address.value) is no \(family) address, over which \(kind.rawValue) goes",
                    remedy)
            } else if address.value == end.inside?.value.address {
                collector.error(
                    address.line,
                    "\(place): the tunnel's packets would go into the tunnel itself: \(address.value) is inside",
                    remedy)
            } else if !owned.contains(address.value), !unsure.contains(node) {
                collector.error(
                    address.line, "\(place): node \(node) does not have the address \(address.value)", remedy)
            }
        }
        for prefix in end.routes where !carries(kind, prefix.value.address) {
            collector.error(
                prefix.line,
                "\(place): \(kind.rawValue) carries \(kind.carriesIPv6 ? "IPv6" : "IPv4"), not \(prefix.value)",
                "Route \(kind.carriesIPv6 ? "IPv6" : "IPv4") prefixes into it.")
        }
        if let mtu = end.mtu, kind.carriesIPv6, !kind.carriesIPv4, mtu.value.bytes < 1280 {
            collector.error(
                mtu.line, "\(place): an MTU of \(mtu.value) is too small for the IPv6 that it carries",
                "Write 1280 or more (RFC 8200, section 5).")
        }
        check(inside: end, kind, place)
        checkRouters(of: end, kind, place)
    }

    private func check(inside end: PlainTunnelSpec.End, _ kind: PlainTunnel.Kind, _ place: String) {
        guard let inside = end.inside else {
            if kind == .isatap {
                collector.error(
                    end.line, "\(place) has no \"inside\"",
                    "Add `inside: ADDRESS/64`, an IPv6 address that ends in ::5efe: and the IPv4 address (RFC 5214, section 6.1)."
                )
            }
            return
        }
        check(hostAddress: inside)
        guard carries(kind, inside.value.address) else {
            collector.error(
                inside.line,
                "\(place): \(kind.rawValue) carries \(kind.carriesIPv6 ? "IPv6" : "IPv4"), not \(inside.value)",
                "Write an \(kind.carriesIPv6 ? "IPv6" : "IPv4") address.")
            return
        }
        // The interface identifier says where to send: 0000:5efe or, of a public address, 0200:5efe before it.
        guard kind == .isatap, case .v4(let outer)? = end.address?.value, case .v6(let own) = inside.value.address
        else {
            return
        }
        let identifiers = [UInt64(0x5EFE), 0x0200_5EFE].map { $0 << 32 | UInt64(outer.rawValue) }
        if !identifiers.contains(own.low) {
            let right = IPv6Address(high: own.high, low: identifiers[0])
            collector.error(
                inside.line, "\(place): \(own) is not the ISATAP address of \(outer)",
                "Write \(right)/\(inside.value.prefixLength), which is …::5efe:\(outer) (RFC 5214, section 6.1).")
        }
    }

    private func checkRouters(of end: PlainTunnelSpec.End, _ kind: PlainTunnel.Kind, _ place: String) {
        guard kind == .isatap else {
            if let line = end.routersLine {
                collector.error(
                    line, "\(place): \(kind.rawValue) has no potential router list",
                    "Remove `routers:`; it is ISATAP's.")
            }
            return
        }
        let others = file.plainTunnels.flatMap(\.ends).filter { $0.node.value != end.node.value }
            .compactMap(\.address).map(\.value)
        for router in end.potentialRouters
        where !others.contains(.v4(router.value)) && file.plainTunnels.allSatisfy(\.isComplete) {
            collector.error(
                router.line, "\(place): no other end of an ISATAP tunnel has the address \(router.value)",
                "Write the IPv4 address of the router's end.")
        }
    }

    private func checkInsides(of spec: PlainTunnelSpec, _ place: String) {
        guard let near = spec.ends[0].inside, let far = spec.ends[1].inside else { return }
        if near.value.prefix != far.value.prefix {
            collector.error(
                far.line, "\(place): \(far.value) is not on the link of \(near.value)",
                "Both inside addresses need the same block with the same length.")
        } else if near.value.address == far.value.address {
            collector.error(
                far.line, "\(place): both ends have the inside address \(near.value.address)",
                "Give one of them another address.")
        }
    }

    /// Notes what is configured and does not do what it seems to: tunnels within tunnels that never end, MTUs that do not
    /// fit, and hosts that take in nothing.
    func checkFit(of topology: Topology) {
        for spec in file.plainTunnels {
            guard let tunnel = topology.plainTunnel(named: spec.name.value) else { continue }
            for end in tunnel.ends {
                guard let written = spec.ends.first(where: { $0.node.value == end.node }) else { continue }
                let place = "tunnels.\(tunnel.name).ends.\(end.node)"
                warnOfMTU(of: end, in: tunnel, (written.mtu ?? spec.mtu)?.line ?? written.line, place, topology)
                if tunnel.kind == .isatap, topology.node(named: end.node)?.role == .instance,
                    end.potentialRouters.isEmpty
                {
                    collector.warning(
                        written.line,
                        "\(place): the potential router list is empty, so only packets from ISATAP hosts come in",
                        "Add `routers: \(end.remoteAddress)` to get those that the other end forwards (RFC 5214, section 7.3)."
                    )
                }
            }
        }
    }

    /// An MTU is too large where a packet that fits it does not fit with its new headers, here or at the other end.
    private func warnOfMTU(
        of end: PlainTunnelEnd, in tunnel: PlainTunnel, _ line: Int, _ place: String, _ topology: Topology
    ) {
        guard let mtu = end.mtu, let peer = tunnel.peer(of: end) else { return }
        let lengths = end.headerLengths(tunnel.kind)
        let sums = [end, peer].map { side in (side, below: topology.mtu(below: side)) }
        guard let (side, below) = sums.min(by: { $0.below < $1.below }) else { return }
        let room = below - lengths.reduce(0, +)
        guard mtu.bytes > room else { return }
        let arithmetic = ([below] + lengths).map(String.init).joined(separator: " - ")
        let carrier = topology.carrier(of: side).map { "tunnel \($0.tunnel.name)" } ?? "the link"
        let other =
            peer.mtu == nil
            ? "; Linux at \(peer.node) makes it \(topology.mtu(of: peer, in: tunnel.kind)) there" : ""
        collector.warning(
            line,
            "\(place): packets of \(mtu) bytes do not fit: \(carrier) of \(side.node) leaves \(room), which is \(arithmetic)\(other)",
            "Write `mtu: \(min(room, topology.mtu(of: peer, in: tunnel.kind)))`, or count on ICMP from the way.")
    }
}
