import Decryption
import Testing

private let west = SyntheticCapture.west
private let east = SyntheticCapture.east
private let plain = "one: {encapsulation: [there, back], in: plain, as: esp}"
private let either = "one: {encapsulation: [there, inside], in: {any: [plain, nat]}, on: [wire, natwire]}"
private let nat = "one: {encapsulation: inside, in: nat, as: esp-in-udp, on: [nat-inside, natwire]}"

@Suite("What crosses links, held against the declared wrapping")
struct WrappingVerdictTests {
    /// Something done to the ordinary capture, and the only thing there is to say about it.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let expectation: String
        var hasKeys = true
        /// All that is objected to; nil where everything is right.
        let seen: String?
        /// Of the first packet in evidence.
        var place = ""
        var remark = ""
        let edit: @Sendable (inout SyntheticCapture) throws -> Void
    }

    private static let packet = Packets.echo(west, east, sequence: 9)

    private static func padded(_ way: Way, _ edit: @escaping @Sendable (inout [UInt8]) -> Void)
        -> @Sendable (inout SyntheticCapture) throws -> Void
    {
        { capture in
            try capture.send(Packets.echo(west, east, sequence: 9), way)
            for (place, _, _) in way.crossings { capture.change(lastAt: place) { edit(&$0.bytes) } }
        }
    }

    static let cases: [Case] = [
        Case(testDescription: "nothing, in plain ESP", expectation: plain, seen: nil) { _ in },
        Case(testDescription: "nothing, behind NAT", expectation: nat, seen: nil) { _ in },
        Case(testDescription: "nothing, without keys", expectation: plain, hasKeys: false, seen: nil) { _ in },
        Case(testDescription: "nothing, behind NAT without keys", expectation: nat, hasKeys: false, seen: nil) { _ in },
        Case(
            testDescription: "a packet around the tunnel", expectation: plain, seen: "1 packet in clear",
            place: "gw1:wan",
            remark: "10.1.0.2 > 10.2.0.2 crosses wire in clear, expected esp"
        ) { $0.add(Packets.ethernet(packet), at: "gw1:wan") },
        Case(
            testDescription: "a packet around the tunnel, without keys", expectation: plain, hasKeys: false,
            seen: "1 packet in clear",
            place: "gw1:wan", remark: "in clear"
        ) { $0.add(Packets.ethernet(packet), at: "gw1:wan") },
        Case(
            testDescription: "a packet around the tunnel in a tag", expectation: plain,
            seen: "1 packet wrapped otherwise", place: "gw1:wan",
            remark: "crosses wire vlan 7, expected esp"
        ) { $0.add(Packets.ethernet(packet, vlans: [7]), at: "gw1:wan") },
        Case(testDescription: "somebody else's packet in clear", expectation: plain, seen: nil) {
            $0.add(Packets.ethernet(Packets.echo("192.0.2.77", "192.0.2.78")), at: "gw1:wan")
        },
        Case(testDescription: "a packet in clear where the claim does not look", expectation: plain, seen: nil) {
            $0.add(Packets.ethernet(packet), at: "gw1:lan")
            $0.add(Packets.ethernet(packet), at: "nowhere:wan")
        },
        Case(
            testDescription: "ESP where UDP is expected", expectation: nat,
            seen: "2 packets wrapped otherwise (NAT-T expected but absent)", place: "vpn1:wan",
            remark: "seen as esp, expected esp-in-udp"
        ) { try $0.send(packet, .natEast, entered: packet, isInUDP: false) },
        Case(
            testDescription: "ESP where UDP is expected, without keys", expectation: nat, hasKeys: false,
            seen: "2 packets wrapped otherwise (NAT-T expected but absent)", place: "vpn1:wan"
        ) {
            try $0.send(packet, .natEast, entered: packet, isInUDP: false)
        },
        Case(
            testDescription: "UDP where ESP is expected", expectation: plain, hasKeys: false,
            seen: "1 packet wrapped otherwise (NAT-T not expected but present)", place: "gw1:wan",
            remark: "seen as esp-in-udp, expected esp"
        ) { try $0.send(packet, .plainEast, entered: packet, isInUDP: true) },
        Case(
            testDescription: "a number used again", expectation: plain,
            seen: "1 packet with a sequence number that does not rise",
            place: "gw1:wan", remark: "sequence 7 after 7 of SPI 0x00001001"
        ) { capture in
            guard let last = capture.records.last(where: { $0.place == "gw1:wan" }) else { return }
            capture.add(last.bytes, at: "gw1:wan")
        },
        Case(
            testDescription: "an old number", expectation: plain, hasKeys: false,
            seen: "1 packet with a sequence number that does not rise", place: "gw1:wan", remark: "sequence 2 after 7"
        ) { try $0.send(packet, .plainEast, sequence: 2) },
        Case(testDescription: "numbers left out", expectation: plain, seen: nil) {
            try $0.send(packet, .plainEast, sequence: 99)
        },
        Case(
            testDescription: "a packet changed on the way", expectation: plain, seen: "1 packet not authentic",
            place: "gw1:wan",
            remark: "SPI 0x00001001", edit: padded(.plainEast) { $0[60] ^= 1 }),
        Case(
            testDescription: "a changed integrity check value", expectation: plain, seen: "1 packet not authentic",
            place: "gw1:wan",
            edit: padded(.plainEast) { $0[$0.count - 1] ^= 1 }),
        Case(
            testDescription: "an unknown SPI", expectation: plain, seen: "1 packet of an unknown SPI", place: "gw1:wan",
            remark: "SPI 0x00009999 belongs to no security association of plain"
        ) { try $0.send(packet, .plainEast, with: .cbc(spi: 0x9999)) },
        Case(testDescription: "an SPI that nobody can know", expectation: plain, hasKeys: false, seen: nil) {
            try $0.send(packet, .plainEast, with: .cbc(spi: 0x9999))
        },
        Case(
            testDescription: "the private source past the NAT", expectation: nat,
            seen: "1 packet between other addresses", place: "igw:wan",
            remark: "ESP from 10.1.9.2 to 192.0.2.2: no tunnel has these addresses here"
        ) { capture in
            let inner = Packets.echo("192.168.2.1", "192.168.2.2", sequence: 9)
            let esp = try capture.seal(inner, Way.natEast.association)
            capture.add(
                Packets.ethernet(SyntheticCapture.wrap(esp, "10.1.9.2", "192.0.2.2", isInUDP: true)), at: "igw:wan")
        },
        Case(
            testDescription: "the public source before the NAT, without keys", expectation: nat, hasKeys: false,
            seen: "1 packet between other addresses", place: "vpn1:wan"
        ) { capture in
            let esp = try capture.seal(packet, Way.natEast.association)
            capture.add(
                Packets.ethernet(SyntheticCapture.wrap(esp, "203.0.113.20", "192.0.2.2", isInUDP: true)), at: "vpn1:wan"
            )
        },
        Case(testDescription: "another tunnel's ESP between other addresses", expectation: plain, seen: nil) {
            capture in
            let esp = try capture.seal(Packets.echo("192.168.2.1", "192.168.2.2"), Way.natEast.association)
            capture.add(
                Packets.ethernet(SyntheticCapture.wrap(esp, "192.0.2.7", "192.0.2.8", isInUDP: true)), at: "gw1:wan")
        },
        Case(
            testDescription: "the probe's packet in another tunnel",
            expectation: "one: {encapsulation: inside, in: nat, on: [natwire, wire]}",
            seen: "1 packet in another tunnel", place: "gw1:wan", remark: "inside crosses in tunnel plain"
        ) { try $0.send(Packets.echo("192.168.2.1", "192.168.2.2", sequence: 9), .plainEast) },
        Case(testDescription: "nothing, by either tunnel", expectation: either, seen: nil) { _ in },
        Case(testDescription: "nothing, by either tunnel without keys", expectation: either, hasKeys: false, seen: nil)
        {
            _ in
        },
        Case(testDescription: "the probe's packet in the other of two", expectation: either, seen: nil) {
            try $0.send(Packets.echo("192.168.2.1", "192.168.2.2", sequence: 9), .plainEast)
        },
        Case(
            testDescription: "a packet in neither of two", expectation: either, seen: "1 packet in clear",
            place: "gw1:wan", remark: "10.1.0.2 > 10.2.0.2 crosses wire in clear, expected esp, or esp-in-udp"
        ) { $0.add(Packets.ethernet(packet), at: "gw1:wan") },
        Case(
            testDescription: "a packet that entered the other of two", expectation: either,
            seen: "1 packet that never entered the tunnel", place: "gw1:wan",
            remark: "what is inside is no packet that plain was given"
        ) { capture in
            capture.add(packet, at: Way.natEast.entrance)
            try capture.send(packet, .plainEast, entered: nil)
        },
        Case(
            testDescription: "UDP in the one of two that has none", expectation: either, hasKeys: false,
            seen: "1 packet wrapped otherwise (NAT-T not expected but present)", place: "gw1:wan",
            remark: "seen as esp-in-udp, expected esp"
        ) { try $0.send(packet, .plainEast, entered: packet, isInUDP: true) },
        Case(
            testDescription: "a length that no packet makes", expectation: plain, hasKeys: false,
            seen: "1 packet of an impossible length",
            place: "gw1:wan", remark: "157 bytes, which no packet makes with aes-256-cbc with sha2-256",
            edit: padded(.plainEast) {
                $0.append(0)
                $0[17] += 1
            }),
        Case(
            testDescription: "Ethernet's padding after a packet", expectation: plain, seen: nil,
            edit: padded(.plainEast) { $0 += [0, 0, 0] }),
        Case(
            testDescription: "a packet that did not enter so", expectation: plain,
            seen: "1 packet that never entered the tunnel",
            place: "gw1:wan", remark: "what is inside is no packet that plain was given"
        ) { capture in
            var changed = packet
            changed[70] ^= 1
            try capture.send(packet, .plainEast, entered: changed)
        },
        Case(
            testDescription: "a packet that did not enter at all", expectation: nat,
            seen: "1 packet that never entered the tunnel",
            place: "vpn1:wan"
        ) { try $0.send(Packets.echo("192.168.2.1", "192.168.2.2", sequence: 9), .natEast, entered: nil) },
        Case(testDescription: "a packet that entered and was lost", expectation: plain, seen: nil) {
            $0.add(packet, at: "gw1:vpn1")
        },
        Case(testDescription: "two equal packets", expectation: plain, seen: nil) {
            try $0.send(packet, .plainEast)
            try $0.send(packet, .plainEast)
        },
        Case(
            testDescription: "one packet sealed twice", expectation: plain,
            seen: "1 packet that never entered the tunnel", place: "gw1:wan"
        ) {
            try $0.send(packet, .plainEast)
            try $0.send(packet, .plainEast, entered: nil)
        },
        Case(testDescription: "a packet that is itself a tunnel's", expectation: plain, seen: nil) {
            try $0.send(Packets.ip("10.1.0.9", "10.2.0.9", 41, Packets.echo("2001:db8::1", "2001:db8::2")), .plainEast)
        },
        Case(
            testDescription: "a tunnel's packet that did not enter so", expectation: plain,
            seen: "1 packet that never entered the tunnel",
            place: "gw1:wan"
        ) {
            let inner = Packets.echo("2001:db8::1", "2001:db8::2")
            try $0.send(
                Packets.ip("10.1.0.9", "10.2.0.9", 41, inner), .plainEast,
                entered: Packets.ip("10.1.0.9", "10.2.0.8", 41, inner))
        },
        Case(
            testDescription: "the probe's packet in one wrapping more, inside ESP", expectation: plain,
            seen: "1 packet wrapped otherwise",
            place: "gw1:wan", remark: "seen as esp / ipip, expected esp"
        ) { try $0.send(Packets.ip("10.1.0.9", "10.2.0.9", 4, packet), .plainEast) },
        Case(testDescription: "fragments of ESP", expectation: plain, seen: nil) { capture in
            let whole = Packets.echo(west, east, sequence: 9, length: 1500)
            capture.add(whole, at: "gw1:vpn1")
            let esp = try capture.seal(whole, Way.plainEast.association)
            let (first, rest) = (Array(esp[..<1480]), Array(esp[1480...]))
            capture.add(
                Packets.ethernet(Packets.ip("203.0.113.1", "203.0.113.2", 50, first, fragment: 0x2000)), at: "gw1:wan")
            capture.add(
                Packets.ethernet(Packets.ip("203.0.113.1", "203.0.113.2", 50, rest, fragment: 185)), at: "gw1:wan")
        },
        Case(testDescription: "a second security association, their numbers mixed", expectation: plain, seen: nil) {
            capture in
            for number in 1...3 {
                try capture.send(Packets.echo(west, east, sequence: 20 + UInt16(number)), .plainEast)
                try capture.send(
                    Packets.echo(west, east, sequence: 30 + UInt16(number)), .plainEast, with: .cbc(spi: 0x1003))
            }
        },
        Case(
            testDescription: "a number used again in a second security association", expectation: plain,
            seen: "1 packet with a sequence number that does not rise", place: "gw1:wan",
            remark: "sequence 1 after 1 of SPI 0x00001003"
        ) { capture in
            try capture.send(packet, .plainEast, with: .cbc(spi: 0x1003))
            try capture.send(packet, .plainEast)
            try capture.send(packet, .plainEast, with: .cbc(spi: 0x1003), sequence: 1)
        },
        Case(testDescription: "the same packets seen arriving", expectation: plain, seen: nil) { capture in
            for (from, to) in [("gw1:wan", "gw2:wan"), ("gw2:wan", "gw1:wan")] {
                for record in capture.records where record.place == from && record.direction == .outbound {
                    capture.add(record.bytes, at: to, direction: .inbound)
                }
            }
        },
        Case(
            testDescription: "the same packets seen arriving from before and behind a NAT", expectation: nat, seen: nil
        ) { capture in
            for (from, to) in [
                ("vpn1:wan", "igw:lan"), ("igw:wan", "vpn2:wan"), ("vpn2:wan", "igw:wan"), ("igw:lan", "vpn1:wan"),
            ] {
                for record in capture.records where record.place == from && record.direction == .outbound {
                    capture.add(record.bytes, at: to, direction: .inbound)
                }
            }
        },
        Case(
            testDescription: "the private destination on the public side", expectation: nat,
            seen: "1 packet between other addresses",
            place: "igw:wan", remark: "ESP from 192.0.2.2 to 10.1.9.2"
        ) { capture in
            let esp = try capture.seal(packet, Way.natWest.association)
            capture.add(
                Packets.ethernet(SyntheticCapture.wrap(esp, "192.0.2.2", "10.1.9.2", isInUDP: true)), at: "igw:wan",
                direction: .inbound)
        },
    ]

    private static let keys = Way.keys + [Way.plainEast.key(.cbc(spi: 0x1003))]

    @Test(arguments: cases)
    func `Every objection, and only it`(_ example: Case) throws {
        var capture = try SyntheticCapture.ordinary()
        try example.edit(&capture)
        let verdict = try JudgedLab.verdict(
            expecting: example.expectation, of: capture, keys: example.hasKeys ? Self.keys : [])
        #expect(verdict.outcome == (example.seen == nil ? .pass : .fail), "\(verdict.seen)")
        if let seen = example.seen {
            #expect(verdict.seen == seen)
            let evidence = try #require(verdict.evidence.first)
            #expect(evidence.interface == example.place)
            #expect(example.remark.isEmpty || evidence.remark.contains(example.remark), "\(evidence.remark)")
            #expect(capture.records[evidence.packet - 1].place == example.place)
            #expect(evidence.line != "")
        } else {
            #expect(verdict.evidence == [])
        }
    }

    @Test
    func `A verdict in full`() throws {
        let verdict = try JudgedLab.verdict(expecting: plain, of: .ordinary())
        #expect(verdict.expected == "there, back between the clouds only as esp (aes-256-cbc with sha2-256)")
        #expect(verdict.rule == "RFC 4303 section 2: lengths, numbers and SPIs of tunnel plain; lab.yaml:51")
        #expect(
            verdict.seen
                == "13 packets of 108 to 1468 bytes, 13 opened and authentic, 13 equal to what entered the tunnel")
    }

    @Test
    func `Fragments are told of`() throws {
        var capture = try SyntheticCapture.ordinary()
        let esp = try capture.seal(Packets.echo(west, east, length: 1500), Way.plainEast.association)
        capture.add(
            Packets.ethernet(Packets.ip("203.0.113.1", "203.0.113.2", 50, Array(esp[..<1480]), fragment: 0x2000)),
            at: "gw1:wan")
        capture.add(
            Packets.ethernet(Packets.ip("203.0.113.1", "203.0.113.2", 50, Array(esp[1480...]), fragment: 185)),
            at: "gw1:wan")
        let verdict = try JudgedLab.verdict(expecting: plain, of: capture)
        #expect(verdict.outcome == .pass)
        #expect(verdict.seen.contains("2 fragments of some"), "\(verdict.seen)")
    }

    /// A claim of algorithms that are not the packets' own, and whether inner packets of a length give it away.
    @Test(
        arguments: [
            ("aes-256-gcm-16}", [84], true, true), ("aes-256-gcm-16}", [62], true, true),
            ("aes-256-ctr, integrity: sha2-384}", [62], true, false),
            ("aes-256-ctr, integrity: sha2-384}", [62, 63], true, true),
            ("aes-256-ctr, integrity: sha2-384}", [62, 63], false, false),
            ("aes-256-cbc, integrity: sha2-512}", [62], false, false),
            ("aes-256-cbc, integrity: sha2-512}", [62], true, true),
            ("aes-256-cbc, integrity: sha1}", [62], false, true),
            ("aes-256-cbc, integrity: sha2-256}", [62, 63], true, false),
        ])
    func `Other algorithms are known by the lengths they make`(
        claimed: String, lengths: [Int], hasKeys: Bool, isSeen: Bool
    ) throws {
        var capture = SyntheticCapture()
        for length in lengths { try capture.send(Packets.echo(west, east, length: length), .plainEast) }
        let verdict = try JudgedLab.verdict(
            expecting: "one: {encapsulation: there, in: plain, esp: {encryption: \(claimed)}", of: capture,
            keys: hasKeys ? Way.keys : [])
        #expect(verdict.outcome == (isSeen ? .fail : .pass), "\(verdict.seen)")
        #expect(
            verdict.seen.contains(hasKeys ? "of another length" : "of an impossible length") == isSeen,
            "\(verdict.seen)")
    }

    @Test
    func `Without keys, lengths that a cipher cannot make tell too`() throws {
        var capture = SyntheticCapture()
        for length in 60..<76 {
            try capture.send(Packets.echo(west, east, length: length), .plainEast, with: .ctr(spi: 0x1001))
        }
        let verdict = try JudgedLab.verdict(expecting: plain, of: capture, keys: [])
        #expect(verdict.outcome == .fail)
        // Of the four lengths in each block of 16, AES-CBC makes one.
        #expect(
            verdict.seen == "16 packets of an impossible length"
                || verdict.seen == "12 packets of an impossible length", "\(verdict.seen)")
    }

    @Test(arguments: [true, false])
    func `A probe of which no packet crossed`(isLive: Bool) throws {
        var capture = try SyntheticCapture.ordinary()
        let expectation = "one: {encapsulation: [there, inside], in: plain, on: wire}"
        let verdict = try JudgedLab.verdict(expecting: expectation, of: capture, isLive: isLive)
        #expect(verdict.outcome == (isLive ? .fail : .inconclusive))
        #expect(verdict.seen == "no packet of inside crossed that way")
        try capture.send(Packets.echo("192.168.2.1", "192.168.2.2"), .plainEast)
        #expect(try JudgedLab.verdict(expecting: expectation, of: capture, isLive: isLive).outcome == .pass)
    }

    @Test(arguments: [true, false], [true, false])
    func `Nothing crossed at all, with keys and without`(isLive: Bool, hasKeys: Bool) throws {
        var capture = SyntheticCapture()
        capture.add(Packets.arp, at: "gw1:wan")
        let verdict = try JudgedLab.verdict(
            expecting: plain, of: capture, keys: hasKeys ? Way.keys : [], isLive: isLive)
        #expect(verdict.outcome == (isLive ? .fail : .inconclusive))
        #expect(verdict.seen == "no packet crossed that way")
    }

    @Test
    func `Two probes between the same addresses count each other's packets`() throws {
        var capture = SyntheticCapture()
        try capture.send(Packets.echo(west, east), .plainEast)
        #expect(try JudgedLab.verdict(expecting: plain, of: capture).outcome == .pass)
        var other = SyntheticCapture()
        try other.send(Packets.echo("10.1.0.3", east), .plainEast)
        let verdict = try JudgedLab.verdict(expecting: plain, of: other)
        #expect(verdict.outcome == .fail)
        #expect(verdict.seen == "no packet of there, back crossed that way")
    }

    @Test
    func `Extended sequence numbers, past the end of their lower half`() throws {
        let extended = ESPAssociation.cbc(spi: 0x1004, isExtended: true)
        var capture = SyntheticCapture()
        for (index, number) in ([0xFFFF_FFFE, 0xFFFF_FFFF, 0x1_0000_0000, 0x1_0000_0001] as [UInt64]).enumerated() {
            try capture.send(
                Packets.echo(west, east, sequence: UInt16(index)), .plainEast, with: extended, sequence: number)
        }
        let keys = [Way.plainEast.key(extended)]
        let verdict = try JudgedLab.verdict(expecting: plain, of: capture, keys: keys)
        #expect(verdict.outcome == .pass, "\(verdict.seen)")
        #expect(verdict.seen.contains("4 opened and authentic"))
        let short = try JudgedLab.verdict(expecting: plain, of: capture, keys: [Way.plainEast.key(.cbc(spi: 0x1004))])
        #expect(short.outcome == .fail)
        #expect(short.seen == "4 packets not authentic")
        var replayed = capture
        try replayed.send(Packets.echo(west, east), .plainEast, with: extended, sequence: 0x1_0000_0001)
        #expect(
            try JudgedLab.verdict(expecting: plain, of: replayed, keys: keys).seen
                == "1 packet with a sequence number that does not rise")
    }

    @Test(
        arguments: [
            ("[vlan 7, esp]", [7], true), ("[vlan 7, esp]", [8], false), ("[vlan 7, esp]", [], false),
            ("esp", [7], false),
            ("[vlan 7, vlan 8, esp]", [7, 8], true), ("[vlan 7, vlan 8, esp]", [8, 7], false),
        ] as [(String, [UInt16], Bool)])
    func `Wrappings stacked as declared, and otherwise`(form: String, vlans: [UInt16], isRight: Bool) throws {
        var capture = SyntheticCapture()
        let packet = Packets.echo(west, east)
        try capture.send(packet, .plainEast, entered: packet, vlans: vlans)
        for keys in [Way.keys, []] {
            let verdict = try JudgedLab.verdict(
                expecting: "one: {encapsulation: there, in: plain, as: \(form)}", of: capture, keys: keys)
            #expect(verdict.outcome == (isRight ? .pass : .fail), "\(verdict.seen)")
            #expect(isRight || verdict.seen == "1 packet wrapped otherwise")
        }
    }

    @Test
    func `ESP that another tunnel carries on its way`() throws {
        var capture = SyntheticCapture()
        let packet = Packets.echo(west, east)
        capture.add(packet, at: "gw1:vpn1")
        let esp = SyntheticCapture.wrap(
            try capture.seal(packet, Way.plainEast.association), "203.0.113.1", "203.0.113.2", isInUDP: false)
        capture.add(Packets.ethernet(Packets.ip("192.0.2.5", "192.0.2.6", 4, esp)), at: "gw1:wan")
        for keys in [Way.keys, []] {
            #expect(
                try JudgedLab.verdict(
                    expecting: "one: {encapsulation: there, in: plain, as: [ipip, esp]}", of: capture, keys: keys
                ).outcome
                    == .pass)
            #expect(
                try JudgedLab.verdict(expecting: plain, of: capture, keys: keys).seen == "1 packet wrapped otherwise")
        }
    }

    @Test
    func `A wrapping inside ESP is seen only with keys, and asked for only of the probe's packets`() throws {
        let expectation = "one: {encapsulation: sixes, in: plain, as: [esp, 6in4]}"
        let sixes = Packets.ip("10.1.0.1", "10.2.0.1", 41, Packets.echo("2001:db8:1::2", "2001:db8:2::2"))
        var capture = SyntheticCapture()
        try capture.send(sixes, .plainEast)
        try capture.send(Packets.echo(west, east), .plainEast)
        for keys in [Way.keys, []] {
            #expect(try JudgedLab.verdict(expecting: expectation, of: capture, keys: keys).outcome == .pass)
        }
        try capture.send(Packets.echo("2001:db8:1::2", "2001:db8:2::2"), .plainEast)
        #expect(try JudgedLab.verdict(expecting: expectation, of: capture).seen == "1 packet wrapped otherwise")
        #expect(try JudgedLab.verdict(expecting: expectation, of: capture, keys: []).outcome == .pass)
    }

    @Test(
        arguments: [
            ("6in4", "sixes", [41], true), ("6in4", "sixes", [], false), ("ipip", "there", [4], true),
            ("6in4", "there", [4], false),
            ("[ipip, ipip]", "there", [4, 4], true), ("[ipip, ipip]", "there", [4], false),
            ("gre", "there", [47], true), ("vxlan", "there", [17], true), ("gre", "there", [17], false),
            ("[vxlan, vxlan]", "there", [17], false), ("[vxlan, ipip]", "there", [4, 17], true),
            ("gre", "there", [4], false), ("[ipip6, 6in4]", "there", [4], false),
        ] as [(String, String, [UInt8], Bool)])
    func `Forms without IPsec`(form: String, probe: String, protocols: [UInt8], isRight: Bool) throws {
        var packet = probe == "sixes" ? Packets.echo("2001:db8:1::2", "2001:db8:2::2") : Packets.echo(west, east)
        for number in protocols {
            if number == 17 {
                packet = Packets.udp(40000, 4789, [8, 0, 0, 0, 0, 0, 42, 0] + Packets.ethernet(packet))
            }
            packet = Packets.ip("203.0.113.1", "203.0.113.2", number, (number == 47 ? [0, 0, 8, 0] : []) + packet)
        }
        var capture = SyntheticCapture()
        capture.add(Packets.ethernet(packet), at: "gw1:wan")
        let verdict = try JudgedLab.verdict(
            expecting: "one: {encapsulation: \(probe), as: \(form)}", of: capture, keys: [])
        #expect(verdict.outcome == (isRight ? .pass : .fail), "\(verdict.seen)")
        #expect(
            isRight || verdict.seen == (protocols.isEmpty ? "1 packet in clear" : "1 packet wrapped otherwise"),
            "\(verdict.seen)")
    }

    @Test
    func `6in4 in IPv6, and the other way about`() throws {
        var capture = SyntheticCapture()
        let six = Packets.ip("2001:db8::1", "2001:db8::2", 4, Packets.echo(west, east))
        capture.add(Packets.ethernet(Packets.ip("203.0.113.1", "203.0.113.2", 41, six)), at: "gw1:wan")
        #expect(
            try JudgedLab.verdict(expecting: "one: {encapsulation: there, as: [6in4, ipip6]}", of: capture).outcome
                == .pass)
        #expect(
            try JudgedLab.verdict(expecting: "one: {encapsulation: there, as: [ipip6, 6in4]}", of: capture).seen
                == "1 packet wrapped otherwise")
    }

    @Test
    func `A probe's packet in ESP where no IPsec is declared`() throws {
        var capture = SyntheticCapture()
        capture.add(
            Packets.ethernet(Packets.ip("203.0.113.1", "203.0.113.2", 4, Packets.echo(west, east))), at: "gw1:wan")
        #expect(try JudgedLab.verdict(expecting: "one: {encapsulation: there, as: ipip}", of: capture).outcome == .pass)
        try capture.send(Packets.echo(west, east), .plainEast)
        let verdict = try JudgedLab.verdict(expecting: "one: {encapsulation: there, as: ipip}", of: capture)
        #expect(verdict.outcome == .fail)
        #expect(verdict.seen == "1 packet wrapped otherwise")
    }

    @Test
    func `Every byte of a packet counts`() throws {
        var capture = try SyntheticCapture.ordinary()
        let packet = Packets.echo(west, east, sequence: 9, length: 93)
        for position in packet.indices {
            var changed = packet
            changed[position] ^= 0x80
            try capture.send(packet, .plainEast, entered: changed)
        }
        #expect(
            try JudgedLab.verdict(expecting: plain, of: capture).seen
                == "\(packet.count) packets that never entered the tunnel")
    }

    @Test
    func `What was under way when the capture began is not held against what entered`() throws {
        var capture = SyntheticCapture()
        try capture.send(Packets.echo(west, east), .plainEast, entered: nil)
        try capture.send(Packets.echo(west, east, sequence: 2), .plainEast)
        #expect(try JudgedLab.verdict(expecting: plain, of: capture).outcome == .pass)
        try capture.send(Packets.echo(west, east, sequence: 3), .plainEast, entered: nil)
        #expect(try JudgedLab.verdict(expecting: plain, of: capture).seen == "1 packet that never entered the tunnel")
    }
}
