import LabModel
import Testing

@testable import LabFiles

/// What users' own configurations include, found beside the lab file.
struct IncludedFileTests {
    private struct NotThere: Error {}

    /// - Parameter files: What stands beside the lab file, by its path from there.
    private static func resolve(
        _ files: [String: String], daemon: String = "libreswan", bird: String? = nil
    ) throws -> (topology: Topology?, errors: [String], warnings: [String]) {
        let secrets = daemon == "libreswan" ? "secrets: keys, " : ""
        let text = """
            name: pair
            nodes:
              west: {role: router, ike: \(daemon)\(bird.map { ", bird: \($0)" } ?? "")}
              east: {role: router, ike: \(daemon)}
            links:
              wire: {ends: {west:e0: 192.0.2.1/24, east:e0: 192.0.2.2/24}}
            tunnels:
              vpn:
                ends:
                  west: {config: west.conf, \(secrets)connection: c, interface: v0}
                  east: {config: east.conf, \(secrets)connection: c, interface: v0}
            """
        let all = files.merging(["keys": ": PSK \"a-key\"\n"]) { given, _ in given }
        let file = LabFile(
            text: text, file: "lab.yaml",
            companionNames: { directory in
                all.keys.compactMap { path in
                    let parts = path.split(separator: "/")
                    let parent = parts.dropLast().joined(separator: "/")
                    return (parent.isEmpty ? "." : parent) == directory ? parts.last.map(String.init) : nil
                }
            }, companion: { try all[$0] ?? { throw NotThere() }() })
        do {
            let (topology, warnings) = try file.resolve()
            return (topology, [], warnings.map(\.message))
        } catch {
            let sorted = Dictionary(grouping: error.diagnostics, by: \.severity).mapValues { $0.map(\.message) }
            return (nil, sorted[.error] ?? [], sorted[.warning] ?? [])
        }
    }

    private static func pluto(_ own: Int, _ peer: Int, more: String = "") -> String {
        """
        conn c
            auto=\(own == 1 ? "start" : "add")
            ikev2=insist
            authby=secret
            left=192.0.2.\(own)
            right=192.0.2.\(peer)
            leftsubnet=10.\(own).0.0/16
            rightsubnet=10.\(peer).0.0/16
            ike=aes256-sha2_256-dh14
            esp=aes256-sha2_256
            mark=5/0xffffffff
            vti-interface=v0
            vti-routing=no
        \(more)
        """
    }

    @Test(
        arguments: [
            ("/etc/ipsec.d/azure.conf", "azure.conf"), ("/etc/ipsec.d/azure.conf", "ipsec.d/azure.conf"),
            ("\"/etc/ipsec.d/az*.conf\"", "ipsec.d/azure.conf"), ("/etc/ipsec.d/*.conf", "ipsec.d/azure.conf"),
            ("azure.conf  # of the other cloud", "azure.conf"), ("a*.conf", "azure.conf"),
        ])
    func `A connection in an included file is found beside the lab file`(pattern: String, place: String) throws {
        let found = try Self.resolve([
            "west.conf": "config setup\n    uniqueids=yes\ninclude \(pattern)\n", place: Self.pluto(1, 2),
            "east.conf": Self.pluto(2, 1),
        ])
        #expect(found.errors.isEmpty && found.warnings.isEmpty, "\(found)")
        let end = try #require(found.topology?.tunnels.first?.ends.first)
        guard case .own(let files) = end.configuration else {
            Issue.record("\(end.configuration)")
            return
        }
        #expect(
            files.configuration.hasPrefix(
                "config setup\n    uniqueids=yes\n# netlab: in place of include \(pattern)\n# \(place)\nconn c\n"))
        #expect(!files.configuration.contains("\ninclude"))
    }

    @Test
    func
        `What an included file says counts as said in the line that includes it, and lines behind it are the file's own`()
        throws
    {
        let west = "# one\ninclude base.conf\n" + Self.pluto(1, 2, more: "    also=base\n    auto=add")
        let found = try Self.resolve([
            "west.conf": west, "base.conf": "# first\nconn base\n    # third\n    authby=secret\n",
            "east.conf": Self.pluto(2, 1),
        ])
        #expect(
            found.errors.map { $0.prefix(70) }
                == [
                    "tunnels.vpn: west.conf, lines 4 and 17: conn c has auto= twice, and pl",
                    "tunnels.vpn: west.conf, lines 6 and 2: conn c has authby= twice, and p",
                ].map { $0.prefix(70) }, "\(found)")
    }

    @Test func `Keys may be in files that the file of secrets includes`() throws {
        let files = [
            "west.conf": Self.pluto(1, 2), "east.conf": Self.pluto(2, 1), "keys": "include /etc/ipsec.d/*.secrets\n",
            "ipsec.d/one.secrets": "192.0.2.1 192.0.2.2 : PSK \"a-key\"\n", "ipsec.d/notes.txt": "include",
        ]
        let found = try Self.resolve(files)
        #expect(found.errors.isEmpty && found.warnings.isEmpty, "\(found)")
        guard case .own(let own)? = found.topology?.tunnels.first?.ends.first?.configuration else {
            Issue.record("\(found)")
            return
        }
        #expect(own.secrets.reveal().contains("PSK \"a-key\""))
        var others = files
        others["ipsec.d/one.secrets"] = "203.0.113.9 203.0.113.8 : PSK \"a-key\"\n"
        #expect(try !Self.resolve(others).errors.isEmpty)
    }

    @Test func `A section of strongSwan's may include its settings`() throws {
        let settings = """
            connections {
              c {
                include /etc/swanctl/common.conf
                children {
                  c {
                    local_ts = 10.1.0.0/16
                    remote_ts = 10.2.0.0/16
                    esp_proposals = aes256-sha256-modp2048
                    if_id_in = 7
                    if_id_out = 7
                    start_action = start
                  }
                }
              }
            }
            secrets {
              ike-x {
                secret = "a-key"
              }
            }
            """
        let common = """
            local_addrs = 192.0.2.1
            remote_addrs = 192.0.2.2
            version = 2
            proposals = aes256-sha256-modp2048
            local {
              auth = psk
            }
            remote {
              auth = psk
            }
            """
        let east = settings.replacing("    include /etc/swanctl/common.conf\n", with: common + "\n")
            .replacing("192.0.2.1", with: "x").replacing("192.0.2.2", with: "192.0.2.1").replacing(
                "= x", with: "= 192.0.2.2"
            )
            .replacing("10.1.", with: "10.x.").replacing("10.2.", with: "10.1.").replacing("10.x.", with: "10.2.")
            .replacing("start_action = start", with: "start_action = none")
        let found = try Self.resolve(
            ["west.conf": settings, "common.conf": common, "east.conf": east], daemon: "strongswan")
        #expect(found.errors.isEmpty && found.warnings.isEmpty, "\(found)")
        let wrong = try Self.resolve(
            [
                "west.conf": settings, "common.conf": common.replacing("192.0.2.2", with: "192.0.2.9"),
                "east.conf": east,
            ],
            daemon: "strongswan")
        #expect(wrong.errors.contains { $0.contains("remote_addrs=192.0.2.9") }, "\(wrong)")
    }

    @Test
    func `What includes itself, is enormous or is deeply nested is an error with the line of the user's own file`()
        throws
    {
        let west = "# one\n" + Self.pluto(1, 2) + "\ninclude a.conf\n"
        let said = { (files: [String: String]) in
            let all = files.merging(["west.conf": west, "east.conf": Self.pluto(2, 1)]) { given, _ in given }
            return try Self.resolve(all).errors
        }
        #expect(
            try said(["a.conf": "include west.conf\n"]) == [
                "tunnels.vpn: west.conf, line 16: it includes itself (west.conf)"
            ])
        #expect(
            try said(["a.conf": "include b.conf\n", "b.conf": "\n\ninclude a.conf"]) == [
                "tunnels.vpn: west.conf, line 16: it includes itself (a.conf)"
            ])
        var chain = ["a.conf": "include f1.conf"]
        for number in 1...40 { chain["f\(number).conf"] = "include f\(number + 1).conf" }
        #expect(
            try said(chain) == ["tunnels.vpn: west.conf, line 16: files include each other more than 16 deep"])
        let comment = String(repeating: "# nothing\n", count: 100_000)
        #expect(
            try said([
                "a.conf": String(repeating: "include b.conf\n", count: 20), "b.conf": comment,
            ]) == ["tunnels.vpn: west.conf, line 16: what it includes has more than 4 MiB"])
    }

    @Test func `BIRD does not start without a file that is included by name, and lines are counted past included ones`()
        throws
    {
        let files = ["west.conf": Self.pluto(1, 2), "east.conf": Self.pluto(2, 1)]
        let missing = try Self.resolve(
            files.merging(["bird.conf": "router id 192.0.2.1;\ninclude \"peers.conf\";\n"]) { $1 }, bird: "bird.conf")
        #expect(
            missing.errors == [
                "nodes.west: bird.conf, line 2: it includes peers.conf, which is not beside it, and the daemon does not start without it"
            ], "\(missing)")
        let pattern = try Self.resolve(
            files.merging(["bird.conf": "router id 192.0.2.1;\ninclude \"/etc/bird/peers/*.conf\";\n"]) { $1 },
            bird: "bird.conf")
        #expect(pattern.errors.isEmpty, "\(pattern)")
        let found = try Self.resolve(
            files.merging([
                "bird.conf": "router id 192.0.2.1;\ninclude \"/etc/bird/peers/*.conf\";\n",
                "peers/a.conf": "protocol device {\n}\n", "peers/b.conf": "protocol direct {\n  ipv4;\n}",
            ]) { $1 }, bird: "bird.conf")
        #expect(found.errors.isEmpty, "\(found)")
        #expect(
            found.topology?.node(named: "west")?.routingConfiguration == """
                router id 192.0.2.1;
                # netlab: in place of include "/etc/bird/peers/*.conf";
                # peers/a.conf
                protocol device {
                }
                # peers/b.conf
                protocol direct {
                  ipv4;
                }
                # netlab: end of what was included

                """)
    }
}
