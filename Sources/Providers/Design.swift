import LabModel
import NetworkTypes
import YAMLReading

/// What a provider's rules look at: a topology, the lab file's lines, and the clouds that the provider runs.
public struct Design {
    /// A tunnel's end at a router of the provider's.
    struct OwnEnd {
        let tunnel: Tunnel
        let end: TunnelEnd
        let peer: TunnelEnd
    }
    /// A router of the provider's that speaks BGP.
    struct OwnSpeaker {
        let session: BGPSession
        let speaker: BGPSpeaker
        let peer: BGPSpeaker
    }

    let topology: Topology
    /// The whole lab file with its variant laid over it, for the lines.
    let file: YAMLValue?
    /// The provider whose side is looked at.
    let provider: String
    /// All that the lab's clouds name, by name.
    let providers: [String: Provider]

    public init(topology: Topology, file: YAMLValue?, provider: String, providers: [String: Provider]) {
        self.topology = topology
        self.file = file
        self.provider = provider
        self.providers = providers
    }

    /// The provider that runs a node: that of its cloud, where the node is a part of the cloud's fabric.
    func provider(of node: String) -> String? {
        guard let node = topology.node(named: node), node.role != .instance else { return nil }
        return topology.clouds.first { $0.name == node.cloud }?.provider
    }

    func cloud(of node: String) -> String? { topology.node(named: node)?.cloud }

    /// Tunnels that are up some time, by their ends at the provider's routers.
    var ownEnds: [OwnEnd] {
        topology.tunnels.flatMap { tunnel in
            tunnel.ends.compactMap { end in
                guard provider(of: end.node) == provider, let peer = tunnel.peer(of: end) else { return nil }
                return OwnEnd(tunnel: tunnel, end: end, peer: peer)
            }
        }
    }

    /// Its speakers in sessions with others: what a cloud's own nodes say to each other is its own affair.
    var ownSpeakers: [OwnSpeaker] {
        topology.sessions.flatMap { session in
            session.speakers.compactMap { speaker in
                guard provider(of: speaker.node) == provider, let peer = session.peer(of: speaker),
                    topology.node(named: peer.node)?.cloud != topology.node(named: speaker.node)?.cloud
                else { return nil }
                return OwnSpeaker(session: session, speaker: speaker, peer: peer)
            }
        }
    }

    /// A session that somebody wants over a tunnel.
    struct Wish {
        let name: String
        /// Nil where both sides have it; else the node that has it, and the address that it expects at the other end.
        let alone: (node: String, peer: IPAddress)?
    }

    func wishes(over tunnel: Tunnel) -> [Wish] {
        let isEnd = { (node: String, interface: InterfaceName?) in
            interface != nil && tunnel.ends.contains { $0.node == node && $0.interface == interface }
        }
        return topology.sessions.filter { $0.speakers.contains { isEnd($0.node, $0.interface) } }.map {
            Wish(name: $0.name, alone: nil)
        }
            + topology.oneSidedSessions.filter { isEnd($0.node, $0.interface) }.map {
                Wish(name: $0.name, alone: ($0.node, $0.peer))
            }
    }

    /// Lines that end at one of the provider's routers: links from another cloud with a BGP session on them.
    var ownLines: [Link] {
        topology.links.filter { link in
            link.ends.contains { provider(of: $0.node) == provider }
                && Set(link.ends.map { cloud(of: $0.node) ?? $0.node }).count == 2
                && link.ends.contains { end in
                    topology.sessions.flatMap(\.speakers).contains {
                        $0.node == end.node && $0.interface == end.routedInterface
                    }
                }
        }
    }

    /// The line of a setting that an end may have of its own, or else its tunnel: `dpd`, `ike` and what is inside.
    func line(of setting: String..., at end: OwnEnd) -> Int? {
        let own = ["tunnels", end.tunnel.name, "ends", end.end.node]
        return isWritten(own + setting.prefix(1)) ? line(own + setting) : line(["tunnels", end.tunnel.name] + setting)
    }

    private func isWritten(_ path: [String]) -> Bool {
        var value = file
        for name in path { value = value?.entry(name) }
        return value != nil
    }

    func line(_ path: String...) -> Int? { line(path) }

    /// The line of the innermost of these names, each inside the one before it, that the lab file has.
    private func line(_ path: [String]) -> Int? {
        var value = file
        var line: Int?
        for name in path {
            guard let node = value?.node.mapping,
                let pair = node.mergedPairs.first(where: { $0.key.scalar?.string == name })
            else { break }
            line = pair.key.mark?.line ?? line
            value = value?.child(pair.value, name)
        }
        return line
    }
}
