import Decryption
import NetworkTypes
import Testing

@testable import DaemonDrivers
@testable import Daemons

/// On lines as libreswan 4.10 writes them, with digits of our own in place of keys.
@Suite struct PlutoKeyLogTests {
    private static let time = "Nov 21 06:20:49.391335: | "
    private static let spis = "0x2e831badd5ec98b3 0x09b4f2728727d1f9"

    private static func line(_ direction: String, _ integrity: String, _ encryption: String, spis: String = spis)
        -> String
    {
        "\(time)ikev2 \(direction) \(spis) \(integrity) \(encryption)\n"
    }

    /// A word of an algorithm with a key of so many equal bytes.
    private static func word(_ name: String, _ byte: String, _ count: Int) -> String {
        "\(name):0x" + String(repeating: byte, count: count)
    }

    private static func pair(_ integrity: String, _ size: Int, _ cipher: String, _ keySize: Int, spis: String = spis)
        -> String
    {
        line("I", word(integrity, "a1", size), word(cipher, "e1", keySize), spis: spis)
            + line("R", word(integrity, "a2", size), word(cipher, "e2", keySize), spis: spis)
    }

    private static func log(_ texts: String...) -> PlutoKeyLog {
        var log = PlutoKeyLog()
        for text in texts { log.read(Array(text.utf8)) }
        return log
    }

    private static func bytes(_ byte: UInt8, _ count: Int) -> KeyMaterial {
        KeyMaterial(Array(repeating: byte, count: count))
    }

    // MARK: Keys

    @Test func `Both directions make the keys of an SA`() {
        let log = Self.log(Self.pair("sha384", 32, "aes256", 32))
        #expect(
            log.keys == [
                IKEKeys(
                    initiatorSPI: 0x2e83_1bad_d5ec_98b3, responderSPI: 0x09b4_f272_8727_d1f9,
                    encryption: .init(.cbc, initiatorKey: Self.bytes(0xe1, 32), responderKey: Self.bytes(0xe2, 32)),
                    integrity: .init(.sha384, initiatorKey: Self.bytes(0xa1, 32), responderKey: Self.bytes(0xa2, 32)))
            ])
        #expect(log.unusable == 0)
    }

    @Test(arguments: [
        ("sha1", 20, "aes128", 16, IKEKeys.Integrity.sha1), ("sha256", 32, "aes192", 24, .sha256),
        ("sha384", 32, "aes256", 32, .sha384), ("sha512", 32, "aes256", 32, .sha512),
    ]) func `Every algorithm`(integrity: String, size: Int, cipher: String, keySize: Int, expected: IKEKeys.Integrity)
        throws
    {
        let keys = try #require(Self.log(Self.pair(integrity, size, cipher, keySize)).keys.first)
        #expect(
            keys.integrity
                == .init(expected, initiatorKey: Self.bytes(0xa1, size), responderKey: Self.bytes(0xa2, size)))
        #expect(keys.encryption.initiatorKey == Self.bytes(0xe1, keySize))
    }

    @Test func `Both ends tell of the same SA`() {
        let pair = Self.pair("sha256", 32, "aes256", 32)
        let other = Self.pair("sha256", 32, "aes256", 32, spis: "0x2e831badd5ec98b3 0x0000000000000001")
        let log = Self.log(pair, other + pair)
        #expect(log.keys.map(\.responderSPI) == [0x09b4_f272_8727_d1f9, 1])
        #expect(log.unusable == 0)
    }

    /// One end's lines were cut in two by the end of a capture, the other's not yet written.
    @Test func `Directions from different ends`() {
        let initiator = Self.line("I", Self.word("sha256", "a1", 32), Self.word("aes256", "e1", 32))
        let responder = Self.line("R", Self.word("sha256", "a2", 32), Self.word("aes256", "e2", 32))
        #expect(Self.log(initiator).keys.isEmpty && Self.log(initiator).unusable == 1)
        #expect(Self.log(initiator, responder).keys.count == 1)
        #expect(Self.log(responder, initiator).keys == Self.log(initiator, responder).keys)
    }

    @Test(arguments: [
        ("none", 0, "aes_gcm_16256", 32), ("none", 0, "aes_gcm128", 16), ("none", 0, "chacha20_poly1305256", 32),
        ("sha256", 32, "aes_ctr256", 32), ("aes_xcbc", 16, "aes192", 24),
    ]) func `What Wireshark cannot use is counted`(integrity: String, size: Int, cipher: String, keySize: Int) {
        let text = Self.pair(integrity, size, cipher, keySize).replacing("none:0x", with: "none:")
        let log = Self.log(text)
        #expect(log.keys.isEmpty)
        #expect(log.unusable == 1)
    }

    @Test(arguments: [
        "sha384:0xa1 aes256:0xe1", "sha384 aes256", ": :", "sha256:0x0x aes256:0x", "sha256:0xä aes256:0xé",
        word("sha256", "a1", 31) + " " + word("aes256", "e1", 32),
        word("sha256", "a1", 32) + " " + word("aes256", "e1", 31),
        word("sha256", "a1", 32) + " " + word("aes256", "e1", 16),
        word("sha256", "g1", 32) + " " + word("aes256", "e1", 32),
        word("sha256", "a1", 32) + "1 " + word("aes256", "e1", 32),
        word("sha512", "a1", 64) + " " + word("aes256", "e1", 32),
    ]) func `Malformed keys`(words: String) {
        let parts = words.split(separator: " ").map(String.init)
        let log = Self.log(Self.line("I", parts[0], parts[1]) + Self.line("R", parts[0], parts[1]))
        #expect(log.keys.isEmpty)
        #expect(log.unusable == 1)
    }

    @Test(arguments: [
        "", "\n", "| ", ": | ", "| ikev2 I\n", "| ikev2 I 0x1 0x2 sha256:0xa1 aes256:0xe1\n",
        "| ikev2 X 0x2e831badd5ec98b3 0x09b4f2728727d1f9 sha256:0xa1 aes256:0xe1\n",
        "| ikev2 I 0x+e831badd5ec98b3 0x09b4f2728727d1f9 sha256:0xa1 aes256:0xe1\n",
        "ikev2 I 0x2e831badd5ec98b3 0x09b4f2728727d1f9 sha256:0xa1 aes256:0xe1\n",
        "Nov 21 06:20:49.391336: \"main\" #3: initiator rekeyed IKE SA #1 {cipher=AES_CBC_256 integ=HMAC_SHA2_384_192}\n",
    ]) func `What is no line of keys`(text: String) {
        let log = Self.log(text)
        #expect(log.keys.isEmpty && log.unusable == 0)
    }

    @Test func `Directions that disagree`() {
        let log = Self.log(
            Self.line("I", Self.word("sha256", "a1", 32), Self.word("aes256", "e1", 32))
                + Self.line("R", Self.word("sha384", "a2", 32), Self.word("aes256", "e2", 32)))
        #expect(log.keys.isEmpty && log.unusable == 1)
    }

    // MARK: Masking

    private static func masked(_ text: String) -> String {
        String(decoding: PlutoDebugging.masked(Array(text.utf8)), as: UTF8.self)
    }

    @Test func `Keys are masked and SPIs stay`() {
        let text = Self.pair("sha384", 32, "aes256", 32)
        let masked = Self.masked(text)
        #expect(masked.utf8.count == text.utf8.count)
        #expect(masked.contains("06:20:49.391335: | ikev2 R \(Self.spis) ***"))
        #expect(!masked.contains("a1a1") && !masked.contains("e2e2") && !masked.contains("aes256"))
        #expect(Self.log(masked).keys.isEmpty)
        #expect(Self.masked(masked) == masked)
    }

    @Test func `Other debugging lines are masked`() {
        let text = """
            Nov 21 06:21:14.217356: | ESP enckey:
            Nov 21 06:21:14.217356: |   79 17 2f da  de 63 eb 02   y./..c..
            Nov 21 06:21:14.217357: | ESP authkey:
            | a secret in words
            Nov 21 06:21:14.217359: | ikev2 I 0x12 0x34 sha256:0xa1 aes256:0xe1
            Nov 21 06:21:14.217359: | PSK: näher | ESP enckey:
            Nov 21 06:21:14.217359: "main" #5: responder established Child SA using #4 {ESP/ESN=>0x1eaba81a <0x2d276cc9}
            Nov 21 06:21:14.2
            """
        let stars = { String(repeating: "*", count: $0) }
        #expect(
            Self.masked(text) == """
                Nov 21 06:21:14.217356: | ESP enckey:
                Nov 21 06:21:14.217356: | \(stars(37))
                Nov 21 06:21:14.217357: | ESP authkey:
                | \(stars(17))
                Nov 21 06:21:14.217359: | \(stars(41))
                Nov 21 06:21:14.217359: | \(stars(25))
                Nov 21 06:21:14.217359: "main" #5: responder established Child SA using #4 {ESP/ESN=>0x1eaba81a <0x2d276cc9}
                Nov 21 06:21:14.2
                """)
    }

    @Test(arguments: ["", "\n\n", "Nov 21 06:20:31.190229: \"main\": added IKEv2 connection\n", "no newline"])
    func `The rest stays as it is`(text: String) {
        #expect(Self.masked(text) == text)
    }

    @Test func `Marks name their logs`() {
        #expect(SecretLog.log(markedBy: SecretLog.mark(of: "tgw.pluto.log")) == "tgw.pluto.log")
        #expect(SecretLog.log(markedBy: "tgw.pluto.log") == nil)
    }

    /// What is not text is masked all the same.
    @Test func `Bytes that are no text`() {
        let bytes = Array("x\n| ".utf8) + [0xff, 0xc3, 0x28, 0] + Array("\ny".utf8)
        #expect(PlutoDebugging.masked(bytes) == Array("x\n| ****\ny".utf8))
    }
}
