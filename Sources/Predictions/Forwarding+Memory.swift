import DaemonProfiles
import Daemons
import LabModel
import NetworkTypes

extension Forwarding {
    /// What a packet that comes to a node asks of the topology there.
    struct Place: Sendable {
        let node: Node
        let links: [(link: Link, end: LinkEnd)]
        let tunnels: [(tunnel: Tunnel, end: TunnelEnd)]
        let plainTunnels: [(tunnel: PlainTunnel, end: PlainTunnelEnd)]
        /// Whether policies alone lead into one of its tunnels.
        let hasPolicies: Bool
        /// On links and inside tunnels, in the file's order.
        private let allAddresses: [IPAddress]
        let addresses: Set<IPAddress>
        /// Those that the boot script gives, and the interfaces that it gives them.
        private let ofBootScript: (addresses: Set<IPAddress>, interfaces: Set<InterfaceName>)
        /// The instances that are plugged in here, by the port that each is at.
        let instances: [(node: Node, port: InterfaceName, addresses: Set<IPAddress>)]

        init(_ node: Node, in topology: Topology) {
            self.node = node
            links = topology.linkEnds(of: node.name)
            tunnels = topology.tunnelEnds(of: node.name)
            plainTunnels = topology.plainTunnelEnds(of: node.name)
            hasPolicies = tunnels.contains { $0.end.steering == .policy }
            allAddresses = topology.addresses(of: node.name)
            addresses = Set(allAddresses)
            let given = tunnels.map(\.end).filter { $0.addressing == .boot }
            ofBootScript = (Set(given.compactMap(\.inside?.address)), Set(given.compactMap(\.interface)))
            instances = links.compactMap { link, end in
                guard let peer = link.peer(of: end), let instance = topology.node(named: peer.node),
                    instance.role == .instance, topology.fabricPort(of: instance) == end
                else { return nil }
                let own = topology.linkEnds(of: instance.name).flatMap(\.end.addresses).map(\.address)
                return (instance, end.routedInterface, Set(own))
            }
        }

        private var insides: [(interface: InterfaceName, inside: InterfaceAddress?)] {
            tunnels.compactMap { _, end in end.interface.map { ($0, end.inside) } }
                + plainTunnels.map { ($0.end.interface, $0.end.inside) }
        }

        func has(_ address: IPAddress, _ damage: Damage) -> Bool {
            addresses.contains(address) && !(ofBootScript.addresses.contains(address) && isUnbooted(damage))
        }

        /// Whether an interface waits for what the boot script gives it.
        func isWaiting(_ interface: InterfaceName, _ damage: Damage) -> Bool {
            ofBootScript.interfaces.contains(interface) && isUnbooted(damage)
        }

        private func isUnbooted(_ damage: Damage) -> Bool { damage.unbooted.contains(node.name) }

        /// The address that the kernel takes for a packet of the node's own that leaves by an interface.
        func source(by interface: InterfaceName?, for destination: IPAddress, _ damage: Damage) -> IPAddress? {
            let own = links.first { $0.end.routedInterface == interface }?.end.addresses.map(\.address) ?? []
            let inside = insides.first { $0.interface == interface }?.inside?.address
            return (own + [inside].compactMap(\.self) + allAddresses).first {
                $0.bitWidth == destination.bitWidth && has($0, damage)
            }
        }

        func interface(towards gateway: IPAddress) -> InterfaceName? {
            links.first { $0.end.addresses.contains { $0.prefix.contains(gateway) } }?.end.routedInterface
                ?? insides.first { $0.inside?.prefix.contains(gateway) ?? false }?.interface
        }
    }

    /// What has been worked out so far: the same packets, tables and announcements are asked for thousands of times.
    struct Memory: Sendable {
        struct Question: Hashable {
            let packet: Packet
            let node: String
            let damage: Damage
            let known: Set<Damage.Port>
        }

        /// A route table of a node, and what of the damage changes it.
        struct Table: Hashable {
            let node: String
            let number: UInt32
            private let downPorts: Set<Damage.Port>
            private let forgotten: Set<Damage.Side>
            private let protocols: Protocols
            private let isUnbooted: Bool

            init(node: String, number: UInt32, damage: Damage) {
                self.node = node
                self.number = number
                (downPorts, forgotten, protocols) = (damage.downPorts, damage.forgotten, Protocols(damage))
                isUnbooted = damage.unbooted.contains(node)
            }
        }

        /// What of the damage decides which routes protocols bring.
        struct Protocols: Hashable {
            let withdrawn: Set<Damage.Side>
            let parted: Set<String>
            let halted: Set<String>
            private let lost: Damage

            init(_ damage: Damage) {
                (withdrawn, parted) = (damage.withdrawn, damage.parted)
                // Who is down tells his peers nothing new either.
                halted = parted.isEmpty ? [] : damage.halted.union(damage.downNodes)
                var lost = Damage()
                // Only of links that are given up it counts what is the matter with them.
                if !parted.isEmpty { (lost.downPorts, lost.downNodes) = (damage.downPorts, damage.downNodes) }
                self.lost = lost
            }

            /// Whether a router still tells of the network of an interface.
            func tells(_ interface: OSPFDomain.Interface, _ topology: Topology) -> Bool {
                !parted.contains(interface.link) || lost.hasCarrier(interface, topology)
            }
        }

        let ways = Memo<Question, [Path]>()
        let tables = Memo<Table, [Candidate]>()
        let protocols = Memo<Protocols, DynamicRoutes>()
    }
}
