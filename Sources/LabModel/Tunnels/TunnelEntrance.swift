import NetworkTypes

/// A way into a tunnel of either kind, and where that comes out.
public struct TunnelEntrance: Hashable, Sendable {
    public let tunnel: String
    /// The interface that leads in; nil where policies alone do.
    public let interface: InterfaceName?
    /// The interface's address inside the tunnel.
    public let inside: InterfaceAddress?
    public let peer: String
    /// Where the peer's kernel takes opened packets for having come in.
    public let peerInterface: InterfaceName
    /// Whether the tunnel is configured and never started.
    public let isUnused: Bool

    public init(
        tunnel: String, interface: InterfaceName?, inside: InterfaceAddress?, peer: String,
        peerInterface: InterfaceName,
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
            tunnel.peer(of: end).flatMap { peer in
                arrival(of: peer).map { arrival in
                    TunnelEntrance(
                        tunnel: tunnel.name, interface: end.interface, inside: end.inside, peer: peer.node,
                        peerInterface: arrival, isUnused: tunnel.isUnused)
                }
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

    /// Where a kernel takes the packets of an end that it has opened for having come in: by the end's interface, or by the one that ESP
    /// came in at (`xfrm_input`, net/xfrm/xfrm_input.c); nil for an end whose address is on no link.
    public func arrival(of end: TunnelEnd) -> InterfaceName? {
        end.interface
            ?? linkEnds(of: end.node).first { $0.end.addresses.contains { $0.address == end.localAddress } }?.end
            .routedInterface
    }

    public func tunnelEntrance(_ interface: InterfaceName, of node: String) -> TunnelEntrance? {
        tunnelEntrances(of: node).first { $0.interface == interface }
    }
}
