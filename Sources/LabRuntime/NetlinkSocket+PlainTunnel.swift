import AgentProtocol
import LabPlan
import Netlink
import NetworkTypes

extension NetlinkSocket {
    /// Makes a plain tunnel's interface with its addresses, and sets it up.
    func create(_ interface: PlainTunnelInterface) throws {
        let end = interface.end
        let name = end.interface
        switch (interface.kind, end.localAddress, end.remoteAddress) {
        case (.isatap, .v4(let local), _):
            try createISATAP(name: name, local: local, hopLimit: end.hopLimit)
            for router in end.potentialRouters { try addISATAPRouter(router, on: name) }
        case (.sixInFour, .v4(let local), .v4(let remote)):
            try createSIT(name: name, local: local, remote: remote, ttl: end.hopLimit)
        case (.ipip, .v4(let local), .v4(let remote)):
            try createIPIP(name: name, local: local, remote: remote, ttl: end.hopLimit)
        case (.ipip6, .v6(let local), .v6(let remote)), (.ip6ip6, .v6(let local), .v6(let remote)):
            try createIP6Tunnel(
                name: name, local: local, remote: remote, carriesIPv6: interface.kind.carriesIPv6,
                encapsulationLimit: end.encapsulationLimit, hopLimit: end.hopLimit)
        case (.gre, .v4, .v4), (.ip6gre, .v6, .v6):
            try createGRE(
                name: name, local: end.localAddress, remote: end.remoteAddress, key: end.gre.key,
                hasSequenceNumbers: end.gre.hasSequenceNumbers, hasChecksum: end.gre.hasChecksum,
                hopLimit: end.hopLimit,
                encapsulationLimit: end.encapsulationLimit)
        case (.vxlan, .v4, .v4), (.vxlan6, .v6, .v6):
            guard let vxlan = end.vxlan else { throw LabFailure("\(end.node): \(name) has no VNI.") }
            try createVXLAN(
                name: name, address: end.ethernetAddress, local: end.localAddress, remote: end.remoteAddress,
                vni: vxlan.vni,
                port: vxlan.port, hopLimit: end.hopLimit)
        case (.wireguard, .v4, .v4), (.wireguard6, .v6, .v6):
            try createWireGuard(name: name)
            // A trial of the kernel has no keys.
            if let options = end.wireGuard, let keys = options.keys {
                try configureWireGuard(
                    name, port: options.port, keys: keys, endpoint: end.remoteAddress, keepalive: options.keepalive)
            }
        default:
            throw LabFailure(
                "\(end.node): \(interface.kind.rawValue) does not go from \(end.localAddress) to \(end.remoteAddress).")
        }
        if let mtu = interface.mtu { try setMTU(mtu, on: name) }
        if let inside = end.inside { try addAddress(inside, to: name) }
        try setUp(name)
        if let neighbour = interface.neighbour {
            try addNeighbour(neighbour.inside, neighbour.peer.ethernetAddress, on: name)
        }
    }
}
