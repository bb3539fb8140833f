import DaemonDrivers
import Daemons
import Testing

struct ViciTests {
    /// Every kind of element.
    static let message = ViciMessage([
        ("key1", .value("value1")),
        (
            "section1",
            .section(
                ViciMessage([
                    ("sub-section", .section(ViciMessage([("key2", .value("value2"))]))),
                    ("list1", .list(["item1", "item2"])),
                ]))
        ), ("empty", .list([])),
    ])

    @Test func `The protocol's own example has these bytes`() {
        // README.md of the vici plugin, "Encoding example".
        let example = ViciMessage([
            ("key1", .value("value1")),
            (
                "section1",
                .section(
                    ViciMessage([
                        ("sub-section", .section(ViciMessage([("key2", .value("value2"))]))),
                        ("list1", .list(["item1", "item2"])),
                    ]))
            ),
        ])
        let expected: [UInt8] =
            [3, 4] + Array("key1".utf8) + [0, 6] + Array("value1".utf8) + [1, 8] + Array("section1".utf8) + [1, 11]
            + Array("sub-section".utf8) + [3, 4] + Array("key2".utf8) + [0, 6] + Array("value2".utf8) + [2] + [4, 5]
            + Array("list1".utf8) + [5, 0, 5] + Array("item1".utf8) + [5, 0, 5] + Array("item2".utf8) + [6] + [2]
        #expect(example.bytes == expected)
    }

    @Test func `A message is read as it was written`() throws {
        let read = try #require(ViciMessage(bytes: Self.message.bytes))
        #expect(read == Self.message)
        #expect(read["key1"] == "value1" && read["section1"] == nil && read.list("empty") == [])
        #expect(read.section("section1")?.section("sub-section")?["key2"] == "value2")
        #expect(read.section("section1")?.list("list1") == ["item1", "item2"])
        #expect(read.sections.map(\.name) == ["section1"])
    }

    @Test(arguments: [
        ViciPacket.request("list-sas", ViciTests.message), .response(ViciMessage()), .unknownCommand,
        .register("list-sa"),
        .unregister("list-sa"), .confirmation, .unknownEvent, .event("list-sa", ViciTests.message),
    ])
    func `A packet comes in pieces, and two come at once`(packet: ViciPacket) throws {
        var received: [UInt8] = []
        for byte in packet.bytes.dropLast() {
            received.append(byte)
            #expect(try ViciPacket.next(from: &received) == nil)
        }
        received.append(try #require(packet.bytes.last))
        received += packet.bytes
        #expect(try ViciPacket.next(from: &received) == packet)
        #expect(try ViciPacket.next(from: &received) == packet)
        #expect(received.isEmpty)
    }

    @Test(arguments: [
        [0, 0, 0, 0], [0, 0x10, 0, 0], [0, 0, 0, 1, 9], [0, 0, 0, 1, 0], [0, 0, 0, 3, 3, 5, 65], [0, 0, 0, 2, 1, 2],
        [0, 0, 0, 3, 1, 1, 0], [0, 0, 0, 4, 1, 5, 0, 0], [0, 0, 0, 2, 5, 0], [0, 0, 0, 4, 3, 1, 65, 65],
    ])
    func `What is no packet is refused`(bytes: [UInt8]) {
        var received = bytes
        #expect(throws: ViciPacket.Malformed.self) { try ViciPacket.next(from: &received) }
    }

    /// A repaired text that is longer than the bytes would be cut when it is sent.
    @Test func `Bytes that are no text are as long as they were`() throws {
        var received: [UInt8] = [0, 0, 0, 9, 1, 3, 3, 65, 0xAA, 66, 0, 1, 0xFF]
        let packet = try ViciPacket.next(from: &received)
        #expect(packet == .response(ViciMessage([("A?B", .value("?"))])))
        #expect(packet?.bytes.count == 13)
    }

    @Test func `Sections that are nested without end are refused`() {
        let start: [UInt8] = [1, 1, 65]
        #expect(ViciMessage(bytes: Array(repeating: start, count: 5000).flatMap { $0 }) == nil)
    }

    /// SplitMix64: the same packets in every run.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    @Test(arguments: UInt64(0)..<4)
    func `Whatever bytes arrive, they are read or refused`(seed: UInt64) {
        var generator = Generator(state: seed)
        let original = ViciPacket.event("list-sa", Self.message).bytes
        var read = 0
        for _ in 0..<5000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let at = Int.random(in: bytes.indices, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[at] = .random(in: 0...255, using: &generator)
                case 1: bytes.removeSubrange(at...)
                case 2: bytes.insert(bytes[at], at: at)
                default: bytes.swapAt(at, bytes.count - 1)
                }
                if bytes.isEmpty { bytes = [0] }
            }
            if let packet = try? ViciPacket.next(from: &bytes) {
                read += 1
                var again = packet.bytes
                #expect((try? ViciPacket.next(from: &again)) == packet)
            }
        }
        #expect(read > 0)
    }

    @Test func `Nobody at the socket is an error that says so`() throws {
        let error = #expect(throws: DaemonError.self) {
            try CharonControl(path: "/nonexistent/charon.vici").associations()
        }
        #expect(error?.code == .notRunning)
    }
}

struct CharonLogTests {
    private func events(_ lines: String...) -> [String] {
        CharonLog.events(lines.joined(separator: "\n"), node: "gw", realTimeOffset: 1_795_262_400_000_000_000).map {
            guard case .ike(let connection, let event, _) = $0.kind else { return "" }
            return "\($0.nanoseconds / 1_000_000) \(connection) \(event.rawValue)"
        }
    }

    @Test func `An IKE SA comes up, is asked after, and dies`() {
        #expect(
            events(
                "2026-11-21T12:00:00.100 05[IKE] <main|1> initiating IKE_SA main[1] to 203.0.113.2",
                "2026-11-21T12:00:00.104 05[ENC] <main|1> parsed IKE_SA_INIT response 0 [ SA KE No ]",
                "2026-11-21T12:00:00.108 05[IKE] <main|1> IKE_SA main[1] established between 203.0.113.1[203.0.113.1]...203.0.113.2[203.0.113.2]",
                "2026-11-21T12:00:00.108 05[IKE] <main|1> CHILD_SA main{1} established with SPIs c168e3a8_i c44f6897_o and TS 0.0.0.0/0 === 0.0.0.0/0",
                "2026-11-21T12:00:10.108 07[IKE] <main|1> sending DPD request",
                "2026-11-21T12:00:10.753 07[IKE] <main|1> retransmit 1 of request with message ID 2",
                "2026-11-21T12:00:30.103 08[IKE] <main|1> giving up after 4 retransmits",
                "2026-11-21T12:00:30.103 08[IKE] <main|1> restarting CHILD_SA main",
                "2026-11-21T12:00:30.103 08[IKE] <main|2> initiating IKE_SA main[2] to 203.0.113.2",
                "2026-11-21T12:01:00.103 08[IKE] <main|2> giving up after 4 retransmits",
                "2026-11-21T12:01:00.103 08[IKE] <main|2> peer not responding, trying again (2/0)")
                == [
                    "100 main initiating", "108 main ikeEstablished", "108 main childEstablished",
                    "10108 main livenessProbe",
                    "10753 main retransmission", "30103 main peerDead", "30103 main other", "30103 main initiating",
                    "60103 main retransmission", "60103 main other",
                ])
    }

    @Test func `An IKE SA that has its successor is renewed and not lost`() {
        #expect(
            events(
                "2026-11-21T12:00:00.000 08[IKE] <main|1> initiating IKE_SA main[2] to 203.0.113.2",
                "2026-11-21T12:00:00.004 08[IKE] <main|1> IKE_SA main[2] rekeyed between 203.0.113.1[203.0.113.1]...203.0.113.2[203.0.113.2]",
                "2026-11-21T12:00:00.004 08[IKE] <main|1> deleting IKE_SA main[1] between 203.0.113.1[203.0.113.1]...203.0.113.2[203.0.113.2]",
                "2026-11-21T12:00:01.000 08[IKE] <main|2> inbound CHILD_SA main{2} established with SPIs c1_i c2_o and TS 0.0.0.0/0 === 0.0.0.0/0",
                "2026-11-21T12:00:01.004 08[IKE] <main|2> outbound CHILD_SA main{2} established with SPIs c1_i c2_o and TS 0.0.0.0/0 === 0.0.0.0/0",
                "2026-11-21T12:00:02.000 08[IKE] <main|2> received DELETE for IKE_SA main[2]")
                == ["4 main ikeRekeyed", "1000 main childRekeyed", "2000 main deleted"])
    }

    @Test func `Refusals are told, and what is no line of a connection is passed over`() {
        #expect(
            events(
                "2026-11-21T12:00:00.000 13[IKE] <main|3> tried 1 shared key for 'a' - 'b', but MAC mismatched",
                "2026-11-21T12:00:00.000 13[IKE] <main|2> received AUTHENTICATION_FAILED notify error",
                "2026-11-21T12:00:00.000 13[IKE] <main|2> received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built",
                "2026-11-21T12:00:00.000 13[CFG] <3> looking for peer configs matching a...b",
                "opening directory '/etc/swanctl/x509' failed: No such file or directory",
                "2026-11-21T12:00:00.000 13[JOB] spawning 16 worker threads",
                "2026-99-21T12:00:00.000 13[IKE] <main|2> sending DPD request",
                "")
                == ["0 main refused", "0 main refused", "0 main refused"])
    }
}

struct CharonKeyLogTests {
    /// As charon was seen to log it: a new IKE SA with AES-CBC.
    private static let made = """
        14[CFG] <t3|82> selected proposal: IKE:AES_CBC_128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_4096
        14[IKE] <t3|82> natd_chunk => 22 bytes @ 0x5405e050
        14[IKE] <t3|82>    0: E8 48 54 66 D3 CA E4 A5 81 2F DE B2 26 76 A2 34  .HTf...../..&v.4
        14[IKE] <t3|82>   16: 0A 00 03 01 01 F4                                ......
        14[IKE] <t3|82> Sk_ai secret => 20 bytes @ 0x552ab41ef0
        14[IKE] <t3|82>    0: E3 6F A9 DC D7 89 FD 9A 74 FE 74 B2 BE E1 97 AC  .o......t.t.....
        14[IKE] <t3|82>   16: FB D7 7F AB                                      ....
        14[IKE] <t3|82> Sk_ar secret => 20 bytes @ 0x552ab41f10
        14[IKE] <t3|82>    0: F6 EF D0 9A 31 8B D5 F3 5A 61 33 11 3F 51 B1 15  ....1...Za3.?Q..
        14[IKE] <t3|82>   16: 6A C7 7E 7D                                      j.~}
        14[IKE] <t3|82> Sk_ei secret => 16 bytes @ 0x552ab41f30
        14[IKE] <t3|82>    0: E0 A9 3A 88 FC D9 23 4C BC 34 88 C4 82 F9 36 A4  ..:...#L.4....6.
        14[IKE] <t3|82> Sk_er secret => 16 bytes @ 0x552ab41f40
        14[IKE] <t3|82>    0: F9 45 51 A5 63 FF FE 7F DD DB 31 EA C7 C1 E7 B9  .EQ.c.....1.....

        """
    private static let established =
        "14[IKE] <t3|82> IKE_SA t3[82] established between 10.0.3.1[10.0.3.1]...10.0.3.2[10.0.3.2]\n"

    @Test func `A new IKE SA's keys have the SPIs that were hashed for NAT`() throws {
        let (keys, unusable) = CharonKeyLog(Self.made + Self.established).keys(with: [])
        let key = try #require(keys.first)
        #expect(keys.count == 1 && unusable.isEmpty)
        #expect(key.initiatorSPI == 0xE848_5466_D3CA_E4A5 && key.responderSPI == 0x812F_DEB2_2676_A234)
        #expect(key.encryption.algorithm == .cbc && key.encryption.initiatorKey.bytes.first == 0xE0)
        #expect(key.encryption.responderKey.bytes.count == 16 && key.encryption.responderKey.bytes.last == 0xB9)
        #expect(key.integrity?.algorithm == .sha1 && key.integrity?.initiatorKey.bytes.count == 20)
    }

    @Test func `A renewed one's are charon's to tell, and lost when it has none`() throws {
        let renewed =
            Self.made.replacing("<t3|82>", with: "<t3|1>").replacing("natd_chunk", with: "other")
            + "14[IKE] <t3|1> IKE_SA t3[82] rekeyed between 10.0.3.1[10.0.3.1]...10.0.3.2[10.0.3.2]\n"
        let log = CharonKeyLog(renewed)
        #expect(log.keys(with: []).keys.isEmpty && log.keys(with: []).unusable.count == 1)
    }

    @Test func `An algorithm that Wireshark's table has no place for is counted`() {
        let log = CharonKeyLog(Self.made.replacing("AES_CBC_128", with: "AES_CTR_128") + Self.established)
        #expect(log.keys(with: []).keys.isEmpty && log.keys(with: []).unusable.count == 1)
    }

    @Test func `A dump that is cut off is no key`() {
        let lines = Self.made.split(separator: "\n")
        for count in lines.indices {
            let log = CharonKeyLog(lines.prefix(count).joined(separator: "\n") + "\n" + Self.established)
            #expect(log.keys(with: []).keys.isEmpty)
        }
    }
}
