import Certificates
import LabFiles
import LabModel
import NetworkTypes
import Testing

/// What a lab file says of certificates, and what is wrong with it before anything is built.
@Suite struct CertificateFileTests {
    private static let day: Int64 = 86_400
    private static let date: Int64 = 1_800_000_000

    private struct Authority {
        let name: String
        let authority: CertificateAuthority

        init(_ name: String, from first: Int64 = -10, to last: Int64 = 100) throws {
            self.name = name
            authority = try CertificateAuthority(
                subject: "O=\(name), CN=CA", .ecdsa256, validity: (date + first * day)...(date + last * day))
        }

        func files(
            _ end: String, _ type: CertificateKeyType = .ecdsa256, subject: String? = nil, trusting others: Authority...
        ) throws -> [String: String] {
            let key = try PrivateKey(type)
            let made = try authority.certificate(
                for: key, subject: subject ?? "O=\(name), CN=\(end)", identity: .name("\(end).example.net"))
            let known = others.isEmpty ? [self] : others
            return [
                "\(end).pem": try made.pem(), "\(end).key": try key.pem().reveal(),
                "\(end)-ca.pem": try known.map { try $0.authority.certificate.pem() }.joined(),
            ]
        }
    }

    private static func text(
        west: String = "", east: String = "", both: String = "", daemons: (String, String) = ("libreswan", "strongswan")
    ) -> String {
        """
        name: pair
        nodes:
          west: {role: router, ike: \(daemons.0)}
          east: {role: router, ike: \(daemons.1)}
        links: {wire: {ends: {west:e0: 192.0.2.1/24, east:e0: 192.0.2.2/24}}}
        tunnels:
          vpn:
            \(both)
            ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
            esp: {encryption: aes-256-gcm-16}
            ends:
              west: {address: 192.0.2.1, interface: v0\(west)}
              east: {address: 192.0.2.2, interface: v0\(east)}
        """
    }

    private static func resolve(
        _ text: String, _ files: [String: String] = [:]
    ) throws -> (topology: Topology?, diagnostics: [LabFileDiagnostic]) {
        let file = LabFile(text: text, file: "lab.yaml", date: date) { name in try #require(files[name]) }
        do {
            let (topology, warnings) = try file.resolve()
            return (topology, warnings)
        } catch {
            return (nil, error.diagnostics)
        }
    }

    private static func files(_ name: String, more: String = "") -> String {
        ", certificate: {file: \(name).pem, key: \(name).key, ca: \(name)-ca.pem\(more)}"
    }

    @Test(arguments: CertificateKeyType.allCases)
    func keysOfTheLabsOwnAreOfEachKind(_ type: CertificateKeyType) throws {
        let lab = Self.text(both: "certificate: \(type.rawValue)", daemons: ("strongswan", "strongswan"))
        let tunnel = try #require(try Self.resolve(lab).topology?.tunnel(named: "vpn"))
        for end in tunnel.ends {
            let use = try #require(end.certificate)
            #expect(use.origin == .made(type) && use.family == type.family && use.credential == nil)
            #expect(use.identity == .distinguishedName("O=pair, OU=vpn, CN=\(end.node)"))
        }
    }

    @Test func certificatesAreMadeForTheLabsDate() throws {
        let lab = Self.text(
            west: ", certificate: {key-type: ecdsa-256, identity: west.example.net}",
            both: "certificate: {key-type: rsa-2048, identity: address}")
        var topology = try #require(try Self.resolve(lab).topology)
        try topology.makeCertificates(at: Self.date)
        let ends = try #require(topology.tunnel(named: "vpn")).ends
        let uses = try ends.map { try #require($0.certificate) }
        #expect(uses.map(\.family) == [.ecdsa, .rsa])
        #expect(uses[0].identity == .name("west.example.net"))
        #expect(uses[1].identity == .address(try #require(IPAddress("192.0.2.2"))))
        for (own, peer) in [(uses[0], uses[1]), (uses[1], uses[0])] {
            #expect(own.objection(to: peer, at: Self.date) == nil)
            #expect(own.objection(to: peer, at: Self.date + 9 * 365 * Self.day) == nil)
            #expect(own.objection(to: peer, at: Self.date + 11 * 365 * Self.day) == "certificate has expired")
            // What a stranger has signed has the same identity, and nobody trusts it.
            let credential = try #require(peer.credential)
            let stranger = try #require(credential.stranger)
            var shown = peer
            shown.credential = Credential(own: stranger, authorities: [])
            #expect(own.objection(to: shown, at: Self.date) != nil)
            #expect(try #require(try Certificate.all(pem: stranger.certificate).first).has(peer.identity))
        }
    }

    @Test func `A certificate is valid for as long as the lab file says, and one that is revoked is listed`() throws {
        let lab = Self.text(
            west: ", certificate: {key-type: ecdsa-256, identity: west.example.net, valid: 1h}",
            both: "certificate: {key-type: rsa-2048, identity: address}")
        var topology = try #require(try Self.resolve(lab).topology)
        try topology.makeCertificates(at: Self.date)
        let uses = try #require(topology.tunnel(named: "vpn")).ends.compactMap(\.certificate)
        #expect(uses[1].objection(to: uses[0], at: Self.date + 3599) == nil)
        #expect(uses[1].objection(to: uses[0], at: Self.date + 3601) == "certificate has expired")
        for (own, peer) in [(uses[0], uses[1]), (uses[1], uses[0])] {
            var shown = peer
            // But for the list nothing is wrong with it.
            shown.credential = Credential(own: try #require(peer.credential?.revoked), authorities: [])
            #expect(own.objection(to: shown, at: Self.date) == nil)
            let lists = try #require(own.credential?.revocations)
            #expect(lists.count == 1 && PEMText.bytes(of: lists[0])?.first == 0x30)
        }
    }

    @Test(arguments: [
        ("valid: 59s", "whole seconds from 1m"), ("valid: 3651d", "whole seconds from 1m"), ("valid: soon", "valid"),
    ])
    func `A validity that cannot be is refused`(valid: String, error: String) throws {
        let lab = Self.text(west: ", certificate: {key-type: ecdsa-256, \(valid)}", both: "certificate: ecdsa-256")
        let messages = try Self.resolve(lab).diagnostics.map(\.message)
        #expect(messages.contains { $0.contains(error) }, "\(messages)")
    }

    @Test func filesOfTheUsersAreTaken() throws {
        let (one, other) = (try Authority("one"), try Authority("other"))
        let files = try one.files("west", trusting: other).merging(other.files("east", .rsa2048, trusting: one)) { $1 }
        let lab = Self.text(west: Self.files("west"), east: Self.files("east", more: ", identity: east.example.net"))
        let (topology, diagnostics) = try Self.resolve(lab, files)
        #expect(diagnostics == [])
        let ends = try #require(topology?.tunnel(named: "vpn")).ends
        #expect(ends.map(\.certificate?.identity) == [.distinguishedName("O=one, CN=west"), .name("east.example.net")])
        #expect(ends.map(\.certificate?.family) == [.ecdsa, .rsa])
    }

    private static let west = files("west")
    private static let east = files("east")

    @Test(arguments: [
        ("certificate: ecdsa-521", "", "", "\"ecdsa-521\" is not one of the kinds of key", "Did you mean"),
        ("certificate: {identity: dn}", "", "", "has no \"key-type\"", ""),
        ("certificate: {key-type: ecdsa-256, identity: West}", "", "", "is not dn, address or a DNS name", ""),
        ("certificate: {file: a.pem}", "", "", "has no \"key\"", ""),
        ("certificate: {file: a.pem, key: a.key, ca: ca.pem}", "", "", "a key belongs to one end", "under each end"),
        ("{psk: a-key-of-both, certificate: ecdsa-256}", "", "", "there is a pre-shared key as well", "Remove"),
        (
            "psk: a-key-of-both", ", certificate: ecdsa-256", "",
            "west authenticates by certificate and east by a pre-shared key", "for both ends"
        ),
        (
            "certificate: ed25519", "", "",
            "west would have to sign or to check with Ed25519: libreswan 4.10 signs IKE with RSA and ECDSA alone",
            "`ike: strongswan`"
        ),
        (
            "certificate: ecdsa-256", ", ike-version: 1", "", "with IKEv1 netlab configures no certificates",
            "Leave `ike-version:` out"
        ),
        (
            "", west, ", certificate: ecdsa-256", "the lab's own CA, which the files of west cannot know",
            "Give both ends files"
        ),
    ])
    func whatCannotBeIsSaid(both: String, west: String, east: String, message: String, remedy: String) throws {
        let one = try Authority("one")
        let files = try one.files("west").merging(one.files("east")) { $1 }
        let isPair = both.hasPrefix("{")
        var lab = Self.text(west: west, east: east, both: isPair ? "" : both)
        if isPair {
            lab.replace(
                "    \n", with: both.dropFirst().dropLast().split(separator: ", ").map { "    \($0)\n" }.joined())
        }
        if west.contains("ike-version") { lab.replace("interface: v0}", with: "interface: v0, ike-version: 1}") }
        let (_, diagnostics) = try Self.resolve(lab, files)
        let errors = diagnostics.filter { $0.severity == .error }
        #expect(errors.count == 1, "\(errors)")
        #expect(errors.first?.message.contains(message) ?? false, "\(errors)")
        #expect(remedy.isEmpty || errors.first?.remedy.contains(remedy) ?? false, "\(errors)")
        #expect(errors.first?.line ?? 0 > 6, "\(errors)")
    }

    @Test func whatIsWrongInFilesIsSaid() throws {
        let one = try Authority("one")
        let good = try one.files("west").merging(one.files("east")) { $1 }
        let stranger = try Authority("stranger")
        let gone = try Authority("gone", to: -1)
        let early = try Authority("early", from: 1)
        let soon = try Authority("soon", to: 2)
        let odd = try one.files("west", subject: "O=one (of two) + two, CN=west")
        let cases: [([String: String], String, String, Int)] = [
            (
                ["west.key": try one.files("west")["west.key"] ?? ""],
                "the key in west.key is not that of the certificate in west.pem", "openssl x509", 12
            ),
            (["west.pem": "text"], "west.pem cannot be used: it has no certificate in PEM", "Write it in PEM", 12),
            (
                ["west.key": good["west.pem"] ?? ""], "west.key cannot be used: it has no private key in PEM",
                "Write it in PEM", 12
            ),
            (
                ["west.pem": (good["west.pem"] ?? "") + (good["east.pem"] ?? "")], "west.pem has 2 certificates",
                "into the `ca:` of its peer", 12
            ),
            (
                try gone.files("west"), "west.pem has expired: it was valid until 2027-01-14 08:00:00 UTC",
                "the machine's when it comes up", 12
            ),
            (
                try early.files("west"), "west.pem is not valid before 2027-01-16 08:00:00 UTC", "Have a new one made",
                12
            ),
            (
                try stranger.files("west", trusting: one),
                "east does not take its peer's west.pem by what is in east-ca.pem: unable to get local issuer certificate",
                "Put the certificate of the CA that signed west.pem into east-ca.pem", 13
            ),
            (odd, "daemons do not all read the subject of west.pem", "alternative names: DNS:west.example.net", 12),
        ]
        for (change, message, remedy, line) in cases {
            let files = good.merging(change) { $1 }
            let diagnostics = try Self.resolve(Self.text(west: Self.west, east: Self.east), files).diagnostics
            let errors = diagnostics.filter { $0.severity == .error }
            #expect(
                errors.contains { $0.message.contains(message) && $0.remedy.contains(remedy) && $0.line == line },
                "\(errors)")
            #expect(errors.allSatisfy { !$0.description.contains("PRIVATE KEY") })
        }
        let (_, warnings) = try Self.resolve(
            Self.text(west: Self.west, east: Self.east), try soon.files("west").merging(soon.files("east")) { $1 })
        #expect(
            warnings.contains { $0.severity == .warning && $0.message.contains("a lab's clock may get there soon") })
        #expect(warnings.allSatisfy { $0.severity == .warning })
        #expect(try Self.resolve(Self.text(west: Self.west, east: Self.east), good).diagnostics == [])
    }

    @Test func anIdentityIsInTheCertificate() throws {
        let one = try Authority("one")
        let files = try one.files("west").merging(one.files("east")) { $1 }
        for (identity, isThere) in [
            ("west.example.net", true), ("dn", true), ("east.example.net", false), ("address", false),
        ] {
            let lab = Self.text(west: Self.files("west", more: ", identity: \(identity)"), east: Self.east)
            let errors = try Self.resolve(lab, files).diagnostics.map(\.message)
            #expect(errors.isEmpty == isThere, "\(errors)")
            #expect(
                isThere
                    || errors.allSatisfy {
                        $0.contains("is in west.pem neither as the subject nor as an alternative name")
                    })
        }
    }

    /// Users' own ipsec.conf and swanctl.conf that sign.
    @Test func ownConfigurationsNameTheirCertificate() throws {
        let one = try Authority("one")
        let pluto = { (more: String) in
            "conn c\n    auto=start\n    left=192.0.2.1\n    right=192.0.2.2\n    leftid=@west.example.net\n    rightid=@east.example.net\n    leftsubnet=0.0.0.0/0\n    rightsubnet=0.0.0.0/0\n    mark=5/0xffffffff\n    vti-interface=v0\n\(more)"
        }
        func charon(_ auth: String, _ certificate: String) -> String {
            "connections {\n  c {\n    local_addrs = 192.0.2.2\n    remote_addrs = 192.0.2.1\n    local {\n      auth = \(auth)\n      certs = \(certificate)\n      id = east.example.net\n    }\n    remote {\n      auth = pubkey\n      id = west.example.net\n    }\n    children {\n      n {\n        local_ts = 0.0.0.0/0\n        remote_ts = 0.0.0.0/0\n        if_id_in = 5\n        if_id_out = 5\n      }\n    }\n  }\n}\n"
        }
        let files = try one.files("west").merging(one.files("east")) { $1 }
        func errors(_ west: String, _ east: String, _ westKeys: String, _ eastKeys: String) throws -> [String] {
            let lab = """
                name: pair
                nodes:
                  west: {role: router}
                  east: {role: router, ike: strongswan}
                links: {wire: {ends: {west:e0: 192.0.2.1/24, east:e0: 192.0.2.2/24}}}
                tunnels:
                  vpn:
                    ends:
                      west: {config: west.conf, connection: c, interface: v0\(westKeys)}
                      east: {config: east.conf, connection: c, interface: v0\(eastKeys)}
                """
            return try Self.resolve(lab, files.merging(["west.conf": west, "east.conf": east, "keys": ""]) { $1 })
                .diagnostics.filter { $0.severity == .error }.map { "\($0.message) \($0.remedy)" }
        }
        let (westKeys, eastKeys) = (Self.west, Self.east)
        #expect(try errors(pluto("    leftcert=mine\n"), charon("pubkey", "east.pem"), westKeys, eastKeys) == [])
        let without = try errors(pluto("    leftcert=mine\n"), charon("pubkey", "east.pem"), ", secrets: keys", "")
        #expect(
            without.count == 2
                && without.allSatisfy { $0.contains("`certificate: {file: CERTIFICATE, key: KEY, ca: CA}`") })
        let unnamed = try errors(pluto(""), charon("pubkey", "other.pem"), westKeys, eastKeys)
        #expect(unnamed.count == 2)
        #expect(
            unnamed.contains {
                $0.contains("does not say which certificate it signs with") && $0.contains("`leftcert=west.pem`")
            })
        #expect(unnamed.contains { $0.contains("names the certificate other.pem, and the lab file has east.pem") })
        let misnamed = try errors(
            pluto("    leftcert=mine\n").replacing("leftid=@west", with: "leftid=@north"),
            charon("pubkey", "east.pem"), westKeys, eastKeys)
        #expect(
            misnamed.contains { $0.contains("calls it north.example.net, which is in west.pem neither as the subject") }
        )
        let shared = try errors(pluto("    leftcert=mine\n"), charon("psk", "east.pem"), westKeys, eastKeys)
        #expect(
            shared.contains { $0.contains("in east.conf of east the connection authenticates by a pre-shared key") })
    }

    @Test func aFaultIsOfTheWayThatTheTunnelAuthenticates() throws {
        let topology = try #require(try Self.resolve(Self.text(both: "certificate: ecdsa-256")).topology)
        #expect(
            try Fault("mismatch vpn certificate", in: topology) == .mismatch(tunnel: "vpn", .certificate, node: "west"))
        #expect(throws: FaultError.self) { try Fault("mismatch vpn psk", in: topology) }
        let other = try #require(try Self.resolve(Self.text(both: "psk: a-key-of-both")).topology)
        #expect(throws: FaultError.self) { try Fault("mismatch vpn certificate", in: other) }
    }
}
