import Decryption
import LabModel
import LabRecords
import Netlink
import NetworkTypes
import NodeRuntime

/// Gathers every security association of a lab's tunnels, with its keys, from a moment on: those that are there, and those
/// that come later, also when they are gone again at the end.
struct AssociationWatch {
    private let topology: Topology
    private let nodes: [(sandbox: NodeSandbox, monitor: NetlinkMonitor)]
    private var found: [TunnelAssociation] = []

    /// Starts to watch.
    init(_ topology: Topology, sandboxes: [String: NodeSandbox]) throws {
        self.topology = topology
        let names = Set(topology.tunnels.flatMap(\.ends).map(\.node)).sorted()
        // The monitors first: what comes between them and the listing is then in both.
        nodes = try names.compactMap { sandboxes[$0] }.map { sandbox in
            (sandbox, try NetlinkMonitor(in: sandbox.network, for: [.securityAssociations]))
        }
        for (sandbox, _) in nodes {
            for association in try sandbox.sockets.securityAssociations() { add(association, of: sandbox.name) }
        }
    }

    /// All that have been there since the start.
    mutating func finish() throws -> [TunnelAssociation] {
        for (sandbox, monitor) in nodes {
            for event in try monitor.drain() {
                switch event {
                case .saAdded(let association): add(association, of: sandbox.name)
                // Some may have been missed: those that are there now are not lost.
                case .overrun:
                    for association in try sandbox.sockets.securityAssociations() { add(association, of: sandbox.name) }
                default: break
                }
            }
        }
        return found
    }

    private mutating func add(_ association: SecurityAssociation, of node: String) {
        guard let esp = ESPAssociation(association) else { return }
        for (tunnel, end) in topology.tunnelEnds(of: node) {
            let isOutbound = association.source == end.localAddress && association.destination == end.remoteAddress
            let isInbound = association.source == end.remoteAddress && association.destination == end.localAddress
            guard isOutbound || isInbound else { continue }
            let new = TunnelAssociation(tunnel: tunnel.name, node: node, isOutbound: isOutbound, association: esp)
            if !found.contains(new) { found.append(new) }
        }
    }
}

extension ESPAssociation {
    /// What the kernel has of an ESP association; nil for one without algorithms, which is still being negotiated.
    init?(_ association: SecurityAssociation) {
        guard association.protocol == .esp, let cipher = association.aead ?? association.encryption else { return nil }
        let algorithm = { (algorithm: IPsecAlgorithm) in
            Algorithm(name: algorithm.name, key: algorithm.key, tagBits: algorithm.tagBits)
        }
        self.init(
            source: association.source, destination: association.destination, spi: association.spi,
            mode: association.mode == .transport ? .transport : .tunnel, encryption: algorithm(cipher),
            integrity: association.aead == nil ? association.integrity.map(algorithm) : nil,
            hasExtendedSequence: association.hasExtendedSequence,
            encapsulation: association.encapsulation.map {
                UDPEncapsulation(sourcePort: $0.sourcePort, destinationPort: $0.destinationPort)
            })
    }
}
