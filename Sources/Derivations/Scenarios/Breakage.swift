import Daemons
import LabModel
import NetworkTypes

/// Something that may break in a lab, as a user thinks of it: a tunnel, a session, a gateway.
public struct Breakage: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// Nothing of a tunnel's own gets through any more, and nobody is told.
        case cut
        /// One end's key or certificate is another: the tunnel is negotiated anew, in vain.
        case refused
        /// A provider replaces the endpoint of a tunnel that another one can stand in for.
        case maintained
        /// A speaker's operator shuts a session.
        case shut
        /// A gateway is without power.
        case down
    }

    public let kind: Kind
    /// What breaks: a tunnel, a session or a node.
    public let subject: String
    /// All of them begin at once.
    public let faults: [Fault]

    /// A scenario's name for it: `main-cut`.
    public var name: String { "\(subject)-\(kind.rawValue)" }

    /// In words: `tunnel main cut`, `bgp main shut`, `gateway tgw down`.
    public var words: String {
        switch kind {
        case .cut: "tunnel \(subject) cut"
        case .refused: "tunnel \(subject) refused"
        case .maintained: "tunnel \(subject) maintained"
        case .shut: "bgp \(subject) shut"
        case .down: "gateway \(subject) down"
        }
    }

    /// Each tunnel cut, refused and maintained, each session shut, each gateway down.
    public static func all(of topology: Topology) -> [Breakage] {
        let used = topology.tunnels.filter { !$0.isUnused }
        let cuts = used.map { tunnel in
            let payload: Fault.Traffic = tunnel.isUDPEncapsulated ? .espInUDP : .esp
            return Breakage(
                kind: .cut, subject: tunnel.name,
                faults: [payload, .ike].map { .drop($0, on: tunnel.name, sender: nil) })
        }
        // What carries a plain tunnel is cut already where it is a tunnel; all else is its link's.
        let refusals = used.compactMap { tunnel -> Breakage? in
            // netlab changes no file of a user's.
            let generated = tunnel.ends.first { if case .generated = $0.configuration { true } else { false } }
            return generated.map {
                Breakage(
                    kind: .refused, subject: tunnel.name,
                    faults: [.mismatch(tunnel: tunnel.name, $0.certificate == nil ? .psk : .certificate, node: $0.node)]
                )
            }
        }
        let shut = topology.sessions.compactMap { session in
            session.speakers.first.map {
                Breakage(kind: .shut, subject: session.name, faults: [.sessionShut(session.name, node: $0.node)])
            }
        }
        let ends = Set(used.flatMap(\.ends).map(\.node) + topology.plainTunnels.flatMap(\.ends).map(\.node))
        let gateways = topology.nodes.filter { ends.contains($0.name) }.map {
            Breakage(kind: .down, subject: $0.name, faults: [.nodeDown($0.name)])
        }
        return cuts + refusals + maintenance(of: used, in: topology) + shut + gateways
    }

    /// Of the tunnels whose traffic a session moves to another between the same nodes.
    private static func maintenance(of tunnels: [Tunnel], in topology: Topology) -> [Breakage] {
        tunnels.compactMap { tunnel in
            let isRedundant = tunnels.contains { other in
                other.name != tunnel.name && Set(other.ends.map(\.node)) == Set(tunnel.ends.map(\.node))
                    && other.ends.allSatisfy { !topology.sessions(through: $0).isEmpty }
            }
            let providers = tunnel.ends.filter { end in
                topology.clouds.contains {
                    $0.name == topology.node(named: end.node)?.cloud && $0.provider != nil
                }
            }
            // Providers' gateways wait to be asked, unless a setting says otherwise.
            guard isRedundant, let end = providers.first(where: { !$0.begins }) ?? providers.first,
                !topology.sessions(through: end).isEmpty,
                let fault = try? Fault("maintenance \(tunnel.name) at \(end.node)", in: topology)
            else { return nil }
            return Breakage(kind: .maintained, subject: tunnel.name, faults: [fault])
        }
    }
}
