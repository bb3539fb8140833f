import Glibc
import Netlink
import NetworkTypes
import Testing

@Suite struct LinkTests {
    /// left veth <-> veth right
    @Test func `Veth joins two namespaces`() throws {
        let left = try TestNamespace()
        let right = try TestNamespace()
        try left.socket.createVeth(name: "to-right", peer: "to-left", peerNamespace: right.namespace)
        let made = try left.socket.link(named: "to-right")
        #expect(made.kind == .veth && !made.isUp && !made.hasCarrier && made.mtu == 1500 && made.mac != nil)
        #expect(try right.socket.link(named: "to-left").kind == .veth)

        try left.socket.setUp("to-right")
        #expect(try !left.socket.link(named: "to-right").hasCarrier)
        try right.socket.setUp("to-left")
        #expect(try left.socket.link(named: "to-right").hasCarrier)
        try right.socket.setDown("to-left")
        #expect(try !right.socket.link(named: "to-left").isUp)

        try left.socket.deleteLink("to-right")
        #expect(try left.madeLinks().isEmpty)
        #expect(try right.madeLinks().isEmpty)
    }

    @Test func `Settings are read back`() throws {
        let lab = try TestNamespace()
        try lab.socket.createDummy(name: "d0")
        try lab.socket.setMTU(try #require(MTU(9000)), on: "d0")
        try lab.socket.setAddress("02:00:00:00:00:07", on: "d0")
        try lab.socket.rename("d0", to: "d1")
        try lab.socket.createBridge(name: "br0")
        try lab.socket.setMaster("br0", of: "d1")
        var link = try lab.socket.link(named: "d1")
        #expect(link.mtu == 9000 && link.mac == "02:00:00:00:00:07" && link.kind == .dummy)
        #expect(try link.masterIndex == lab.socket.link(named: "br0").index)
        try lab.socket.setMaster(nil, of: "d1")
        link = try lab.socket.link(named: "d1")
        #expect(link.masterIndex == nil)
    }

    @Test func `Every kind is read back and deleted`() throws {
        let lab = try TestNamespace.withDummy()
        let local: IPv4Address = "10.1.1.2"
        let remote: IPv4Address = "10.1.1.3"
        let local6: IPv6Address = "2001:db8:1::2"
        let remote6: IPv6Address = "2001:db8:1::3"
        let socket = lab.socket
        let table: [(name: InterfaceName, kind: LinkKind, create: () throws -> Void)] = [
            (
                "vti1", .vti(local: .v4(local), remote: .v4(remote), inputKey: 5, outputKey: 5),
                { try socket.createVTI(name: "vti1", local: .v4(local), remote: .v4(remote), key: 5) }
            ),
            (
                "vti6a", .vti(local: .v6(local6), remote: .v6(remote6), inputKey: 6, outputKey: 6),
                { try socket.createVTI(name: "vti6a", local: .v6(local6), remote: .v6(remote6), key: 6) }
            ),
            (
                "gre6",
                .gre(
                    local: .v6(local6), remote: .v6(remote6), key: 0, hasSequenceNumbers: false, hasChecksum: false),
                { try socket.createGRE(name: "gre6", local: .v6(local6), remote: .v6(remote6), key: 0) }
            ),
            (
                "vx4", .vxlan(local: .v4(local), remote: .v4(remote), vni: 0xFFFFFF, port: 4789),
                {
                    try socket.createVXLAN(
                        name: "vx4", address: MACAddress(rawValue: 0x0200_0000_0001), local: .v4(local),
                        remote: .v4(remote), vni: 0xFFFFFF, port: 4789)
                }
            ),
            (
                "vx6", .vxlan(local: .v6(local6), remote: .v6(remote6), vni: 0, port: 8472),
                {
                    try socket.createVXLAN(
                        name: "vx6", address: MACAddress(rawValue: 0x0200_0000_0002), local: .v6(local6),
                        remote: .v6(remote6), vni: 0, port: 8472)
                }
            ),
            ("ipsec1", .xfrm(id: 77), { try socket.createXFRMInterface(name: "ipsec1", id: 77, lower: "d0") }),
            ("ipsec2", .xfrm(id: 78), { try socket.createXFRMInterface(name: "ipsec2", id: 78) }),
            ("d0.340", .vlan(id: 340), { try socket.createVLAN(name: "d0.340", lower: "d0", id: 340) }),
            ("vrf1", .vrf(table: 1000), { try socket.createVRF(name: "vrf1", table: 1000) }),
            ("br1", .bridge, { try socket.createBridge(name: "br1") }),
            (
                "tun6",
                .ip6Tunnel(
                    local: local6, remote: remote6, payload: 4, encapsulationLimit: 4, hopLimit: 64, flowInformation: 0),
                { try socket.createIP6Tunnel(name: "tun6", local: local6, remote: remote6) }
            ),
            (
                "tun6n",
                .ip6Tunnel(
                    local: local6, remote: "2001:db8:1::4", payload: 4, encapsulationLimit: nil, hopLimit: 32,
                    flowInformation: 0),
                {
                    try socket.createIP6Tunnel(
                        name: "tun6n", local: local6, remote: "2001:db8:1::4", encapsulationLimit: nil, hopLimit: 32)
                }
            ),
            (
                "is0", .sit(local: local, remote: "0.0.0.0", isISATAP: true),
                { try socket.createISATAP(name: "is0", local: local) }
            ),
            (
                "six1", .sit(local: local, remote: remote, isISATAP: false),
                { try socket.createSIT(name: "six1", local: local, remote: remote) }
            ),
            (
                "ipip1", .ipip(local: local, remote: remote),
                { try socket.createIPIP(name: "ipip1", local: local, remote: remote) }
            ),
            (
                "six6",
                .ip6Tunnel(
                    local: local6, remote: remote6, payload: 41, encapsulationLimit: 4, hopLimit: 64,
                    flowInformation: 0),
                { try socket.createIP6Tunnel(name: "six6", local: local6, remote: remote6, carriesIPv6: true) }
            ),
            (
                "gre1",
                .gre(local: .v4(local), remote: .v4(remote), key: nil, hasSequenceNumbers: false, hasChecksum: false),
                { try socket.createGRE(name: "gre1", local: .v4(local), remote: .v4(remote)) }
            ),
            (
                "gre2",
                .gre(
                    local: .v4(local), remote: .v4(remote), key: 0x0102_0304, hasSequenceNumbers: true,
                    hasChecksum: true),
                {
                    try socket.createGRE(
                        name: "gre2", local: .v4(local), remote: .v4(remote), key: 0x0102_0304,
                        hasSequenceNumbers: true, hasChecksum: true)
                }
            ),
        ]
        for entry in table {
            try entry.create()
            let link = try socket.link(named: entry.name)
            #expect(link.kind == entry.kind)
            #expect(!link.isUp)
            #expect(try error { try entry.create() }.errno == EEXIST)
            try socket.deleteLink(entry.name)
            #expect(try error { _ = try socket.link(named: entry.name) }.errno == ENODEV)
        }
    }

    /// 1500 - 40 - 8 while nobody knows the way to the peer, and then what that way takes less 40 and 8.
    @Test func `A tunnel takes its MTU from the way that there is when it is made`() throws {
        let lab = try TestNamespace.withDummy()
        let peer: IPv6Address = "2001:db8:9::1"
        try lab.socket.createIP6Tunnel(name: "early", local: "2001:db8:1::2", remote: peer)
        #expect(try lab.socket.link(named: "early").mtu == 1452)
        try lab.socket.createISATAP(name: "is0", local: "10.1.1.2")
        try lab.socket.addAddress("2001:db8:2::5efe:10.1.1.2/64", to: "is0")
        try lab.socket.setUp("is0")
        #expect(try lab.socket.link(named: "is0").mtu == 1480)
        try lab.socket.addRoute(
            Route(
                destination: "2001:db8:9::/64",
                nexthops: [NextHop(gateway: "2001:db8:2::5efe:10.1.1.1", interface: "is0")]))
        for (name, limit, mtu) in [("limited", UInt8(4), 1432), ("free", nil, 1440)] as [(InterfaceName, UInt8?, Int)] {
            try lab.socket.createIP6Tunnel(
                name: name, local: "2001:db8:2::5efe:10.1.1.2", remote: peer, encapsulationLimit: limit)
            #expect(try lab.socket.link(named: name).mtu == mtu)
            try lab.socket.deleteLink(name)
        }
    }

    @Test func `ISATAP takes a router`() throws {
        let lab = try TestNamespace.withDummy()
        try lab.socket.createISATAP(name: "is0", local: "10.1.1.2")
        try lab.socket.addISATAPRouter("10.1.1.1", on: "is0")
        #expect(try error { try lab.socket.addISATAPRouter("10.1.1.1", on: "is0") }.errno == EEXIST)
    }

    @Test func `Offloads go off`() throws {
        let lab = try TestNamespace()
        try lab.socket.createVeth(name: "a", peer: "b")
        #expect(try lab.socket.hasOffloads("a"))
        try lab.socket.disableOffloads(of: "a")
        try lab.socket.disableOffloads(of: "a")
        #expect(try !lab.socket.hasOffloads("a"))
        #expect(try error { try lab.socket.disableOffloads(of: "none") }.errno == ENODEV)
    }

    @Test func `Links move between namespaces`() throws {
        let one = try TestNamespace()
        let two = try TestNamespace()
        try one.socket.createDummy(name: "d0")
        try one.socket.move("d0", to: two.namespace)
        #expect(try one.madeLinks().isEmpty)
        #expect(try two.socket.link(named: "d0").kind == .dummy)
    }

    @Test func `Counters count`() throws {
        let lab = try TestNamespace()
        try lab.socket.setUp("lo")
        let before = try lab.socket.link(named: "lo")
        try lab.namespace.perform {
            let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(9).bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            let sent = withUnsafeBytes(of: &address) { bytes in
                sendto(
                    descriptor, "x", 1, 0, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                    socklen_t(bytes.count))
            }
            #expect(sent == 1)
        }
        let after = try lab.socket.link(named: "lo")
        #expect(after.sent.packets > before.sent.packets && after.sent.bytes >= before.sent.bytes + 29)
        #expect(after.received.packets == after.sent.packets)
    }
}
