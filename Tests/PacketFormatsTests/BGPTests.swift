import NetworkTypes
import PacketFormats
import Testing

@Suite struct BGPTests {
    private static let marker = String(repeating: "ff", count: 16)

    private func message(_ hex: String) throws(Malformation) -> BGPMessage {
        let bytes = bytes(Self.marker + hex)
        return try BGPMessage(bytes.span.bytes)
    }

    @Test func `Open with two octets`() throws {
        let message = try message("001d 01 04 fde9 001e 0a000001 00")
        guard case .open(let open) = message.content else {
            Issue.record("\(message)")
            return
        }
        #expect(message.messageLength == 29 && open.version == 4)
        #expect(open.autonomousSystem == 65001 && open.holdTime == 30 && open.identifier == IPv4Address("10.0.0.1"))
    }

    /// In one parameter with other capabilities, or in one of its own.
    @Test(arguments: [
        "002f 01 04 5ba0 00b4 0a000001 12 0210 0104 00010001 4104 fa56ea01 0200 4600",
        "002d 01 04 5ba0 00b4 0a000001 10 0206 0104 00010001 0206 4104 fa56ea01",
    ])
    func `Open with four octets`(_ hex: String) throws {
        guard case .open(let open) = try message(hex).content else {
            Issue.record("not an OPEN")
            return
        }
        #expect(open.autonomousSystem == 4_200_000_001 && open.holdTime == 180)
    }

    @Test(
        arguments: [
            ("0013 04", .keepalive), ("0015 03 06 02", .notification(code: 6, subcode: 2)),
            ("0017 05 0001 00 01", .routeRefresh), ("0014 09 00", .other(type: 9)),
            ("0025 02 0000", .incomplete(type: 2)),
            ("001d 01 04 fde9 001e 0a0000", .incomplete(type: 1)),
        ] as [(String, BGPMessage.Content)])
    func `Others`(_ hex: String, _ content: BGPMessage.Content) throws {
        #expect(try message(hex).content == content)
    }

    @Test func `Update`() throws {
        let message = try message("0028 02 0003 10 0a01 0004 40010100 18 0a0203 00 20 0a000001 ffff")
        guard case .update(let update) = message.content else {
            Issue.record("\(message)")
            return
        }
        #expect(update.withdrawn == 1 && update.announced == 3 && update.attributesLength == 4)
    }

    @Test(
        arguments: [
            ("0012 04", .bgpLength), ("0014 04 00", .bgpLength), ("001c 01 04 fde9 001e 0a000001", .bgpLength),
            ("0016 02 0000 00", .bgpLength), ("0014 03 06", .bgpLength), ("1001 02 0000 0000", .bgpLength),
            ("0013", .shortHeader),
            // Optional parameters or capabilities that leave what they stand in, and a capability of a wrong length.
            ("001d 01 04 fde9 001e 0a000001 01", .bgpFields), ("001e 01 04 fde9 001e 0a000001 01 02", .bgpFields),
            ("001f 01 04 fde9 001e 0a000001 02 0201", .bgpFields),
            ("0020 01 04 fde9 001e 0a000001 03 0201 41", .bgpFields),
            ("0021 01 04 fde9 001e 0a000001 04 0202 4101", .bgpFields),
            ("0022 01 04 fde9 001e 0a000001 05 0203 410100", .bgpFields),
            // Withdrawn routes, attributes and prefixes that leave the message; a prefix of more than 32 bits.
            ("0017 02 0001 0000", .bgpFields), ("0017 02 0000 0001", .bgpFields), ("0018 02 0001 08 0000", .bgpFields),
            ("0019 02 0000 0000 10 0a", .bgpFields), ("001d 02 0000 0000 21 0a000000 00", .bgpFields),
        ] as [(String, Malformation)])
    func `What is malformed`(_ hex: String, _ expected: Malformation) {
        #expect(throws: expected) { try message(hex) }
    }

    @Test func `Wrong marker`() {
        for byte in 0..<16 {
            var bytes = bytes(Self.marker + "0013 04")
            bytes[byte] = 0xFE
            #expect(throws: Malformation.bgpMarker) { try BGPMessage(bytes.span.bytes) }
        }
    }
}
