import LabModel
import NetworkTypes
import PacketFormats

/// What a node lets in, and what the fabric lets through.
extension Forwarding {
    /// Why a node that stands at an instance's port drops a packet that it forwards; nil where it does not.
    ///
    /// - Parameter output: Where it leaves in clear; nil where it does not.
    func refusal(
        of packet: Packet, at place: Place, to output: InterfaceName?, _ path: inout Path, _ damage: Damage,
        _ known: Set<Damage.Port>
    ) -> String? {
        for (instance, port, own) in place.instances {
            let place = Damage.Port(node: place.node.name, interface: port)
            let isChecked = instance.sourceDestinationCheck || damage.checked.contains(instance.name)
            if packet.input == port {
                path.fabricPorts.insert(place)
                if isChecked, let source = packet.source, !own.contains(source) {
                    return "the source check of \(instance.name) drops what comes from \(source)"
                }
            }
            guard output == port else { continue }
            if isChecked, !own.contains(packet.destination) {
                return "the destination check of \(instance.name) drops what goes to \(packet.destination)"
            }
            defer { path.fabricPorts.insert(place) }
            // The instance's own end of a tunnel has sent something first, so the fabric takes the rest for answers.
            // Who has a plain tunnel need not have sent anything.
            // VXLAN's packets have a source port of their own each way (RFC 7348, section 5): none is an answer to the peer's.
            let isVXLAN = packet.kind == .wrapped(.vxlan)
            guard !packet.isNegotiated, isVXLAN || !known.contains(place), let rules = rules(of: instance, in: damage)
            else {
                continue
            }
            guard rules.contains(where: { admits($0, packet) }) else {
                if packet.kind == .wrapped(.wireGuard) {
                    path.doubt =
                        "whether the fabric has seen a message of WireGuard's from \(instance.name) before is not computed here"
                }
                if isVXLAN, known.contains(place) {
                    path.doubt =
                        "whether the fabric remembers VXLAN's ports at \(instance.name) from before is not computed here"
                }
                return "no security rule of \(instance.name) lets in what comes from "
                    + (packet.source?.description ?? "there")
            }
        }
        return nil
    }

    private func rules(of instance: Node, in damage: Damage) -> [SecurityRule]? {
        var rules = instance.security
        for gone in damage.closed[instance.name] ?? [] {
            if let index = rules?.firstIndex(of: gone) { rules?.remove(at: index) }
        }
        return rules
    }

    /// Both ends of what goes over TCP and UDP begin it, so that one's packets are answers to the other's.
    func admits(_ filter: InboundFilter, _ packet: Packet) -> Bool {
        switch packet.kind {
        case .bgp, .bfd, .ike, .espInUDP, .reply(.datagrams), .reply(.stream): true
        case .request, .reply(.echo), .esp, .tooBig, .wrapped: filter.rules.contains { admits($0, packet) }
        }
    }

    private func admits(_ rule: SecurityRule, _ packet: Packet) -> Bool {
        guard let source = packet.source, rule.source.contains(source) else { return false }
        switch (rule.transport, packet.kind) {
        case (.any, _), (.icmp, .request(.echo)), (.icmp, .reply(.echo)), (.icmp, .tooBig), (.esp, .esp),
            (.tcp, .request(.stream)):
            return true
        // RFC 862.
        case (.udp, .request(.datagrams)): return rule.ports.isEmpty || rule.ports.contains(7)
        case (.ipv6, .wrapped(.ipv6InIPv4)), (.ipv6, .wrapped(.ipv6InIPv6)), (.ipv4, .wrapped(.ipv4InIPv4)),
            (.ipv4, .wrapped(.ipv4InIPv6)):
            return true
        case (.udp, .wrapped(.vxlan)):
            let tunnel = packet.tunnel.flatMap { topology.plainTunnel(named: $0) }
            return rule.ports.isEmpty || tunnel?.ends.first?.vxlan.map { rule.ports.contains($0.port) } ?? false
        case (.udp, .wrapped(.wireGuard)):
            let tunnel = packet.tunnel.flatMap { topology.plainTunnel(named: $0) }
            return rule.ports.isEmpty || tunnel?.ends.first?.wireGuard.map { rule.ports.contains($0.port) } ?? false
        case (.tcp, .bgp): return rule.ports.isEmpty || rule.ports.contains(179)
        // RFC 5881, section 4.
        case (.udp, .bfd): return rule.ports.isEmpty || rule.ports.contains(3784)
        case (.udp, .ike), (.udp, .espInUDP): return rule.ports.isEmpty || rule.ports.contains(4500)
        default: return false
        }
    }
}
