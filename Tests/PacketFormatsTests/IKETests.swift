import PacketFormats
import Testing

@Suite struct IKETests {
    private static let header = "1122334455667788 99aabbccddeeff00 21 20 22 08 00000005 0000001c"

    private func payloads(_ hex: String, first: UInt8) -> (seen: [IKEPayload], malformation: Malformation?) {
        var seen: [IKEPayload] = []
        let bytes = bytes(hex)
        do throws(Malformation) {
            try IKEPayload.forEach(in: bytes.span.bytes, first: IKEPayloadType(rawValue: first)) { payload, _ in
                seen.append(payload)
                return true
            }
            return (seen, nil)
        } catch {
            return (seen, error)
        }
    }

    @Test func `Header`() throws {
        let header = try IKEHeader(bytes(Self.header).span.bytes)
        #expect(header.initiatorSPI == 0x1122_3344_5566_7788 && header.responderSPI == 0x99AA_BBCC_DDEE_FF00)
        #expect(header.firstPayload == .securityAssociation && header.exchange == .saInit)
        #expect(header.majorVersion == 2 && header.minorVersion == 0 && header.messageID == 5)
        #expect(header.isFromInitiator && !header.isResponse && header.messageLength == 28)
    }

    @Test(
        arguments: [
            ("21 30 22 08 00000005 0000001c", .ikeVersion), ("21 00 22 08 00000005 0000001c", .ikeVersion),
            ("21 20 22 08 00000005 0000001b", .ikeLength), ("21 20 22 08 00000005 00000000", .ikeLength),
            ("21 20 22 08 00000005 000000", .shortHeader), ("21 10 22 08 00000005 ffffffff", nil),
        ] as [(String, Malformation?)])
    func `Malformed header`(_ hex: String, _ expected: Malformation?) {
        let bytes = bytes("1122334455667788 99aabbccddeeff00" + hex)
        if let expected {
            #expect(throws: expected) { try IKEHeader(bytes.span.bytes) }
        } else {
            #expect(throws: Never.self) { try IKEHeader(bytes.span.bytes) }
        }
    }

    @Test func `Proposals and transforms`() {
        let transforms = "0300000c01000014800e0100 03000008 02000005 0000000804 00000e"
        let seen = payloads("2800002c 00000028 01030403 1a2b3c4d \(transforms) 00000008 aabbccdd", first: 33)
        #expect(
            seen.seen == [
                .securityAssociation, .proposal(number: 1, protocolID: 3, spiLength: 4, transforms: 3),
                .transform(type: 1, identifier: 20, keyLength: 256), .transform(type: 2, identifier: 5, keyLength: nil),
                .transform(type: 4, identifier: 14, keyLength: nil), .nonce(length: 4),
            ])
        #expect(seen.malformation == nil)
    }

    @Test func `Other payloads`() {
        let hex =
            """
            29 00 000c 0013 0000 01020304
            2a 00 0010 03 04 4009 1a2b3c4d aabbccdd
            2b 00 000c 03 04 0001 1a2b3c4d
            00 00 0006 6162
            """
        let seen = payloads(hex, first: 34)
        #expect(
            seen.seen == [
                .keyExchange(group: 19, length: 4),
                .notify(IKENotification(rawValue: 16393), protocolID: 3, spiLength: 4, length: 4),
                .delete(protocolID: 3, spiLength: 4, spis: 1), .other(IKEPayloadType(rawValue: 43), length: 2),
            ])
        #expect(seen.malformation == nil)
    }

    @Test func `Encrypted is the last`() {
        let whole = payloads("23 00 0008 aabbccdd ffff", first: 46)
        #expect(whole.seen == [.encrypted(first: IKEPayloadType(rawValue: 35), length: 4)])
        #expect(whole.malformation == nil)
        let part = payloads("00 00 000a 0002 0003 aabb ffff", first: 53)
        #expect(part.seen == [.encryptedFragment(first: .none, number: 2, total: 3, length: 2)])
        #expect(part.malformation == nil)
    }

    @Test func `A visitor may stop`() throws {
        let sample = try Sample.named("ikeInit").bytes
        var count = 0
        Dissection.walk(sample.span.bytes, linkType: .ethernet) { layer, _, body in
            guard case .ike(let ike) = layer else { return true }
            #expect(throws: Never.self) {
                try IKEPayload.forEach(in: sample.span.bytes.extracting(body), first: ike.firstPayload) { _, _ in
                    count += 1
                    return count < 3
                }
            }
            return true
        }
        #expect(count == 3)
    }

    /// A payload shorter than its own fields, or one that leaves what it stands in; those before are seen.
    @Test(
        arguments: [
            (40, "00 00 0003"), (40, "00 00 0000"), (40, "00 00 0005"), (40, "00 00 00"), (40, "28 00 0004 00 00"),
            (34, "00 00 0007 0013 00"), (41, "00 00 0007 000000"), (41, "00 00 0008 00 01 4004"),
            (42, "00 00 0007 030400"),
            (42, "00 00 000b 03 04 0001 1a2b3c"), (53, "00 00 0007 000100"),
            // Proposals: shorter than 8, longer than their payload, an SPI that leaves them.
            (33, "00 00 0008 00000008"), (33, "00 00 000c 00000007 01010000"), (33, "00 00 000c 00000009 01010000"),
            (33, "00 00 000c 00000008 01010100"),
            // Transforms: cut, shorter than 8, longer than their proposal, an attribute that leaves them.
            (33, "00 00 0010 0000000c 01010001 00000008"), (33, "00 00 0014 00000010 01010001 00000007 01000014"),
            (33, "00 00 0014 00000010 01010001 00000009 01000014"),
            (33, "00 00 0016 00000012 01010001 0000000a 01000014 800e"),
            (33, "00 00 0018 00000014 01010001 0000000c 01000014 00010001"),
        ] as [(UInt8, String)])
    func `Malformed payload`(_ first: UInt8, _ hex: String) {
        #expect(payloads(hex, first: first).malformation == .ikeLength)
    }

    @Test(
        arguments: [
            (33, "00 00 0004"), (33, "00 00 000c 00000008 01010000"), (40, "00 00 0004"), (41, "00 00 0008 00 00 4004"),
            (0, ""),
            (33, "00 00 0018 00000014 01010001 0000000c 01000014 00010000"),
        ] as [(UInt8, String)])
    func `Well formed payload`(_ first: UInt8, _ hex: String) {
        #expect(payloads(hex, first: first).malformation == nil)
    }
}
