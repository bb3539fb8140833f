import NetworkTypes
import PacketFormats
import Testing

@testable import Expectations
@testable import LabModel
@testable import LabRecords

private let west = SyntheticCapture.west
private let east = SyntheticCapture.east

@Suite("Frames as expectations see them")
struct WirePacketTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let frame: [UInt8]
        var wrappings: [Wrapping] = []
        var outer: String?
        var inner: String?
        var length: Int?
        var transport: IPSummary.Transport?
        var control: ConfidentialityClaim.ControlTraffic?
        var spi: UInt32?
        var marker: UInt64?
        var isFragment = false
        var isLaterFragment = false
        var isDamaged = false
    }

    private static let echo = Packets.echo(west, east, id: 0xABCD)
    private static let esp =
        Packets.bytes(UInt32(0x1234)) + Packets.bytes(UInt32(5)) + Array(repeating: 1 as UInt8, count: 40)
    private static let here = "203.0.113.1 > 203.0.113.2"
    private static let inside = "10.1.0.2 > 10.2.0.2"

    private static func between(_ number: UInt8, _ payload: [UInt8], fragment: UInt16 = 0x4000) -> [UInt8] {
        Packets.ip("203.0.113.1", "203.0.113.2", number, payload, fragment: fragment)
    }

    static let cases: [Case] = [
        Case(
            testDescription: "an echo request", frame: Packets.ethernet(echo), outer: inside, inner: inside, length: 84,
            transport: .echo(isRequest: true, identifier: 7, sequence: 1), control: .icmp, marker: 0xABCD),
        Case(
            testDescription: "an IPv6 echo reply",
            frame: Packets.ethernet(Packets.echo("2001:db8::1", "2001:db8::2", isRequest: false, sequence: 3)),
            outer: "2001:db8::1 > 2001:db8::2", inner: "2001:db8::1 > 2001:db8::2", length: 84,
            transport: .echo(isRequest: false, identifier: 7, sequence: 3), control: .icmp, marker: 7),
        Case(
            testDescription: "an echo request in a tag", frame: Packets.ethernet(echo, vlans: [4094]),
            wrappings: [.vlan(4094)], outer: inside,
            inner: inside, length: 84, transport: .echo(isRequest: true, identifier: 7, sequence: 1), marker: 0xABCD),
        Case(
            testDescription: "two tags", frame: Packets.ethernet(echo, vlans: [1, 2]), wrappings: [.vlan(1), .vlan(2)],
            outer: inside, inner: inside,
            length: 84, transport: .echo(isRequest: true, identifier: 7, sequence: 1), marker: 0xABCD),
        Case(
            testDescription: "UDP",
            frame: Packets.ethernet(Packets.ip(west, east, 17, Packets.udp(50_022, 7, ProbeMarker.bytes(id: 9)))),
            outer: inside,
            inner: inside, length: 44, transport: .udp(source: 50_022, destination: 7), marker: 9),
        Case(
            testDescription: "a SYN",
            frame: Packets.ethernet(Packets.ip(west, east, 6, Packets.tcp(40_000, 80, flags: 2, mss: 1398))),
            outer: inside,
            inner: inside, length: 44, transport: .tcp(source: 40_000, destination: 80, flags: .syn, mss: 1398)),
        Case(
            testDescription: "BGP",
            frame: Packets.ethernet(Packets.ip(west, east, 6, Packets.tcp(179, 40_000, flags: 0x12))), outer: inside,
            inner: inside,
            length: 40, transport: .tcp(source: 179, destination: 40_000, flags: [.syn, .ack], mss: nil), control: .bgp),
        Case(
            testDescription: "another protocol with a marker",
            frame: Packets.ethernet(Packets.ip(west, east, 253, ProbeMarker.bytes(id: 4))),
            outer: inside, inner: inside, length: 36, transport: .other, marker: 4),
        Case(
            testDescription: "\"fragmentation needed\"",
            frame: Packets.ethernet(
                Packets.fragmentationNeeded("10.1.0.1", west, mtu: 1438, about: Packets.echo(west, east, length: 1500))),
            outer: "10.1.0.1 > 10.1.0.2", inner: "10.1.0.1 > 10.1.0.2", length: 56,
            transport: .tooBig(mtu: 1438),
            control: .icmpErrors),
        Case(
            testDescription: "other ICMP",
            frame: Packets.ethernet(Packets.ip(west, east, 1, [3, 1, 0, 0, 0, 0, 0, 0])), outer: inside, inner: inside,
            length: 28, transport: .otherICMP, control: .icmpErrors),
        Case(testDescription: "ARP", frame: Packets.arp, control: .arp),
        Case(
            testDescription: "IKE", frame: Packets.ethernet(between(17, Packets.udp(500, 500, Packets.ike))),
            outer: here, inner: here, length: 56,
            transport: .udp(source: 500, destination: 500), control: .ike),
        Case(
            testDescription: "IKE past a NAT",
            frame: Packets.ethernet(between(17, Packets.udp(4500, 4500, [0, 0, 0, 0] + Packets.ike))), outer: here,
            inner: here, length: 60, transport: .udp(source: 4500, destination: 4500), control: .ike),
        Case(
            testDescription: "a NAT keepalive", frame: Packets.ethernet(between(17, Packets.udp(4500, 4500, [0xFF]))),
            outer: here, inner: here, length: 29,
            transport: .udp(source: 4500, destination: 4500), control: .ike),
        Case(
            testDescription: "neighbour discovery",
            frame: Packets.ethernet(
                Packets.ip("fe80::1", "ff02::1", 58, [135, 0, 0, 0, 0, 0, 0, 0] + Packets.address("fe80::2"))),
            outer: "fe80::1 > ff02::1", inner: "fe80::1 > ff02::1", length: 64, transport: .otherICMP,
            control: .neighbourDiscovery),
        Case(
            testDescription: "ESP", frame: Packets.ethernet(between(50, esp)), wrappings: [.esp], outer: here,
            inner: here, length: 68, transport: .other, spi: 0x1234),
        Case(
            testDescription: "ESP in UDP", frame: Packets.ethernet(between(17, Packets.udp(4500, 4500, esp))),
            wrappings: [.espInUDP], outer: here,
            inner: here, length: 76, transport: .udp(source: 4500, destination: 4500), spi: 0x1234),
        Case(
            testDescription: "ESP in a tag", frame: Packets.ethernet(between(50, esp), vlans: [7]),
            wrappings: [.vlan(7), .esp], outer: here, inner: here,
            length: 68, transport: .other, spi: 0x1234),
        Case(
            testDescription: "ESP in IPIP",
            frame: Packets.ethernet(Packets.ip("192.0.2.5", "192.0.2.6", 4, between(50, esp))),
            wrappings: [.ipv4InIPv4, .esp], outer: here, inner: here, length: 68, transport: .other, spi: 0x1234),
        Case(
            testDescription: "6in4", frame: Packets.ethernet(between(41, Packets.echo("2001:db8::1", "2001:db8::2"))),
            wrappings: [.ipv6InIPv4], outer: here,
            inner: "2001:db8::1 > 2001:db8::2", length: 84,
            transport: .echo(isRequest: true, identifier: 7, sequence: 1), marker: 7),
        Case(
            testDescription: "IPv4 in IPv6", frame: Packets.ethernet(Packets.ip("2001:db8::1", "2001:db8::2", 4, echo)),
            wrappings: [.ipv4InIPv6],
            outer: "2001:db8::1 > 2001:db8::2", inner: inside, length: 84,
            transport: .echo(isRequest: true, identifier: 7, sequence: 1), marker: 0xABCD),
        Case(
            testDescription: "IPv6 in IPv6",
            frame: Packets.ethernet(
                Packets.ip("2001:db8::1", "2001:db8::2", 41, Packets.echo("2001:db8::3", "2001:db8::4"))),
            wrappings: [.ipv6InIPv6], outer: "2001:db8::1 > 2001:db8::2", inner: "2001:db8::3 > 2001:db8::4",
            length: 84,
            transport: .echo(isRequest: true, identifier: 7, sequence: 1), marker: 7),
        Case(
            testDescription: "GRE", frame: Packets.ethernet(between(47, [0, 0, 8, 0] + echo)), wrappings: [.gre],
            outer: here, inner: inside, length: 84,
            transport: .echo(isRequest: true, identifier: 7, sequence: 1), marker: 0xABCD),
        Case(
            testDescription: "IPv4 in IPv6 in IPv4",
            frame: Packets.ethernet(between(41, Packets.ip("2001:db8::1", "2001:db8::2", 4, echo))),
            wrappings: [.ipv6InIPv4, .ipv4InIPv6], outer: here,
            inner: inside, length: 84, transport: .echo(isRequest: true, identifier: 7, sequence: 1), marker: 0xABCD),
        Case(
            testDescription: "a first fragment of ESP", frame: Packets.ethernet(between(50, esp, fragment: 0x2000)),
            wrappings: [.esp], outer: here,
            inner: here, length: 68, transport: .other, spi: 0x1234, isFragment: true),
        Case(
            testDescription: "a later fragment of ESP", frame: Packets.ethernet(between(50, esp, fragment: 185)),
            outer: here, inner: here, length: 68,
            transport: .other, isFragment: true, isLaterFragment: true),
        Case(
            testDescription: "ESP in a fragment of IPIP",
            frame: Packets.ethernet(Packets.ip("192.0.2.5", "192.0.2.6", 4, between(50, esp), fragment: 0x2000)),
            wrappings: [.ipv4InIPv4, .esp], outer: here, inner: here, length: 68, transport: .other, spi: 0x1234,
            isFragment: true),
        Case(
            testDescription: "a later IPv6 fragment",
            frame: Packets.ethernet(Packets.ip("2001:db8::1", "2001:db8::2", 44, [50, 0, 0, 8, 0, 0, 0, 1] + esp)),
            outer: "2001:db8::1 > 2001:db8::2", inner: "2001:db8::1 > 2001:db8::2", length: 96, transport: .other,
            isFragment: true, isLaterFragment: true),
        Case(
            testDescription: "half a packet", frame: Array(Packets.ethernet(echo).prefix(60)), outer: inside,
            inner: inside, length: 84,
            transport: .echo(isRequest: true, identifier: 7, sequence: 1), control: .icmp, marker: 0xABCD,
            isDamaged: true),
        Case(testDescription: "half a header", frame: Array(Packets.ethernet(echo).prefix(20)), isDamaged: true),
        Case(testDescription: "nothing", frame: [], isDamaged: true),
        Case(testDescription: "another protocol than IP", frame: Packets.frame([0x88, 0xCC, 2, 7, 4])),
    ]

    @Test(arguments: cases)
    func `Wrappings, addresses and what is inside`(_ example: Case) {
        let packet = WirePacket(example.frame.span.bytes, linkType: .ethernet)
        let words = { (ip: IPSummary?) in ip.map { "\($0.source) > \($0.destination)" } }
        #expect(packet.wrappings.array == example.wrappings)
        #expect(packet.wrappings == Wrappings(example.wrappings))
        #expect(words(packet.outer) == example.outer)
        #expect(words(packet.inner) == example.inner)
        #expect(packet.inner?.length == example.length)
        #expect(packet.inner?.transport == example.transport)
        #expect(packet.control == example.control)
        #expect(packet.esp?.spi == example.spi)
        #expect(packet.marker == example.marker)
        #expect((packet.outer?.isFragment ?? false) == example.isFragment)
        #expect((packet.outer?.isLaterFragment ?? false) == example.isLaterFragment)
        #expect(packet.isDamaged == example.isDamaged)
        #expect(packet.frameLength == example.frame.count)
        if let esp = packet.esp {
            #expect(esp.state == .closed)
            #expect(example.frame[esp.range].elementsEqual(Self.esp))
        }
    }

    @Test
    func `What comes out of ESP is inside, and its wrappings are added`() {
        let frame = Packets.ethernet(Self.between(50, Self.esp))
        var packet = WirePacket(frame.span.bytes, linkType: .ethernet)
        let payload = Packets.ip("10.1.0.9", "10.2.0.9", 4, Self.echo)
        packet.open(payload.span.bytes)
        #expect(packet.wrappings.array == [.esp, .ipv4InIPv4])
        #expect(packet.esp?.state == .opened(length: 104))
        #expect(packet.outer.map { "\($0.source)" } == "203.0.113.1")
        #expect(packet.inner.map { "\($0.source)" } == west)
        #expect(packet.marker == 0xABCD)
        #expect(packet.control == nil)
    }

    @Test
    func `Wrappings are kept in order, up to eight of them`() {
        let all: [Wrapping] = [.vlan(1), .vlan(4094), .esp, .espInUDP, .ipv6InIPv4, .ipv4InIPv6, .ipv4InIPv4, .gre]
        #expect(Wrappings(all).array == all)
        #expect(Wrappings(all).description == "vlan 1 / vlan 4094 / esp / esp-in-udp / 6in4 / ipip6 / ipip / gre")
        #expect(Wrappings([]).description == "in clear")
        #expect(Wrappings([.ipv6InIPv6]).array == [.ipv6InIPv6])
        for length in 0...8 {
            #expect(Wrappings(all).prefix(length) == Wrappings(Array(all.prefix(length))))
            #expect(length == 8 || Wrappings(all).prefix(length) != Wrappings(all))
        }
        let more = Wrappings(all + [.esp])
        #expect(more.count == 9)
        #expect(more.array == all)
        #expect(more != Wrappings(all))
        #expect(more.prefix(3) == Wrappings([.vlan(1), .vlan(4094), .esp]))
        #expect(Wrappings([.esp]) != Wrappings([]))
        #expect(Wrappings([.esp, .gre]) != Wrappings([.gre, .esp]))
    }
}
