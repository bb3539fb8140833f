import LabModel
import NetworkTypes
import YAMLReading

// Links and their addresses.
extension TopologyResolver {
    mutating func resolve(link spec: LinkSpec) -> Link? {
        let place = "links.\(spec.name.value)"
        guard spec.isComplete else { return nil }
        guard spec.ends.count == 2 else {
            collector.error(
                spec.name.line, "\(place) has \(spec.ends.count) usable ends",
                "A link joins exactly two: `NODE:INTERFACE: ADDRESS/LENGTH`.")
            return nil
        }
        var ends: [LinkEnd] = []
        for end in spec.ends where isKnown(node: end.node, in: place) {
            claim(end.interface.value, of: end.node.value, line: end.interface.line)
            let vlanInterface = spec.vlan.flatMap { nameOfVLAN($0.value, on: end.interface, in: place) }
            if let vlanInterface { claim(vlanInterface, of: end.node.value, line: end.interface.line) }
            ends.append(
                LinkEnd(
                    node: end.node.value, interface: end.interface.value, vlanInterface: vlanInterface,
                    addresses: end.addresses.map(\.value)))
            for address in end.addresses {
                check(hostAddress: address)
            }
        }
        guard ends.count == 2, let rate = spec.shape.rate else { return nil }
        if ends[0].node == ends[1].node {
            collector.error(
                spec.name.line, "\(place) joins node \(ends[0].node) to itself", "Name two different nodes.")
            return nil
        }
        // Two ends with addresses must share a block, or neither can reach the other.
        let (near, far) = (spec.ends[0].addresses, spec.ends[1].addresses)
        if let stray = far.first, !near.isEmpty,
            !far.contains(where: { end in near.contains { $0.value.prefix == end.value.prefix } })
        {
            collector.error(
                stray.line,
                "\(place): \(stray.value) is not on the link of \(near.map(\.value.description).joined(separator: ", "))",
                "Both ends of a link need an address in the same block with the same length.")
        }
        return Link(
            name: spec.name.value, ends: ends, mtu: spec.shape.mtu, rate: rate, delay: spec.shape.delay,
            loss: spec.shape.loss, vlan: spec.vlan?.value)
    }

    /// The name of a VLAN's interface, as Debian's `vlan` package and ip(8)'s manual write it: PORT.IDENTIFIER.
    private func nameOfVLAN(_ vlan: Int, on port: Located<InterfaceName>, in place: String) -> InterfaceName? {
        let name = InterfaceName("\(port.value).\(vlan)")
        if name == nil {
            collector.error(
                port.line, "\(place): the interface \(port.value).\(vlan) of VLAN \(vlan) has more than 15 bytes",
                "Give the port \(port.value) a name of at most \(14 - "\(vlan)".utf8.count) bytes.")
        }
        return name
    }

    func check(hostAddress address: Located<InterfaceAddress>) {
        guard case .v4(let v4) = address.value.address, case .v4(let network) = address.value.prefix.address,
            address.value.prefixLength < 31
        else { return }
        let hostBits = UInt32.max >> UInt32(address.value.prefixLength)
        if v4 == network || v4.rawValue | hostBits == v4.rawValue {
            collector.error(
                address.line, "\(address.value) is the network's or the broadcast address of \(address.value.prefix)",
                "Choose an address between them.")
        }
    }

    func checkAddresses(of links: [Link]) {
        var owners: [IPAddress: (place: String, line: Int)] = [:]
        for link in file.links {
            for end in link.ends {
                for address in end.addresses {
                    let place = "\(end.node.value):\(end.interface.value)"
                    if let other = owners[address.value.address] {
                        collector.error(
                            address.line,
                            "address \(address.value.address) of \(place) is also \(other.place)'s, in line \(other.line)",
                            "Give one of them another address.")
                    } else {
                        owners[address.value.address] = (place, address.line)
                    }
                }
            }
        }
        let lines = Dictionary(file.links.map { ($0.name.value, $0.name.line) }) { first, _ in first }
        let linkEnds = Dictionary(grouping: links.flatMap { link in link.ends.map { (link, $0) } }) { $1.node }
        let insides = Dictionary(
            grouping: file.tunnels.flatMap { tunnel in tunnel.ends.map { (tunnel.name.value, $0.node.value, $0.inside) }
            }
                + file.plainTunnels.flatMap { tunnel in
                    tunnel.ends.map { (tunnel.name.value, $0.node.value, $0.inside) }
                }
        ) { $0.1 }
        for node in nodeNames {
            var blocks: [(prefix: IPPrefix, place: String)] = []
            for (link, end) in linkEnds[node] ?? [] {
                for address in end.addresses {
                    check(
                        block: address.prefix, of: "link \(link.name)", at: node, line: lines[link.name],
                        against: &blocks)
                }
            }
            for case (let tunnel, _, let inside?) in insides[node] ?? [] {
                check(
                    block: inside.value.prefix, of: "tunnel \(tunnel)", at: node, line: inside.line, against: &blocks)
            }
        }
    }

    /// Notes a block that overlaps one of another link or tunnel of the node, and remembers it.
    func check(
        block: IPPrefix, of place: String, at node: String, line: Int?,
        against blocks: inout [(prefix: IPPrefix, place: String)]
    ) {
        if let other = blocks.first(where: { $0.prefix.overlaps(block) && $0.place != place }) {
            collector.error(
                line, "node \(node): the block \(block) of \(place) overlaps \(other.prefix) of \(other.place)",
                "A node's links and tunnels need blocks apart from each other, or it cannot tell where to send.")
        }
        blocks.append((block, place))
    }
}
