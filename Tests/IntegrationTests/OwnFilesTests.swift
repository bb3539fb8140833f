import Foundation
import Testing

/// Two gateways with their user's own files of libreswan, of the protocol before this one:
///
///     left <=== vpn ===> right
///
// Waiting for other labs counts, too.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct OwnFilesTests {
    private static func write(in home: LabHome, setup: String) throws -> String {
        let directory = home.path.appending("own")
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: false)
        let lab = """
            name: own
            nodes:
              left: {role: router}
              right: {role: router}
            links:
              wire: {ends: {left:eth0: 203.0.113.1/30, right:eth0: 203.0.113.2/30}, delay: 1ms}
            tunnels:
              vpn:
                ends:
                  left: {config: left.conf, secrets: keys, connection: t, interface: vti1, inside: 169.254.100.1/30}
                  right: {config: right.conf, secrets: keys, connection: t, interface: vti1, inside: 169.254.100.2/30}
            probes:
              across: {from: left, to: 169.254.100.2}
            expect:
              keys: {sa: vpn}
              wire: {encapsulation: across, in: vpn}
            """
        let ends = [("left", 1, 2), ("right", 2, 1)].map { name, own, peer in
            let conf = """
                config setup
                \(setup)
                conn t
                    auto=start
                    ikev2=never
                    authby=secret
                    left=203.0.113.\(own)
                    right=203.0.113.\(peer)
                    leftsubnet=0.0.0.0/0
                    rightsubnet=0.0.0.0/0
                    ike=aes256-sha2_256-dh14
                    esp=aes256-sha2_256-dh14
                    mark=5/0xffffffff
                    vti-interface=vti1
                    vti-routing=no

                """
            return ("\(name).conf", conf)
        }
        for (name, text) in ends + [("lab.yaml", lab), ("keys", ": PSK \"an-example-key-of-a-test\"\n")] {
            try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
        }
        return directory.string
    }

    /// A daemon's own parser is asked before anything is built.
    @Test func `A file that its daemon does not read is refused with the line and the daemon's words`() async throws {
        try await LabHome.with { home in
            let directory = try Self.write(in: home, setup: "    ikev1-policy=accept\n    uniqueids=no")
            #expect(try await home.netlab.run("validate", directory).code == 0)
            let file = "\(directory)/right.conf"
            let text = try String(contentsOfFile: file, encoding: .utf8)
            try (text.trimmingCharacters(in: .newlines) + "\n    closeaction=restart\n").write(
                toFile: file, atomically: true, encoding: .utf8)
            let line =
                text.trimmingCharacters(in: .newlines).split(separator: "\n", omittingEmptySubsequences: false).count
                + 1
            let result = try await home.netlab.run("validate", directory)
            #expect(result.code == 2, result.account)
            #expect(
                result.output.contains(
                    "tunnels.vpn: right.conf, line \(line): libreswan does not take it: syntax error [closeaction]"),
                result.account)
        }
    }

    /// A gateway that begins with its first packet, of either daemon, whose connection is in a file that its own includes, and a peer that
    /// only answers.
    @Test(arguments: ["libreswan", "strongswan"])
    func `Tunnels that wait for traffic get some`(daemon: String) async throws {
        try await LabHome.with { home in
            let directory = home.path.appending("waiting")
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: false)
            let isPluto = daemon == "libreswan"
            let lab = """
                name: waiting
                nodes:
                  left: {role: router, ike: \(daemon)}
                  right: {role: router, ike: \(daemon)}
                links: {wire: {ends: {left:eth0: 203.0.113.1/30, right:eth0: 203.0.113.2/30}, delay: 1ms}}
                tunnels:
                  vpn:
                    ends:
                      left: {config: left.conf\(isPluto ? ", secrets: keys" : ""), connection: c, interface: v0, inside: 169.254.100.1/30}
                      right: {config: right.conf\(isPluto ? ", secrets: keys" : ""), connection: c, interface: v0, inside: 169.254.100.2/30}
                probes: {across: {from: left, to: 169.254.100.2}}
                expect: {keys: {sa: vpn}, wire: {encapsulation: across, in: vpn}}
                scenarios:
                  anew:
                    traffic: {across: 100ms}
                    timeline: [{at: 10s, fail: daemon left/\(isPluto ? "pluto" : "charon") restarted}]
                    outage: {across: 2s}
                    lasts: 40s

                """
            var files = [("lab.yaml", lab), ("keys", ": PSK \"an-example-key-of-a-test\"\n")]
            for (name, own, peer) in [("left", 1, 2), ("right", 2, 1)] {
                let begins = name == "left"
                let pluto = """
                    conn c
                        auto=\(begins ? "ondemand" : "add")
                        ikev2=insist
                        authby=secret
                        left=203.0.113.\(own)
                        right=203.0.113.\(peer)
                        leftsubnet=0.0.0.0/0
                        rightsubnet=0.0.0.0/0
                        ike=aes256-sha2_256-dh14
                        esp=aes256-sha2_256-dh14
                        mark=5/0xffffffff
                        vti-interface=v0
                        vti-routing=no

                    """
                let charon = """
                    connections {
                      c {
                        version = 2
                        local_addrs = 203.0.113.\(own)
                        remote_addrs = 203.0.113.\(peer)
                        proposals = aes256-sha256-modp2048
                        mobike = no
                        local { auth = psk }
                        remote { auth = psk }
                        children {
                          n {
                            local_ts = 0.0.0.0/0
                            remote_ts = 0.0.0.0/0
                            esp_proposals = aes256-sha256-modp2048
                            if_id_in = 5
                            if_id_out = 5
                            start_action = \(begins ? "trap" : "none")
                          }
                        }
                      }
                    }
                    secrets { ike-1 { secret = "an-example-key-of-a-test" } }

                    """
                let text = isPluto ? pluto : charon
                guard begins else {
                    files.append(("\(name).conf", text))
                    continue
                }
                // As it is in a system's own directory.
                let place = isPluto ? "ipsec.d" : "conf.d"
                try FileManager.default.createDirectory(
                    atPath: "\(directory)/\(place)", withIntermediateDirectories: false)
                files.append(("\(place)/azure.conf", text))
                files.append(("\(name).conf", "include \(isPluto ? "/etc/ipsec.d/" : "conf.d/")*.conf\n"))
            }
            for (name, text) in files {
                try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
            }
            let plan = try await home.netlab.run("plan", directory.string)
            #expect(plan.output.contains("left: send an echo request to 169.254.100.2"), plan.account)
            let up = try await home.netlab.run("up", directory.string, "--clock", "paused")
            #expect(up.code == 0, up.account)
            let check = try await home.netlab.run("check", "waiting")
            #expect(check.code == 0, check.account)
            #expect(try await home.netlab.run("down", "waiting").code == 0)
            let test = try await home.netlab.run("test", directory.string)
            #expect(test.code == 0, test.account)
        }
    }

    @Test
    func `A user's own strongswan.conf stands before netlab's, and its schedule is what is predicted and what happens`()
        async throws
    {
        try await LabHome.with { home in
            let directory = home.path.appending("settings")
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: false)
            let lab = """
                name: settings
                nodes:
                  left: {role: router, strongswan: strongswan.conf}
                  right: {role: router, ike: strongswan}
                links: {wire: {ends: {left:eth0: 203.0.113.1/30, right:eth0: 203.0.113.2/30}, delay: 1ms}}
                tunnels:
                  vpn:
                    psk: an-example-key-of-a-test
                    ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
                    esp: {encryption: aes-256-cbc, integrity: sha2-256}
                    dpd: {delay: 10s, timeout: 30s}
                    ends:
                      left: {address: 203.0.113.1, interface: v0, inside: 169.254.100.1/30}
                      right: {address: 203.0.113.2, interface: v0, inside: 169.254.100.2/30, startup: listen, dpd-action: clear}
                probes: {across: {from: left, to: 169.254.100.2}}
                scenarios:
                  silence:
                    traffic: {across: 100ms}
                    timeline: [{at: 10s, fail: blackhole wire}, {at: 70s, heal: blackhole wire}]
                    lasts: 200s

                """
            let own = """
                charon {
                    load_modular = yes
                    plugins { include strongswan.d/charon/*.conf
                    }
                    retransmit_tries = 4
                    retransmit_timeout = 3
                    retransmit_base = 1
                    retransmit_jitter = 0
                }
                include strongswan.d/*.conf

                """
            for (name, text) in [("lab.yaml", lab), ("strongswan.conf", own)] {
                try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
            }
            let validate = try await home.netlab.run("validate", "-v", directory.string)
            #expect(validate.output.contains("strongswan.conf of strongSwan at left"), validate.account)
            #expect(
                validate.output.contains(
                    "computed with: retransmit_base, retransmit_timeout, retransmit_tries"), validate.account)
            #expect(validate.output.contains("netlab's own counts: load_modular"), validate.account)
            let test = try await home.netlab.run("test", directory.string)
            #expect(test.code == 0, test.account)
            #expect(try await home.netlab.run("up", directory.string, "--clock", "paused").code == 0)
            let file = try await home.netlab.run("exec", "settings", "left", "--", "cat", "/etc/strongswan.conf")
            #expect(file.output.hasPrefix(own), file.account)
            // Five waits of three seconds, where netlab's own schedule has twenty in all; its file would not say so.
            #expect(try await home.netlab.run("fail", "settings", "blackhole wire").code == 0)
            #expect(try await home.netlab.run("clock", "settings", "advance", "27s").code == 0)
            let log = try await home.netlab.run("logs", "settings", "left/charon")
            #expect(log.output.contains("giving up after 4 retransmits"), log.account)
        }
    }

    @Test func `Files of IKEv1 run as they are, their config setup with them, and what protects packets is seen`()
        async throws
    {
        try await LabHome.with { home in
            let directory = try Self.write(in: home, setup: "    ikev1-policy=accept\n    uniqueids=yes\n")
            let up = try await home.netlab.run("up", directory, "--clock", "paused")
            #expect(up.code == 0 && up.error.contains("conn t is of IKEv1"), up.account)
            let lab = RunningLab(home: home, name: "own")
            let main = try await lab.exec("left", "cat", "/etc/ipsec.conf").output
            #expect(main.contains("ikev1-policy=accept") && main.contains("uniqueids=yes"), "\(main)")
            let check = try await home.netlab.run("check", "own")
            #expect(check.code == 0, check.account)
            let status = try await lab.exec("left", "ipsec", "status").output
            #expect(status.contains("policy: IKEv1+PSK"), "\(status)")
        }
    }
}
