import Daemons
import LabFiles
import LabModel
import Testing

/// How packets get into a tunnel with IPsec, and which ones do.
@Suite("Selectors, policies and interfaces of tunnels")
struct SteeringTests {
    private static let text = """
        name: pair
        nodes:
          hq: {role: router, routes: {0.0.0.0/0: 192.0.2.2}}
          branch: {role: router, ike: strongswan, routes: {0.0.0.0/0: 192.0.2.1}}
        links:
          wire: {ends: {hq:e0: 192.0.2.1/24, branch:e0: 192.0.2.2/24}}
          lan: {ends: {hq:lan: 10.1.0.1/24, branch:back: 10.1.0.2/24}}
        tunnels:
          office: &tunnel
            psk: an-example-key
            ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
            esp: {encryption: aes-256-cbc, integrity: sha2-256, pfs-group: 14}
            selectors:
              - {hq: 10.1.0.0/24, branch: 10.2.0.0/24}
              - {hq: 10.9.0.0/24, branch: 10.2.0.0/24, protocol: tcp, ports: {branch: 443}}
            ends:
              hq: {address: 192.0.2.1}
              branch: {address: 192.0.2.2, startup: listen}

        """

    private static func read(
        _ changes: [(String, String)] = [], files: [String: String] = [:]
    ) throws -> (topology: Topology?, errors: [String], warnings: [String]) {
        var text = Self.text
        for (old, new) in changes {
            #expect(text.contains(old), "\(old)")
            text = text.replacing(old, with: new)
        }
        let file = LabFile(text: text, file: "lab.yaml") { name in try #require(files[name]) }
        do {
            let (topology, warnings) = try file.resolve()
            return (topology, [], warnings.map(\.message))
        } catch {
            return (nil, error.diagnostics.filter { $0.severity == .error }.map(\.message), [])
        }
    }

    @Test func `Each end sees the tunnel's selectors from its own side, and has no interface`() throws {
        let tunnel = try #require(try Self.read().topology?.tunnels.first)
        #expect(tunnel.ends.allSatisfy { $0.steering == .policy && $0.interface == nil })
        #expect(
            tunnel.ends.map { $0.selectors.map(\.description) } == [
                ["10.1.0.0/24 > 10.2.0.0/24", "10.9.0.0/24 > 10.2.0.0/24 port 443, TCP"],
                ["10.2.0.0/24 > 10.1.0.0/24", "10.2.0.0/24 port 443 > 10.9.0.0/24, TCP"],
            ])
        #expect(tunnel.carried(at: tunnel.ends[0]) == tunnel.ends[0].selectors)
    }

    @Test func `A strongswan.conf has to be one, and goes before the lab file's dead-peer detection`() throws {
        let changes = [
            ("ike: strongswan,", "strongswan: own.conf,"), ("psk: an", "dpd: {delay: 10s, timeout: 30s}\n    psk: an"),
        ]
        let broken = try Self.read(changes, files: ["own.conf": "charon {\n  threads\n}\n"])
        #expect(
            broken.errors == [
                "nodes.branch.strongswan: own.conf, line 2: threads is followed by neither `=` nor `{`"
            ])
        let other = try Self.read(changes, files: ["own.conf": "charon {\n  retransmit_tries = 1\n}\n"])
        #expect(other.errors.isEmpty && other.topology?.keyDaemonProfile(of: "branch")?.keyword == "strongswan")
        #expect(
            other.warnings == [
                "tunnels.office.dpd: branch repeats its questions for 20s here and for 11.2s in own.conf, which counts"
            ])
        let same = "charon {\n  retransmit_tries = 1\n retransmit_timeout = 10\n  retransmit_base = 1\n}\n"
        #expect(try Self.read(changes, files: ["own.conf": same]).warnings.isEmpty)
    }

    @Test func `Where the ends differ, the tunnel carries what both have, and that is warned of`() throws {
        let narrow = "ike: strongswan"
        let found = try Self.read([
            ("hq: {role: router,", "hq: {role: router, \(narrow),"),
            (
                "address: 192.0.2.2, startup",
                "selectors: {hq: 10.1.0.0/25, branch: 10.2.0.0/16}, address: 192.0.2.2, startup"
            ),
        ])
        let tunnel = try #require(found.topology?.tunnels.first, "\(found.errors)")
        #expect(tunnel.carried(at: tunnel.ends[0]).map(\.description) == ["10.1.0.0/25 > 10.2.0.0/24"])
        #expect(found.warnings.contains { $0.contains("the tunnel takes what both have") }, "\(found.warnings)")
    }

    @Test func `Transport mode takes the ends' own addresses`() throws {
        let found = try Self.read([
            (
                """
                    selectors:
                      - {hq: 10.1.0.0/24, branch: 10.2.0.0/24}
                      - {hq: 10.9.0.0/24, branch: 10.2.0.0/24, protocol: tcp, ports: {branch: 443}}

                """, "    mode: transport\n"
            )
        ])
        let tunnel = try #require(found.topology?.tunnels.first, "\(found.errors)")
        #expect(tunnel.mode == .transport)
        #expect(
            tunnel.ends.map { $0.selectors.map(\.description) } == [
                ["192.0.2.1/32 > 192.0.2.2/32"], ["192.0.2.2/32 > 192.0.2.1/32"],
            ])
    }

    @Test func `Either daemon leads through either kind of interface`() throws {
        let found = try Self.read([
            ("hq: {address: 192.0.2.1}", "hq: {address: 192.0.2.1, interface: ipsec7, interface-kind: xfrm}"),
            ("branch: {address: 192.0.2.2,", "branch: {address: 192.0.2.2, interface: v0, interface-kind: vti,"),
        ])
        let ends = try #require(found.topology?.tunnels.first?.ends, "\(found.errors)")
        #expect(ends.map { $0.steering.number } == [7, 101])
        guard case .interface(_, .xfrm, _) = ends[0].steering, case .interface(_, .vti, _) = ends[1].steering else {
            Issue.record("\(ends.map(\.steering))")
            return
        }
    }

    struct Mistake: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let changes: [(String, String)]
        let error: String
    }

    static let mistakes: [Mistake] = [
        Mistake(
            testDescription: "pairs that overlap", changes: [("10.9.0.0/24, branch", "10.1.0.0/25, branch")],
            error: "at hq the selectors 10.1.0.0/24 > 10.2.0.0/24 and 10.1.0.0/25 > 10.2.0.0/24 port 443, TCP overlap"),
        Mistake(
            testDescription: "a protocol without ports", changes: [("protocol: tcp,", "protocol: gre,")],
            error: "only TCP and UDP have ports"),
        Mistake(
            testDescription: "two families in a pair",
            changes: [("{hq: 10.1.0.0/24, branch: 10.2", "{hq: 2001:db8::/32, branch: 10.2")],
            error: "has a side of IPv4 and one of IPv6"),
        Mistake(
            testDescription: "a route beside policies",
            changes: [("startup: listen", "routes: 10.1.0.0/24, startup: listen")],
            error: "tunnels.office.ends.branch has `routes:` and no interface"),
        Mistake(
            testDescription: "an MTU beside policies", changes: [("    psk:", "    mtu: 1400\n    psk:")],
            error: "tunnels.office has `mtu:` and no interface that could have it"),
        Mistake(
            testDescription: "no way to the peer's network",
            changes: [("hq: {role: router, routes: {0.0.0.0/0: 192.0.2.2}}", "hq: {role: router}")],
            error: "hq has no route to 10.2.0.0/24, and a kernel looks for a route before it looks for a policy"),
        Mistake(
            testDescription: "a name that libreswan has for no XFRM interface",
            changes: [("hq: {address: 192.0.2.1}", "hq: {address: 192.0.2.1, interface: x0, interface-kind: xfrm}")],
            error: "libreswan's XFRM interfaces are called ipsecNUMBER, and x0 is not"),
        Mistake(
            testDescription: "the name that pluto tries its kernel with",
            changes: [
                ("hq: {address: 192.0.2.1}", "hq: {address: 192.0.2.1, interface: ipsec1, interface-kind: xfrm}")
            ],
            error: "libreswan takes no interface ipsec1 that is there before it"),
        Mistake(
            testDescription: "transport mode through an interface",
            changes: [
                ("    psk:", "    mode: transport\n    psk:"),
                ("{address: 192.0.2.1}", "{address: 192.0.2.1, interface: v0}"),
            ],
            error: "transport mode protects packets between the ends' own addresses"),
        Mistake(
            testDescription: "prefixes in transport mode", changes: [("    psk:", "    mode: transport\n    psk:")],
            error: "in transport mode hq sends from 192.0.2.1, and the selectors say 10.1.0.0/24"),
        Mistake(
            testDescription: "two tunnels for the same packets",
            changes: [
                (
                    "      branch: {address: 192.0.2.2, startup: listen}\n",
                    "      branch: {address: 192.0.2.2, startup: listen}\n  again:\n    <<: *tunnel\n"
                )
            ],
            error: "tunnels.again: at hq its selectors 10.1.0.0/24 > 10.2.0.0/24 overlap those of office"),
    ]

    @Test(arguments: mistakes)
    func `What cannot be is said`(mistake: Mistake) throws {
        let errors = try Self.read(mistake.changes).errors
        #expect(errors.contains { $0.contains(mistake.error) }, "\(errors)")
    }

    /// An end with a user's own file, and what the lab file says of its interface.
    private static func own(_ parameters: String, _ interface: String, _ daemon: String = "libreswan") throws
        -> [String]
    {
        let conf =
            daemon == "libreswan"
            ? "conn c\n    authby=secret\n    auto=start\n    left=192.0.2.1\n    right=192.0.2.2\n\(parameters)\n"
            : "connections {\n c {\n local_addrs = 192.0.2.1\n remote_addrs = 192.0.2.2\n children {\n n {\n start_action = start\n\(parameters)\n}\n}\n}\n}\n"
        return try read(
            [
                ("hq: {role: router,", "hq: {role: router, ike: \(daemon),"),
                ("hq: {address: 192.0.2.1}", "hq: {config: own, secrets: keys, connection: c\(interface)}"),
            ], files: ["own": conf, "keys": ""]
        ).errors
    }

    @Test(arguments: [
        ("    leftsubnet=10.1.0.0/24", ", interface: v0", "own leads through none, by policies alone"),
        ("    ipsec-interface=3", "", "own leads through an XFRM interface, and the end has no `interface:`"),
        (
            "    ipsec-interface=3", ", interface: ipsec4",
            "own says an ipsec-interface= of the name ipsec3, the lab file ipsec4"
        ),
        ("    vti-interface=v1\n    mark=5/0xffffffff", "", "own leads through a VTI, and the end has no `interface:`"),
        ("    type=passthrough", "", "conn c has type=passthrough, and protects nothing"),
    ])
    func `A file of libreswan says itself how packets get in`(parameters: String, interface: String, error: String)
        throws
    {
        let errors = try Self.own(parameters, interface)
        #expect(errors.contains { $0.contains(error) }, "\(errors)")
    }

    @Test(arguments: [
        ("if_id_in = 7\n if_id_out = 7", "", "own leads through an XFRM interface, and the end has no `interface:`"),
        ("mark_in = 9\n mark_out = 9", "", "own leads through a VTI, and the end has no `interface:`"),
        ("if_id_in = 7\n if_id_out = 8", ", interface: x0", "are not the same both ways"),
        ("local_ts = 10.1.0.0/24", ", interface: x0", "own leads through none, by policies alone"),
    ])
    func `A file of strongSwan says itself how packets get in`(child: String, interface: String, error: String) throws {
        let errors = try Self.own(child, interface, "strongswan")
        #expect(errors.contains { $0.contains(error) }, "\(errors)")
    }
}

/// What each end of a generated tunnel offers, and what comes of two lists.
@Suite("Lists of proposals, and ends that differ")
struct ProposalListTests {
    private static func read(_ west: String, _ east: String, tunnel: String = "") throws -> (
        tunnel: Tunnel?, errors: [String], warnings: [String]
    ) {
        let text = """
            name: pair
            nodes:
              west: {role: router}
              east: {role: router, ike: strongswan}
            links:
              wire: {ends: {west:e0: 192.0.2.1/24, east:e0: 192.0.2.2/24}}
            tunnels:
              vpn:
                psk: an-example-key
            \(tunnel)
                ends:
                  west: {address: 192.0.2.1, interface: v0, \(west)}
                  east: {address: 192.0.2.2, interface: v0, \(east)}
            """
        do {
            let (topology, warnings) = try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve()
            return (topology.tunnels.first, [], warnings.map(\.message))
        } catch {
            return (nil, error.diagnostics.map(\.message), [])
        }
    }

    private static let short = "{encryption: aes-128-cbc, integrity: sha2-256, group: 14}"
    private static let long = "{encryption: aes-256-cbc, integrity: sha2-384, group: 19, lifetime: 2h}"
    private static let both =
        "ike: [\(short), \(long)], esp: [{encryption: aes-128-gcm-16}, {encryption: aes-256-gcm-16}]"
    private static let other =
        "ike: [\(long), \(short)], esp: [{encryption: aes-256-gcm-16}, {encryption: aes-128-gcm-16}]"

    @Test(arguments: [
        (", startup: initiate", ", startup: listen", "aes-256-cbc, sha2-384, group 19", "aes-256-gcm-16"),
        (", startup: listen", ", startup: initiate", "aes-128-cbc, sha2-256, group 14", "aes-128-gcm-16"),
        ("", "", nil, nil),
    ])
    func `The responder takes the first of its own list`(west: String, east: String, ike: String?, esp: String?) throws
    {
        let tunnel = try #require(try Self.read(Self.both + west, Self.other + east).tunnel)
        #expect(tunnel.ikeAlgorithms?.description == ike && tunnel.algorithms?.description == esp)
        #expect(tunnel.ends.map { $0.proposal?.ikeLifetime } == [.seconds(7200), .seconds(7200)])
    }

    @Test(arguments: [
        (
            "ike: \(short), esp: {encryption: aes-128-gcm-16}", "ike: \(long), esp: {encryption: aes-128-gcm-16}",
            "no proposal for IKE in common"
        ),
        (
            "ike: \(short), esp: {encryption: aes-128-gcm-16}", "ike: \(short), esp: {encryption: aes-256-gcm-16}",
            "no proposal for ESP in common"
        ),
        (
            "ike: \(short), esp: {encryption: aes-128-gcm-16}",
            "ike: \(short), esp: {encryption: aes-128-gcm-16}, psk: another-key-here", "different pre-shared keys"
        ),
        ("ike: []", "ike: \(short)", "one proposal or a list of them"),
        ("ike: \(short)", "ike: \(short)", "has no esp"),
    ])
    func `Ends that do not fit are told of`(west: String, east: String, error: String) throws {
        let errors = try Self.read(west, east + ", startup: listen").errors
        #expect(errors.contains { $0.contains(error) }, "\(errors)")
    }

    @Test func `An end has the tunnel's where it has none of its own`() throws {
        let tunnel = try #require(
            try Self.read(
                "esp: {encryption: aes-128-gcm-16, lifetime: 10m}", "startup: listen",
                tunnel: "    ike: \(Self.short)\n    esp: {encryption: aes-128-gcm-16, lifetime: 30m}"
            ).tunnel)
        #expect(tunnel.ends.map { $0.proposal?.espLifetime } == [.seconds(600), .seconds(1800)])
        #expect(tunnel.lifetimes?.esp == .seconds(1800))
    }
}

/// What ends are told beside their proposals.
@Suite("Options of tunnels")
struct TunnelOptionsTests {
    private static func read(_ tunnel: String, _ west: String = "", _ east: String = "") throws -> (
        tunnel: Tunnel?, errors: [String], warnings: [String]
    ) {
        let text = """
            name: pair
            nodes:
              west: {role: router}
              east: {role: router, ike: strongswan}
            links:
              wire: {ends: {west:e0: 192.0.2.1/24, east:e0: 192.0.2.2/24}}
            tunnels:
              vpn:
                psk: an-example-key
                ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
                esp: {encryption: aes-256-gcm-16}
                \(tunnel)
                ends:
                  west: {address: 192.0.2.1, interface: v0\(west)}
                  east: {address: 192.0.2.2, interface: v0, startup: listen\(east)}
            """
        do {
            let (topology, warnings) = try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve()
            return (topology.tunnels.first, [], warnings.map(\.message))
        } catch {
            return (nil, error.diagnostics.map(\.message), [])
        }
    }

    @Test func `An end's go before the tunnel's`() throws {
        let tunnel = try #require(
            try Self.read("replay-window: 64\n    mobike: true", ", replay-window: 0, force-encapsulation: true").tunnel
        )
        #expect(tunnel.ends.map(\.options.replayWindow) == [0, 64] && tunnel.ends.allSatisfy(\.moves))
        #expect(tunnel.ends.map(\.options.forcesEncapsulation) == [true, false] && tunnel.isUDPEncapsulated)
    }

    @Test func `IKEv1 is warned of, once`() throws {
        let found = try Self.read("ike-version: 1\n    aggressive: true")
        #expect(found.tunnel?.ends.map(\.ikeVersion) == [1, 1])
        #expect(
            found.warnings.count == 1
                && found.warnings.contains { $0.contains("aggressive mode gives a pre-shared key away") }, "\(found)")
    }

    @Test(arguments: [
        ("aggressive: true", "", "IKEv2 has no aggressive mode"),
        ("ike-version: 3", "", "1 or 2"),
        ("ike-version: 1", ", ike-version: 2", "one end speaks IKEv2 and the other IKEv1"),
        ("ike-version: 1\n    replay-window: -1", "", "replay-window"),
        ("esn: true", ", esn: false", "one end wants sequence numbers of 64 bits"),
        ("rekey-margin: 40m", "", "leaves nothing of a lifetime of 1h"),
    ])
    func `What does not go together is said`(tunnel: String, west: String, error: String) throws {
        let errors = try Self.read(tunnel, west).errors
        #expect(errors.contains { $0.contains(error) }, "\(errors)")
    }

    @Test(arguments: [
        (
            ", ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 19}",
            "libreswan at west has no group 19 in IKEv1"
        ),
        (
            ", esp: {encryption: aes-256-cbc, integrity: sha2-256, pfs-group: 31}",
            "libreswan at west has no group 31 in IKEv1"
        ),
        (", esp: {encryption: chacha20-poly1305}", "IKEv1 has no number for chacha20-poly1305"),
    ])
    func `What IKEv1 lacks is said`(west: String, error: String) throws {
        let errors = try Self.read("ike-version: 1", west).errors
        #expect(errors.contains { $0.contains(error) }, "\(errors)")
        #expect(try !Self.read("ike-version: 2", west).errors.contains { $0.contains(error) })
    }

    @Test func `IKEv1 does not protect IKE with an AEAD`() throws {
        let errors = try Self.read(
            "ike-version: 1", ", ike: {encryption: aes-256-gcm-16, integrity: sha2-256, group: 14}"
        ).errors
        #expect(errors.contains { $0.contains("IKEv1 does not protect IKE with aes-256-gcm-16") }, "\(errors)")
    }
}
