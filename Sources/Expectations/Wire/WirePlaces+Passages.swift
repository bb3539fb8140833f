import HeaderStacks
import LabModel
import NetworkTypes

extension WirePlaces {
    /// A tunnel that a packet is inside of.
    enum Passage: Sendable {
        /// With the node that has put the packet in.
        case secured(Tunnel, sender: String)
        /// With the end that has put the packet in.
        case plain(PlainTunnel, sender: PlainTunnelEnd)
    }

    /// The tunnels that a packet is inside of at its place, outermost first; those that the lab does not have are left out.
    func passages(of packet: WirePacket) -> [Passage] {
        guard packet.wrappings.count > 0 else { return [] }
        var wrappers = packet.wrappers[...]
        return packet.wrappings.array.compactMap { form in
            switch form {
            case .vlan: nil
            case .esp, .espInUDP: tunnel(of: packet).map { .secured(topology.tunnels[$0.tunnel], sender: $0.sender) }
            case .wireGuard: wireGuard(packet).map { .plain($0.tunnel, sender: $0.sender) }
            case .gre, .vxlan, .ipv4InIPv4, .ipv4InIPv6, .ipv6InIPv4, .ipv6InIPv6: wrappers.popFirst().flatMap(passage)
            }
        }
    }

    /// The WireGuard tunnel that a message, or a later fragment of one, goes through; nil for any other packet.
    func wireGuard(_ packet: WirePacket) -> (tunnel: PlainTunnel, sender: PlainTunnelEnd)? {
        guard let outer = packet.outer, packet.wireGuard != nil || outer.isLaterFragment else { return nil }
        for tunnel in topology.plainTunnels where tunnel.kind.isWireGuard {
            for end in tunnel.ends {
                guard let peer = tunnel.peer(of: end), let port = end.wireGuard?.port,
                    outer.source == end.localAddress || outer.source == peer.remoteAddress,
                    outer.destination == peer.localAddress || outer.destination == end.remoteAddress
                else { continue }
                if case .udp(let source, let destination) = outer.transport, source != port, destination != port {
                    continue
                }
                return (tunnel, end)
            }
        }
        return nil
    }

    /// The plain tunnel whose ends a header goes between.
    func passage(of wrapper: WirePacket.Wrapper) -> Passage? {
        for tunnel in topology.plainTunnels where tunnel.kind.wrapping == wrapper.form {
            for end in tunnel.ends {
                // Several may go between the same addresses.
                guard let peer = tunnel.peer(of: end), wrapper.vni == end.vxlan?.vni else { continue }
                // Either side of a NAT.
                if wrapper.source == end.localAddress || wrapper.source == peer.remoteAddress,
                    wrapper.destination == peer.localAddress || wrapper.destination == end.remoteAddress
                {
                    return .plain(tunnel, sender: end)
                }
            }
        }
        return nil
    }
}

extension WirePlaces.Passage {
    /// What it makes of a packet's length; nil where its algorithms are not known.
    var encapsulation: Encapsulation? {
        switch self {
        case .secured(let tunnel, _): tunnel.espEncapsulation.map { .esp($0) }
        case .plain(let tunnel, let sender): .tunnel(sender.encapsulation(tunnel.kind))
        }
    }

    /// What it takes of an MTU, in words: `ESP of tunnel main`, `40 + 8 (ipip6)`.
    var words: String {
        switch self {
        case .secured(let tunnel, _): "\(tunnel.isUDPEncapsulated ? "UDP and " : "")ESP of tunnel \(tunnel.name)"
        case .plain(let tunnel, let sender):
            sender.headerLengths(tunnel.kind).map(String.init).joined(separator: " + ") + " (\(tunnel.name))"
        }
    }
}

extension PlainTunnelEnd {
    private var greOptions: Set<Encapsulation.Tunnel.Option> {
        let all: [(Bool, Encapsulation.Tunnel.Option)] = [
            (gre.key != nil, .key), (gre.hasSequenceNumbers, .sequenceNumbers), (gre.hasChecksum, .checksum),
        ]
        return Set(all.filter(\.0).map(\.1))
    }

    /// What this end makes of a packet that it sends.
    public func encapsulation(_ kind: PlainTunnel.Kind) -> Encapsulation.Tunnel {
        let options: Set<Encapsulation.Tunnel.Option> = encapsulationLimit == nil ? [.noEncapsulationLimit] : []
        return switch kind {
        case .isatap: Encapsulation.Tunnel(.isatap)
        case .sixInFour: Encapsulation.Tunnel(.sixInFour)
        case .ipip: Encapsulation.Tunnel(.ipip)
        case .ipip6: Encapsulation.Tunnel(.ipip6, options: options)
        case .ip6ip6: Encapsulation.Tunnel(.ip6ip6, options: options)
        case .gre: Encapsulation.Tunnel(.gre, options: greOptions)
        case .vxlan: Encapsulation.Tunnel(.vxlan)
        case .vxlan6: Encapsulation.Tunnel(.vxlan6)
        case .wireguard: Encapsulation.Tunnel(.wireguard)
        case .wireguard6: Encapsulation.Tunnel(.wireguard6)
        case .ip6gre: Encapsulation.Tunnel(.ip6gre, options: options.union(greOptions))
        }
    }
}
