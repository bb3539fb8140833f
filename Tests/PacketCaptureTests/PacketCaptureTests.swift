import Glibc
import Netlink
import NetworkTypes
import PacketCapture
import PacketFormats
import Testing

@Suite struct PacketCaptureTests {
    static let payloads: [[UInt8]] = [[1], [2, 2], [3, 3, 3]]

    @Test(arguments: ["", "udp"])
    func `Each direction's packets are seen, from the very first`(_ filter: String) throws {
        let cable = try Cable()
        let (left, right) = (cable.left.namespace, cable.right.namespace)
        let captures = try [PacketCapture.Direction.both, .inbound, .outbound].flatMap { direction in
            [
                try PacketCapture(on: "a", in: left, direction: direction, filter: filter),
                try PacketCapture(on: "b", in: right, direction: direction, filter: filter),
            ]
        }
        for payload in Self.payloads { try cable.sendRight(payload) }
        // Until these are there: else the answer may be on its way before them.
        #expect(Seen.isReadable(captures[1], within: 1000))
        try cable.sendLeft([9])
        let answer: [[UInt8]] = [[9]]
        // Both, then what comes in, then what goes out: at the left end and at the right.
        let expected = [
            Self.payloads + answer, Self.payloads + answer, answer, Self.payloads, Self.payloads, answer,
        ]
        for (capture, expected) in zip(captures, expected) {
            let seen = try Seen.wait(for: expected.count, on: capture).map(\.payload)
            #expect(seen == expected)
            #expect(try Seen.drain(capture).isEmpty && !Seen.isReadable(capture))
            #expect(try capture.statistics() == .init(received: UInt64(expected.count), dropped: 0))
        }
    }

    @Test
    func `A filter keeps the rest out; a running capture takes whole expressions`() throws {
        let cable = try Cable()
        let capture = try PacketCapture(
            on: "b", in: cable.right.namespace, direction: .inbound, filter: "icmp or udp[8] = 2 or udp[8] = 3")
        for payload in Self.payloads { try cable.sendRight(payload) }
        #expect(try Seen.wait(for: 2, on: capture).map(\.payload) == [[2, 2], [3, 3, 3]])
        #expect(try capture.statistics() == .init(received: 2, dropped: 0))
    }

    @Test(
        arguments: ["udp port", "foo bar", "port 70000", "udp and ("])
    func `A bad filter is an error that says so`(_ filter: String) throws {
        let cable = try Cable()
        let validated = try #require(throws: CaptureError.self) {
            try PacketCapture.validate(filter: filter, linkType: .ethernet)
        }
        for direction in [PacketCapture.Direction.both, .outbound] {
            let opened = try #require(throws: CaptureError.self) {
                _ = try PacketCapture(on: "a", in: cable.left.namespace, direction: direction, filter: filter)
            }
            #expect(opened.code == .badFilter && opened.cause?.isEmpty == false)
        }
        #expect(validated.code == .badFilter && "\(validated)".contains("“\(filter)”"))
        #expect(validated.cause?.isEmpty == false)
    }

    @Test(arguments: ["outbound", "udp and not inbound", "ifindex 2"])
    func `What libpcap would lose packets by is refused`(_ filter: String) throws {
        let refused = try #require(throws: CaptureError.self) {
            try PacketCapture.validate(filter: filter, linkType: .ethernet)
        }
        #expect(refused.code == .badFilter && refused.message.contains("“\(filter)”"))
    }

    @Test(
        arguments: ["", "udp port 500 or esp", "ip proto 50", "host 10.1.1.1"])
    func `Good filters are taken, for their link type`(_ filter: String) throws {
        try PacketCapture.validate(filter: filter, linkType: .ethernet)
        try PacketCapture.validate(filter: filter, linkType: .raw)
        try PacketCapture.validate(filter: "vlan 5 and ip", linkType: .ethernet)
        // Negative control: raw IP has no Ethernet addresses.
        let mac = "ether host 02:00:00:00:00:01"
        try PacketCapture.validate(filter: mac, linkType: .ethernet)
        #expect(throws: CaptureError.self) { try PacketCapture.validate(filter: mac, linkType: .raw) }
    }

    @Test func `An unknown interface, and one that is down, are errors that say so`() throws {
        let node = try TestNode()
        for length in [nil, 100] {
            let unknown = try #require(throws: CaptureError.self) {
                _ = try PacketCapture(on: "none", in: node.namespace, snapshotLength: length)
            }
            #expect(unknown.code == .noSuchInterface && unknown.message.contains("interface none"))
        }
        try node.netlink.createDummy(name: "d0")
        let down = try #require(throws: CaptureError.self) { _ = try PacketCapture(on: "d0", in: node.namespace) }
        #expect(down.code == .interfaceDown && down.message.contains("d0 is down"))
    }

    @Test func `Times are the lab's, to the nanosecond: netem's delay is seen`() throws {
        let cable = try Cable()
        try cable.right.netlink.setNetem(NetemSettings(delay: .milliseconds(2)), on: "b")
        let left = try PacketCapture(on: "a", in: cable.left.namespace, direction: .outbound, filter: "udp")
        let right = try PacketCapture(on: "b", in: cable.right.namespace, direction: .outbound, filter: "udp")
        let start = now()
        for number in 0..<5 as Range<UInt8> {
            try cable.sendRight([number])
            try cable.sendLeft([number])
            let request = try #require(try Seen.wait(for: 1, on: left).first)
            let answer = try #require(try Seen.wait(for: 1, on: right).first)
            // The answer leaves its queue 2 ms after it was sent.
            #expect(abs(Int64(answer.timestamp - request.timestamp) - 2_000_000) <= 10_000)
            #expect(request.timestamp >= start && answer.timestamp <= now())
        }
        #expect((10_000_000...11_000_000).contains(now() - start))
    }

    @Test(
        arguments: [1500, 9000, 576])
    func `Packets as long as the MTU are whole, longer ones are cut at the length asked for`(_ mtu: Int) throws {
        let cable = try Cable(mtu: mtu)
        let payload = (0..<(mtu - 28)).map { UInt8(truncatingIfNeeded: $0) }
        let whole = try PacketCapture(on: "b", in: cable.right.namespace, direction: .inbound, filter: "udp")
        let cut = try PacketCapture(
            on: "b", in: cable.right.namespace, direction: .inbound, filter: "udp", snapshotLength: 96)
        #expect(whole.snapshotLength == mtu + 18 && cut.snapshotLength == 96)
        try cable.sendRight(payload)
        let packet = try #require(try Seen.wait(for: 1, on: whole).first)
        #expect(packet.payload == payload && packet.originalLength == mtu + 14)
        let part = try #require(try Seen.wait(for: 1, on: cut).first)
        #expect(part.bytes == Array(packet.bytes.prefix(96)) && part.originalLength == mtu + 14)
    }

    @Test func `A ring that nobody drains drops, and says how many`() throws {
        let cable = try Cable()
        let small = try PacketCapture(
            on: "b", in: cable.right.namespace, direction: .inbound, filter: "udp", ringSize: 16 << 10)
        let large = try PacketCapture(on: "b", in: cable.right.namespace, direction: .inbound, filter: "udp")
        for _ in 0..<100 { try cable.sendRight([7]) }
        #expect(try Seen.wait(for: 100, on: large).count == 100)
        #expect(try large.statistics() == .init(received: 100, dropped: 0))
        let kept = UInt64(try Seen.drain(small).count)
        #expect((5...15).contains(kept))
        #expect(try small.statistics() == .init(received: 100, dropped: 100 - kept))
        // Counts are sums, and room is there again.
        try cable.sendRight([8])
        #expect(try Seen.wait(for: 1, on: small).map(\.payload) == [[8]])
        #expect(try small.statistics() == .init(received: 101, dropped: 100 - kept))
    }

    @Test(
        arguments: [(nil, 1100...1400), (65535, 28...33)] as [(Int?, ClosedRange<Int>)])
    func `The documented ring holds what it is said to hold`(length: Int?, packets: ClosedRange<Int>) throws {
        let node = try TestNode()
        // A tunnel, for which libpcap does not look at the MTU. It has no policy, so nothing gets beyond the interface.
        try node.netlink.createXFRMInterface(name: "x", id: 7)
        try node.netlink.addAddress("10.5.0.1/24", to: "x")
        try node.netlink.setUp("x")
        let capture = try PacketCapture(on: "x", in: node.namespace, snapshotLength: length)
        #expect(capture.linkType == .raw)
        for _ in 0..<1500 { try node.socket.send([1], to: "10.5.0.2") }
        let seen = try Seen.drain(capture)
        let count = seen.count
        #expect(packets.contains(count) && seen.allSatisfy { $0.bytes.first == 0x45 && $0.bytes.count == 29 })
        #expect(try capture.statistics() == .init(received: 1500, dropped: 1500 - UInt64(count)))
    }

    @Test func `A VTI's packets begin with IP, GRE's with a cooked header`() throws {
        let cable = try Cable()
        for (node, local, remote, address) in [
            (cable.left, "10.1.1.1", "10.1.1.2", "10.9.9.1/24"), (cable.right, "10.1.1.2", "10.1.1.1", "10.9.9.2/24"),
        ] as [(TestNode, IPv4Address, IPv4Address, InterfaceAddress)] {
            try node.netlink.createVTI(name: "vti1", local: .v4(local), remote: .v4(remote), key: 5)
            try node.netlink.createGRE(name: "gre1", local: .v4(local), remote: .v4(remote))
            try node.netlink.addAddress(address, to: "gre1")
            for name in ["vti1", "gre1"] as [InterfaceName] { try node.netlink.setUp(name) }
        }
        let left = cable.left.namespace
        #expect(try PacketCapture(on: "a", in: left).linkType == .ethernet)
        #expect(try PacketCapture(on: "vti1", in: left, direction: .outbound, filter: "udp").linkType == .raw)
        // libpcap gives GRE's packets a header of its own, and filters them another way.
        let outbound = try PacketCapture(on: "gre1", in: left, direction: .outbound, filter: "udp")
        let inbound = try PacketCapture(on: "gre1", in: left, direction: .inbound, filter: "udp")
        #expect(outbound.linkType == .linuxCooked)
        try cable.left.socket.send([1, 2], to: "10.9.9.2")
        try cable.right.socket.send([3], to: "10.9.9.1")
        let header = 16 + 28
        #expect(try Seen.wait(for: 1, on: inbound).map { Array($0.bytes.dropFirst(header)) } == [[3]])
        #expect(try Seen.drain(outbound).map { Array($0.bytes.dropFirst(header)) } == [[1, 2]])
    }

    @Test func `A link that goes down and up again is captured further; one that is deleted is an error`()
        throws
    {
        let cable = try Cable()
        let capture = try PacketCapture(on: "b", in: cable.right.namespace, direction: .inbound, filter: "udp")
        try cable.right.netlink.setDown("b")
        #expect(Seen.isReadable(capture))
        #expect(try Seen.drain(capture).isEmpty)
        // Else a loop that waits for packets would spin.
        #expect(!Seen.isReadable(capture))
        #expect(try Seen.drain(capture).isEmpty)
        try cable.right.netlink.setUp("b")
        try cable.sendRight([5])
        #expect(try Seen.wait(for: 1, on: capture).map(\.payload) == [[5]])
        try cable.right.netlink.deleteLink("b")
        let gone = try #require(throws: CaptureError.self) {
            for _ in 0..<3 { _ = try Seen.drain(capture) }
        }
        #expect(gone.message.contains("on b") && gone.cause == "The interface disappeared")
    }

    @Test func `What the body throws comes out, and the rest waits`() throws {
        struct Stop: Error {}
        let cable = try Cable()
        let capture = try PacketCapture(on: "b", in: cable.right.namespace, direction: .inbound, filter: "udp")
        for payload in Self.payloads { try cable.sendRight(payload) }
        #expect(Seen.isReadable(capture, within: 1000))
        #expect(throws: Stop.self) { try capture.drain { _, _, _ in throw Stop() } }
        #expect(try Seen.wait(for: 2, on: capture).map(\.payload) == Array(Self.payloads.dropFirst()))
    }

    @Test func `A closed capture says so`() throws {
        let cable = try Cable()
        let capture = try PacketCapture(on: "b", in: cable.right.namespace)
        capture.close()
        capture.close()
        #expect(try #require(throws: CaptureError.self) { _ = try Seen.drain(capture) }.code == .closed)
        #expect(try #require(throws: CaptureError.self) { _ = try capture.statistics() }.code == .closed)
    }
}
