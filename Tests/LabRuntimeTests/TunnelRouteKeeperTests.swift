import AgentProtocol
import LabFiles
import LabModel
import LabPlan
import Netlink
import NetworkTypes
import NodeRuntime
import Testing

@testable import LabRuntime

/// Two tunnels between two routers whose associations these tests make by hand: routes must not care who does.
private let text = """
    name: pair
    nodes:
      a: {role: router}
      b: {role: router}
    links:
      wire: {ends: {a:eth0: [192.0.2.1/29, 192.0.2.3/29], b:eth0: [192.0.2.2/29, 192.0.2.4/29]}}
    tunnels:
      one: &tunnel
        psk: an-example-key
        ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
        esp: {encryption: aes-256-cbc, integrity: sha2-256}
        ends:
          a: &a {address: 192.0.2.1, interface: vpn1, routes: [10.2.0.0/16, 10.3.0.0/16], withdraw: when-down}
          b: {address: 192.0.2.2, interface: vpn1}
      two:
        <<: *tunnel
        ends:
          a: {<<: *a, address: 192.0.2.3, interface: vpn2, routes: 10.2.0.0/16}
          b: {address: 192.0.2.4, interface: vpn2}
      three:
        <<: *tunnel
        ends:
          a: {<<: *a, interface: vpn3, address: 192.0.2.3, routes: 10.3.0.0/16, metric: 10}
          b: {address: 192.0.2.2, interface: vpn3}

    """

@Suite(.serialized) struct TunnelRouteKeeperTests {
    private let topology: Topology
    private let lab: RunningLab

    init() throws {
        topology = try LabFile(text: text, file: "pair.yaml") { _ in "" }.resolve().topology
        lab = RunningLab(topology: topology) { _ in }
    }

    /// Everything but the daemons and what waits for them.
    private func build() async throws -> NodeSandbox {
        let steps = Plan(for: topology).steps.filter { ![.daemons, .convergence].contains($0.stage) }
        try await lab.build(Plan(lab: "pair", steps: steps)) { _ in }
        return try await lab.sandbox("a")
    }

    /// The node's routes into its tunnels, as the kernel lists them.
    private func routes(of node: NodeSandbox) throws -> [String] {
        try node.sockets.routes().filter { $0.protocol == .followed }.map(\.description).sorted()
    }

    /// Waits until the routes are these.
    private func expect(_ wanted: [String], at node: NodeSandbox, _ comment: Comment) async throws {
        let end = LabClock.now + .seconds(2)
        while try routes(of: node) != wanted, LabClock.now < end { try await LabSleep.wait(for: .milliseconds(1)) }
        #expect(try routes(of: node) == wanted, comment)
    }

    /// What a key daemon would put into the kernel for one of the node's tunnels.
    private struct Child {
        let policy: SecurityPolicy
        let inbound: SecurityAssociation
        let outbound: SecurityAssociation
    }

    private func child(_ tunnel: String, spi: UInt32) throws -> Child {
        let end = try #require(topology.tunnel(named: tunnel)?.ends.first { $0.node == "a" })
        let number = try #require(end.steering.number)
        let anything = try #require(IPPrefix("0.0.0.0/0"))
        func association(_ source: IPAddress, _ destination: IPAddress, _ spi: UInt32) -> SecurityAssociation {
            var one = SecurityAssociation(source: source, destination: destination, spi: spi)
            one.requestID = number
            one.encryption = IPsecAlgorithm(name: "cbc(aes)", key: KeyMaterial(Array(repeating: 7, count: 32)))
            one.integrity = IPsecAlgorithm(
                name: "hmac(sha256)", key: KeyMaterial(Array(repeating: 9, count: 32)), tagBits: 128)
            return one
        }
        return Child(
            policy: SecurityPolicy(
                direction: .output, selector: IPsecSelector(source: anything, destination: anything),
                mark: PacketMark(value: number, mask: 0xFFFF_FFFF),
                templates: [
                    .init(source: end.localAddress, destination: end.remoteAddress, requestID: number)
                ]),
            inbound: association(end.remoteAddress, end.localAddress, spi),
            outbound: association(end.localAddress, end.remoteAddress, spi + 1))
    }

    private func bringUp(_ child: Child, at node: NodeSandbox) throws {
        try node.sockets.addSecurityPolicy(child.policy)
        try node.sockets.addSecurityAssociation(child.inbound)
        try node.sockets.addSecurityAssociation(child.outbound)
    }

    @Test func `A route follows its tunnels`() async throws {
        let node = try await build()
        #expect(try routes(of: node).isEmpty)
        let (one, two) = (try child("one", spi: 0x1000), try child("two", spi: 0x2000))
        // One direction alone is no tunnel.
        try node.sockets.addSecurityPolicy(one.policy)
        try node.sockets.addSecurityAssociation(one.inbound)
        try await LabSleep.wait(for: .milliseconds(20))
        #expect(try routes(of: node).isEmpty)
        try node.sockets.addSecurityAssociation(one.outbound)
        try await expect(["10.2.0.0/16 dev vpn1", "10.3.0.0/16 dev vpn1"], at: node, "the first is up")
        try bringUp(two, at: node)
        try await expect(
            ["10.2.0.0/16 nexthop dev vpn1 weight 1 nexthop dev vpn2 weight 1", "10.3.0.0/16 dev vpn1"], at: node,
            "both share")
        try node.sockets.deleteSecurityAssociation(one.inbound)
        try await expect(["10.2.0.0/16 dev vpn2"], at: node, "the second alone")
        try node.sockets.flushSecurityAssociations()
        try await expect([], at: node, "none")
        try node.sockets.addSecurityAssociation(one.inbound)
        try node.sockets.addSecurityAssociation(two.inbound)
        try node.sockets.addSecurityAssociation(two.outbound)
        try await expect(["10.2.0.0/16 dev vpn2"], at: node, "the second is back")
        try await lab.tearDown()
    }

    /// A daemon may make associations before the policies that lead to them, and no association changes after that.
    @Test func `A route comes with the policies too`() async throws {
        let node = try await build()
        let one = try child("one", spi: 0x1000)
        try node.sockets.addSecurityAssociation(one.inbound)
        try node.sockets.addSecurityAssociation(one.outbound)
        try await LabSleep.wait(for: .milliseconds(20))
        #expect(try routes(of: node).isEmpty)
        try node.sockets.addSecurityPolicy(one.policy)
        try await expect(["10.2.0.0/16 dev vpn1", "10.3.0.0/16 dev vpn1"], at: node, "up")
        try await lab.tearDown()
    }

    /// A route that is renewed does not go in between.
    @Test func `Rekeying changes nothing`() async throws {
        let node = try await build()
        let (old, new) = (try child("one", spi: 0x1000), try child("one", spi: 0x3000))
        try bringUp(old, at: node)
        try await expect(["10.2.0.0/16 dev vpn1", "10.3.0.0/16 dev vpn1"], at: node, "up")
        let monitor = try NetlinkMonitor(in: node.network, for: [.routes])
        try node.sockets.addSecurityAssociation(new.inbound)
        try node.sockets.addSecurityAssociation(new.outbound)
        try node.sockets.deleteSecurityAssociation(old.outbound)
        try node.sockets.deleteSecurityAssociation(old.inbound)
        try await LabSleep.wait(for: .milliseconds(20))
        #expect(try monitor.drain() == [])
        try await lab.tearDown()
    }

    @Test func `A smaller metric goes before`() async throws {
        let node = try await build()
        let (one, three) = (try child("one", spi: 0x1000), try child("three", spi: 0x3000))
        try bringUp(three, at: node)
        try await expect(["10.3.0.0/16 dev vpn3 metric 10"], at: node, "the backup")
        try bringUp(one, at: node)
        try await expect(
            ["10.2.0.0/16 dev vpn1", "10.3.0.0/16 dev vpn1", "10.3.0.0/16 dev vpn3 metric 10"], at: node, "both")
        let address = try #require(IPAddress("10.3.0.1"))
        #expect(try node.sockets.lookup(destination: address).interface == InterfaceName("vpn1"))
        try node.sockets.deleteSecurityAssociation(one.outbound)
        try await expect(["10.3.0.0/16 dev vpn3 metric 10"], at: node, "the backup again")
        try await lab.tearDown()
    }

    /// An interface that is down leads nowhere, whatever the kernel has for its tunnel; faults on links leave these routes
    /// to their keeper, and taking the lab down takes them.
    @Test func `Interfaces and tearing down`() async throws {
        let node = try await build()
        try bringUp(try child("one", spi: 0x1000), at: node)
        let routes = ["10.2.0.0/16 dev vpn1", "10.3.0.0/16 dev vpn1"]
        try await expect(routes, at: node, "up")
        let interface = try #require(InterfaceName("vpn1"))
        try node.sockets.setDown(interface)
        try await expect([], at: node, "the interface is down")
        try node.sockets.setUp(interface)
        try await expect(routes, at: node, "the interface is up again")
        _ = try await lab.fail([try Fault("link wire down", in: topology)], for: nil)
        try node.sockets.flushSecurityAssociations()
        try await expect([], at: node, "the tunnel is down")
        _ = try await lab.heal(nil)
        try await LabSleep.wait(for: .milliseconds(20))
        #expect(try self.routes(of: node).isEmpty, "healing a link brings back no route of a tunnel")
        try bringUp(try child("two", spi: 0x2000), at: node)
        try await expect(["10.2.0.0/16 dev vpn2"], at: node, "another is up")
        try await lab.tearDown()
        #expect(try self.routes(of: node).isEmpty)
    }
}
