import LabFiles
import LabRecords
import NetworkTypes
import Recordings
import Testing

@Suite struct FlowTraceTests {
    @Test func `Every station of a request is found`() throws {
        var flow = FakeFlow()
        flow.send(.answered(forth: "main", back: "backup"))
        let trace = try flow.trace()
        let seen = try #require(trace.flows["there"])
        #expect(seen.left(0) == .init(nanoseconds: flow.start, packet: 1))
        #expect(seen.arrived(0)?.nanoseconds == flow.start + 1_000_000)
        #expect(seen.replyLeft(0)?.nanoseconds == flow.start + 1_000_000)
        #expect(seen.replyArrived(0) == .init(nanoseconds: flow.start + FakeFlow.roundTrip, packet: 6))
        #expect(seen.forth(0) == ["main"] && seen.back(0) == ["backup"])
        #expect(seen.lastForth(0) == "gw2:lan" && seen.lastBack(0) == "gw1:lan")
        #expect(trace.packets == 6 && trace.doubt == nil)
    }

    /// One byte of payload has no room for a marker: then identifier, addresses and sequence number must do.
    @Test(arguments: [0, 1, 15, 16, 1400]) func `Payloads of any size`(payload: Int) throws {
        var flow = FakeFlow(payload: payload)
        flow.send(.answered(forth: "main", back: "main"), count: 3)
        flow.send(.lostForth("backup"))
        let seen = try #require(try flow.trace().flows["there"])
        #expect((0..<3).allSatisfy { seen.replyArrived($0) != nil && seen.forth($0) == ["main"] })
        #expect(seen.arrived(3) == nil && seen.forth(3) == ["backup"] && seen.lastForth(3) == "gw1:vpn2")
    }

    @Test func `Other packets are not the flow's`() throws {
        var flow = FakeFlow()
        flow.send(.lostForth("main"))
        let same = { (isRequest: Bool, id: UInt64, fragment: UInt16) in
            let echo = Packets.echo("10.1.0.2", "10.2.0.2", 7, 1, isRequest: isRequest, id: id, payload: 56)
            return Packets.ethernet(
                Packets.ip("10.1.0.2", "10.2.0.2", 1, Array(echo.dropFirst(20)), fragment: fragment))
        }
        // Another probe's, a later part of a packet, one that came in, and one in ESP.
        flow.inject(same(true, 98, 0x4000), at: "gw2:lan", after: 5)
        flow.inject(same(true, 99, 0x0010), at: "gw2:lan", after: 6)
        flow.inject(same(true, 99, 0x4000), at: "gw2:lan", after: 7, direction: .inbound)
        let sealed = Packets.ip("203.0.113.1", "203.0.113.2", 50, same(true, 99, 0x4000))
        flow.inject(Packets.ethernet(sealed), at: "gw2:lan", after: 8)
        flow.inject([1, 2, 3], at: "gw2:lan", after: 9)
        let seen = try #require(try flow.trace().flows["there"])
        #expect(seen.left(0) != nil && seen.arrived(0) == nil && seen.replyLeft(0) == nil)
        // The control: the same packet as it should be.
        flow.inject(same(true, 99, 0x4000), at: "gw2:lan", after: 10)
        #expect(try flow.trace().flows["there"]?.arrived(0)?.nanoseconds == flow.start + 10)
    }

    /// What two hosts say to each other in transport mode is in ESP on every link: neither direction is known to have failed.
    @Test(arguments: [true, false]) func `Where nothing is seen in clear, nobody knows what got lost`(
        isProtected: Bool
    ) throws {
        let tunnel = """
            tunnels:
              hosts:
                {psk: example-key-of-hosts, mode: transport, ike: {encryption: aes-256-gcm-16, integrity: sha2-256, group: 19},
                 esp: {encryption: aes-256-gcm-16}, ends: {one: {address: 203.0.113.1}, two: {address: 203.0.113.2}}}
            """
        let text = """
            name: two-hosts
            clouds: {a: {title: A}}
            nodes: {one: {cloud: a}, two: {cloud: a}}
            links: {wire: {ends: {one:eth0: 203.0.113.1/30, two:eth0: 203.0.113.2/30}}}
            probes: {app: {from: one, to: two}}
            \(isProtected ? tunnel : "")
            """
        let topology = try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().topology
        var capture = FakeCapture()
        for (sender, receiver, place) in [
            ("203.0.113.1", "203.0.113.2", "one:eth0"), ("203.0.113.2", "203.0.113.1", "two:eth0"),
        ] {
            capture.add(
                Packets.ethernet(Packets.ip(sender, receiver, 50, Array(repeating: 7, count: 80))), at: place, 5)
        }
        let record = FlowRecord(
            request: FlowRequest(
                name: "app", source: "one", sourceAddress: nil, destination: IPAddress("203.0.113.2")!,
                interval: .milliseconds(100), payload: 56),
            id: 1, identifier: 7, sentAtNanoseconds: [4], roundTripNanoseconds: [-1], duplicates: 0, reordered: 0,
            unsent: 0, localErrors: [])
        let result = FlowResult(record, trace: try capture.trace([record], in: topology))
        #expect(result.phases.map(\.fate) == [isProtected ? .lost : .lostForth])
        #expect(result.phases.allSatisfy { $0.forth == nil && $0.lastSeen == nil })
    }

    @Test func `Without a marker the addresses must fit`() throws {
        var flow = FakeFlow(payload: 1)
        flow.send(.lostForth("main"))
        let foreign = Packets.echo("10.9.0.9", "10.2.0.9", 7, 1, id: 0, payload: 1)
        flow.inject(Packets.ethernet(foreign), at: "gw2:lan", after: 5)
        #expect(try flow.trace().flows["there"]?.arrived(0) == nil)
        let translated = Packets.echo("10.9.0.9", "10.2.0.2", 7, 1, id: 0, payload: 1)
        flow.inject(Packets.ethernet(translated), at: "gw2:lan", after: 6)
        #expect(try flow.trace().flows["there"]?.arrived(0) != nil)
    }

    /// Flows over UDP are told by their markers: two of one probe at the same time, one by each tunnel.
    @Test func `Datagrams are followed as echo requests are`() throws {
        let records = [FlowRecord](
            (1...2).map { number in
                let port: UInt16 = 61_000 + UInt16(number)
                let request = FlowRequest(
                    name: "there#\(number)", probe: "there", over: .udp(sourcePort: port), source: "west",
                    sourceAddress: nil, destination: IPAddress("10.2.0.2")!, interval: .milliseconds(100))
                return FlowRecord(
                    request: request, id: UInt64(number + 40), identifier: port, sentAtNanoseconds: [1000],
                    roundTripNanoseconds: [number == 1 ? 2_000_000 : -1], duplicates: 0, reordered: 0, unsent: 0,
                    localErrors: [])
            })
        var capture = FakeCapture()
        for (record, tunnel) in zip(records, ["main", "backup"]) {
            let request = Packets.datagram("10.1.0.2", "10.2.0.2", port: record.identifier, 1, id: record.id)
            capture.add(Packets.ethernet(request), at: "west:eth0", 1000)
            capture.add(request, at: "gw1:\(TwoPaths.interface(tunnel))", 1100)
            capture.add(Packets.ethernet(request), at: "gw2:lan", 2000)
        }
        let reply = Packets.datagram("10.2.0.2", "10.1.0.2", port: 61_001, 1, isRequest: false, id: 41)
        capture.add(Packets.ethernet(reply), at: "east:eth0", 2000)
        capture.add(reply, at: "gw2:\(TwoPaths.interface("backup"))", 2100)
        capture.add(Packets.ethernet(reply), at: "gw1:lan", 3000)
        // Another's to the same port, and one of netlab's to another port, are none of them.
        capture.add(
            Packets.ethernet(Packets.datagram("10.1.0.2", "10.2.0.2", port: 61_002, 1, id: 7)), at: "gw2:lan", 1)

        let trace = try capture.trace(records)
        let results = records.map { FlowResult($0, trace: trace) }
        #expect(results.map(\.probe) == ["there", "there"] && results.map(\.name) == ["there#1", "there#2"])
        #expect(results.flatMap(\.phases).map(\.forth) == [["main"], ["backup"]])
        #expect(results.flatMap(\.phases).map(\.back) == [["backup"], nil])
        #expect(results.flatMap(\.phases).map(\.fate) == [.answered, .lostBack])
    }

    /// Sequence numbers wrap after 65,536 requests; the time tells which of two requests a packet is.
    @Test func `Sequence numbers wrap`() throws {
        let start = TwoPaths.second
        let sentAt = (0..<140_000).map { start + Int64($0) * TwoPaths.millisecond }
        let record = FlowRecord(
            request: FlowRequest(
                name: "there", source: "west", sourceAddress: nil, destination: IPAddress("10.2.0.2")!,
                interval: .milliseconds(1)),
            id: 99, identifier: 7, sentAtNanoseconds: sentAt,
            roundTripNanoseconds: Array(repeating: -1, count: sentAt.count), duplicates: 0, reordered: 0, unsent: 0,
            localErrors: [])
        var capture = FakeCapture()
        let captured = [0, 65_534, 65_535, 65_536, 131_071, 131_072, 139_999]
        for request in captured {
            let echo = Packets.echo(
                "10.1.0.2", "10.2.0.2", 7, UInt16(truncatingIfNeeded: request + 1), id: 99, payload: 56)
            capture.add(Packets.ethernet(echo), at: "gw2:lan", sentAt[request] + 40 * TwoPaths.millisecond)
        }
        let seen = try #require(try capture.trace([record]).flows["there"])
        #expect(sentAt.indices.filter { seen.arrived($0) != nil } == captured)
    }

    @Test func `Copies and overtaking are counted for each direction`() throws {
        var flow = FakeFlow()
        flow.send(.answered(forth: "main", back: "main"), count: 2)
        flow.send(.lostForth("main"), count: 2)
        let echo = { (sequence: UInt16) in
            Packets.ethernet(Packets.echo("10.1.0.2", "10.2.0.2", 7, sequence, id: 99, payload: 56))
        }
        flow.inject(echo(1), at: "gw2:lan", after: 10 * TwoPaths.second)
        flow.inject(echo(4), at: "gw2:lan", after: 11 * TwoPaths.second)
        flow.inject(echo(3), at: "gw2:lan", after: 12 * TwoPaths.second)
        let seen = try #require(try flow.trace().flows["there"])
        #expect(seen.duplicatedForth == 1 && seen.reorderedForth == 1)
        #expect(seen.duplicatedBack == 0 && seen.reorderedBack == 0)
    }

    @Test func `An incomplete capture says so`() throws {
        var flow = FakeFlow()
        flow.send(.answered(forth: "main", back: "main"))
        flow.change { $0.dropped = 3 }
        #expect(try flow.trace().doubt == "3 packets are missing from the capture")
        flow.change { $0.dropped = 0 }
        flow.change { $0.missingBytes = 5 }
        #expect(try flow.trace().doubt?.contains("breaks off") == true)
        flow.change { $0.missingBytes = 0 }
        #expect(try flow.trace().doubt == nil)
    }
}
