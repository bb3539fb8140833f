import Glibc
import Netlink
import NetworkTypes
import Testing

@Suite struct AddressTests {
    @Test(arguments: ["10.2.3.100/24", "2001:db8::5/64", "192.0.2.1/32"] as [InterfaceAddress])
    func `An address is added, listed and deleted`(_ address: InterfaceAddress) throws {
        let lab = try TestNamespace()
        try lab.socket.createDummy(name: "d0")
        try lab.socket.addAddress(address, to: "d0")
        #expect(try lab.socket.addresses(of: "d0") == [AddressInfo(interface: "d0", address: address)])
        #expect(try error { try lab.socket.addAddress(address, to: "d0") }.errno == EEXIST)
        try lab.socket.deleteAddress(address, from: "d0")
        #expect(try lab.socket.addresses().isEmpty)
        #expect(try error { try lab.socket.deleteAddress(address, from: "d0") }.errno == EADDRNOTAVAIL)
    }

    @Test func `Point to point`() throws {
        let lab = try TestNamespace()
        try lab.socket.createDummy(name: "d0")
        try lab.socket.addAddress("169.254.1.1/32", to: "d0", peer: "169.254.1.2")
        let address = try #require(try lab.socket.addresses(of: "d0").first)
        #expect(address.address == "169.254.1.1/32" && address.peer == "169.254.1.2")
        try lab.socket.deleteAddress("169.254.1.1/32", from: "d0", peer: "169.254.1.2")
        #expect(try lab.socket.addresses().isEmpty)
    }

    /// Duplicate address detection would hold an address back for a second.
    @Test func `IPv6 addresses are usable at once`() throws {
        let left = try TestNamespace()
        let right = try TestNamespace()
        try left.socket.createVeth(name: "a", peer: "b", peerNamespace: right.namespace)
        try left.socket.setUp("a")
        try right.socket.setUp("b")
        try left.socket.addAddress("2001:db8::1/64", to: "a")
        let address = try #require(try left.socket.addresses(of: "a").first { $0.address == "2001:db8::1/64" })
        #expect(!address.isTentative)
    }
}

@Suite struct RouteTests {
    static let routes: [Route] = [
        Route(destination: "10.9.0.0/16", nexthops: [NextHop(gateway: "10.1.1.1", interface: "d0")]),
        Route(
            destination: "0.0.0.0/0", nexthops: [NextHop(gateway: "10.1.1.1", interface: "d0")], table: 100, metric: 7),
        Route(
            destination: "10.8.0.0/16", nexthops: [NextHop(interface: "d0")], preferredSource: "10.1.1.2",
            protocol: RouteProtocol(rawValue: 12), mtu: MTU(1400)),
        Route(destination: "10.7.0.0/16", table: 4_000_000_000, type: .blackhole),
        Route(destination: "10.6.0.0/16", type: .unreachable),
        Route(
            destination: "10.5.0.0/16",
            nexthops: [
                NextHop(gateway: "10.1.1.1", interface: "d0"), NextHop(gateway: "10.1.1.3", interface: "d0", weight: 4),
            ]),
        Route(destination: "10.4.0.0/16", nexthops: [NextHop(gateway: "2001:db8:1::1", interface: "d0")]),
        Route(
            destination: "2001:db8:9::/48", nexthops: [NextHop(gateway: "2001:db8:1::1", interface: "d0")],
            metric: 1024,
            preferredSource: "2001:db8:1::2"),
        Route(
            destination: "::/0",
            nexthops: [
                NextHop(gateway: "2001:db8:1::1", interface: "d0"), NextHop(gateway: "2001:db8:1::3", interface: "d0"),
            ], table: 300, metric: 5),
        Route(destination: "2001:db8:a::/48", metric: 20, type: .blackhole),
    ]

    @Test(arguments: routes) func `A route is added, listed and deleted`(_ route: Route) throws {
        let lab = try TestNamespace.withDummy()
        let before = try lab.socket.routes(table: route.table)
        try lab.socket.addRoute(route)
        #expect(try lab.socket.routes(table: route.table).filter { !before.contains($0) } == [route])
        #expect(try error { try lab.socket.addRoute(route) }.errno == EEXIST)
        try lab.socket.replaceRoute(route)
        #expect(try lab.socket.routes(table: route.table).filter { !before.contains($0) } == [route])
        try lab.socket.deleteRoute(route)
        #expect(try lab.socket.routes(table: route.table) == before)
        #expect(try error { try lab.socket.deleteRoute(route) }.errno == ESRCH)
    }

    @Test func `The kernel's own routes are listed`() throws {
        let lab = try TestNamespace.withDummy()
        let connected = Route(
            destination: "10.1.1.0/24", nexthops: [NextHop(interface: "d0")], preferredSource: "10.1.1.2",
            protocol: .kernel)
        #expect(try lab.socket.routes().contains(connected))
        #expect(
            try lab.socket.routes(table: Route.localTable).contains {
                $0.type == .local && $0.destination == "10.1.1.2/32"
            })
        #expect(try lab.socket.routes(table: nil).count > lab.socket.routes().count)
    }

    @Test func `Lookup follows rules and tables`() throws {
        let lab = try TestNamespace.withDummy()
        try lab.socket.addRoute(Route(destination: "10.9.0.0/16", nexthops: [NextHop(gateway: "10.1.1.1")]))
        var found = try lab.socket.lookup(destination: "10.9.8.7")
        #expect(found.interface == "d0" && found.gateway == "10.1.1.1" && found.preferredSource == "10.1.1.2")
        #expect(found.table == Route.mainTable && found.prefix == "10.9.0.0/16" && found.type == .unicast)

        try lab.socket.addRoute(
            Route(destination: "10.9.8.0/24", nexthops: [NextHop(gateway: "10.1.1.9")], table: 100, mtu: MTU(1400)))
        try lab.socket.addRule(RoutingRule(priority: 50, mark: PacketMark(value: 5), table: 100))
        found = try lab.socket.lookup(RouteQuery(destination: "10.9.8.7", mark: 5))
        #expect(found.gateway == "10.1.1.9" && found.table == 100 && found.prefix == "10.9.8.0/24" && found.mtu == 1400)
        #expect(try lab.socket.lookup(destination: "10.9.8.7").table == Route.mainTable)

        found = try lab.socket.lookup(destination: "2001:db8:1::77")
        #expect(found.interface == "d0" && found.gateway == nil && found.prefix == "2001:db8:1::/64")
        #expect(try lab.socket.lookup(destination: "10.1.1.2").type == .local)
        #expect(try error { _ = try lab.socket.lookup(destination: "203.0.113.1") }.errno == ENETUNREACH)
    }

    @Test func `Lookup of a forwarded packet`() throws {
        let lab = try TestNamespace.withDummy()
        try lab.namespace.setSysctl("net.ipv4.ip_forward", "1")
        try lab.socket.createDummy(name: "d1")
        try lab.socket.setUp("d1")
        try lab.socket.addAddress("10.2.2.1/24", to: "d1")
        let found = try lab.socket.lookup(destination: "10.1.1.77", source: "10.2.2.5", inputInterface: "d1")
        #expect(found.interface == "d0" && found.prefix == "10.1.1.0/24")
    }
}

@Suite struct RuleTests {
    static let rules = [
        RoutingRule(priority: 100, source: "10.0.0.0/8", table: 100),
        RoutingRule(
            priority: 101, destination: "192.0.2.0/24", inputInterface: "d0",
            mark: PacketMark(value: 0x10, mask: 0xF0), table: 70000),
        RoutingRule(family: .v6, priority: 102, source: "2001:db8::/32", outputInterface: "d0", table: 9),
        RoutingRule(priority: 103, destination: "198.51.100.0/24", table: 0, action: .unreachable),
        RoutingRule(priority: 1000, table: 0, isForVRF: true),
    ]

    @Test(arguments: rules) func `A rule is added, listed and deleted`(_ rule: RoutingRule) throws {
        let lab = try TestNamespace()
        let before = try lab.socket.rules()
        #expect(before.map(\.priority) == [0, 32766, 32767, 0, 32766])
        try lab.socket.addRule(rule)
        #expect(try lab.socket.rules().filter { !before.contains($0) } == [rule])
        #expect(try error { try lab.socket.addRule(rule) }.errno == EEXIST)
        try lab.socket.deleteRule(rule)
        #expect(try lab.socket.rules() == before)
        #expect(try error { try lab.socket.deleteRule(rule) }.errno == ENOENT)
    }
}
