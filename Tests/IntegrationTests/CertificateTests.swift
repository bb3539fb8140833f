import Certificates
import Foundation
import LabModel
import NetworkTypes
import Testing

/// Tunnels that authenticate by certificates: of the lab's own CA, of files of the user's, and by configurations of the user's.
// Waiting for other labs counts, too.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct CertificateTests {
    /// Each pair of daemons, with three kinds of key and of identity.
    @Test func `Each pair of daemons comes up and renews its keys`() async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", "certificates", "--clock", "paused")
            let lab = RunningLab(home: home, name: "certificates")
            try await home.netlab.succeed("check", "certificates")
            let before = try await lab.status().tunnels.flatMap(\.associations).map(\.spi)
            #expect(before.count == 12)
            // Twice IKE's lifetime, and more: certificates are valid for longer.
            _ = try await lab.clock("advance", "20h")
            let check = try await home.netlab.run("check", "certificates")
            #expect(check.code == 0 && check.output.contains("8 passed"), check.account)
            let after = try await lab.status().tunnels.flatMap(\.associations).map(\.spi)
            #expect(after.count == 12 && Set(after).isDisjoint(with: before))
            try await expectNoKeys(below: home)
        }
    }

    /// What nobody trusts keeps a tunnel down, whichever end shows it to whichever daemon.
    @Test(arguments: [
        ("works", "hq-gw", "SEC_ERROR_UNKNOWN_ISSUER", "plant-gw/pluto"),
        ("office", "hq-gw", "no issuer certificate found", "branch-gw/charon"),
        ("office", "branch-gw", "SEC_ERROR_UNKNOWN_ISSUER", "hq-gw/pluto"),
        ("stores", "branch-gw", "no issuer certificate found", "depot-gw/charon"),
        ("stores", "depot-gw", "no issuer certificate found", "branch-gw/charon"),
    ])
    func `A stranger's certificate is refused`(tunnel: String, node: String, reason: String, by: String) async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", "certificates", "--clock", "paused")
            let lab = RunningLab(home: home, name: "certificates")
            try await home.netlab.succeed("fail", "certificates", "mismatch \(tunnel) certificate at \(node)")
            _ = try await lab.clock("advance", "60s")
            let status = try await lab.status()
            for seen in status.tunnels {
                #expect(seen.state == (seen.name == tunnel ? "down" : "up"), "\(seen.name)")
            }
            let logs = try await home.netlab.run("logs", "certificates", by)
            #expect(logs.output.contains(reason), logs.account)
            try await home.netlab.succeed("heal", "certificates", "all")
            _ = try await lab.until("tunnel \(tunnel) up", within: .seconds(60))
        }
    }

    /// What the CA has revoked keeps a tunnel down, whichever end shows it to whichever daemon.
    @Test(arguments: [
        ("office", "hq-gw", "certificate was revoked", "branch-gw/charon"),
        ("office", "branch-gw", "SEC_ERROR_REVOKED_CERTIFICATE", "hq-gw/pluto"),
        ("stores", "depot-gw", "certificate was revoked", "branch-gw/charon"),
    ])
    func `A revoked certificate is refused`(tunnel: String, node: String, reason: String, by: String) async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", "certificates", "--clock", "paused")
            let lab = RunningLab(home: home, name: "certificates")
            try await home.netlab.succeed("fail", "certificates", "certificate \(tunnel) revoked at \(node)")
            _ = try await lab.clock("advance", "60s")
            for seen in try await lab.status().tunnels {
                #expect(seen.state == (seen.name == tunnel ? "down" : "up"), "\(seen.name)")
            }
            let logs = try await home.netlab.run("logs", "certificates", by)
            #expect(logs.output.contains(reason), logs.account)
            try await home.netlab.succeed("heal", "certificates", "all")
            _ = try await lab.until("tunnel \(tunnel) up", within: .seconds(60))
        }
    }

    /// Its end shows the authority's certificate as well; the peer knows the CA alone.
    @Test(arguments: [
        ("libreswan", "libreswan"), ("libreswan", "strongswan"), ("strongswan", "libreswan"),
        ("strongswan", "strongswan"),
    ])
    func `An intermediate authority's signature is taken`(one: String, other: String) async throws {
        try await LabHome.with { home in
            let directory = home.path.appending("chain")
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: false)
            try """
            name: chain
            nodes: {west: {role: router, ike: \(one)}, east: {role: router, ike: \(other)}}
            links: {wire: {ends: {west:e0: 203.0.113.1/30, east:e0: 203.0.113.2/30}, delay: 1ms}}
            tunnels:
              vpn:
                ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
                esp: {encryption: aes-256-gcm-16, pfs-group: 14}
                ends:
                  west:
                    address: 203.0.113.1
                    interface: v0
                    inside: 169.254.100.1/30
                    certificate: {key-type: ecdsa-256, intermediate: true}
                  east:
                    address: 203.0.113.2
                    interface: v0
                    inside: 169.254.100.2/30
                    certificate: ecdsa-256
                    startup: listen
            probes: {across: {from: west, to: 169.254.100.2}}
            expect: {keys: {sa: vpn}, wire: {encapsulation: across, in: vpn}}

            """.write(toFile: "\(directory)/lab.yaml", atomically: true, encoding: .utf8)
            let up = try await home.netlab.execute(Netlab.program, ["up", directory.string, "--clock", "paused"])
            #expect(up.code == 0, up.account)
            let check = try await home.netlab.run("check", "chain")
            #expect(check.code == 0 && check.output.contains("2 passed"), check.account)
            guard other == "strongswan" else { return }
            let logs = try await home.netlab.run("logs", "chain", "east/charon")
            #expect(logs.output.contains("received issuer cert \"O=chain, CN=intermediate CA\""), logs.account)
        }
    }

    /// Renewals do not authenticate; a daemon that starts anew has to.
    @Test(arguments: [
        ("libreswan", "strongswan", "SEC_ERROR_EXPIRED_CERTIFICATE", "west/pluto"),
        ("strongswan", "strongswan", "subject certificate invalid", "west/charon"),
    ])
    func `An expired certificate is refused at the next authentication`(
        peer: String, own: String, reason: String, by: String
    ) async throws {
        try await LabHome.with { home in
            let directory = home.path.appending("ageing")
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: false)
            try """
            name: ageing
            nodes: {west: {role: router, ike: \(peer)}, east: {role: router, ike: \(own)}}
            links: {wire: {ends: {west:e0: 203.0.113.1/30, east:e0: 203.0.113.2/30}, delay: 1ms}}
            tunnels:
              vpn:
                ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
                esp: {encryption: aes-256-gcm-16, pfs-group: 14, lifetime: 3m}
                ends:
                  west: {address: 203.0.113.1, interface: v0, inside: 169.254.100.1/30, certificate: ecdsa-256, startup: listen}
                  east:
                    address: 203.0.113.2
                    interface: v0
                    inside: 169.254.100.2/30
                    certificate: {key-type: ecdsa-256, valid: 10m}
            probes: {across: {from: west, to: 169.254.100.2}}

            """.write(toFile: "\(directory)/lab.yaml", atomically: true, encoding: .utf8)
            try await home.netlab.succeed("up", directory.string, "--clock", "paused")
            let lab = RunningLab(home: home, name: "ageing")
            let restart = "daemon east/\(own == "libreswan" ? "pluto" : "charon") restarted"
            try await home.netlab.succeed("fail", "ageing", restart)
            _ = try await lab.until("tunnel vpn up", within: .seconds(60))
            _ = try await lab.clock("advance", "12m")
            #expect(try await lab.status().tunnels.map(\.state) == ["up"])
            try await home.netlab.succeed("fail", "ageing", restart)
            _ = try await lab.clock("advance", "60s")
            #expect(try await lab.status().tunnels.map(\.state) == ["down"])
            let logs = try await home.netlab.run("logs", "ageing", by)
            #expect(logs.output.contains(reason), logs.account)
        }
    }

    /// Ends that sign with different kinds of key, each of which the other checks.
    @Test(arguments: [
        ("libreswan", "libreswan", "rsa-4096", "ecdsa-384"), ("libreswan", "strongswan", "ecdsa-256", "rsa-3072"),
        ("strongswan", "libreswan", "rsa-2048", "ecdsa-256"), ("strongswan", "strongswan", "ed25519", "rsa-2048"),
    ])
    func `Each end has a kind of key of its own`(one: String, other: String, own: String, peers: String) async throws {
        try await LabHome.with { home in
            let directory = home.path.appending("kinds")
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: false)
            try """
            name: kinds
            nodes: {west: {role: router, ike: \(one)}, east: {role: router, ike: \(other)}}
            links: {wire: {ends: {west:e0: 203.0.113.1/30, east:e0: 203.0.113.2/30}, delay: 1ms}}
            tunnels:
              vpn:
                ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
                esp: {encryption: aes-256-gcm-16, pfs-group: 14}
                ends:
                  west: {address: 203.0.113.1, interface: v0, inside: 169.254.100.1/30, certificate: \(own)}
                  east: {address: 203.0.113.2, interface: v0, inside: 169.254.100.2/30, certificate: \(peers)}
            probes: {across: {from: west, to: 169.254.100.2}}
            expect: {keys: {sa: vpn}, wire: {encapsulation: across, in: vpn}}

            """.write(toFile: "\(directory)/lab.yaml", atomically: true, encoding: .utf8)
            let up = try await home.netlab.run("up", directory.string, "--clock", "paused")
            #expect(up.code == 0, up.account)
            let check = try await home.netlab.run("check", "kinds")
            #expect(check.code == 0 && check.output.contains("opened and authentic"), check.account)
        }
    }

    /// A lab that never comes up says why.
    @Test(arguments: ["libreswan", "strongswan"])
    func `Up tells of an authority that a user's own file does not have`(daemon: String) async throws {
        try await LabHome.with { home in
            let directory = try Self.write(in: home, daemon, isTrusted: false, ofItsOwn: true)
            let up = try await home.netlab.run("up", directory)
            #expect(up.code != 0, up.account)
            #expect(up.error.contains("does not take its peer's east.pem by what is in west-ca.pem"), up.account)
        }
    }

    /// The user's files, for a configuration that netlab writes, and for the user's own.
    @Test(arguments: ["libreswan", "strongswan"], [false, true])
    func `Certificates of the user's own are used`(daemon: String, ofItsOwn: Bool) async throws {
        try await LabHome.with { home in
            let directory = try Self.write(in: home, daemon, isTrusted: true, ofItsOwn: ofItsOwn)
            let validation = try await home.netlab.run("validate", directory)
            #expect(validation.code == 0, validation.account)
            let up = try await home.netlab.run("up", directory, "--clock", "paused")
            #expect(up.code == 0, up.account)
            let check = try await home.netlab.run("check", "pair")
            #expect(check.code == 0 && check.output.contains("opened and authentic"), check.account)
            try await home.netlab.succeed("down", "pair")
            try FileManager.default.removeItem(atPath: directory)
            try await expectNoKeys(below: home)
        }
    }

    private func expectNoKeys(below home: LabHome, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let files = Host.files(below: home.path)
        #expect(!files.isEmpty, sourceLocation: sourceLocation)
        for file in files {
            let bytes = FileManager.default.contents(atPath: home.path.appending(file).string) ?? Data()
            #expect(
                bytes.range(of: Data("PRIVATE KEY".utf8)) == nil, "a private key in \(file)",
                sourceLocation: sourceLocation)
        }
    }

    /// Two gateways with certificates by authorities of their own, each of which the other knows, or not.
    private static func write(
        in home: LabHome, _ daemon: String, isTrusted: Bool, ofItsOwn: Bool
    ) throws -> String {
        let directory = home.path.appending("pair")
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: false)
        let certificate = { (name: String) in
            "certificate: {file: \(name).pem, key: \(name).key, ca: \(name)-ca.pem, identity: \(name).example.net}"
        }
        let end = { (name: String, own: Int) in
            ofItsOwn
                ? "{config: \(name).conf, connection: c, interface: v0, \(certificate(name)), inside: 169.254.100.\(own)/30}"
                : "{address: 203.0.113.\(own), interface: v0, \(certificate(name)), inside: 169.254.100.\(own)/30}"
        }
        let proposals = """

                ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
                esp: {encryption: aes-256-gcm-16, pfs-group: 14}
            """
        var files = [
            "lab.yaml": """
            name: pair
            nodes:
              west: {role: router, ike: \(daemon)}
              east: {role: router, ike: \(daemon)}
            links: {wire: {ends: {west:e0: 203.0.113.1/30, east:e0: 203.0.113.2/30}, delay: 1ms}}
            tunnels:
              vpn:\(ofItsOwn ? "" : proposals)
                ends:
                  west: \(end("west", 1))
                  east: \(end("east", 2))
            probes: {across: {from: west, to: 169.254.100.2}}
            expect: {keys: {sa: vpn}, wire: {encapsulation: across, in: vpn}}

            """
        ]
        let now = CertificateDate.now
        var authorities: [String: String] = [:]
        for name in ["west", "east"] {
            let ca = try CertificateAuthority(
                subject: "O=\(name), CN=CA", .rsa2048, validity: (now - 3600)...(now + 30 * 86_400))
            let key = try PrivateKey(.ecdsa384)
            files["\(name).pem"] = try ca.certificate(
                for: key, subject: "O=\(name), CN=gateway", identity: .name("\(name).example.net")
            ).pem()
            files["\(name).key"] = try key.pem().reveal()
            authorities[name] = try ca.certificate.pem()
        }
        for (name, peer) in [("west", "east"), ("east", "west")] {
            files["\(name)-ca.pem"] = isTrusted ? authorities.values.joined() : authorities[name]
            let (own, far) = name == "west" ? (1, 2) : (2, 1)
            files["\(name).conf"] = daemon == "libreswan" ? pluto(name, peer, own, far) : charon(name, peer, own, far)
        }
        for (name, text) in files {
            try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
        }
        return directory.string
    }

    private static func pluto(_ name: String, _ peer: String, _ own: Int, _ far: Int) -> String {
        """
        conn c
            auto=\(own == 1 ? "start" : "add")
            ikev2=insist
            authby=ecdsa
            left=203.0.113.\(own)
            leftcert=the-\(name)
            leftid=@\(name).example.net
            leftsendcert=always
            right=203.0.113.\(far)
            rightid=@\(peer).example.net
            rightca=%any
            leftsubnet=0.0.0.0/0
            rightsubnet=0.0.0.0/0
            ike=aes256-sha2_256-dh14
            esp=aes256-sha2_256-dh14
            mark=5/0xffffffff
            vti-interface=v0
            vti-routing=no

        """
    }

    private static func charon(_ name: String, _ peer: String, _ own: Int, _ far: Int) -> String {
        """
        connections {
          c {
            version = 2
            local_addrs = 203.0.113.\(own)
            remote_addrs = 203.0.113.\(far)
            proposals = aes256-sha256-modp2048
            mobike = no
            send_cert = always
            local {
              auth = pubkey
              certs = \(name).pem
              id = \(name).example.net
            }
            remote {
              auth = pubkey
              id = \(peer).example.net
            }
            children {
              n {
                local_ts = 0.0.0.0/0
                remote_ts = 0.0.0.0/0
                esp_proposals = aes256-sha256-modp2048
                if_id_in = 5
                if_id_out = 5
                start_action = \(own == 1 ? "start" : "none")
              }
            }
          }
        }

        """
    }
}
