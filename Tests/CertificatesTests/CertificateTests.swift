import Certificates
import LabModel
import NetworkTypes
import Testing

@Suite struct CertificateTests {
    private static let day: Int64 = 86_400
    private static let now: Int64 = 1_800_000_000
    private static let validity = (now - day)...(now + day)

    private func authority(_ name: String = "CA") throws -> CertificateAuthority {
        try CertificateAuthority(subject: "O=test, CN=\(name)", .ecdsa256, validity: Self.validity)
    }

    @Test(arguments: CertificateKeyType.allCases)
    func everyKindOfKeyIsCertified(_ type: CertificateKeyType) throws {
        let key = try PrivateKey(type)
        let ca = try authority()
        let identity = IKEIdentity.name("west.example.net")
        let made = try ca.certificate(for: key, subject: "O=test, OU=vpn, CN=west", identity: identity)
        // As a daemon reads them: from PEM.
        let read = try #require(try Certificate.all(pem: made.pem()).first)
        #expect(read.family == type.family)
        #expect(read.fits(try PrivateKey(pem: key.pem())))
        #expect(!read.fits(try PrivateKey(type)))
        #expect(try read.subject == "O=test, OU=vpn, CN=west")
        #expect(read.alternativeNames == "DNS:west.example.net")
        #expect(try read.validity == Self.validity)
        #expect(try read.objection(trusting: [ca.certificate], at: Self.now) == nil)
        if let bits = type.rawValue.split(separator: "-").last.flatMap({ Int($0) }) { #expect(read.keyBits == bits) }
    }

    @Test func identitiesAreTheSubjectOrAnAlternativeNameToTheLetter() throws {
        let key = try PrivateKey(.ecdsa256)
        let ca = try authority()
        let subject = "O=test, CN=west"
        let plain = try ca.certificate(for: key, subject: subject, identity: .distinguishedName(subject))
        #expect(plain.alternativeNames == "")
        #expect(plain.has(.distinguishedName(subject)))
        #expect(!plain.has(.distinguishedName("CN=west, O=test")))
        // A name is no alternative name because it is in the subject.
        #expect(!plain.has(.name("west")))
        let address = try #require(IPAddress("192.0.2.1"))
        let other = try #require(IPAddress("192.0.2.2"))
        let addressed = try ca.certificate(for: key, subject: subject, identity: .address(address))
        #expect(addressed.has(.address(address)))
        #expect(!addressed.has(.address(other)))
        let six = try #require(IPAddress("2001:db8::1"))
        #expect(try ca.certificate(for: key, subject: subject, identity: .address(six)).has(.address(six)))
        let pattern = try ca.certificate(for: key, subject: subject, identity: .name("*.example.net"))
        #expect(!pattern.has(.name("west.example.net")))
    }

    @Test func whoIsNotTrustedOrNotValidIsRefused() throws {
        let ca = try authority()
        let made = try ca.certificate(
            for: try PrivateKey(.ecdsa256), subject: "O=test, CN=west", identity: .name("west"))
        let stranger = try authority("CA")
        #expect(try made.objection(trusting: [], at: Self.now) != nil)
        // Of the same name, and with another key.
        #expect(try made.objection(trusting: [stranger.certificate], at: Self.now) != nil)
        #expect(try made.objection(trusting: [stranger.certificate, ca.certificate], at: Self.now) == nil)
        #expect(
            try made.objection(trusting: [ca.certificate], at: Self.now + 2 * Self.day)
                == "certificate has expired")
        #expect(
            try made.objection(trusting: [ca.certificate], at: Self.now - 2 * Self.day)
                == "certificate is not yet valid")
        // An end's certificate signs no other one.
        #expect(try ca.certificate.objection(trusting: [made], at: Self.now) != nil)
    }

    @Test func whatIsNoCertificateIsAnError() throws {
        let pem = try authority().certificate.pem()
        #expect(try Certificate.all(pem: pem + "\nand text\n" + pem).count == 2)
        for text in [
            "", "text", pem.replacing("-----END", with: "-----ENDE"), pem + "-----BEGIN CERTIFICATE-----\nAAAA\n",
        ] {
            #expect(throws: CertificateError.self, "\(text)") { try Certificate.all(pem: text) }
        }
        #expect(throws: CertificateError.self) { try PrivateKey(pem: Secret(pem)) }
        #expect(throws: CertificateError("the key is protected by a passphrase")) {
            try PrivateKey(pem: Secret(Self.lockedKey))
        }
    }

    @Test func aKeyShowsNothing() throws {
        let key = try PrivateKey(.ecdsa256).pem()
        #expect(key.reveal().hasPrefix("-----BEGIN PRIVATE KEY-----"))
        let credential = Credential(own: CertifiedKey(certificate: "", key: key), authorities: [])
        let line = try #require(key.reveal().split(separator: "\n").dropFirst().first)
        #expect(!String(reflecting: credential).contains(line))
        #expect(!"\(Authentication.certificate(Self.use(credential)))".contains(line))
    }

    @Test func aBundleIsPKCS12() throws {
        let ca = try authority()
        let key = try PrivateKey(.rsa2048)
        let made = try ca.certificate(for: key, subject: "CN=west", identity: .name("west"))
        let pair = CertifiedKey(certificate: try made.pem(), key: try key.pem())
        let bytes = try KeyBundle.bytes(of: pair, name: "vpn")
        // A SEQUENCE with a long length, whose first member is version 3 (RFC 7292, section 4).
        #expect(bytes.prefix(2) == [0x30, 0x82])
        #expect(bytes.dropFirst(4).prefix(3) == [0x02, 0x01, 0x03])
        let other = CertifiedKey(certificate: try made.pem(), key: try PrivateKey(.rsa2048).pem())
        #expect(throws: CertificateError.self) { try KeyBundle.bytes(of: other, name: "vpn") }
    }

    @Test func datesAreInUTC() {
        #expect(CertificateDate.text(0) == "1970-01-01 00:00:00 UTC")
        #expect(CertificateDate.text(1_800_000_000) == "2027-01-15 08:00:00 UTC")
    }

    private static func use(_ credential: Credential) -> CertificateUse {
        CertificateUse(
            origin: .made(.ecdsa256), family: .ecdsa, subject: "CN=west", identity: .name("west"), name: "west",
            credential: credential)
    }

    /// Made with `openssl genpkey -algorithm ED25519 -aes128 -pass pass:secret`.
    private static let lockedKey = """
        -----BEGIN ENCRYPTED PRIVATE KEY-----
        MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiKRjvYOLwYMQICCAAw
        DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEENeiI7jSyFpdBbmjl3BzpJEEQN+G
        khgynGEnZFzoclDBBpKHFlG4H1Y5nOGBA3mL881z+UIy0vIjt9AxNHtod3K6KQqC
        kZsapyt8fuXwmDFIhBw=
        -----END ENCRYPTED PRIVATE KEY-----
        """
}
