import NetworkTypes

// BGP sessions and probes.
extension TopologyResolver {
    func resolve(session spec: SessionSpec, tunnels: [Tunnel], links: [Link]) -> BGPSession? {
        let place = "bgp.\(spec.name.value)"
        guard spec.isComplete else { return nil }
        guard spec.speakers.count == 2 else {
            collector.error(
                spec.name.line, "\(place) has \(spec.speakers.count) usable speakers",
                "A session joins exactly two nodes: add them under `speakers:`.")
            return nil
        }
        let ends: [(node: String, interface: InterfaceName, address: InterfaceAddress?)]
        if let tunnel = tunnels.first(where: { $0.name == spec.over.value }) {
            if tunnel.isUnused {
                collector.error(
                    spec.over.line, "\(place): tunnel \(tunnel.name) is unused, so the session would never come up",
                    "Remove `unused: true` from the tunnel, or the session.")
            }
            ends = tunnel.ends.map { ($0.node, $0.interface, $0.inside) }
        } else if let link = links.first(where: { $0.name == spec.over.value }) {
            ends = link.ends.map { ($0.node, $0.interface, $0.addresses.first) }
        } else {
            // A tunnel that was left out for an error of its own has been reported already.
            let written = ["tunnels", "links"].flatMap { file.written[$0, default: []] }
            if !written.contains(spec.over.value) {
                collector.error(
                    spec.over.line, "\(place): there is no tunnel or link \"\(spec.over.value)\"",
                    Suggestion.remedy(for: spec.over.value, among: written, noun: "tunnels and links"))
            }
            return nil
        }
        let speakers = spec.speakers.compactMap { speaker -> BGPSpeaker? in
            guard isKnown(node: speaker.node, in: place) else { return nil }
            guard let end = ends.first(where: { $0.node == speaker.node.value }), let address = end.address else {
                collector.error(
                    speaker.node.line, "\(place): node \(speaker.node.value) has no address on \(spec.over.value)",
                    "The speakers are the two ends of it: \(ends.map(\.node).joined(separator: ", ")); a tunnel's end needs `inside:`."
                )
                return nil
            }
            return BGPSpeaker(
                node: speaker.node.value, asn: speaker.asn, address: address.address, interface: end.interface,
                keepalive: speaker.keepalive, hold: speaker.hold, advertised: speaker.advertised)
        }
        guard speakers.count == 2 else { return nil }
        return BGPSession(name: spec.name.value, speakers: speakers, password: spec.password)
    }

    func resolve(probe spec: ProbeSpec, topology: Topology) -> Probe? {
        let place = "probes.\(spec.name.value)"
        guard isKnown(node: spec.source, in: place) else { return nil }
        let isAddress = IPAddress(spec.destination.value)
        let isSure =
            !unsure.contains(spec.source.value) && topology.tunnels.count == file.written["tunnels", default: []].count
        if let own = spec.sourceAddress, isSure, !topology.addresses(of: spec.source.value).contains(own.value) {
            collector.error(
                own.line, "\(place): node \(spec.source.value) does not have the address \(own.value)",
                "Take one of its own: \(topology.addresses(of: spec.source.value).map(\.description).joined(separator: ", "))."
            )
        }
        if let address = isAddress ?? topology.address(of: spec.destination.value) {
            if let own = spec.sourceAddress, own.value.bitWidth != address.bitWidth {
                collector.error(
                    own.line, "\(place): \(own.value) cannot send to \(address)",
                    "Take two addresses of IPv4, or two of IPv6.")
            }
            warnOfNobodys(address, spec.destination.line, place: place, topology: topology)
            return Probe(
                name: spec.name.value, source: spec.source.value, sourceAddress: spec.sourceAddress?.value,
                destination: address, interval: spec.interval, alarm: spec.alarm)
        }
        guard !unsure.contains(spec.destination.value) else { return nil }
        collector.error(
            spec.destination.line, "\(place): \"\(spec.destination.value)\" is neither an address nor a node with one",
            Suggestion.remedy(for: spec.destination.value, among: nodeNames, noun: "nodes"))
        return nil
    }

    /// An address that nobody answers for is most often a slip.
    func warnOfNobodys(_ address: IPAddress, _ line: Int, place: String, topology: Topology) {
        let translated = topology.nodes.compactMap(\.nat).flatMap(\.mappings).map(\.outside)
        guard !collector.hasErrors, topology.owner(of: address) == nil, !translated.contains(address) else { return }
        collector.warning(
            line, "\(place): nothing in the lab has the address \(address)",
            "Take an address of the lab, or a node's name.")
    }
}
