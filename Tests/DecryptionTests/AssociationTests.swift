import Decryption
import Foundation
import NetworkTypes
import Testing

@Suite struct AssociationTests {
    private static let secret = KeyMaterial([0xDE, 0xAD, 0xBE, 0xEF])

    @Test func `A key is never shown`() {
        var association = ESPAssociation.between(ESPAssociation.cbc, ESPAssociation.sha256)
        association.encryption.key = Self.secret
        var dumped = ""
        dump(association, to: &dumped)
        dump(Self.secret, to: &dumped)
        let shown = [
            dumped, "\(association)", String(reflecting: association), "\(Self.secret)",
            String(reflecting: Self.secret),
            String(describing: Mirror(reflecting: Self.secret).children.map(\.value)),
        ].joined().lowercased()
        for trace in ["dead", "222, 173", "deadbeef", "222"] { #expect(!shown.contains(trace)) }
        #expect(shown.contains("32 bits, not shown"))
        #expect(Mirror(reflecting: Self.secret).children.isEmpty)
    }

    @Test func `An association is the same after a trip through JSON`() throws {
        var association = ESPAssociation.between(ESPAssociation.cbc, ESPAssociation.sha256, extended: true)
        association.encapsulation = .init(sourcePort: 4500, destinationPort: 32_001)
        let data = try JSONEncoder().encode(association)
        #expect(try JSONDecoder().decode(ESPAssociation.self, from: data) == association)
        #expect(try JSONDecoder().decode([KeyMaterial].self, from: Data("[\"deadBEEF\"]".utf8)) == [Self.secret])
    }

    @Test(arguments: ["dea", "deadbeeg", "0xdeadbeef", "de ad", "dé"])
    func `What is not a key is refused, and not shown either`(_ text: String) throws {
        let data = try JSONEncoder().encode([text])
        let error = #expect(throws: DecodingError.self) { try JSONDecoder().decode([KeyMaterial].self, from: data) }
        #expect(!"\(String(describing: error))".contains(text))
    }

    @Test func `An unknown cipher is refused, with those that are known`() throws {
        let association = ESPAssociation.between(
            .init(name: "cbc(camellia)", key: KeyMaterial(Array(0..<16))), ESPAssociation.sha256)
        let error = try #require(throws: DecryptionError.self) { try ESPDecryptor(association) }
        #expect(error.code == .unsupported)
        for part in ["cbc(camellia)", "192.0.2.1 → 198.51.100.2", "12345678", "rfc4106(gcm(aes))", "cbc(aes)"] {
            #expect(error.message.contains(part))
        }
    }

    @Test func `An unknown integrity algorithm is refused, with those that are known`() throws {
        let association = ESPAssociation.between(
            ESPAssociation.cbc, .init(name: "hmac(md5)", key: KeyMaterial(Array(0..<16)), tagBits: 96))
        let error = try #require(throws: DecryptionError.self) { try ESPSealer(association) }
        #expect(error.code == .unsupported)
        #expect(error.message.contains("hmac(md5)") && error.message.contains("xcbc(aes)"))
    }

    /// What is wrong with each, by the code that says so.
    static let wrong: [(ESPAssociation, DecryptionError.Code, String)] = [
        (.between(ESPAssociation.cbc), .invalid, "give the integrity algorithm"),
        (.between(ESPAssociation.gcm, ESPAssociation.sha256), .invalid, "leave out hmac(sha256)"),
        (.between(.init(name: "cbc(aes)", key: KeyMaterial(Array(0..<36))), ESPAssociation.sha256), .invalid, "288"),
        (
            .between(.init(name: "cbc(des3_ede)", key: KeyMaterial(Array(0..<16))), ESPAssociation.sha256), .invalid,
            "192 bits, salt included, not 128"
        ),
        (
            .between(.init(name: "rfc4106(gcm(aes))", key: KeyMaterial(Array(0..<32)), tagBits: 128)), .invalid,
            "160 or 224 or 288"
        ),
        (
            .between(.init(name: "rfc4106(gcm(aes))", key: KeyMaterial(Array(0..<2)), tagBits: 128)), .invalid, "not 16"
        ),
        (
            .between(.init(name: "rfc4106(gcm(aes))", key: KeyMaterial(Array(0..<36)), tagBits: 32)), .unsupported,
            "64, 96, 128"
        ),
        (
            .between(
                ESPAssociation.cbc, .init(name: "hmac(sha256)", key: KeyMaterial(Array(0..<32)), tagBits: 512)),
            .invalid, "64 to 256"
        ),
        (
            .between(ESPAssociation.cbc, .init(name: "hmac(sha256)", key: KeyMaterial(Array(0..<32)))), .invalid,
            "64 to 256"
        ),
        (
            .between(ESPAssociation.cbc, .init(name: "xcbc(aes)", key: KeyMaterial(Array(0..<20)), tagBits: 96)),
            .invalid, "128 bits, not 160"
        ),
    ]

    @Test(arguments: wrong)
    func `Lengths that do not fit are refused, with what would do`(
        _ association: ESPAssociation, _ code: DecryptionError.Code, _ part: String
    ) throws {
        let error = try #require(throws: DecryptionError.self) { try ESPDecryptor(association) }
        #expect(error.code == code)
        #expect(error.message.contains(part), "\(error.message)")
    }
}
