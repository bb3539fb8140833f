import CaptureFile
import LabModel
import LabRecords
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
        /// What at the link's other end enters tunnels that policies alone lead into.
        let entrances: [Entrance]
        let outside: [Addresses]
        /// Of the packets that it receives: those that the other end of the link sends.
        let received: [Addresses]

        init(
            name: String, node: String, link: Link? = nil, linkNumber: Int? = nil, tunnel: String? = nil,
            entrances: [Entrance] = [], outside: [Addresses] = [],
            received: [Addresses] = []
        ) {
            self.name = name
            self.node = node
            self.link = link
            self.linkNumber = linkNumber
            self.tunnel = tunnel
            self.entrances = entrances
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

    /// What enters a tunnel at a node by policies alone.
    struct Entrance: Sendable {
        let tunnel: Int
        let node: String
        let carried: [SelectorPair]
    }

    let topology: Topology
    /// The tunnels of the associations that are known, by SPI: those behind one masquerade have one address.
    private let tunnelsBySPI: [UInt32: Int]
    /// By the capture's number of the interface; nil for one that the lab does not have.
    private(set) var places: [Place?] = []
    /// Nodes of which everything is captured that comes in to them by a link, as its sender sends it.
    private(set) var surrounded: Set<String> = []

    init(topology: Topology, associations: [TunnelAssociation] = []) {
        self.topology = topology
        tunnelsBySPI = Dictionary(
            associations.compactMap { one in
                topology.tunnels.firstIndex { $0.name == one.tunnel }.map { (one.association.spi, $0) }
            }, uniquingKeysWith: { first, _ in first })
    }

    subscript(point: Int) -> Place? { places.indices.contains(point) ? places[point] : nil }

    /// Looks up the interfaces that a capture file has got since the last call.
    mutating func extend(with interfaces: [CaptureInterface]) {
        for interface in interfaces.dropFirst(places.count) { places.append(place(interface.name)) }
        let captured = Set(places.compactMap { place in place?.link.map { [$0.name, place?.node ?? ""] } })
        surrounded = Set(
            topology.tunnels.flatMap(\.ends).filter { $0.steering == .policy }.map(\.node).filter { node in
                topology.linkEnds(of: node).allSatisfy { link, end in
                    link.peer(of: end).map { captured.contains([link.name, $0.node]) } ?? true
                }
            })
    }

    private func place(_ name: String) -> Place? {
        let parts = name.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2, topology.node(named: parts[0]) != nil, let interface = InterfaceName(parts[1]) else {
            return nil
        }
        if let (link, end) = topology.linkEnds(of: parts[0]).first(where: { $0.end.interface == interface }) {
            return Place(
                name: name, node: parts[0], link: link, linkNumber: topology.links.firstIndex(of: link),
                entrances: link.peer(of: end).map { entrances(at: $0.node) } ?? [], outside: addresses(at: end),
                received: link.peer(of: end).map { addresses(at: $0) } ?? [])
        }
        guard let entrance = topology.tunnelEntrance(interface, of: parts[0]) else { return nil }
        return Place(name: name, node: parts[0], tunnel: entrance.tunnel)
    }

    private func entrances(at node: String) -> [Entrance] {
        topology.tunnels.enumerated().flatMap { number, tunnel in
            tunnel.ends.filter { $0.node == node && $0.steering == .policy }.map {
                Entrance(tunnel: number, node: node, carried: tunnel.carried(at: $0))
            }
        }
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
        translated(end, at: place) { $0.outside }
    }

    private func address(of end: TunnelEnd, asDestinationAt place: LinkEnd) -> IPAddress {
        translated(end, at: place) { $0.inside }
    }

    /// The address that stands for a tunnel's end in what `place` sends.
    ///
    /// - Parameter leaving: What a gateway that translates the address puts there by its outside interface.
    private func translated(
        _ end: TunnelEnd, at place: LinkEnd, leaving: (Topology.Translation) -> IPAddress
    ) -> IPAddress {
        guard end.localAddress != end.identity else { return end.localAddress }
        let chain = topology.translations(of: end.localAddress)
        guard let nearest = chain.first else { return end.localAddress }
        if let own = chain.first(where: { $0.gateway.name == place.node }) {
            return place.routedInterface == own.gateway.nat?.interface ? leaving(own) : own.inside
        }
        let across = topology.linkEnds(of: place.node).first { $0.end == place }.flatMap { $0.link.peer(of: $0.end) }
        if let neighbour = chain.first(where: {
            $0.gateway.name == across?.node && $0.gateway.nat?.interface == across?.routedInterface
        }) {
            return neighbour.outside
        }
        if isBeside(end.node, place.node) { return nearest.inside }
        return chain.dropFirst().first { isBeside($0.gateway.name, place.node) }?.inside ?? end.identity
    }

    /// Whether two nodes are on the same side of their NATs: in the same cloud.
    private func isBeside(_ one: String, _ other: String) -> Bool {
        let cloud = { (name: String) in topology.node(named: name)?.cloud ?? name }
        return cloud(one) == cloud(other)
    }

    /// The tunnel that a packet with these outer addresses belongs to at a place, and who encrypted it.
    func tunnel(of packet: WirePacket) -> Addresses? {
        guard let outer = packet.outer, let place = self[packet.point] else { return nil }
        let fitting = (packet.isInbound ? place.received : place.outside).filter {
            $0.source == outer.source && $0.destination == outer.destination
        }
        guard fitting.count > 1, let number = packet.esp.flatMap({ tunnelsBySPI[$0.spi] }) else { return fitting.first }
        return fitting.first { $0.tunnel == number } ?? fitting.first
    }
}

extension WirePlaces.Place {
    /// The tunnel that a packet in clear enters behind this place by policies alone; nil for one that does not.
    func entrance(of packet: WirePacket) -> WirePlaces.Entrance? {
        let isInClear = packet.wrappings.array.allSatisfy { if case .vlan = $0 { true } else { false } }
        guard !entrances.isEmpty, packet.esp == nil, !packet.isInbound, isInClear,
            let ip = packet.inner
        else { return nil }
        return entrances.first { entrance in entrance.carried.contains { $0.takes(ip) } }
    }
}

extension SelectorPair {
    /// Whether a packet is one that the end sends into the tunnel.
    func takes(_ packet: IPSummary) -> Bool {
        let isIPv6 = packet.source.bitWidth == 128
        let (upper, ports): (IPProtocol?, (UInt16, UInt16)?) =
            switch packet.transport {
            case .echo, .tooBig, .otherICMP: (isIPv6 ? .icmpv6 : .icmp, nil)
            case .tcp(let source, let destination, _, _): (.tcp, (source, destination))
            case .udp(let source, let destination): (.udp, (source, destination))
            case .other: (nil, nil)
            }
        return takes(
            from: packet.source, to: packet.destination, upper: upper, sourcePort: ports?.0, destinationPort: ports?.1)
    }
}

extension Topology {
    /// For each link whether it is among those named.
    func marks(ofLinks names: [String]) -> [Bool] { links.map { names.contains($0.name) } }

    /// The end of a link by which a node's own static routes, and its links, lead to an address; nil where they do not.
    private func wayOut(of node: String, to destination: IPAddress) -> LinkEnd? {
        let ends = linkEnds(of: node).map(\.end)
        let beside = { (address: IPAddress) in
            ends.first { $0.addresses.contains { $0.prefix.contains(address) } }
        }
        if let end = beside(destination) { return end }
        let route = self.node(named: node)?.routes.filter { $0.table == 254 && $0.destination.contains(destination) }
            .max {
                $0.destination.length < $1.destination.length
            }
        return route?.nextHops.first.flatMap { hop in
            ends.first { $0.routedInterface == hop.interface } ?? hop.gateway.flatMap(beside)
        }
    }

    /// The address that a probe asks from: its own, or what the kernel takes towards a tunnel's inside or else.
    func sourceAddress(of probe: Probe) -> IPAddress? {
        if let address = probe.sourceAddress { return address }
        let inside = tunnelEntrances(of: probe.source).compactMap(\.inside).first {
            $0.prefix.contains(probe.destination)
        }
        return inside?.address ?? wayOut(of: probe.source, to: probe.destination)?.addresses.map(\.address).first {
            $0.bitWidth == probe.destination.bitWidth
        } ?? addresses(of: probe.source).first { $0.bitWidth == probe.destination.bitWidth }
    }
}
