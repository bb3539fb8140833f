import CaptureFile
import LabModel
import NetworkTypes

/// What a capture's interfaces are in the lab, and which addresses tunnels' packets have there.
struct WirePlaces: Sendable {
    /// One of the capture's interfaces; shared, for every packet asks for its own.
    final class Place: Sendable {
        let name: String
        let node: String
        /// The link it sends into, and its number in the topology; nil for a tunnel's interface.
        let link: Link?
        let linkNumber: Int?
        var linkName: String { link?.name ?? name }
        /// The tunnel whose inside it leads to; nil for a link's end.
        let tunnel: String?
        let outside: [Addresses]
        /// Of the packets that it receives: those that the other end of the link sends.
        let received: [Addresses]

        init(
            name: String, node: String, link: Link? = nil, linkNumber: Int? = nil, tunnel: String? = nil,
            outside: [Addresses] = [],
            received: [Addresses] = []
        ) {
            self.name = name
            self.node = node
            self.link = link
            self.linkNumber = linkNumber
            self.tunnel = tunnel
            self.outside = outside
            self.received = received
        }
    }

    /// The addresses that a tunnel's packets of one direction carry at a place.
    struct Addresses: Sendable {
        let tunnel: Int
        /// The node that encrypts.
        let sender: String
        let source: IPAddress
        let destination: IPAddress
    }

    let topology: Topology
    /// By the capture's number of the interface; nil for one that the lab does not have.
    private(set) var places: [Place?] = []

    init(topology: Topology) {
        self.topology = topology
    }

    subscript(point: Int) -> Place? { places.indices.contains(point) ? places[point] : nil }

    /// Looks up the interfaces that a capture file has got since the last call.
    mutating func extend(with interfaces: [CaptureInterface]) {
        for interface in interfaces.dropFirst(places.count) { places.append(place(interface.name)) }
    }

    private func place(_ name: String) -> Place? {
        let parts = name.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2, topology.node(named: parts[0]) != nil, let interface = InterfaceName(parts[1]) else {
            return nil
        }
        if let (link, end) = topology.linkEnds(of: parts[0]).first(where: { $0.end.interface == interface }) {
            return Place(
                name: name, node: parts[0], link: link, linkNumber: topology.links.firstIndex(of: link),
                outside: addresses(at: end),
                received: link.peer(of: end).map { addresses(at: $0) } ?? [])
        }
        guard let entrance = topology.tunnelEntrance(interface, of: parts[0]) else { return nil }
        return Place(name: name, node: parts[0], tunnel: entrance.tunnel)
    }

    private func addresses(at place: LinkEnd) -> [Addresses] {
        topology.tunnels.enumerated().flatMap { index, tunnel in
            tunnel.ends.compactMap { end in
                tunnel.peer(of: end).map { peer in
                    Addresses(
                        tunnel: index, sender: end.node, source: address(of: end, asSourceAt: place),
                        destination: address(of: peer, asDestinationAt: place))
                }
            }
        }
    }

    /// The address that stands for a tunnel's end in the source field of what `place` sends.
    private func address(of end: TunnelEnd, asSourceAt place: LinkEnd) -> IPAddress {
        guard let gateway = translator(of: end) else { return end.localAddress }
        if place.node == gateway.name {
            return place.routedInterface == gateway.nat?.interface ? end.identity : end.localAddress
        }
        return isBeside(end, place.node) ? end.localAddress : end.identity
    }

    private func address(of end: TunnelEnd, asDestinationAt place: LinkEnd) -> IPAddress {
        guard let gateway = translator(of: end) else { return end.localAddress }
        return place.node == gateway.name || isBeside(end, place.node) ? end.localAddress : end.identity
    }

    /// The node that translates the end's address; nil where none does.
    private func translator(of end: TunnelEnd) -> Node? {
        guard end.localAddress != end.identity else { return nil }
        return topology.nodes.first { $0.nat?.mappings.contains { $0.inside == end.localAddress } ?? false }
    }

    /// Whether a node is on the inner side of an end's NAT: in the same cloud.
    private func isBeside(_ end: TunnelEnd, _ node: String) -> Bool {
        let cloud = { (name: String) in topology.node(named: name)?.cloud ?? name }
        return cloud(node) == cloud(end.node)
    }

    /// The tunnel that a packet with these outer addresses belongs to at a place, and who encrypted it.
    func tunnel(of packet: WirePacket) -> Addresses? {
        guard let outer = packet.outer, let place = self[packet.point] else { return nil }
        return (packet.isInbound ? place.received : place.outside).first {
            $0.source == outer.source && $0.destination == outer.destination
        }
    }
}

extension WirePlaces {
    /// A tunnel that a packet is inside of.
    enum Passage: Sendable {
        case secured(Tunnel)
        /// With the end that has put the packet in.
        case plain(PlainTunnel, sender: PlainTunnelEnd)

        var name: String {
            switch self {
            case .secured(let tunnel): tunnel.name
            case .plain(let tunnel, _): tunnel.name
            }
        }
    }

    /// The tunnels that a packet is inside of at its place, outermost first; those that the lab does not have are left out.
    func passages(of packet: WirePacket) -> [Passage] {
        guard packet.wrappings.count > 0 else { return [] }
        var wrappers = packet.wrappers[...]
        return packet.wrappings.array.compactMap { form in
            switch form {
            case .vlan, .gre: nil
            case .esp, .espInUDP: tunnel(of: packet).map { .secured(topology.tunnels[$0.tunnel]) }
            case .ipv4InIPv4, .ipv4InIPv6, .ipv6InIPv4, .ipv6InIPv6: wrappers.popFirst().flatMap(passage)
            }
        }
    }

    /// The plain tunnel whose ends a header goes between.
    func passage(of wrapper: WirePacket.Wrapper) -> Passage? {
        for tunnel in topology.plainTunnels where tunnel.kind.wrapping == wrapper.form {
            for end in tunnel.ends {
                guard let peer = tunnel.peer(of: end) else { continue }
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
        case .secured(let tunnel): tunnel.espEncapsulation.map { .esp($0) }
        case .plain(let tunnel, let sender): .tunnel(sender.encapsulation(tunnel.kind))
        }
    }

    /// What it takes of an MTU, in words: `ESP of tunnel main`, `40 + 8 (ipip6)`.
    var words: String {
        switch self {
        case .secured(let tunnel): "\(tunnel.isUDPEncapsulated ? "UDP and " : "")ESP of tunnel \(tunnel.name)"
        case .plain(let tunnel, let sender):
            sender.headerLengths(tunnel.kind).map(String.init).joined(separator: " + ") + " (\(tunnel.name))"
        }
    }
}

extension PlainTunnelEnd {
    /// What this end makes of a packet that it sends.
    public func encapsulation(_ kind: PlainTunnel.Kind) -> Encapsulation.Tunnel {
        let options: Set<Encapsulation.Tunnel.Option> = encapsulationLimit == nil ? [.noEncapsulationLimit] : []
        return switch kind {
        case .isatap: Encapsulation.Tunnel(.isatap)
        case .sixInFour: Encapsulation.Tunnel(.sixInFour)
        case .ipip: Encapsulation.Tunnel(.ipip)
        case .ipip6: Encapsulation.Tunnel(.ipip6, options: options)
        case .ip6ip6: Encapsulation.Tunnel(.ip6ip6, options: options)
        }
    }
}

extension Topology {
    /// For each link whether it is among those named.
    func marks(ofLinks names: [String]) -> [Bool] { links.map { names.contains($0.name) } }

    /// The address that a probe asks from: its own, or what the kernel takes towards a tunnel's inside or else.
    func sourceAddress(of probe: Probe) -> IPAddress? {
        if let address = probe.sourceAddress { return address }
        let inside = tunnelEntrances(of: probe.source).compactMap(\.inside).first {
            $0.prefix.contains(probe.destination)
        }
        return inside?.address
            ?? addresses(of: probe.source).first { $0.bitWidth == probe.destination.bitWidth }
    }
}
