import LabRecords
import Testing

private let west = SyntheticCapture.west
private let east = SyntheticCapture.east

@Suite("What crosses links in clear")
struct ConfidentialityVerdictTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var allowed = "[arp, ike]"
        /// Nil where nothing is objected to.
        let seen: String?
        var remark = ""
        var hasKeys = true
        let edit: @Sendable (inout SyntheticCapture) throws -> Void
    }

    private static func wire(_ packet: [UInt8]) -> @Sendable (inout SyntheticCapture) -> Void {
        { $0.add(Packets.ethernet(packet), at: "gw1:wan") }
    }

    private static func between(_ number: UInt8, _ payload: [UInt8], fragment: UInt16 = 0x4000) -> [UInt8] {
        Packets.ip("203.0.113.1", "203.0.113.2", number, payload, fragment: fragment)
    }

    static let cases: [Case] = [
        Case(testDescription: "nothing", seen: nil) { _ in },
        Case(testDescription: "nothing, without keys", seen: nil, hasKeys: false) { _ in },
        Case(
            testDescription: "address resolution that nobody allowed", allowed: "ike", seen: "1 packet in clear",
            remark: "arp traffic"
        ) { _ in },
        Case(
            testDescription: "key exchange that nobody allowed", allowed: "arp", seen: "3 packets in clear",
            remark: "ike traffic"
        ) { _ in },
        Case(
            testDescription: "a probe's packet", seen: "1 packet with a probe's payload in clear",
            remark: "can be read on wire", edit: wire(Packets.echo(west, east))),
        Case(
            testDescription: "a probe's packet, although ICMP is allowed", allowed: "[arp, ike, icmp]",
            seen: "1 packet with a probe's payload in clear", edit: wire(Packets.echo(west, east))),
        Case(
            testDescription: "a packet without a marker", seen: "1 packet in clear",
            remark: "traffic that is not encrypted on wire",
            edit: wire(Packets.ip(west, east, 6, Packets.tcp(40_000, 80, flags: 2)))),
        Case(
            testDescription: "a packet between the tunnel's own ends", seen: "1 packet in clear",
            edit: wire(between(17, Packets.udp(53, 53, [1, 2, 3])))),
        Case(
            testDescription: "ICMP", seen: "1 packet in clear", remark: "icmp-errors traffic",
            edit: wire(between(1, [3, 1, 0, 0, 0, 0, 0, 0]))),
        Case(
            testDescription: "ICMP that is allowed", allowed: "[arp, ike, icmp-errors]", seen: nil,
            edit: wire(between(1, [3, 1, 0, 0, 0, 0, 0, 0]))),
        Case(
            testDescription: "a marker further inside", allowed: "[arp, ike, icmp]",
            seen: "1 packet with a probe's payload in clear",
            edit: wire(
                Packets.ip("203.0.113.9", "203.0.113.1", 1, [3, 1, 0, 0, 0, 0, 0, 0] + Packets.echo(west, east)))),
        Case(
            testDescription: "BGP", seen: "1 packet in clear", remark: "bgp traffic",
            edit: wire(between(6, Packets.tcp(40_000, 179, flags: 2)))),
        Case(
            testDescription: "BGP that is allowed", allowed: "[arp, ike, bgp]", seen: nil,
            edit: wire(between(6, Packets.tcp(40_000, 179, flags: 2)))),
        Case(
            testDescription: "neighbour discovery", seen: "1 packet in clear", remark: "neighbour-discovery traffic",
            edit: wire(Packets.ip("fe80::1", "ff02::1", 58, [135, 0, 0, 0, 0, 0, 0, 0] + Packets.address("fe80::2")))),
        Case(
            testDescription: "neighbour discovery that is allowed", allowed: "[arp, ike, neighbour-discovery]",
            seen: nil,
            edit: wire(Packets.ip("fe80::1", "ff02::1", 58, [135, 0, 0, 0, 0, 0, 0, 0] + Packets.address("fe80::2")))),
        Case(testDescription: "a frame that is no packet", seen: "1 packet in clear") {
            $0.add(Packets.frame([0x88, 0xCC, 2, 7, 4]), at: "gw1:wan")
        },
        Case(testDescription: "a packet where the claim does not look", seen: nil) {
            $0.add(Packets.ethernet(Packets.echo(west, east)), at: "gw1:lan")
        },
        Case(testDescription: "NULL encryption", seen: "1 packet with a probe's payload in clear") {
            try $0.send(Packets.echo(west, east), .plainEast, with: .null(spi: 0x1003))
        },
        Case(
            testDescription: "NULL encryption, without keys", seen: "1 packet with a probe's payload in clear",
            hasKeys: false
        ) {
            try $0.send(Packets.echo(west, east), .plainEast, with: .null(spi: 0x1003))
        },
        Case(testDescription: "fragments of ESP", seen: nil) { capture in
            let esp = try capture.seal(Packets.echo(west, east, length: 1500), Way.plainEast.association)
            capture.add(Packets.ethernet(between(50, Array(esp[..<1480]), fragment: 0x2000)), at: "gw1:wan")
            capture.add(Packets.ethernet(between(50, Array(esp[1480...]), fragment: 185)), at: "gw1:wan")
        },
        Case(testDescription: "fragments of ESP in UDP", seen: nil) { capture in
            let esp = try capture.seal(
                Packets.echo("192.168.2.1", "192.168.2.2", length: 1500), Way.natEast.association)
            let datagram = Packets.udp(4500, 4500, esp)
            let addresses = ("203.0.113.20", "192.0.2.2")
            capture.add(
                Packets.ethernet(Packets.ip(addresses.0, addresses.1, 17, Array(datagram[..<1480]), fragment: 0x2000)),
                at: "igw:wan")
            capture.add(
                Packets.ethernet(Packets.ip(addresses.0, addresses.1, 17, Array(datagram[1480...]), fragment: 185)),
                at: "igw:wan")
        },
        Case(testDescription: "fragments in clear between the tunnel's ends", seen: "1 packet in clear") { capture in
            let datagram = Packets.udp(53, 53, Array(repeating: 1, count: 1600))
            capture.add(Packets.ethernet(between(17, Array(datagram[..<1480]), fragment: 0x2000)), at: "gw1:wan")
            capture.add(Packets.ethernet(between(17, Array(datagram[1480...]), fragment: 185)), at: "gw1:wan")
        },
        Case(
            testDescription: "a fragment between others", seen: "1 packet in clear",
            edit: wire(Packets.ip(west, east, 50, [1, 2, 3, 4, 5, 6, 7, 8], fragment: 185))),
        Case(
            testDescription: "a probe's payload in a later fragment", seen: "1 packet with a probe's payload in clear",
            edit: wire(between(50, ProbeMarker.bytes(id: 1), fragment: 185))),
    ]

    @Test(arguments: cases)
    func `Every objection, and only it`(_ example: Case) throws {
        var capture = try SyntheticCapture.ordinary()
        try example.edit(&capture)
        let verdict = try JudgedLab.verdict(
            expecting: "one: {confidentiality: [there, back, inside], allow: \(example.allowed)}", of: capture,
            keys: example.hasKeys ? Way.keys : [])
        #expect(verdict.outcome == (example.seen == nil ? .pass : .fail), "\(verdict.seen)")
        if let seen = example.seen {
            #expect(verdict.seen == seen)
            let evidence = try #require(verdict.evidence.first)
            #expect(example.remark.isEmpty || evidence.remark.contains(example.remark), "\(evidence.remark)")
        } else {
            #expect(verdict.evidence == [])
        }
    }

    @Test
    func `A packet around the tunnel fails both claims and is named in both`() throws {
        var capture = try SyntheticCapture.ordinary()
        capture.add(Packets.ethernet(Packets.echo(west, east, sequence: 9)), at: "gw1:wan")
        let number = capture.number(lastAt: "gw1:wan")
        let verdicts = try JudgedLab.verdicts(
            expecting: """
                form: {encapsulation: [there, back], in: plain}
                secret: {confidentiality: [there, back], allow: [arp, ike]}
                elsewhere: {encapsulation: inside, in: nat, on: natwire}
                """, of: capture)
        for name in ["form", "secret"] {
            let verdict = try #require(verdicts[name])
            #expect(verdict.outcome == .fail)
            #expect(verdict.evidence.map(\.packet) == [number])
            #expect(verdict.evidence.first?.line.contains("10.1.0.2") == true)
        }
        #expect(verdicts["elsewhere"]?.outcome == .pass)
    }

    @Test
    func `A verdict in full`() throws {
        let verdict = try JudgedLab.verdict(
            expecting: "one: {confidentiality: [there, inside], allow: [arp, ike]}", of: .ordinary())
        #expect(
            verdict.expected
                == "nothing but ESP, arp, ike between the clouds, and no payload of there, inside to be read")
        #expect(verdict.rule == "RFC 4303 section 1: confidentiality; lab.yaml:51")
        #expect(verdict.seen == "25 packets of ESP, 1 of arp, 3 of ike")
    }

    @Test(arguments: [true, false])
    func `Nothing encrypted crossed either`(isLive: Bool) throws {
        var capture = SyntheticCapture()
        capture.add(Packets.arp, at: "gw1:wan")
        let verdict = try JudgedLab.verdict(
            expecting: "one: {confidentiality: there, allow: arp}", of: capture, isLive: isLive)
        #expect(verdict.outcome == (isLive ? .fail : .inconclusive))
        #expect(verdict.seen.hasPrefix("no encrypted packet either"))
    }

    @Test
    func `Whoever knocks at a public address for a security expectation is no tunnel's traffic`() throws {
        var capture = try SyntheticCapture.ordinary()
        capture.add(Packets.ethernet(Packets.echo("192.0.2.2", "203.0.113.20")), at: "vpn2:wan")
        let claim = "one: {confidentiality: inside, allow: [arp, ike]}"
        #expect(try JudgedLab.verdict(expecting: claim, of: capture).outcome == .fail)
        let knocking = "\ntwo: {security: {from: vpn2, to: 203.0.113.20}, is: dropped}"
        #expect(try JudgedLab.verdict(expecting: claim + knocking, of: capture).outcome == .pass)
        // Another protocol between the same two is not what the expectation sends.
        let other = "\ntwo: {security: {from: vpn2, to: 203.0.113.20, protocol: tcp, port: 22}, is: dropped}"
        #expect(try JudgedLab.verdict(expecting: claim + other, of: capture).outcome == .fail)
        capture.add(Packets.ethernet(Packets.echo(east, "203.0.113.20")), at: "vpn2:wan")
        #expect(try JudgedLab.verdict(expecting: claim + knocking, of: capture).outcome == .fail)
    }

    /// A cipher that netlab does not open leaves what is proved by opening inconclusive, and nothing else.
    @Test func `An association that cannot be opened makes what needs it inconclusive`() throws {
        let keys = Way.keys.map { one in
            var closed = one.association
            closed.encryption.name = "cbc(camellia)"
            return TunnelAssociation(
                tunnel: one.tunnel, node: one.node, isOutbound: one.isOutbound, association: closed)
        }
        let claims =
            "one: {encapsulation: there, in: plain}\ntwo: {confidentiality: there, allow: [arp, ike, bgp, icmp]}"
        let verdicts = try JudgedLab.verdicts(expecting: claims, of: try .ordinary(), keys: keys)
        let open = try JudgedLab.verdicts(expecting: claims, of: try .ordinary())
        #expect(verdicts["one"]?.outcome == .inconclusive, "\(verdicts)")
        #expect(verdicts["one"]?.seen.contains("cbc(camellia), which cannot be decrypted here") == true)
        #expect(verdicts["two"]?.outcome == open["two"]?.outcome)
    }
}
