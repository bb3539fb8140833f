import Glibc
import Netlink
import NetworkTypes
import Testing

@Suite struct MonitorTests {
    private static func isReadable(_ descriptor: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) == 1
    }

    @Test func `Changes are told`() throws {
        let lab = try TestNamespace()
        // Link-local addresses would come and go by themselves.
        try lab.namespace.setSysctl("net.ipv6.conf.default.disable_ipv6", "1")
        let monitor = try NetlinkMonitor(in: lab.namespace)
        #expect(try monitor.drain().isEmpty && !Self.isReadable(monitor.descriptor))
        try lab.socket.createDummy(name: "d0")
        try lab.socket.setUp("d0")
        try lab.socket.addAddress("10.1.1.2/24", to: "d0")
        #expect(Self.isReadable(monitor.descriptor))
        let route = Route(destination: "10.9.0.0/16", nexthops: [NextHop(gateway: "10.1.1.1", interface: "d0")])
        try lab.socket.addRoute(route)
        var events = try monitor.drain()
        #expect(!Self.isReadable(monitor.descriptor))
        #expect(
            events.contains { if case .linkChanged(let link) = $0 { link.name == "d0" && link.isUp } else { false } })
        #expect(events.contains(.addressAdded(AddressInfo(interface: "d0", address: "10.1.1.2/24"))))
        #expect(events.contains(.routeAdded(route)))

        try lab.socket.deleteRoute(route)
        try lab.socket.deleteAddress("10.1.1.2/24", from: "d0")
        try lab.socket.deleteLink("d0")
        events = try monitor.drain()
        #expect(events.contains(.routeRemoved(route)))
        #expect(events.contains(.addressRemoved(AddressInfo(interface: "d0", address: "10.1.1.2/24"))))
        #expect(events.contains { if case .linkRemoved(let link) = $0 { link.name == "d0" } else { false } })
    }

    @Test func `Associations are told`() throws {
        let lab = try TestNamespace()
        let monitor = try NetlinkMonitor(in: lab.namespace, for: [.securityAssociations])
        let association = IPsecTests.associations[0]
        try lab.socket.addSecurityAssociation(association)
        try lab.socket.deleteSecurityAssociation(association)
        try lab.socket.flushSecurityAssociations()
        let events = try monitor.drain()
        guard case .saAdded(let added) = events.first, case .saRemoved(let removed) = events.dropFirst().first else {
            Issue.record("unexpected: \(events)")
            return
        }
        #expect(added.spi == association.spi && added.encapsulation == association.encapsulation)
        #expect(removed.spi == association.spi && removed.mark == association.mark)
    }

    @Test func `Expiry is told`() async throws {
        let lab = try TestNamespace()
        let monitor = try NetlinkMonitor(in: lab.namespace, for: [.securityAssociations])
        try lab.socket.addSecurityAssociation(
            IPsecTests.association {
                $0.aead = IPsecTests.gcm
                $0.softLimits.sinceAdded = .seconds(1)
                $0.hardLimits.sinceAdded = .seconds(5)
            })
        var hard: [Bool] = []
        while !hard.contains(true) {
            var entry = pollfd(fd: monitor.descriptor, events: Int16(POLLIN), revents: 0)
            try #require(poll(&entry, 1, 10_000) == 1)
            hard += try monitor.drain().compactMap { if case .saExpired(_, let isHard) = $0 { isHard } else { nil } }
        }
        #expect(hard == [false, true])
    }

    @Test func `Overrun is told`() throws {
        let lab = try TestNamespace.withDummy()
        let monitor = try NetlinkMonitor(in: lab.namespace, for: [.addresses], queueBytes: 65536)
        for _ in 0..<500 {
            try lab.socket.addAddress("10.2.2.2/32", to: "d0")
            try lab.socket.deleteAddress("10.2.2.2/32", from: "d0")
        }
        #expect(try monitor.drain().contains(.overrun))
        _ = try monitor.drain()
        try lab.socket.addAddress("10.3.3.3/32", to: "d0")
        #expect(try monitor.drain() == [.addressAdded(AddressInfo(interface: "d0", address: "10.3.3.3/32"))])
    }
}
