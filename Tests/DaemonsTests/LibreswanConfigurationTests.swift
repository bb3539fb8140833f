import DaemonProfiles
import Testing

@testable import Daemons
@testable import LabModel

@Suite struct LibreswanConfigurationTests {
    private func files(for node: String, in topology: Topology) -> [ConfigurationFile] {
        LibreswanConfiguration.files(
            for: node, in: topology, logFile: "/var/log/netlab/\(node).pluto.log",
            nssDirectory: LibreswanConfiguration.defaultNSSDirectory)
    }

    @Test func `Initiator has the lab's parameters`() throws {
        let files = files(for: "drg", in: try Fixture.topology())
        #expect(
            files.map(\.path) == [
                "/etc/ipsec.conf", "/etc/ipsec.secrets", "/etc/ipsec.d/main.conf", "/etc/ipsec.d/main.secrets",
                "/etc/ipsec.d/main-2.conf", "/etc/ipsec.d/main-2.secrets",
            ])
        #expect(
            files["/etc/ipsec.conf"] == """
                config setup
                    logfile="/var/log/netlab/drg.pluto.log"
                    nssdir=/etc/ipsec.d/nss
                    uniqueids=no

                include /etc/ipsec.d/*.conf

                """)
        #expect(files["/etc/ipsec.secrets"] == "include /etc/ipsec.d/*.secrets\n")
        #expect(
            files["/etc/ipsec.d/main.conf"] == """
                conn main
                    type=tunnel
                    auto=start
                    ikev2=insist
                    authby=secret
                    left=198.51.100.10
                    leftid=198.51.100.10
                    right=203.0.113.10
                    rightid=203.0.113.10
                    leftsubnet=0.0.0.0/0
                    rightsubnet=0.0.0.0/0
                    mark=101/0xffffffff
                    vti-interface=vpn1
                    vti-routing=no
                    leftupdown=%disabled
                    ike=aes_cbc256-sha2_384;dh20
                    phase2=esp
                    phase2alg=aes_cbc256-sha2_256;modp1536
                    pfs=yes
                    compress=no
                    ikelifetime=28800s
                    salifetime=3600s
                    dpddelay=10s
                    retransmit-interval=625
                    retransmit-timeout=20s
                    dpdaction=restart

                """)
        #expect(
            files["/etc/ipsec.d/main.secrets"] == "198.51.100.10 203.0.113.10 : PSK \"main-tunnel-example-key\"\n")
    }

    @Test func `Only secrets are secret`() throws {
        let files = files(for: "drg", in: try Fixture.topology())
        #expect(files.filter(\.isSecret).map(\.path) == ["/etc/ipsec.d/main.secrets", "/etc/ipsec.d/main-2.secrets"])
        for file in files where !file.isSecret {
            #expect(!file.contents.reveal().contains("example-key"))
        }
        #expect(!"\(files)".contains("example-key"))
    }

    @Test func `Listener waits and forgets`() throws {
        let text = try #require(files(for: "tgw", in: try Fixture.topology())["/etc/ipsec.d/main.conf"])
        #expect(text.contains("    auto=add\n"))
        #expect(text.contains("    dpdaction=clear\n"))
    }

    @Test func `Unused tunnel is loaded and never started`() throws {
        for node in ["tgw", "drg"] {
            let text = try #require(files(for: node, in: try Fixture.topology())["/etc/ipsec.d/main-2.conf"])
            #expect(text.contains("    auto=add\n"))
            #expect(!text.contains("dpd"))
            #expect(text.contains("    ike=aes_gcm256-sha2_256;modp2048\n"))
            #expect(text.contains("    phase2alg=aes_gcm256\n"))
            #expect(text.contains("    pfs=no\n"))
        }
    }

    /// A margin of pluto's own 9 to 18 minutes would leave nothing of a life of five.
    @Test func `Short life is renewed in time`() throws {
        let text = try #require(files(for: "tgw", in: try Fixture.topology())["/etc/ipsec.d/main-2.conf"])
        #expect(text.contains("    salifetime=300s\n    rekeymargin=30s\n"))
    }

    @Test(arguments: [
        ("{delay: 10s, timeout: 30s}", "10s", "625", "20s"), ("{delay: 1s, timeout: 2s}", "1s", "1000", "1s"),
        ("{delay: 10s, timeout: 45s}", "10s", "547", "35s"), ("{delay: 1500ms, timeout: 2s}", "1500ms", "500", "500ms"),
        ("{delay: 30s, timeout: 1h}", "30s", "872", "3570s"),
    ])
    func `Dead at the timeout`(detection: String, delay: String, interval: String, patience: String) throws {
        let topology = try Fixture.topology { $0.replacing("{delay: 10s, timeout: 30s}", with: detection) }
        let text = try #require(files(for: "tgw", in: topology)["/etc/ipsec.d/main.conf"])
        #expect(
            text.contains(
                "    dpddelay=\(delay)\n    retransmit-interval=\(interval)\n    retransmit-timeout=\(patience)\n"))
    }

    @Test func `Node without tunnel has no files`() throws {
        #expect(files(for: "internet", in: try Fixture.topology()).isEmpty)
        #expect(files(for: "nobody", in: try Fixture.topology()).isEmpty)
    }

    /// The user's file is called like the one netlab would generate, and its secrets match no pattern.
    @Test func `Own files are used word for word`() throws {
        let topology = try Fixture.topology {
            $0.replacing(
                "bgp:",
                with: """
                      mine:
                        ends:
                          tgw: {config: main.conf, secrets: mine.keys, connection: mine, interface: vti5}
                          internet: {config: main.conf, secrets: mine.keys, connection: mine, interface: vti5, address: 203.0.113.9}
                    bgp:
                    """)
        }
        let files = files(for: "tgw", in: topology)
        #expect(
            files["/etc/ipsec.d/main.conf"]
                == "conn mine\n    authby=secret\n    auto=start\n    left=203.0.113.10\n    mark=9\n    vti-interface=vti5\n"
        )
        #expect(files["/etc/ipsec.d/mine.keys"] == ": PSK \"mine\"\n")
        #expect(files["/etc/ipsec.secrets"] == "include /etc/ipsec.d/*.secrets\ninclude /etc/ipsec.d/mine.keys\n")
        #expect(files["/etc/ipsec.d/main-generated.conf"]?.hasPrefix("conn main\n") == true)
        #expect(files["/etc/ipsec.d/main-generated.secrets"] != nil)
        #expect(Set(files.map(\.path)).count == files.count)
    }

    @Test func `Group two is not in Debian's libreswan`() throws {
        let reason = { (number: Int) in
            try Libreswan().reason(against: .group(#require(DiffieHellmanGroup(number: number))))
        }
        #expect(try reason(14) == nil)
        #expect(try reason(2) == "group 2 (modp1024) is not in Debian's libreswan: it is built without it")
    }
}
