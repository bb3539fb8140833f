import LabModel
import Testing

/// What is wrong with an expectation is said once, where it is, and with what to do.
@Suite("Diagnostics of expectations, MSS clamps and probes' sources")
struct ExpectationDiagnosticTests {
    @Test(
        arguments: [
            BrokenLab(
                text: BrokenLab.text + "§expect:\n", "expect: \"\" is not a mapping of expectations", "Write a mapping"),
            BrokenLab(text: BrokenLab.text + "§expect: [mtu]\n", "expect: a list is not a mapping", "Write a mapping"),
            BrokenLab(expect: "§x: mtu", "expect.x: \"mtu\" is not a mapping such as {mtu: PROBE}", "Write"),
            BrokenLab(
                expect: "§x: {}", "expect.x says no kind of expectation",
                "exactly one of encapsulation, confidentiality, mtu,"),
            BrokenLab(
                expect: "§x: {mut: there}", "expect.x says no kind", "Did you mean \"mtu\"? Write exactly one of"),
            BrokenLab(expect: "§x: {as: esp}", "expect.x says no kind", "Write exactly one of"),
            BrokenLab(
                expect: "§x: {mtu: there, mss: there}", "expect.x says several kinds of expectation", "exactly one of"),
            BrokenLab(
                expect: "x:\n  mtu: there\n  §beynd: lost", "expect.x: unknown key \"beynd\"",
                "Did you mean \"beyond\"?"),
            BrokenLab(
                expect: "§x: {rtt: there, transfer: 1MB}", "expect.x: unknown key \"transfer\"",
                "Known keys here: count, is, on-request, published, rtt, when, within."),
            BrokenLab(expect: "§Bad_Name: {mtu: there}", "\"Bad_Name\" is not a name", "1 to 32 lower-case letters"),
            BrokenLab(
                expect: "§x: {mtu: there}\nx: {mss: there}", "a name stands twice in one mapping: x", "rename or remove"
            ),
        ])
    func `Kinds and names`(_ broken: BrokenLab) throws { try broken.expectOnlyDiagnostic() }

    @Test(
        arguments: [
            BrokenLab(
                expect: "§x: {mtu: theer}", "expect.x.mtu: there is no \"theer\"",
                "Did you mean \"there\"? Known probes: there."),
            BrokenLab(
                expect: "§x: {encapsulation: [there, ther], in: own}", "expect.x.encapsulation: there is no \"ther\"",
                "\"there\""),
            BrokenLab(
                expect: "§x: {encapsulation: there, in: mian}", "expect.x.in: there is no \"mian\"",
                "Did you mean \"main\"? Known tunnels:"),
            BrokenLab(
                expect: "§x: {confidentiality: there, on: [wan, la]}", "expect.x.on: there is no \"la\"",
                "Known links: lan, spare,"),
            BrokenLab(
                expect: "§x: {routes: ruter, are: {10.0.0.0/8: absent}}", "there is no \"ruter\"",
                "Did you mean \"router\"? Known nodes:"),
            BrokenLab(
                expect: "§x: {bgp: man}", "expect.x.bgp: there is no \"man\"",
                "Did you mean \"main\"? Known BGP sessions: main."),
            BrokenLab(
                expect: "§x: {sa: there}", "expect.x.sa: there is no \"there\"", "Known tunnels: idle, main, own."),
            BrokenLab(
                expect: "§x: {path: there, via: [router, gatway]}", "expect.x.via: there is no \"gatway\"",
                "\"gateway\"? Known nodes and tunnels:"),
            BrokenLab(
                expect: "§x: {security: {from: wm, to: peer}, is: accepted}", "security.from: there is no \"wm\"",
                "\"vm\""),
            BrokenLab(
                expect: "§x: {security: {from: vm, to: pear}, is: accepted}",
                "security.to: \"pear\" is neither an address nor a node with one", "\"peer\""),
            BrokenLab(
                expect: "§x: {mtu: [there, there]}", "expect.x.mtu: a list is not the name of one of the probes",
                "Write"),
            BrokenLab(
                expect: "§x: {encapsulation: [], in: own}", "expect.x.encapsulation names none of the probes",
                "Known probes: there."),
            BrokenLab(
                expect: "§x: {mtu: there, when: bgp man up}", "expect.x.when: the condition cannot be used",
                "There is no \"man\". Did you mean \"main\"?"),
            BrokenLab(
                expect: "§x: {mtu: there, when: bgp own up}", "the condition cannot be used", "There is no \"own\"."),
            BrokenLab(
                expect: "§x: {mtu: there, when: main}", "the condition cannot be used",
                "\"main\" is not a condition. Write one of: tunnel"),
            BrokenLab(
                expect: "§x: {mtu: there, when: [bgp main up, bgp own up]}",
                "expect.x.when.[1]: the condition cannot be used", "There is no \"own\"."),
        ])
    func `What is named and not there`(_ broken: BrokenLab) throws { try broken.expectOnlyDiagnostic() }

    @Test(
        arguments: [
            BrokenLab(
                expect: "§x: {mtu: there, is: 67}", "expect.x.is: \"67\" is not an MTU from 68 to 65535", "Write an MTU"
            ),
            BrokenLab(expect: "§x: {mtu: there, is: large}", "expect.x.is: \"large\" is not an MTU", "Write an MTU"),
            BrokenLab(
                expect: "§x: {mtu: there, beyond: frag-neded}", "\"frag-neded\" is not one of the answers",
                "Did you mean \"frag-needed\"?"),
            BrokenLab(
                expect: "§x: {mss: there, is: 87}", "expect.x.is: \"87\" is not a segment size from 88 to 65495",
                "Write"),
            BrokenLab(
                expect: "§x: {mss: there, transfer: 20 M}",
                "expect.x.transfer: \"20 M\" is not an amount such as 500kB or 20MB", "Write"),
            BrokenLab(expect: "§x: {mss: there, transfer: 0}", "\"0\" is not an amount", "Write"),
            BrokenLab(
                expect: "§x: {encapsulation: there}", "expect.x does not say how traffic is wrapped",
                "`in: TUNNEL`, or `as: esp`"),
            BrokenLab(
                expect: "§x: {encapsulation: there, as: ipsec}", "\"ipsec\" is not one of esp, esp-in-udp, 6in4,",
                "Write one of"),
            BrokenLab(
                expect: "§x: {encapsulation: there, as: [vlan 4095, esp]}",
                "expect.x.as.[0]: \"vlan 4095\" is not one of", "vlan N"),
            BrokenLab(
                expect: "§x: {encapsulation: there, in: main, as: gre}", "expect.x.in is about ESP, and `as:` has none",
                "esp-in-udp in `as:`"),
            BrokenLab(
                expect: "§x: {encapsulation: there, as: gre, esp: {encryption: aes-256-gcm-16}}",
                "expect.x.esp is about ESP", "or remove `in:` and `esp:`"),
            BrokenLab(
                expect: "§x: {sa: main, esp: {encryption: aes-256-gcm}}",
                "\"aes-256-gcm\" is not one of the encryption", "Did you mean"),
            BrokenLab(
                expect: "§x: {sa: main, esp: {integrity: sha1}}", "expect.x.esp has no \"encryption\"", "aes-256-gcm-16"
            ),
            BrokenLab(
                expect: "§x: {sa: main, esp: {encryption: aes-256-cbc}}",
                "expect.x.esp: aes-256-cbc does not authenticate", "sha2-256"),
            BrokenLab(
                expect: "§x: {sa: main, esp: {encryption: aes-256-gcm-16, integrity: sha1}}", "authenticates by itself",
                "Remove `integrity:`"),
            BrokenLab(
                expect: "§x: {sa: main, nat-t: maybe}", "expect.x.nat-t: \"maybe\" is not on or off", "Write on or off"),
            BrokenLab(
                expect: "§x: {confidentiality: there, allow: [ike, dns]}", "\"dns\" is not one of the control traffic",
                "Known control traffic: arp,"),
            BrokenLab(expect: "§x: {path: there}", "expect.x has no \"via\"", "the nodes and tunnels on the way"),
            BrokenLab(
                expect: "§x: {rtt: there, is: 3}", "expect.x.is: \"3\" is not a time such as 2ms", "Write a time"),
            BrokenLab(
                expect: "§x: {rtt: there, within: 0s}", "expect.x.within: \"0s\" is not a time above zero",
                "Write a time"),
            BrokenLab(
                expect: "§x: {rate: there, is: fast}", "expect.x.is: \"fast\" is not a rate such as 471mbit",
                "Write a rate"),
            BrokenLab(
                expect: "§x: {rate: there, within: 5}", "expect.x.within: \"5\" is not a share such as 2%",
                "Write a share"),
            BrokenLab(
                expect: "§x: {rate: there, within: 0%}", "expect.x.within: \"0%\" is not a share above 0%",
                "Write a share"),
            BrokenLab(expect: "§x: {routes: vm}", "expect.x has no \"are\"", "prefixes to gateways"),
            BrokenLab(expect: "§x: {routes: vm, are: {}}", "expect.x.are names no route", "10.2.0.0/16: absent"),
            BrokenLab(
                expect: "§x: {routes: vm, are: {10.0.0.1/8: absent}}", "expect.x.are: \"10.0.0.1/8\" is not a prefix",
                "without host bits"),
            BrokenLab(
                expect: "§x: {routes: vm, are: {10.0.0.0/8: eth1}}", "node vm has no interface \"eth1\"",
                "Did you mean \"eth0\"?"),
            BrokenLab(
                expect: "§x: {routes: vm, are: {10.0.0.0/8: 10.0.0}}", "node vm has no interface \"10.0.0\"",
                "Known interfaces: eth0, lo, vti1."),
            BrokenLab(
                expect: "§x: {routes: vm, are: {10.0.0.0/8: not an interface}}",
                "is not a gateway, an interface, or absent", "Write"),
            BrokenLab(
                expect: "§x: {routes: vm, are: {10.0.0.0/8: [absent, eth0]}}", "is absent and has a next hop",
                "either `absent`"),
            BrokenLab(expect: "§x: {ecmp: there}", "expect.x has no \"over\"", "tunnels or links"),
            BrokenLab(
                expect: "§x: {ecmp: there, over: main}", "expect.x.over: traffic is shared among several ways",
                "Name two"),
            BrokenLab(
                expect: "§x: {ecmp: there, over: [main, mian]}", "expect.x.over: there is no \"mian\"",
                "Did you mean \"main\"?"),
            BrokenLab(
                expect: "§x: {ecmp: there, over: [main, idle]}", "tunnel idle is unused, so it never comes up",
                "unused: true"),
            BrokenLab(
                expect: "§x: {ecmp: there, over: [main, wan], flows: 1}", "expect.x.flows: \"1\" is not",
                "from 2 to 1000"),
            BrokenLab(
                expect: "§x: {bgp: main, is: established}", "\"established\" is not one of the states",
                "Known states: connecting, down, flapping, up."),
            BrokenLab(
                expect: "§x: {bgp: main, is: down, hold: 30s}",
                "expect.x.hold: a session that is down has no hold time", "Remove `hold:`"),
            BrokenLab(
                expect: "§x: {security: vm, is: accepted}", "expect.x.security: \"vm\" is not a mapping with from,",
                "Write a mapping"),
            BrokenLab(expect: "§x: {security: {from: vm, to: peer}}", "expect.x has no \"is\"", "accepted or dropped"),
            BrokenLab(
                expect: "§x: {security: {from: vm, to: peer}, is: refused}", "\"refused\" is not one of the outcomes",
                "accepted, dropped"),
            BrokenLab(
                expect: "§x: {security: {from: vm, to: peer, protocol: tcp}, is: accepted}",
                "security: tcp needs a port", "Add `port: N`."),
            BrokenLab(
                expect: "§x: {security: {from: vm, to: peer, port: 22}, is: accepted}", "icmp has no ports",
                "Remove `port:`."),
            BrokenLab(
                expect: "§x: {security: {from: vm, to: peer, protocol: sctp}, is: dropped}",
                "\"sctp\" is not one of the protocols", "icmp, tcp, udp"),
            BrokenLab(
                expect: "§x: {security: {from: vm, to: peer, protocol: udp, port: 65536}, is: dropped}",
                "\"65536\" is not a port from 0 to 65535", "Write"),
            BrokenLab(
                expect: "§x: {security: {from: vm, source: me, to: peer}, is: dropped}",
                "security.source: \"me\" is not an address", "Write"),
            BrokenLab(
                expect: "§x: {security: {from: vm, source: \"2001:db8::1\", to: peer}, is: dropped}",
                "2001:db8::1 cannot send to 192.0.2.2", "two addresses"),
        ])
    func `Values`(_ broken: BrokenLab) throws { try broken.expectOnlyDiagnostic() }

    @Test(
        arguments: [
            BrokenLab(
                expect: "§x: {sa: idle}", "expect.x: tunnel idle is unused, so it never comes up",
                "Remove `unused: true`"),
            BrokenLab(expect: "§x: {encapsulation: there, in: idle}", "tunnel idle is unused", "or the expectation"),
            BrokenLab(expect: "§x: {mtu: there, when: tunnel idle up}", "tunnel idle is unused", "or the expectation"),
            BrokenLab(expect: "§x: {path: there, via: [router, idle]}", "tunnel idle is unused", "or the expectation"),
            BrokenLab(
                expect: "§x: {bgp: main, when: bgp main down}",
                "expect.x: bgp main down is the opposite of what is expected", "`is:` or `when:`"),
            BrokenLab(expect: "§x: {bgp: main, is: down, when: bgp main up}", "bgp main up is the opposite", "Change"),
            BrokenLab(
                expect: "§x: {sa: main, when: tunnel main down}", "while tunnel main is down, nothing goes through it",
                "tunnel main up"),
            BrokenLab(
                expect: "§x: {path: there, via: [router, main], when: tunnel main down}", "while tunnel main is down",
                "another tunnel"),
            BrokenLab(expect: "§x: {path: there, via: []}", "expect.x.via: nothing joins vm to peer", "in its order"),
            BrokenLab(
                expect: "§x: {path: there, via: [gateway, router]}", "expect.x.via: nothing joins vm to gateway",
                "in its order"),
            BrokenLab(
                expect: "§x: {path: there, via: [vm, router, gateway]}", "nothing joins vm to vm",
                "without the probe's own ends"),
            BrokenLab(
                expect: "§x: {path: there, via: [router, gateway], back: [router, gateway]}",
                "expect.x.back: nothing joins gateway to vm", "in its order"),
            BrokenLab(
                expect: "§x: {path: there, via: [router, router, gateway]}", "nothing joins router to router",
                "in its order"),
            BrokenLab(expect: "§x: {path: there, via: [main]}", "nothing joins vm to main", "in its order"),
        ])
    func `What could never hold`(_ broken: BrokenLab) throws { try broken.expectOnlyDiagnostic() }

    @Test(
        arguments: [
            ("psk: example-key-of-main", "psk: short"), ("aes-256-gcm-16}", "aes-256-gcm-17}"),
            ("over: main", "over: mian"),
            (", to: peer", ""), ("to: peer", "to: pier"), ("router:spare", "ruter:spare"),
            ("router:lan: 10.0.0.1/24", "router:lan: 10.0.1.1/24"),
            ("config: vm.conf", "config: none.conf"), ("role: router\n    routes", "role: ruter\n    routes"),
        ])
    func `What is wrong elsewhere is not said again of expectations`(_ old: String, _ new: String) throws {
        let expectations = """
            a: {encapsulation: there, in: main, when: tunnel main up}
            b: {encapsulation: there, in: own, when: bgp main up}
            c: {path: there, via: [router, main]}
            d: {bgp: main}
            e: {sa: main}
            f: {mtu: there, is: 1400}
            g: {routes: router, are: {10.0.0.0/8: [vpn1, spare]}}
            h: {security: {from: vm, to: peer}, is: accepted}
            """
        let (topology, warnings) = try BrokenLab.resolve(BrokenLab.text(expecting: expectations))
        #expect(topology.expectations.count == 8 && warnings.isEmpty, "\(warnings)")
        let broken = BrokenLab.text.replacing(old, with: new, maxReplacements: 1)
        let alone = try #require(throws: LabFileError.self) { try BrokenLab.resolve(broken) }
        let text = BrokenLab.text(expecting: expectations).replacing(old, with: new, maxReplacements: 1)
        let error = try #require(throws: LabFileError.self) { try BrokenLab.resolve(text) }
        #expect(error == alone)
    }

    @Test(
        arguments: [
            (
                "{mtu: there, is: 1501}", "no packet of 1501 bytes passes the links at both ends of there",
                "at most 1500"
            ),
            ("{mss: there, is: 1461}", "no segment of 1461 bytes passes", "at most 1460"),
            ("{rate: there, is: 1.1gbit}", "carry no more than 1gbit", "headers take their part"),
            (
                "{security: {from: vm, to: 10.9.9.9}, is: dropped}", "nothing in the lab has the address 10.9.9.9",
                "an address of the lab"
            ),
            ("{mtu: there, is: 1500}", nil, ""), ("{mss: there, is: 1460}", nil, ""),
            ("{rate: there, is: 940mbit}", nil, ""),
            ("{security: {from: peer, to: 203.0.113.20}, is: dropped}", nil, ""),
            ("{security: {from: vm, to: 169.254.1.1}, is: dropped}", nil, ""),
        ] as [(String, String?, String)])
    func `What will surprise is a warning`(_ expectation: String, _ message: String?, _ remedy: String) throws {
        let (topology, warnings) = try BrokenLab.resolve(BrokenLab.text(expecting: "x: \(expectation)"))
        #expect(topology.expectations.count == 1 && warnings.count == (message == nil ? 0 : 1), "\(warnings)")
        let line = BrokenLab.text.count { $0.isNewline } + 2
        #expect(
            warnings.allSatisfy {
                $0.severity == .warning && $0.line == line && $0.message.contains(message ?? "")
                    && $0.remedy.contains(remedy)
            }, "\(warnings)")
    }

    // MARK: Probes' sources

    @Test(
        arguments: [
            BrokenLab(
                "from: vm, to", "from: vm, source: 10.0.0.1, to§",
                "probes.there: node vm does not have the address 10.0.0.1", "10.0.0.2, 192.168.2.1"),
            BrokenLab(
                "from: vm, to", "from: vm, source: vm, to§",
                "probes.there.source: \"vm\" is not an address of the node that asks", "Write"),
            BrokenLab(
                "from: vm, to: peer", "from: vm, source: 10.0.0.2, to: \"2001:db8::1\"§",
                "10.0.0.2 cannot send to 2001:db8::1", "two addresses"),
        ])
    func `A probe's source`(_ broken: BrokenLab) throws { try broken.expectOnlyDiagnostic() }

    @Test(arguments: ["10.0.0.2", "192.168.2.1"])
    func `A probe may ask from any address of its own`(_ address: String) throws {
        let text = BrokenLab.text.replacing("from: vm, to", with: "from: vm, source: \(address), to")
        #expect(try BrokenLab.resolve(text).topology.probe(named: "there")?.sourceAddress?.description == address)
    }

    @Test
    func `A probe of what is nobody's is a warning`() throws {
        let warnings = try BrokenLab.resolve(BrokenLab.text.replacing("to: peer", with: "to: 10.9.9.9")).warnings
        #expect(warnings.map(\.message) == ["probes.there: nothing in the lab has the address 10.9.9.9"])
    }

    // MARK: MSS

    @Test(
        arguments: [
            ("clamp-to-pmtu", MSSClamp.toPathMTU), ("off", .off), ("no", .off), ("false", .off), ("88", .to(88)),
            ("65495", .to(65495)),
        ])
    func `MSS clamps`(_ text: String, _ clamp: MSSClamp) throws {
        let topology = try BrokenLab.resolve(
            BrokenLab.text.replacing("role: router\n    routes", with: "role: router\n    mss: \(text)\n    routes")
                .replacing("    psk: example-key-of-main", with: "    mss: \(text)\n    psk: example-key-of-main")
        ).topology
        #expect(topology.node(named: "router")?.mss == clamp && topology.tunnel(named: "main")?.mss == clamp)
        #expect(topology.node(named: "peer")?.mss == .off && topology.tunnel(named: "idle")?.mss == .off)
    }

    @Test(
        arguments: [
            "87", "65496", "-1", "1398.5", "on", "true", "clamp", "clamp-to-mtu", "\"\"", "[1398]", "{to: 1398}",
        ])
    func `What is no MSS clamp`(_ text: String) throws {
        for (old, place) in [
            ("role: router\n    routes", "nodes.router.mss"), ("psk: example-key-of-main", "tunnels.main.mss"),
        ] {
            let new = "mss: \(text)§\n    \(old)"
            try BrokenLab(old, new, "\(place): ", "Write clamp-to-pmtu, off, or a segment size from 88 to 65495.")
                .expectOnlyDiagnostic()
        }
    }
}
