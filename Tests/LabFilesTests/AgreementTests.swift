import LabFiles
import LabModel
import Testing

/// What the two ends of a tunnel would find out of each other only when they run, said of their files.
@Suite("Whether the two ends of a tunnel agree")
struct AgreementTests {
    /// Two gateways, each with a file of its user's own.
    /// - Parameter secrets: Of the file `given`.
    private struct NotThere: Error {}

    private static func lab(
        _ daemon: String, west: String, east: String, secrets given: String = "", change: (String) -> String = { $0 }
    ) throws
        -> (errors: [String], warnings: [String])
    {
        let secrets = daemon == "libreswan" ? "secrets: keys, " : ""
        let text = change(
            """
            name: pair
            nodes:
              west: {role: router, ike: \(daemon)}
              east: {role: router, ike: \(daemon)}
            links:
              wire: {ends: {west:e0: 192.0.2.1/24, east:e0: 192.0.2.2/24}}
            tunnels:
              vpn:
                ends:
                  west: {config: west.conf, \(secrets)connection: c, interface: v0}
                  east: {config: east.conf, \(secrets)connection: c, interface: v0}
            """)
        let files = [
            "west.conf": west, "east.conf": east, "keys": "192.0.2.1 192.0.2.2 : PSK \"a-key\"\n",
            "other": ": PSK \"another\"\n", "any": ": PSK \"a-key\"\n", "given": given,
        ]
        let file = LabFile(text: text, file: "lab.yaml") { try files[$0] ?? { throw NotThere() }() }
        do {
            return ([], try file.resolve().warnings.map(\.message))
        } catch {
            let sorted = Dictionary(grouping: error.diagnostics, by: \.severity).mapValues { $0.map(\.message) }
            return (sorted[.error] ?? [], sorted[.warning] ?? [])
        }
    }

    private static func pluto(_ own: Int, _ peer: Int, _ changes: [String: String] = [:]) -> String {
        var parameters = [
            "auto": own == 1 ? "start" : "add", "ikev2": "insist", "authby": "secret", "left": "192.0.2.\(own)",
            "right": "192.0.2.\(peer)", "leftsubnet": "10.\(own).0.0/16", "rightsubnet": "10.\(peer).0.0/16",
            "ike": "aes256-sha2_256-dh14", "esp": "aes256-sha2_256", "mark": "5/0xffffffff", "vti-interface": "v0",
            "vti-routing": "no",
        ]
        parameters.merge(changes) { $1 }
        return "conn c\n" + parameters.sorted { $0.key < $1.key }.map { "    \($0)=\($1)\n" }.joined()
    }

    private static func charon(
        _ own: Int, _ peer: Int, start: String = "start", proposals: String = "aes256-sha256-modp2048",
        esp: String = "aes256-sha256-modp2048", selectors: (String, String)? = nil, id: String = "", peerID: String = ""
    ) -> String {
        """
        connections {
          c {
            local_addrs = 192.0.2.\(own)
            remote_addrs = 192.0.2.\(peer)
            proposals = \(proposals)
            local {
              auth = psk
              \(id)
            }
            remote {
              auth = psk
              \(peerID)
            }
            children {
              n {
                local_ts = \(selectors?.0 ?? "0.0.0.0/0")
                remote_ts = \(selectors?.1 ?? "0.0.0.0/0")
                esp_proposals = \(esp)
                if_id_in = 7
                if_id_out = 7
                start_action = \(start)
              }
            }
          }
        }
        secrets {
          ike-1 {
            secret = "a-key"
          }
        }
        """
    }

    @Test(arguments: ["libreswan", "strongswan"])
    func `Ends that agree are not spoken of`(daemon: String) throws {
        let found =
            daemon == "libreswan"
            ? try Self.lab(daemon, west: Self.pluto(1, 2), east: Self.pluto(2, 1))
            : try Self.lab(daemon, west: Self.charon(1, 2), east: Self.charon(2, 1, start: "none"))
        #expect(found.errors.isEmpty && found.warnings.isEmpty, "\(found)")
    }

    struct Disagreement: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let west: [String: String]
        let east: [String: String]
        let error: String
    }

    @Test(arguments: [
        Disagreement(
            testDescription: "nobody begins", west: ["auto": "add"], east: [:],
            error:
                "both ends wait for the other, so the tunnel never comes up: west.conf:3 (auto=add) and east.conf:3 (auto=add)"
        ),
        Disagreement(
            testDescription: "IKE", west: ["ike": "aes128-sha2_256-dh14"], east: [:],
            error: "no proposal for IKE in common: west.conf:5 (ike=aes128-sha2_256-dh14) and east.conf:5 (ike="),
        Disagreement(
            testDescription: "ESP", west: [:], east: ["esp": "aes128-sha1"],
            error: "no proposal for ESP in common: west.conf:4 (esp=aes256-sha2_256) and east.conf:4 (esp=aes128-sha1)"),
        Disagreement(
            testDescription: "selectors", west: [:], east: ["leftsubnet": "10.2.0.0/17"],
            error:
                "the ends' selectors differ: west.conf:11 (rightsubnet=10.2.0.0/16) and east.conf:8 (leftsubnet=10.2.0.0/17)"
        ),
        Disagreement(
            testDescription: "identities", west: ["rightid": "@east.example.net"], east: [:],
            error:
                "west takes its peer for east.example.net, west.conf:11 (rightid=@east.example.net), and east calls itself 192.0.2.2"
        ),
        Disagreement(
            testDescription: "versions", west: [:], east: ["ikev2": "never"],
            error:
                "one end speaks IKEv2 and the other IKEv1, so the tunnel never comes up: west.conf:6 (ikev2=insist) and east.conf:6 (ikev2=never)"
        ),
        Disagreement(
            testDescription: "policies alone", west: ["vti-interface": ""], east: [:],
            error: "leads through none, by policies alone"),
        Disagreement(
            testDescription: "nobody makes the interface", west: ["leftupdown": "%disabled"], east: [:],
            error: "nobody makes the interface of conn c"),
    ])
    func `What keeps a tunnel from coming up is said with both files' lines`(_ example: Disagreement) throws {
        var west = Self.pluto(1, 2, example.west)
        west = west.replacing("    vti-interface=\n", with: "")
        let found = try Self.lab("libreswan", west: west, east: Self.pluto(2, 1, example.east))
        #expect(found.errors.contains { $0.contains(example.error) }, "\(found)")
    }

    @Test func `Keys that differ are said, and are not shown`() throws {
        let found = try Self.lab("libreswan", west: Self.pluto(1, 2), east: Self.pluto(2, 1)) {
            $0.replacing("east: {config: east.conf, secrets: keys", with: "east: {config: east.conf, secrets: other")
        }
        #expect(found.errors == ["tunnels.vpn: the ends have different pre-shared keys"])
    }

    @Test func `A group at one end alone is a tunnel that is lost at its first renewal`() throws {
        let found = try Self.lab(
            "strongswan", west: Self.charon(1, 2, esp: "aes256-sha256"), east: Self.charon(2, 1, start: "none"))
        #expect(found.errors.isEmpty)
        #expect(
            found.warnings == [
                "tunnels.vpn: the tunnel comes up and is lost at its first renewal, for the ends want different groups of perfect forward secrecy: west.conf:18 (esp_proposals=aes256-sha256) and east.conf:18 (esp_proposals=aes256-sha256-modp2048)"
            ])
    }

    /// Libreswan renews with IKE's group, 14 here, unless pfs=no: what strongSwan wants for ESP has to be that.
    @Test(
        arguments: [
            (
                "", "aes256-sha256",
                "with group 14, the IKE SA's, whatever `esp=` says, and strongSwan at east takes no group"
            ),
            ("", "aes256-sha256-modp3072", "and strongSwan at east takes group 15"),
            ("", "aes256-sha256-modp2048", nil),
            ("no", "aes256-sha256", nil),
            (
                "no", "aes256-sha256-modp2048",
                "renews without a key exchange whatever `esp=` says, and strongSwan at east takes group 14"
            ),
        ] as [(String, String, String?)])
    func `Libreswan's renewals need the group of IKE at a strongSwan`(pfs: String, esp: String, warning: String?) throws
    {
        let found = try Self.lab(
            "strongswan", west: Self.pluto(1, 2, pfs.isEmpty ? [:] : ["pfs": pfs]),
            east: Self.charon(2, 1, start: "none", esp: esp, selectors: ("10.2.0.0/16", "10.1.0.0/16"))
        ) {
            $0.replacing("west: {role: router, ike: strongswan}", with: "west: {role: router, ike: libreswan}")
                .replacing("west.conf, ", with: "west.conf, secrets: keys, ")
        }
        let said = found.warnings.filter { $0.contains("its first renewal is refused") }
        #expect(found.errors.isEmpty && said.count == (warning == nil ? 0 : 1), "\(found)")
        if let warning { #expect(said.first?.contains(warning) == true, "\(found)") }
    }

    @Test func `Selectors that overlap are narrowed, and apart they are refused`() throws {
        let narrowed = try Self.lab(
            "strongswan", west: Self.charon(1, 2, selectors: ("10.1.0.0/16", "10.2.0.0/16")),
            east: Self.charon(2, 1, start: "none", selectors: ("10.2.0.0/17", "10.1.0.0/16")))
        #expect(narrowed.errors.isEmpty && narrowed.warnings.count == 1, "\(narrowed)")
        #expect(narrowed.warnings.first?.contains("the tunnel takes what both have") == true)
        let apart = try Self.lab(
            "strongswan", west: Self.charon(1, 2, selectors: ("10.1.0.0/16", "10.2.0.0/16")),
            east: Self.charon(2, 1, start: "none", selectors: ("10.3.0.0/16", "10.1.0.0/16")))
        #expect(apart.errors.count == 1 && apart.errors[0].contains("selectors differ"), "\(apart)")
    }

    /// What public cases had that never came up, or came up and carried nothing (all tried with libreswan 4.10).
    @Test(
        arguments: [
            (["leftid": "@192.0.2.1"], [:], "east takes its peer for 192.0.2.1"),
            (["esn": "yes"], ["esn": "no"], "one end wants sequence numbers of 64 bits (ESN) and the other of 32"),
            (["sha2-truncbug": "yes"], [:], "west cuts HMAC-SHA2-256 to 96 bits and east does not"),
            (["authby": ""], [:], "in west.conf of west the connection has no authby=, which means signatures"),
            (["authby": "rsasig"], [:], "in west.conf of west the connection authenticates by rsasig"),
            (
                ["ike": "aes128-sha1;modp1024"], ["ike": "aes128-sha1;modp1024"],
                "group 2 (modp1024) is not in Debian's libreswan"
            ),
            (
                ["leftid": "@w.example", "rightid": "@e.example"], ["leftid": "@e.example", "rightid": "@w.example"],
                "none of the secrets of west is for w.example or e.example"
            ),
        ] as [([String: String], [String: String], String)])
    func `What libreswan would refuse is refused`(west: [String: String], east: [String: String], error: String) throws
    {
        let file = { (own: Int, peer: Int, changes: [String: String]) in
            Self.pluto(own, peer, changes).replacing("    authby=\n", with: "")
        }
        let found = try Self.lab("libreswan", west: file(1, 2, west), east: file(2, 1, east))
        #expect(found.errors.contains { $0.contains(error) }, "\(found)")
    }

    /// What netlab refused once, though the daemons take it.
    @Test(
        arguments: [
            ([:], ["leftid": "@192.0.2.1", "rightid": "@192.0.2.2"], false),
            (
                ["leftid": "@W.example", "rightid": "@e.example"], ["leftid": "@e.EXAMPLE", "rightid": "@w.example"],
                true
            ),
            (["narrowing": "on"], ["narrowing": "true"], true),
            (["sha2-truncbug": "yes"], ["sha2-truncbug": "1"], true),
        ] as [([String: String], [String: String], Bool)])
    func `What libreswan takes is taken`(west: [String: String], east: [String: String], isTaken: Bool) throws {
        let found = try Self.lab("libreswan", west: Self.pluto(1, 2, west), east: Self.pluto(2, 1, east)) {
            $0.replacing("secrets: keys", with: "secrets: any")
        }
        #expect(found.errors.isEmpty == isTaken, "\(found)")
    }

    /// Lines of other peers', of addresses beside names, and of anybody do not count where a better one is there.
    @Test(
        arguments: [
            ("192.0.2.1 192.0.2.20 : PSK \"other\"\n%any %any : PSK \"a-key\"\n", nil),
            ("192.0.2.1 192.0.2.2 : PSK \"a-key\"\n: PSK \"other\"\n", nil),
            ("192.0.2.2 : PSK \"other\"\n192.0.2.1 : PSK \"a-key\"\n", nil),
            ("192.0.2.1 192.0.2.2 : PSK \"other\"\n", "the ends have different pre-shared keys"),
            ("192.0.2.1 192.0.2.20 : PSK \"other\"\n", "none of the secrets of west is for 192.0.2.1 or 192.0.2.2"),
        ] as [(String, String?)])
    func `Secrets go by identities`(lines: String, error: String?) throws {
        let found = try Self.lab("libreswan", west: Self.pluto(1, 2), east: Self.pluto(2, 1), secrets: lines) {
            $0.replacing("west: {config: west.conf, secrets: keys", with: "west: {config: west.conf, secrets: given")
        }
        #expect(found.errors.map { error.map($0.contains) ?? false } == (error == nil ? [] : [true]), "\(found)")
    }

    /// swanctl.conf(5) types identities, and has switches of several words.
    @Test func `Identities of a swanctl.conf have kinds`() throws {
        for (id, peer, isTaken) in [
            ("id = fqdn:w.example", "id = W.example", true), ("id = \"@w.example\"", "id = fqdn:w.example", true),
            ("id = fqdn:192.0.2.1", "id = 192.0.2.1", false), ("id = keyid:w", "id = w", true),
        ] {
            let found = try Self.lab(
                "strongswan", west: Self.charon(1, 2, id: id), east: Self.charon(2, 1, start: "none", peerID: peer))
            #expect(found.errors.isEmpty == isTaken, "\(id) \(found)")
        }
    }

    @Test func `One IKE SA of a pair of identities is no place for two tunnels`() throws {
        let text = """
            name: pair
            nodes:
              west: {role: router, ike: strongswan}
              east: {role: router, ike: strongswan}
            links:
              one: {ends: {west:e0: 192.0.2.1/30, east:e0: 192.0.2.2/30}}
              two: {ends: {west:e1: 192.0.2.5/30, east:e1: 192.0.2.6/30}}
            tunnels:
              first: {ends: {west: {config: w1, connection: c, interface: v0}, east: {config: e1, connection: c, interface: v0}}}
              second: {ends: {west: {config: w2, connection: c, interface: v1}, east: {config: e2, connection: c, interface: v1}}}
            """
        for (unique, count, first) in [("no", 0, 1), ("replace", 2, 0), ("keep", 2, 0), ("never", 0, 0)] {
            let ids = "id = w.example"
            let file = { (own: Int, peer: Int, number: Int, isWest: Bool) in
                Self.charon(
                    own, peer, start: isWest ? "start" : "none", id: isWest ? ids : "id = e.example",
                    peerID: isWest ? "id = e.example" : ids
                ).replacing(
                    "    proposals = aes256-sha256-modp2048\n",
                    with: "    proposals = aes256-sha256-modp2048\n    unique = \(unique)\n"
                )
                .replacing("= 7", with: "= \(number)")
            }
            let files = [
                "w1": file(1, 2, 7, true), "e1": file(2, 1, 7, false), "w2": file(5, 6, 8, true),
                "e2": file(6, 5, 8, false),
            ]
            let warnings = try LabFile(text: text, file: "lab.yaml") { name in try #require(files[name]) }.resolve()
                .warnings.map(\.message)
            #expect(warnings.count { $0.contains("the two are never up together") } == count, "\(warnings)")
            #expect(warnings.count { $0.contains("each as the first contact with its peer") } == first, "\(warnings)")
        }
    }

    /// Each was tried with the daemon: pluto 4.10 does not load the connection, swanctl 5.9.8 reads on without end.
    @Test func `Files that say something twice, or include what is not there or themselves`() throws {
        let east = Self.pluto(2, 1)
        let said = { (west: String) in
            let found = try Self.lab("libreswan", west: west, east: east)
            return found.errors.map { "error: \($0)" } + found.warnings.map { "warning: \($0)" }
        }
        let lines = Self.pluto(1, 2)
        #expect(try said(lines).isEmpty)
        #expect(
            try said(lines + "    auto=add\n") == [
                "error: tunnels.vpn: west.conf, lines 3 and 14: conn c has auto= twice, and pluto does not load it (\"duplicate key\")"
            ])
        #expect(
            try said(lines + "    also=base\nconn base\n    auto=add\n").first?.contains(
                "lines 3 and 16: conn c has auto=")
                == true)
        #expect(try said("conn %default\n    auto=add\n" + lines).isEmpty)
        #expect(try said(lines + lines).contains { $0.contains("there are 2 sections conn c") })
        #expect(try said(lines + "include /etc/ipsec.d/*.conf\n").isEmpty)
        #expect(
            try said("include \"/etc/more/*.conf\"\n" + lines) == [
                "warning: tunnels.vpn: west.conf, line 1: it includes /etc/more/*.conf, which is not beside the lab file"
            ])

        let charon = { (west: String) in
            let found = try Self.lab("strongswan", west: west, east: Self.charon(2, 1, start: "none"))
            return found.errors.map { "error: \($0)" } + found.warnings.map { "warning: \($0)" }
        }
        let usual = try charon(Self.charon(1, 2))
        #expect(try charon(Self.charon(1, 2) + "\ninclude conf.d/*.conf\n") == usual)
        let twice = try charon(
            Self.charon(1, 2).replacing(
                "    local_addrs", with: "    dpd_delay = 10s\n    dpd_delay = 20s\n    local_addrs"))
        #expect(
            twice.contains(
                "warning: tunnels.vpn: west.conf, lines 3 and 4: connections.c.dpd_delay stands twice, and the later counts"
            ),
            "\(twice)")
        for pattern in ["/etc/swanctl/conf.d/*.conf", "w*"] {
            let own = try charon("include \(pattern)\n" + Self.charon(1, 2))
            #expect(
                own.contains(
                    "error: tunnels.vpn: west.conf, line 1: it includes itself (\(pattern)), and swanctl never comes to an end"
                ), "\(own)")
        }
        let more = try charon("include /etc/more.conf\n" + Self.charon(1, 2))
        #expect(more.contains { $0.contains("line 1: it includes /etc/more.conf, which is not beside") }, "\(more)")
    }

    @Test func `libreswan has one pair of selectors in a child SA, strongSwan any number`() throws {
        let two = "10.1.0.0/24, 10.1.1.0/24"
        let west = Self.charon(1, 2, selectors: (two, "10.2.0.0/24"))
        let alone = try Self.lab(
            "strongswan", west: west, east: Self.charon(2, 1, start: "none", selectors: ("10.2.0.0/24", two)))
        #expect(alone.errors.isEmpty, "\(alone)")
        let mixed = try Self.lab(
            "strongswan", west: west,
            east: Self.pluto(2, 1, ["leftsubnet": "10.2.0.0/24", "rightsubnet": "10.1.0.0/24"])
        ) { text in
            text.replacing("east: {role: router, ike: strongswan}", with: "east: {role: router, ike: libreswan}")
                .replacing("east: {config: east.conf,", with: "east: {config: east.conf, secrets: keys,")
        }
        #expect(mixed.errors.contains { $0.contains("west wants 2 pairs of selectors in one child SA") }, "\(mixed)")
    }

    /// Each pair is negotiated by itself, so that those that both have come up.
    @Test func `Pairs of subnets that only one end has are named, and do not keep the others back`() throws {
        let changes = { (side: String, prefixes: String) in
            [
                "\(side)subnets": prefixes, "vti-interface": "", "mark": "", "vti-routing": "",
            ]
        }
        let policies = { (text: String) in
            text.split(separator: "\n").filter { !$0.hasSuffix("=") && !$0.contains("subnet=10.2") }
                .joined(separator: "\n") + "\n"
        }
        let byPolicy = { (text: String) in
            text.replacing(", interface: v0", with: "")
                .replacing("west: {role: router,", with: "west: {role: router, routes: {0.0.0.0/0: 192.0.2.2},")
                .replacing("east: {role: router,", with: "east: {role: router, routes: {0.0.0.0/0: 192.0.2.1},")
        }
        let west = policies(Self.pluto(1, 2, changes("right", "{10.2.0.0/24,10.2.1.0/24,10.2.2.0/24}")))
        let east = policies(Self.pluto(2, 1, changes("left", "{10.2.0.0/24,10.2.1.0/24}")))
        let found = try Self.lab("libreswan", west: west, east: east, change: byPolicy)
        #expect(found.errors.isEmpty, "\(found)")
        #expect(
            found.warnings == [
                "tunnels.vpn: the ends have not the same pairs of selectors, each of which is negotiated by itself: 10.1.0.0/16 with 10.2.2.0/24 only at west"
            ])
        let apart = try Self.lab(
            "libreswan", west: west,
            east: policies(Self.pluto(2, 1, changes("left", "{10.3.0.0/24,10.4.1.0/24}"))), change: byPolicy)
        #expect(
            apart.errors.count == 1
                && apart.errors[0].contains(
                    "(rightsubnets={10.2.0.0/24,10.2.1.0/24,10.2.2.0/24}) and east.conf:8 (leftsubnets={10.3.0.0/24,"),
            "\(apart)")
    }

    @Test func `What a file leaves open is not compared`() throws {
        let found = try Self.lab(
            "strongswan", west: Self.charon(1, 2, proposals: "default", esp: "default"),
            east: Self.charon(2, 1, start: "none", proposals: "aes128-sha256-modp2048,default"))
        #expect(found.errors.isEmpty && found.warnings.isEmpty, "\(found)")
    }

    @Test func `An option without effect and an old protocol are warned of`() throws {
        let newer = try Self.lab(
            "libreswan", west: Self.pluto(1, 2, ["dpdtimeout": "5"]), east: Self.pluto(2, 1))
        #expect(newer.warnings.map { $0.contains("dpdtimeout= has no effect with IKEv2") } == [true], "\(newer)")
        let older = try Self.lab(
            "libreswan", west: Self.pluto(1, 2, ["ikev2": "never", "dpdtimeout": "5"]),
            east: Self.pluto(2, 1, ["ikev2": "never"]))
        #expect(
            older.warnings.map { $0.contains("conn c is of IKEv1, which nobody should use any more") } == [true, true])
    }

    @Test func `The older format of strongSwan is called by its name`() throws {
        let found = try Self.lab(
            "strongswan", west: "config setup\n    uniqueids = no\nconn c\n    left=192.0.2.1\n",
            east: Self.charon(2, 1))
        #expect(
            found.errors.contains { $0.contains("west.conf is in strongSwan's older format, ipsec.conf") }, "\(found)")
    }

    /// A DHCP-like mistake of clouds: the gateway has a private address and its peer knows another.
    @Test func `An end behind NAT that calls itself by its private address is refused`() throws {
        let text = """
            name: pair
            nodes:
              west: {role: router}
              nat: {role: internet-gateway, nat: {outside: up, map: {203.0.113.9: 192.0.2.1}}}
              east: {role: router}
            links:
              inner: {ends: {west:e0: 192.0.2.1/24, nat:down: 192.0.2.254/24}}
              outer: {ends: {nat:up: 203.0.113.1/24, east:e0: 203.0.113.2/24}}
            tunnels:
              vpn:
                psk: example-key
                ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
                esp: {encryption: aes-256-cbc, integrity: sha2-256}
                ends:
                  west: {config: west.conf, secrets: keys, connection: c, interface: v0}
                  east: {address: 203.0.113.2, interface: v0, startup: listen}
            """
        let own = Self.pluto(1, 2, ["right": "203.0.113.2", "leftsubnet": "0.0.0.0/0", "rightsubnet": "0.0.0.0/0"])
        func errors(_ own: String) throws -> [String] {
            let files = ["west.conf": own, "keys": ": PSK \"example-key\"\n"]
            let file = LabFile(text: text, file: "lab.yaml") { name in try #require(files[name]) }
            do {
                _ = try file.resolve()
                return []
            } catch { return error.diagnostics.map(\.message) }
        }
        let found = try errors(own)
        #expect(
            found.contains {
                $0.contains("east takes its peer for 203.0.113.9") && $0.contains("west calls itself 192.0.2.1")
            }, "\(found)")
        #expect(try errors(own + "    leftid=203.0.113.9\n").isEmpty)
    }

    @Test(arguments: [
        ("6", []), ("5", ["tunnels.two: at west it has the number 5 of one, by which packets find their tunnel"]),
    ])
    func `Two tunnels of a node with one mark are refused`(_ mark: String, _ errors: [String]) throws {
        let text = """
            name: three
            nodes: {west: {role: router}, east: {role: router}, south: {role: router}}
            links:
              wire: {ends: {west:e0: 192.0.2.1/24, east:e0: 192.0.2.2/24}}
              other: {ends: {west:e1: 192.0.3.1/24, south:e0: 192.0.3.2/24}}
            tunnels:
              one:
                ends:
                  west: {config: one.conf, secrets: keys, connection: c, interface: v0}
                  east: {config: east.conf, secrets: keys, connection: c, interface: v0}
              two:
                ends:
                  west: {config: two.conf, secrets: keys, connection: c, interface: v1}
                  south: {config: south.conf, secrets: keys, connection: c, interface: v0}
            """
        func other(_ own: Int, _ peer: Int, _ changes: [String: String]) -> String {
            Self.pluto(own, peer, changes).replacing("192.0.2.", with: "192.0.3.")
        }
        let files = [
            "one.conf": Self.pluto(1, 2), "east.conf": Self.pluto(2, 1), "keys": ": PSK \"a-key\"\n",
            "two.conf": other(1, 2, ["mark": "\(mark)/0xffffffff", "vti-interface": "v1"]),
            "south.conf": other(2, 1, [:]),
        ]
        let file = LabFile(text: text, file: "lab.yaml") { name in try #require(files[name]) }
        var found: [String] = []
        do { _ = try file.resolve() } catch {
            found = error.diagnostics.filter { $0.severity == .error }.map(\.message)
        }
        #expect(found == errors)
    }

    /// What charon does when its peer has been silent (swanctl.conf(5)): `dpd_action` says nothing to begin anew, or for how long.
    @Test(
        arguments: [
            ("", "", nil),
            (
                "dpd_delay = 10s", "",
                "a silence ends the tunnel for good: west gives its peer up, and nobody begins anew"
            ),
            ("dpd_delay = 10s", "dpd_action = restart", "it asks once more (keyingtries"),
            ("dpd_delay = 10s\n    keyingtries = 3", "dpd_action = restart", "it asks 3 times more (keyingtries"),
            ("dpd_delay = 10s\n    keyingtries = 0", "dpd_action = restart", nil),
            ("dpd_delay = 10s", "dpd_action = trap", nil),
        ] as [(String, String, String?)])
    func `A silence that ends a tunnel for good is warned of`(_ connection: String, _ child: String, _ words: String?)
        throws
    {
        let west = Self.charon(1, 2).replacing("local_addrs", with: connection + "\n    local_addrs")
            .replacing("start_action", with: child + "\n        start_action")
        let east = Self.charon(2, 1, start: "none")
        let (errors, warnings) = try Self.lab("strongswan", west: west, east: east)
        #expect(errors.isEmpty, "\(errors)")
        if let words {
            #expect(warnings.count == 1 && warnings[0].contains(words), "\(warnings)")
        } else {
            #expect(warnings.isEmpty, "\(warnings)")
        }
    }

    // MARK: What a daemon does not load

    /// Measured with `ipsec addconn` of 4.10: what is text may not stand twice, and a number may if it is the same.
    @Test(
        arguments: [
            ("left=192.0.2.1", true), ("pfs=yes\n    pfs=yes", true), ("pfs=yes\n    pfs=no", false),
            ("leftsubnet=10.1.0.0/16", false), ("auto=add", false),
        ])
    func `A parameter that stands twice is complained of, or keeps the connection out`(
        _ again: String, _ isLoaded: Bool
    )
        throws
    {
        let west = Self.pluto(1, 2) + "    \(again)\n"
        let (errors, warnings) = try Self.lab("libreswan", west: west, east: Self.pluto(2, 1))
        #expect(errors.contains { $0.contains("pluto does not load it (\"duplicate key\")") } == !isLoaded, "\(errors)")
        #expect(warnings.contains { $0.contains("of which pluto complains") } == isLoaded, "\(warnings)")
    }

    @Test(
        arguments: [
            ("", ["auto": "ignore"], "west.conf, line 3: conn c has auto=ignore: pluto does not load it"),
            ("", ["ikev2": "never"], "global ikev1-policy does not allow IKEv1 connections"),
            ("config setup\n    ikev1-policy=accept\n", ["ikev2": "never"], nil),
            ("config setup\n    listen=10.9.9.9\n", [:], "pluto has no socket at 192.0.2.1"),
            ("", ["esp": "aes256-sha2_256;modp2048,aes128-sha1"], "gives some of its proposals for ESP a group"),
            ("", ["authby": "secret,rsasig"], "nothing to sign with"),
        ] as [(String, [String: String], String?)])
    func `What pluto does not load is said before it is built`(
        _ setup: String, _ changes: [String: String], _ words: String?
    ) throws {
        let east = changes["ikev2"].map { ["ikev2": $0] } ?? [:]
        let (errors, _) = try Self.lab(
            "libreswan", west: setup + Self.pluto(1, 2, changes),
            east: setup.contains("listen") ? Self.pluto(2, 1) : setup + Self.pluto(2, 1, east))
        let own = errors.filter { !$0.contains("ends.east") }
        if let words {
            #expect(own.contains { $0.contains(words) }, "\(errors)")
        } else {
            #expect(errors.isEmpty, "\(errors)")
        }
    }

    @Test func `A key without quotes is none`() throws {
        let (errors, _) = try Self.lab(
            "libreswan", west: Self.pluto(1, 2), east: Self.pluto(2, 1), secrets: ": PSK a-key\n"
        ) { $0.replacing("west.conf, secrets: keys", with: "west.conf, secrets: given") }
        #expect(errors.contains { $0.contains("the key after `PSK` is not in quotes") }, "\(errors)")
    }

    /// Measured with charon 5.9.8: it discards the connection.
    @Test(
        arguments: [
            ("local_addrs", "mobbike = yes\n    local_addrs", "charon knows no option mobbike there"),
            ("start_action", "dpdaction = restart\n        start_action", "charon knows no option dpdaction there"),
            ("start_action", "rekey_time = 1hour\n        start_action", "rekey_time = 1hour is no time"),
            ("local_addrs", "keyingtries = %forever\n    local_addrs", "keyingtries = %forever is no number"),
            ("sha256-modp2048\n    local", "sha256-dh14\n    local", "charon knows no algorithm dh14"),
            ("aes256-sha256-modp2048\n    local", "aes256gcm16-modp2048\n    local", "has no pseudo-random function"),
            ("start_action", "policies = no\n        start_action", "installs no policies"),
            ("remote_addrs = 192.0.2.2", "remote_addrs = %any", "has no address to begin with"),
            (
                "secret =", "id-1 = 198.51.100.9\n    secret =",
                "none of the secrets of west is for 192.0.2.1 or 192.0.2.2"
            ),
            ("  ike-1 {", "  psk-1 {", "none of the secrets of west is for 192.0.2.1 or 192.0.2.2"),
        ])
    func `What charon discards is said before it is built`(_ old: String, _ new: String, _ words: String) throws {
        let west = Self.charon(1, 2)
        try #require(west.contains(old))
        let (errors, _) = try Self.lab(
            "strongswan", west: west.replacing(old, with: new), east: Self.charon(2, 1, start: "none"))
        #expect(errors.contains { $0.contains(words) }, "\(errors)")
    }

    @Test(
        arguments: [
            "aes128-sha256-x25519", "aes256gcm16-prfsha384-ecp384", "chacha20poly1305-prfsha256-curve25519", "default",
            "aes256-sha512-modp4096-ke1_mlkem768", "3des-sha1-modp1536, aes256ctr-aesxcbc-modp2048s256",
            "aes256ccm16-prfaesxcbc-ecp256bp", "camellia256-sha2_384-modp8192", "aes256gcm-prfsha1-modp3072",
        ])
    func `Proposals that charon takes are not spoken of`(_ proposals: String) throws {
        let (errors, _) = try Self.lab(
            "strongswan", west: Self.charon(1, 2, proposals: proposals),
            east: Self.charon(2, 1, start: "none", proposals: proposals))
        #expect(!errors.contains { $0.contains("charon") }, "\(errors)")
    }
}
