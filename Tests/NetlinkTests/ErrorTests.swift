import Glibc
import Netlink
import NetworkTypes
import Testing

@Suite struct ErrorTests {
    @Test func `Errno and kernel text are kept`() throws {
        let lab = try TestNamespace.withDummy()
        let route = Route(destination: "10.9.0.0/16", nexthops: [NextHop(gateway: "203.0.113.1")], table: 100)
        let unreachable = try error { try lab.socket.addRoute(route) }
        #expect(unreachable.errno == ENETUNREACH && unreachable.name == "ENETUNREACH")
        #expect(unreachable.operation == "add route" && unreachable.object == "10.9.0.0/16 via 203.0.113.1 table 100")
        #expect(unreachable.kernelMessage == "Nexthop has invalid gateway")
        #expect(
            "\(unreachable)"
                == "cannot add route 10.9.0.0/16 via 203.0.113.1 table 100: Network is unreachable (ENETUNREACH): "
                + "Nexthop has invalid gateway; no route leads there: give an interface an address that reaches the gateway, and set it up"
        )
    }

    @Test func `Missing interfaces`() throws {
        let lab = try TestNamespace()
        for body in [
            { try lab.socket.setUp("none") }, { try lab.socket.deleteLink("none") },
            { try lab.socket.addAddress("10.0.0.1/8", to: "none") },
            { try lab.socket.addRoute(Route(destination: "10.0.0.0/8", nexthops: [NextHop(interface: "none")])) },
            { try lab.socket.createVLAN(name: "v", lower: "none", id: 1) }, { try lab.socket.removeQdisc(on: "none") },
        ] {
            let refusal = try error(from: body)
            #expect(refusal.errno == ENODEV && "\(refusal)".contains("none") && refusal.remedy != nil)
        }
    }

    /// libnl's own code for this is "Unspecific failure".
    @Test func `No carrier yet is not connected`() throws {
        let refusal = NetlinkError(errno: ENOTCONN, operation: "create veth link", object: "a with peer b")
        #expect("\(refusal)" == "cannot create veth link a with peer b: Transport endpoint is not connected (ENOTCONN)")
    }

    @Test func `Tunnels with bad settings are refused`() throws {
        let lab = try TestNamespace()
        #expect(try error { try lab.socket.createVLAN(name: "v", lower: "lo", id: 4095) }.errno == ERANGE)
        #expect(try error { try lab.socket.createXFRMInterface(name: "x", id: 0) }.errno == EINVAL)
        let bad = Route(destination: "10.0.0.0/8", nexthops: [NextHop(interface: "lo", weight: 257)])
        #expect(try error { try lab.socket.addRoute(bad) }.errno == ERANGE)
        let many = (0..<4000 as Range<UInt32>).map { NextHop(gateway: .v4(IPv4Address(rawValue: 0x0A00_0000 | $0))) }
        #expect(
            try error { try lab.socket.addRoute(Route(destination: "10.0.0.0/8", nexthops: many)) }.errno == EMSGSIZE)
    }
}
