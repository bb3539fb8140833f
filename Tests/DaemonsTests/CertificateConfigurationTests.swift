import Certificates
import DaemonProfiles
import Daemons
import LabModel
import Testing

/// What the daemons read where a tunnel authenticates by certificates.
@Suite struct CertificateConfigurationTests {
    private static func topology(
        _ main: String, _ daemons: (String, String) = ("libreswan", "strongswan"), isMade: Bool = true
    ) throws -> Topology {
        var topology = try Fixture.topology { text in
            text.replacing("psk: main-tunnel-example-key", with: main)
                .replacing("tgw: {role: router,", with: "tgw: {role: router, ike: \(daemons.0),")
                .replacing("drg: {role: router,", with: "drg: {role: router, ike: \(daemons.1),")
                .replacing("group: 20", with: "group: 14").replacing("pfs-group: 5", with: "pfs-group: 14")
        }
        if isMade { try topology.makeCertificates(at: 1_800_000_000) }
        return topology
    }

    private static func setUp(_ daemon: any KeyDaemon, at node: String, _ topology: Topology) -> DaemonSetUp {
        daemon.setUp(at: node, in: topology)
    }

    private static func lines(_ setUp: DaemonSetUp, _ path: String) throws -> [String] {
        let file = try #require(setUp.files.first { $0.path == path })
        return file.contents.reveal().split(separator: "\n").map { $0.drop { $0 == " " } }.map(String.init)
    }

    @Test func plutoIsToldTheNameInItsStore() throws {
        let topology = try Self.topology("certificate: ecdsa-256")
        let setUp = Self.setUp(Libreswan(), at: "tgw", topology)
        let conf = try Self.lines(setUp, "/etc/ipsec.d/main.conf")
        for line in [
            "authby=ecdsa", "leftcert=netlab-main", "leftid=\"O=two, OU=main, CN=tgw\"",
            "rightid=\"O=two, OU=main, CN=drg\"", "leftsendcert=always", "rightca=%any",
        ] {
            #expect(conf.contains(line), "\(line)")
        }
        #expect(!conf.contains { $0.contains("secret") })
        // The other tunnel has its key, and this one has none.
        #expect(!setUp.files.contains { $0.path == "/etc/ipsec.d/main.secrets" })
        #expect(setUp.files.contains { $0.path == "/etc/ipsec.d/main-2.secrets" })
        let store = try #require(setUp.keyStore)
        #expect(store.entries.map(\.name) == ["netlab-main", "stranger-netlab-main"])
        #expect(store.entries.map(\.authorities.count) == [1, 0])
        // One whose certificate is not made yet, as `plan` shows it, has a store all the same.
        let planned = Self.setUp(Libreswan(), at: "tgw", try Self.topology("certificate: ecdsa-256", isMade: false))
        #expect(planned.keyStore?.entries == [] && planned.keyStore?.names == ["netlab-main"])
    }

    @Test(arguments: [
        ("rsa-3072", "rsa-3072", ["authby=rsa-sha2"]), ("ecdsa-384", "ecdsa-256", ["authby=ecdsa"]),
        ("rsa-3072", "ecdsa-256", ["leftauth=rsasig", "rightauth=ecdsa"]),
        ("ecdsa-256", "rsa-2048", ["leftauth=ecdsa", "rightauth=rsasig"]),
    ])
    func plutoIsToldWhatEachEndSignsWith(own: String, peer: String, expected: [String]) throws {
        var topology = try Self.topology("certificate: \(peer)", ("libreswan", "libreswan"), isMade: false)
        let type = try #require(CertificateKeyType(rawValue: own))
        let main = try #require(topology.tunnels.firstIndex { $0.name == "main" })
        let use = try #require(topology.tunnels[main].ends[0].certificate)
        topology.tunnels[main].ends[0].proposal?.authentication = .certificate(
            CertificateUse(
                origin: .made(type), family: type.family, subject: use.subject, identity: use.identity, name: use.name,
                credential: nil))
        let conf = try Self.lines(Self.setUp(Libreswan(), at: "tgw", topology), "/etc/ipsec.d/main.conf")
        #expect(conf.filter { $0.hasPrefix("authby") || $0.contains("auth=") } == expected)
    }

    @Test func charonFindsFilesByTheirNames() throws {
        let topology = try Self.topology("certificate: {key-type: rsa-2048, identity: address}")
        let setUp = Self.setUp(StrongSwan(), at: "drg", topology)
        let conf = try Self.lines(setUp, "/etc/swanctl/conf.d/main.conf")
        for line in [
            "auth = pubkey", "certs = netlab-main.pem", "id = \"198.51.100.10\"", "id = \"203.0.113.10\"",
            "cacerts = ca-1-of-netlab-main.pem", "send_cert = always",
        ] {
            #expect(conf.contains(line), "\(line)")
        }
        let use = try #require(topology.tunnel(named: "main")?.ends.first { $0.node == "drg" }?.certificate)
        let credential = try #require(use.credential)
        let contents = Dictionary(uniqueKeysWithValues: setUp.files.map { ($0.path, $0) })
        #expect(contents["/etc/swanctl/x509/netlab-main.pem"]?.contents.reveal() == credential.own.certificate)
        #expect(contents["/etc/swanctl/x509ca/ca-1-of-netlab-main.pem"]?.contents.reveal() == credential.authorities[0])
        let key = try #require(contents["/etc/swanctl/private/netlab-main.pem"])
        #expect(key.contents == credential.own.key && key.isSecret)
        #expect(setUp.files.allSatisfy { $0.isSecret || !$0.contents.reveal().contains("PRIVATE KEY") })
        let settings = try Self.lines(setUp, "/etc/strongswan.conf")
        #expect(settings.contains("rsa_pss = yes"))
        #expect(settings.contains { $0.hasPrefix("load = ") && $0.contains(" pem ") && $0.contains(" x509 ") })
        // Where nobody has a certificate, charon loads what it did.
        let without = try Self.topology("psk: main-tunnel-example-key")
        #expect(
            try Self.lines(Self.setUp(StrongSwan(), at: "drg", without), "/etc/strongswan.conf")
                .allSatisfy { !$0.contains("x509") && !$0.contains("rsa_pss") })
    }

    @Test func `What the lab's CA has revoked is in either daemon's store`() throws {
        let text = "certificate: {key-type: ecdsa-256, identity: address}"
        let topology = try Self.topology(text, ("libreswan", "strongswan"))
        let view = topology.misconfigured(at: "tgw", by: [.mismatch(tunnel: "main", .revoked, node: "tgw")])
        let store = try #require(Self.setUp(Libreswan(), at: "tgw", topology).keyStore)
        #expect(store.entries.map(\.name) == ["netlab-main", "stranger-netlab-main", "revoked-netlab-main"])
        #expect(store.revocations.count == 1 && store.revocations[0].hasPrefix("-----BEGIN X509 CRL-----"))
        let conf = try Self.lines(Self.setUp(Libreswan(), at: "tgw", view), "/etc/ipsec.d/main.conf")
        #expect(conf.contains("leftcert=revoked-netlab-main") && !conf.contains("leftid=%fromcert"))
        let peer = Self.setUp(StrongSwan(), at: "drg", topology)
        #expect(peer.files.contains { $0.path == "/etc/swanctl/x509crl/revoked.pem" })
        #expect(peer.files.contains { $0.path == "/etc/swanctl/x509/revoked-netlab-main.pem" })
        #expect(try Self.lines(peer, "/etc/strongswan.conf").contains { $0.contains(" revocation ") })
    }

    @Test(arguments: [("dn", "%fromcert", nil), ("tgw.example.net", "@tgw.example.net", "tgw.example.net")])
    func aStrangerIsShownUnderTheSameName(identity: String, left: String, id: String?) throws {
        for daemon in ["libreswan", "strongswan"] {
            let topology = try Self.topology(
                "certificate: {key-type: ecdsa-256, identity: \(identity)}", (daemon, "strongswan"))
            let view = topology.misconfigured(
                at: "tgw", by: [.mismatch(tunnel: "main", .certificate, node: "tgw")])
            let profile = try #require(DaemonRegistry.keyDaemons.first { $0.keyword == daemon })
            let (before, after) = (Self.setUp(profile, at: "tgw", topology), Self.setUp(profile, at: "tgw", view))
            // Only the connection is another: what it names is there from the beginning.
            let changed = after.files.filter { !before.files.contains($0) }
            #expect(changed.count == 1)
            #expect(before.keyStore == after.keyStore)
            let conf = try Self.lines(after, try #require(changed.first).path)
            if daemon == "libreswan" {
                #expect(conf.contains("leftcert=stranger-netlab-main") && conf.contains("leftid=\(left)"))
            } else {
                #expect(conf.contains("certs = stranger-netlab-main.pem"))
                #expect(conf.count { $0.hasPrefix("id = ") } == (id == nil ? 1 : 2))
            }
        }
    }
}
