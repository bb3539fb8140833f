/// The program that negotiates a node's IPsec tunnels.
public enum IKEDaemon: String, Hashable, Sendable, Codable, CaseIterable {
    /// pluto, which leads its tunnels through VTIs: packets find their policies by a mark.
    case libreswan
    /// charon, which leads its tunnels through XFRM interfaces: packets find their policies by the interface's `if_id`.
    case strongswan

    /// The process that serves the node.
    public var kind: DaemonKind {
        switch self {
        case .libreswan: .pluto
        case .strongswan: .charon
        }
    }

    /// As its project writes it.
    public var title: String {
        switch self {
        case .libreswan: "libreswan"
        case .strongswan: "strongSwan"
        }
    }
}

extension DaemonKind {
    /// Whether it negotiates tunnels.
    public var exchangesKeys: Bool { IKEDaemon.allCases.contains { $0.kind == self } }
}

extension Topology {
    /// What negotiates the tunnels that end at a node.
    public func keyDaemon(of node: String) -> IKEDaemon { self.node(named: node)?.ike ?? .libreswan }
}
