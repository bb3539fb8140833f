import NetworkTypes
import Testing

@testable import Decryption

/// Published examples, byte for byte.
@Suite struct VectorTests {
    @Test func `RFC 7634 appendix A: a packet with ChaCha20-Poly1305`() throws {
        let key = KeyMaterial(Array(0x80...0x9F) + [0xA0, 0xA1, 0xA2, 0xA3])
        let association = ESPAssociation.between(
            .init(name: "rfc7539esp(chacha20,poly1305)", key: key, tagBits: 128), spi: 0x0102_0304)
        let inner = """
            45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec100007362708090a0b0c0d0e0f10111213
            1415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637
            """
        let packet = """
            0102030400000005101112131415161724039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c6
            14ee8099d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9befe2facc638e8f3cbec163fac469b502773f6fb94e664da
            9165b82829f641e076aaa8266b7fb0f7b11b369907e1ad43
            """
        try expect(packet, of: association, toCarry: inner)
    }

    @Test func `Draft-mcgrew-gcm-test: a packet with AES-GCM and an extended sequence number`() throws {
        let key = KeyMaterial(hexadecimal: "4c80cdefbb5d10da906ac73c3613a634 2e443b68")
        let association = ESPAssociation.between(
            .init(name: "rfc4106(gcm(aes))", key: key, tagBits: 128), spi: 0x4321, extended: true)
        let inner = """
            45000048699a000080114db7c0a80102c0a801010a9bf15638d3010000010000000000000 45f736970045f7564700373
            69700963796265726369747902646b0000210001
            """
        let packet = """
            00004321000000004956ed7e3b244cfefecf537e729d5b07dc30df528dd22b768d1b98736696a6fd348509fa13ceac34
            cfa2436f14a3f3cf65925bf1f4a13c5d15b21e1884f5ff6247aeabb786b93bce61bc17d768fd9732459018148f6cbe72
            2fd04796562dfdb4
            """
        try expect(packet, of: association, toCarry: inner, highSequence: 0x8765_4321)
    }

    private func expect(
        _ packet: String, of association: ESPAssociation, toCarry inner: String, highSequence: UInt32 = 0
    ) throws {
        var decryptor = try ESPDecryptor(association)
        let bytes = [UInt8](hexadecimal: packet)
        let payload = try #require(decryptor.open(bytes, highSequence: highSequence).payload)
        #expect(payload.bytes == [UInt8](hexadecimal: inner))
        #expect(payload.padLength == 2)
        // Negative control: another packet of the same association.
        #expect(decryptor.open(bytes.dropLast() + [0], highSequence: highSequence).isICVMismatch)
    }

    @Test func `RFC 3602 case 5: a packet with AES-CBC, without integrity`() throws {
        let cipher = ESPCipher.cbc(
            try Cipher(.aesCBC, key: [UInt8](hexadecimal: "90d382b410eeba7ad938c46cec1a82bf")), blockLength: 16)
        let iv = [UInt8](hexadecimal: "e96e8c08ab465763fd098d45dd3ff893")
        let ciphertext = [UInt8](
            hexadecimal: """
                f663c25d325c18c6a9453e194e120849a4870b66cc6b9965330013b4898dc856a4699e523a55db080b59ec3a8e4b7e52
                775b07d1db34ed9c538ab50c551b874aa269add047ad2d5913ac19b7cfbad4a6
                """)
        let plaintext = try cipher.decrypted(ciphertext, iv: iv)
        let payload = try ESPPayload(plaintext, sequence: 1)
        let echo = [UInt8](hexadecimal: "08000ebda70a00008e9c083db95b0700") + Array(0x08...0x37)
        #expect(payload.bytes == echo)
        #expect(payload.nextHeader == 1)
        #expect(payload.padLength == 14)
        #expect(try cipher.encrypt(plaintext, iv: iv) == ciphertext)
    }

    /// NIST SP 800-67 appendix B, whose blocks are encrypted one by one: in CBC mode, each is added to the plaintext after it.
    @Test func `SP 800-67: triple DES in CBC mode`() throws {
        let key = [UInt8](hexadecimal: "0123456789abcdef 23456789abcdef01 456789abcdef0123")
        let cipher = ESPCipher.cbc(try Cipher(.tripleDESCBC, key: key), blockLength: 8)
        let zeros = [UInt8](repeating: 0, count: 8)
        let plaintext = Array("The qufck brown fox jump".utf8)
        let blocks = [UInt8](hexadecimal: "a826fd8ce53b855f cce21c8112256fe6 68d5c05dd9b6b900")
        let chained = zip(plaintext, zeros + blocks).map { $0 ^ $1 }
        #expect(try cipher.decrypted(blocks, iv: zeros) == chained)
        #expect(try cipher.encrypt(chained, iv: zeros) == blocks)
        for start in stride(from: 0, to: 24, by: 8) {
            let range = start..<start + 8
            #expect(try cipher.encrypt(Array(plaintext[range]), iv: zeros) == Array(blocks[range]))
        }
    }

    /// RFC 3686 section 6, test vectors 1, 2 and 7.
    @Test(arguments: [
        [
            "ae6852f8121067cc4bf7a5765577f39e", "00000030", "0000000000000000", "53696e676c6520626c6f636b206d7367",
            "e4095d4fb7a7b3792d6175a3261311b8",
        ],
        [
            "7e24067817fae0d743d6ce1f32539163", "006cb6db", "c0543b59da48d90b",
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "5104a106168a72d9790d41ee8edad388eb2e1efc46da57c8fce630df9141be28",
        ],
        [
            "776beff2851db06f4c8a0542c8696f6c6a81af1eec96b4d37fc1d689e6c1c104", "00000060", "db5672c97aa8f0b2",
            "53696e676c6520626c6f636b206d7367", "145ad01dbf824ec7560863dc71e3e0c0",
        ],
    ])
    func `RFC 3686: AES-CTR`(_ vector: [String]) throws {
        let bytes = vector.map { [UInt8](hexadecimal: $0) }
        let cipher = ESPCipher.ctr(try Cipher(.aesCTR, key: bytes[0]), salt: bytes[1])
        #expect(try cipher.encrypt(bytes[3], iv: bytes[2]) == bytes[4])
        #expect(try cipher.decrypted(bytes[4], iv: bytes[2]) == bytes[3])
    }

    /// RFC 3566 section 4.6: messages of the bytes 0, 1, 2…, and a thousand zeros.
    @Test(arguments: [
        (Array(0..<0), "75f0251d528ac01c4573dfd584d79f29"),
        (Array(0..<3), "5b376580ae2f19afe7219ceef172756f"),
        (Array(0..<16), "d2a246fa349b68a79998a4394ff7a263"),
        (Array(0..<20), "47f51b4564966215b8985c63055ed308"),
        (Array(0..<32), "f54f0ec8d2b9f3d36807734bd5283fd4"),
        (Array(0..<34), "becbb3bccdb518a30677d5481fb6b4d8"),
        ([UInt8](repeating: 0, count: 1000), "f0dafee895db30253761103b5d84528f"),
    ])
    func `RFC 3566: AES-XCBC-MAC`(_ message: [UInt8], _ expected: String) throws {
        let xcbc = try XCBC(key: Array(0..<16))
        #expect(try xcbc.value(of: message) == [UInt8](hexadecimal: expected))
        #expect(try xcbc.value(of: message + [0]) != [UInt8](hexadecimal: expected))
    }

    /// RFC 4231 and RFC 2202, test case 1.
    @Test(arguments: [
        ("hmac(sha1)", "b617318655057264e28bc0b6fb378c8ef146be00"),
        ("hmac(sha256)", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (
            "hmac(sha384)",
            "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6"
        ),
        (
            "hmac(sha512)",
            """
            87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde
            daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854
            """
        ),
    ])
    func `RFC 4231 and 2202: HMAC, also in two parts`(_ name: String, _ expected: String) throws {
        let value = [UInt8](hexadecimal: expected)
        let association = ESPAssociation.between(
            .init(name: "ecb(cipher_null)", key: KeyMaterial([])),
            .init(name: name, key: KeyMaterial(Array(repeating: 0x0B, count: 20)), tagBits: value.count * 8))
        let transform = try #require(association.transform() as? CipherAndIntegrity)
        let (whole, cut) = (Array("Hi There".utf8), Array("Hi T".utf8))
        let check = { (message: [UInt8], appendix: [UInt8]) in
            try message.withUnsafeBytes { try transform.integrity.value(of: $0, appendix: appendix) }
        }
        #expect(try check(whole, []) == value)
        #expect(try check(cut, Array("here".utf8)) == value)
        #expect(try check(cut, []) != value)
    }
}

extension ESPCipher {
    fileprivate func decrypted(_ ciphertext: [UInt8], iv: [UInt8]) throws -> [UInt8] {
        let plaintext = try ciphertext.withUnsafeBytes { ciphertext in
            try iv.withUnsafeBytes { try decrypt(ciphertext, iv: $0) }
        }
        return try #require(plaintext)
    }
}
