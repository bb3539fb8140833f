import AgentProtocol
import CLinux
import Glibc
import HeaderStacks
import LabModel
import LabPlan
import Netlink
import NetworkTypes
import NodeRuntime

/// Finds out what the kernel can do by having it do it, in namespaces of the trial's own.
enum KernelTrial {
    /// A finding for each feature; nothing of a trial is left after it.
    static func findings(_ features: [KernelFeature]) -> [KernelFinding] {
        features.map { feature in
            do {
                try attempt(feature)
                return KernelFinding(feature: feature, obstacle: nil)
            } catch {
                return KernelFinding(feature: feature, obstacle: "\(error)")
            }
        }
    }

    private static func attempt(_ feature: KernelFeature) throws {
        switch feature {
        case .nodes:
            _ = try NodeSandbox(NodeSetup(name: "trial", role: .router))
        case .links:
            let pair = try VethPair()
            try pair.near.disableOffloads(of: pair.name)
        case .shaping:
            let pair = try VethPair()
            try pair.near.setNetem(
                NetemSettings(delay: .milliseconds(1), rate: BitRate(bitsPerSecond: 100_000_000)), on: pair.name)
        case .vlans:
            let pair = try VethPair()
            try pair.near.disableTagOffloads(of: pair.name)
            try pair.near.createVLAN(name: name("vlan"), lower: pair.name, id: 100)
        case .vtis(let isOverIPv6):
            let ends = try self.ends(isOverIPv6: isOverIPv6)
            try socket().createVTI(name: name("vti"), local: ends.0, remote: ends.1, key: 1)
        case .xfrmInterfaces:
            try socket().createXFRMInterface(name: name("xfrm"), id: 1)
        case .plainTunnels(let interface):
            let sockets = try socket()
            try sockets.namespace.setSysctl("net.ipv6.conf.all.disable_ipv6", "0")
            try sockets.create(interface)
        case .esp(let algorithms, let isOverIPv6):
            try attempt(algorithms, isOverIPv6: isOverIPv6)
        case .packetFilter(let ruleset):
            try Nftables(in: .create()).apply(ruleset.text)
        case .settings(let settings):
            try NetworkNamespace.create().setSysctls(settings.map { ($0.key, $0.value) })
        case .policyRouting:
            try socket().addRule(RoutingRule(priority: 100, source: try prefix("192.0.2.0/24"), table: 100))
        case .multipathRoutes:
            let pair = try VethPair()
            try pair.near.addAddress(InterfaceAddress(.v4(addresses.0), prefixLength: 24), to: pair.name)
            try pair.near.setUp(pair.name)
            let hops = ["192.0.2.2", "192.0.2.3"].map { NextHop(gateway: IPAddress($0), interface: pair.name) }
            try pair.near.addRoute(Route(destination: try prefix("198.51.100.0/24"), nexthops: hops))
        case .tcpSignatures:
            try NetworkNamespace.create().perform { try check(netlab_try_tcp_signature() == 0, "sign TCP segments") }
        case .captures:
            try NetworkNamespace.create().perform {
                let descriptor = Glibc.socket(AF_PACKET, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
                try check(descriptor >= 0, "open packet socket")
                close(descriptor)
            }
        }
    }

    /// Adds an SA with a key of zeros, which nobody uses, by itself and over IPv4 in UDP.
    private static func attempt(_ algorithms: ESPAlgorithms, isOverIPv6: Bool) throws {
        let sockets = try socket()
        let ends = try self.ends(isOverIPv6: isOverIPv6)
        let encapsulations = isOverIPv6 ? [nil] : [nil, SecurityAssociation.Encapsulation()]
        for (number, encapsulation) in encapsulations.enumerated() {
            var association = SecurityAssociation(
                source: ends.0, destination: ends.1, spi: 0x1000 + UInt32(number))
            association.encapsulation = encapsulation
            for transform in algorithms.kernelTransforms {
                let key = KeyMaterial(Array(repeating: 0, count: transform.keyBits / 8))
                let algorithm = IPsecAlgorithm(name: transform.name, key: key, tagBits: transform.tagBits)
                switch transform.kind {
                case .cipher: association.encryption = algorithm
                case .integrity: association.integrity = algorithm
                case .both: association.aead = algorithm
                }
            }
            try sockets.addSecurityAssociation(association)
        }
    }

    // MARK: What trials use

    /// Two ends of a cable, in a namespace each.
    private struct VethPair {
        let near, far: NetlinkSocket
        let name: InterfaceName

        init() throws {
            (near, far) = (try KernelTrial.socket(), try KernelTrial.socket())
            name = try KernelTrial.name("veth")
            try near.createVeth(name: name, peer: name, peerNamespace: far.namespace)
        }
    }

    /// Addresses for documentation (RFC 5737).
    private static let addresses = (IPv4Address(rawValue: 0xC000_0201), IPv4Address(rawValue: 0xC000_0202))

    /// Addresses for documentation of either family (RFC 3849, RFC 5737).
    private static func ends(isOverIPv6: Bool) throws -> (IPAddress, IPAddress) {
        guard isOverIPv6 else { return (.v4(addresses.0), .v4(addresses.1)) }
        return (try address("2001:db8::1"), try address("2001:db8::2"))
    }

    private static func socket() throws -> NetlinkSocket { try NetlinkSocket(in: .create()) }

    private static func name(_ text: String) throws -> InterfaceName {
        guard let name = InterfaceName(text) else { throw LabFailure("\(text) names no interface.") }
        return name
    }

    private static func address(_ text: String) throws -> IPAddress {
        guard let address = IPAddress(text) else { throw LabFailure("\(text) is no address.") }
        return address
    }

    private static func prefix(_ text: String) throws -> IPPrefix {
        guard let prefix = IPPrefix(text) else { throw LabFailure("\(text) is no prefix.") }
        return prefix
    }

    private static func check(_ isRight: Bool, _ operation: String) throws {
        guard isRight else { throw NetlinkError(errno: errno, operation: operation, object: "") }
    }
}
