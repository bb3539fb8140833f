import NetworkTypes

/// An interface that leads into a tunnel of either kind, and where that comes out.
public struct TunnelEntrance: Hashable, Sendable {
    public let tunnel: String
    public let interface: InterfaceName
    /// The interface's address inside the tunnel.
    public let inside: InterfaceAddress?
    public let peer: String
    public let peerInterface: InterfaceName
    /// Whether the tunnel is configured and never started.
    public let isUnused: Bool

    public init(
        tunnel: String, interface: InterfaceName, inside: InterfaceAddress?, peer: String, peerInterface: InterfaceName,
        isUnused: Bool
    ) {
        self.tunnel = tunnel
        self.interface = interface
        self.inside = inside
        self.peer = peer
        self.peerInterface = peerInterface
        self.isUnused = isUnused
    }
}

extension Topology {
    /// Every way into a tunnel at a node, IPsec's before plain ones.
    public func tunnelEntrances(of node: String) -> [TunnelEntrance] {
        let secured = tunnelEnds(of: node).compactMap { tunnel, end in
            tunnel.peer(of: end).map { peer in
                TunnelEntrance(
                    tunnel: tunnel.name, interface: end.interface, inside: end.inside, peer: peer.node,
                    peerInterface: peer.interface, isUnused: tunnel.isUnused)
            }
        }
        let plain = plainTunnelEnds(of: node).compactMap { tunnel, end in
            tunnel.peer(of: end).map { peer in
                TunnelEntrance(
                    tunnel: tunnel.name, interface: end.interface, inside: end.inside, peer: peer.node,
                    peerInterface: peer.interface, isUnused: false)
            }
        }
        return secured + plain
    }

    public func tunnelEntrance(_ interface: InterfaceName, of node: String) -> TunnelEntrance? {
        tunnelEntrances(of: node).first { $0.interface == interface }
    }
}
