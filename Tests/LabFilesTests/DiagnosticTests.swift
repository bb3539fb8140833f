import LabFiles
import LabModel
import Testing

/// What is wrong is said once, where it is, and with what to do.
@Suite struct DiagnosticTests {
    @Test func `The base is a lab`() throws {
        let (topology, warnings) = try BrokenLab.resolve(BrokenLab.text)
        #expect(warnings.isEmpty && topology.tunnels.count == 3 && topology.probes.count == 1)
    }

    @Test(arguments: [
        BrokenLab(text: "§", "the file is empty", "Start from a lab"),
        BrokenLab(text: "§# only a comment\n", "the file is empty", "Start from a lab"),
        BrokenLab(text: "§just text\n", "the file: \"just text\" is not a mapping with name,", "Write a mapping"),
        BrokenLab(text: "§- a\n- b\n", "the file: a list is not a mapping", "Write a mapping"),
        BrokenLab(text: "§nodes: {a: {}}\n", "the lab has no \"name\"", "netlab up NAME"),
        BrokenLab(text: "§name: a\n", "the lab has no \"nodes\"", "the machines of the lab"),
        BrokenLab(text: "§name: a\nnodes: {}\n", "the lab has no nodes", "Add at least one"),
        BrokenLab(text: "name: a\n§nodes:\n", "nodes: \"\" is not a mapping of nodes", "Write a mapping of nodes"),
        BrokenLab(text: "name: a\n§\tnodes: {}\n", "a tab stands where it takes spaces", "indentation in spaces"),
        BrokenLab(text: "name: a\nnodes: {}\n§---\nname: b\n", "a second document begins here", "another file"),
        BrokenLab(text: "name: a\nnodes: [\n§", "this is not YAML", "indentation, quotes and colons"),
        BrokenLab(text: "name: a\nnodes:\n§\ta: {}\n", "this is not YAML", "indentation"),
        BrokenLab(text: "name: \"a\nnodes: {}\n§", "this is not YAML", "quotes"),
        BrokenLab(text: "name: a\n§nodes: *b\n", "this is not YAML: found undefined alias", "Look at"),
        BrokenLab(text: "name: a\nnodes: {}\n§---\nname: b\n", "this is not YAML", "Look at"),
        BrokenLab(text: "name: a\n§title: \u{1}\n", "this is not YAML: control characters", "Remove what is not text"),
        BrokenLab(
            text: "§name: a\nnodes: {}\nname: b\n", "a name stands twice in one mapping: name", "rename or remove"),
    ])
    func `File`(_ broken: BrokenLab) throws {
        try broken.expectOnlyDiagnostic()
    }

    @Test(arguments: [
        BrokenLab("clouds:", "§cloud: x\nclouds:", "unknown key \"cloud\"", "Did you mean \"clouds\"?"),
        BrokenLab(
            "bgp:", "§proves: {}\nbgp:", "unknown key \"proves\"",
            "Did you mean \"probes\"? Known keys here: accepts, bgp, clouds,"),
        BrokenLab("bgp:", "§zzzzzzzz: {}\nbgp:", "unknown key \"zzzzzzzz\"", "Known keys here: accepts, bgp, clouds,"),
        BrokenLab(
            "cloud: aws", "cloud: aws\n    §rout: {}", "nodes.vm: unknown key \"rout\"", "Did you mean \"routes\"?"),
        BrokenLab(
            "{from: 10.0.0.0/8,", "{§form: x, from: 10.0.0.0/8,", "nodes.vm.security.[0]: unknown key \"form\"",
            "\"from\""),
        BrokenLab("delay: 1ms", "dellay: 1ms§", "links.wan: unknown key \"dellay\"", "Did you mean \"delay\"?"),
        BrokenLab(
            "lifetime: 8h", "lifetme: 8h§", "tunnels.main.ike: unknown key \"lifetme\"", "Did you mean \"lifetime\"?"),
        BrokenLab("link: {mtu", "§link: {mut: 1, mtu", "defaults.link: unknown key \"mut\"", "Did you mean \"mtu\"?"),
        BrokenLab("{title: AWS}", "{titel: AWS}§", "clouds.aws: unknown key \"titel\"", "Did you mean \"title\"?"),
    ])
    func `Unknown key`(_ broken: BrokenLab) throws {
        try broken.expectOnlyDiagnostic()
    }

    @Test(arguments: [
        BrokenLab("  vm:\n", "  peer: {}§\n  vm:\n", "a name stands twice in one mapping: peer", "rename or remove"),
        BrokenLab("  lan:", "  up: {}§\n  lan:", "a name stands twice in one mapping: up", "rename or remove"),
        BrokenLab(
            "  there:", "  there: {}§\n  there:", "a name stands twice in one mapping: there", "rename or remove"),
        BrokenLab(
            "router:spare", "router:up§", "node router has two interfaces named up; the other is in line 24",
            "another name"),
        BrokenLab(
            "vpn1, inside: 169.254.1.1", "lan, inside: §169.254.1.1", "node router has two interfaces named lan",
            "another name"),
        BrokenLab("router:spare", "router:lo§", "\"lo\" is the kernel's own name", "such as eth0"),
        BrokenLab("router:spare", "router:all§", "\"all\" is the kernel's own name", "such as eth0"),
        BrokenLab("router:spare", "router:a*§", "\"a*\" of node router is not an interface's name", "letters, digits"),
        BrokenLab(
            "{role: router}\n", "{role: router}\n  Bad_Name: {}§\n", "\"Bad_Name\" is not a name",
            "1 to 32 lower-case letters"),
        BrokenLab(
            "{role: router}\n", "{role: router}\n  -a: {}§\n", "\"-a\" is not a name", "do not begin with a hyphen"),
        BrokenLab("{role: router}\n", "{role: router}\n  ../x: {}§\n", "\"../x\" is not a name", "1 to 32"),
        BrokenLab("name: base", "name: base lab§", "\"base lab\" is not a name", "1 to 32"),
        BrokenLab("name: base", "name: a23456789-123456789-123456789-123§", "is not a name", "1 to 32"),
        BrokenLab("name: base", "name: [a]§", "name: a list is not text", "Write text"),
        BrokenLab("  there:", "  The Probe:§", "\"The Probe\" is not a name", "1 to 32"),
    ])
    func `Name`(_ broken: BrokenLab) throws {
        try broken.expectOnlyDiagnostic()
    }

    @Test(arguments: [
        BrokenLab(
            "cloud: aws", "cloud: asw§", "nodes.vm: there is no cloud \"asw\"",
            "Did you mean \"aws\"? Known clouds: aws."),
        BrokenLab(
            "router:spare", "ruter:spare§", "links.spare: there is no node \"ruter\"", "Did you mean \"router\"?"),
        BrokenLab("vm:eth0", "vn:eth0§", "links.lan: there is no node \"vn\"", "Did you mean \"vm\"?"),
        BrokenLab(
            "gateway:wan", "elsewhere:wan§", "links.wan: there is no node \"elsewhere\"",
            "Known nodes: gateway, peer, router, vm."),
        BrokenLab(
            "      peer: {address", "      pear: {§address", "tunnels.main: there is no node \"pear\"",
            "Did you mean \"peer\"?"),
        BrokenLab(
            "      peer: {asn", "      pear: {§asn", "bgp.main: there is no node \"pear\"", "Did you mean \"peer\"?"),
        BrokenLab(
            "      peer: {asn", "      vm: {§asn", "bgp.main: node vm has no address on main",
            "two ends of it: router, peer"),
        BrokenLab("      peer: {asn: 65001}", "", "bgp.main has 1 usable speakers", "exactly two nodes").at(
            "  main:\n    over"),
        BrokenLab(
            "over: main", "over: mian§", "bgp.main: there is no tunnel or link \"mian\"", "Did you mean \"main\"?"),
        BrokenLab(
            "over: main", "over: idle§", "tunnel idle is unused, so the session would never come up",
            "Remove `unused: true`"),
        BrokenLab("from: vm, to", "from: wm, to§", "probes.there: there is no node \"wm\"", "Did you mean \"vm\"?"),
        BrokenLab(
            "to: peer", "to: pier§", "probes.there: \"pier\" is neither an address nor a node with one",
            "Did you mean \"peer\"?"),
        BrokenLab("to: peer", "to: 10.0.0.300§", "\"10.0.0.300\" is neither an address nor a node", "Known nodes:"),
        BrokenLab(
            "role: router\n    routes", "role: ruter§\n    routes", "\"ruter\" is not one of the roles",
            "Did you mean \"router\"?"),
    ])
    func `Reference`(_ broken: BrokenLab) throws {
        try broken.expectOnlyDiagnostic()
    }

    @Test(arguments: [
        BrokenLab(
            "router:spare: 10.0.7.1/30, peer:spare: 10.0.7.2/30",
            "router:spare: 10.0.0.9/28, peer:spare: 10.0.0.10/28§",
            "node router: the block 10.0.0.0/28 of link spare overlaps 10.0.0.0/24 of link lan", "blocks apart"),
        BrokenLab(
            "169.254.2.1/30}\n      peer: {address: 192.0.2.2, interface: vpn2, inside: 169.254.2.2/30}",
            "169.254.2.1/30}\n      peer: {address: 192.0.2.2, interface: vpn2, inside: 169.254.2.1/30§}",
            "tunnels.idle: both ends have the inside address 169.254.2.1", "another address"),
        BrokenLab(
            "router:spare: 10.0.7.1/30", "router:spare: 10.0.7.2/30§",
            "address 10.0.7.2 of peer:spare is also router:spare's, in line 26",
            "another address"),
        BrokenLab(
            "peer:spare: 10.0.7.2/30", "peer:spare: 10.0.8.2/30§",
            "links.spare: 10.0.8.2/30 is not on the link of 10.0.7.1/30", "same block"),
        BrokenLab(
            "peer:spare: 10.0.7.2/30", "peer:spare: 10.0.7.2/29§", "10.0.7.2/29 is not on the link of 10.0.7.1/30",
            "same length"),
        BrokenLab(
            "peer:spare: 10.0.7.2/30", "peer:spare: 10.0.7.0/30§",
            "10.0.7.0/30 is the network's or the broadcast address", "between them"),
        BrokenLab(
            "peer:spare: 10.0.7.2/30", "peer:spare: 10.0.7.3/30§",
            "10.0.7.3/30 is the network's or the broadcast address", "between them"),
        BrokenLab(
            "peer:spare: 10.0.7.2/30", "peer:spare: 10.0.7.2/33§", "\"10.0.7.2/33\" is not an address",
            "such as 10.2.3.100/24"),
        BrokenLab(
            "inside: 169.254.1.2/30", "inside: 169.254.3.2/30§",
            "tunnels.main: 169.254.3.2/30 is not on the link of 169.254.1.1/30", "/30"),
        BrokenLab(
            "inside: 169.254.1.2/30", "inside: 169.254.1.3/30§", "169.254.1.3/30 is the network's or the broadcast",
            "between them"),
        BrokenLab(
            "address: 192.0.2.2, interface: vpn1", "address: 192.0.2.9, interface: vpn1§",
            "tunnels.main: node peer does not have the address 192.0.2.9", "one of its own: 192.0.2.2, 10.0.7.2."),
        BrokenLab(
            "address: 192.0.2.2, interface: vpn1", "interface: vpn1§", "tunnels.main.ends.peer has no \"address\"",
            "192.0.2.2, 10.0.7.2"),
    ])
    func `Address`(_ broken: BrokenLab) throws {
        try broken.expectOnlyDiagnostic()
    }

    @Test func `Overlap of tunnels at both ends`() throws {
        let text = BrokenLab.text.replacing("169.254.2.", with: "169.254.1.")
        let error = try #require(throws: LabFileError.self) { try BrokenLab.resolve(text) }
        #expect(
            error.diagnostics.map(\.message)
                == ["router", "peer"].map {
                    "node \($0): the block 169.254.1.0/30 of tunnel idle overlaps 169.254.1.0/30 of tunnel main"
                })
    }

    @Test(arguments: [
        BrokenLab(
            "ends: {router:spare: 10.0.7.1/30, peer:spare", "ends: {peer:spare", "links.spare has 1 usable ends",
            "exactly two"
        ).at("  spare:"),
        BrokenLab(
            "router:spare: 10.0.7.1/30", "peer:spare2: 10.0.7.1/30§", "links.spare joins node peer to itself",
            "two different nodes"),
        BrokenLab(
            "router:spare:", "router:a23456789012345x:§", "\"router:a23456789012345x\" is not NODE:INTERFACE",
            "1 to 15 bytes"),
        BrokenLab("router:spare:", "router:§", "\"router\" is not NODE:INTERFACE", "a colon"),
        BrokenLab("spare: {ends", "spare: {mtu: 60, ends§", "links.spare.mtu: \"60\" is not an MTU", "68 to 65535"),
        BrokenLab("spare: {ends", "spare: {rate: fast, ends§", "links.spare.rate: \"fast\" is not a rate", "500mbit"),
        BrokenLab(
            "spare: {ends", "spare: {delay: 3, ends§", "links.spare.delay: \"3\" is not a time", "2ms, 30s or 1h"),
        BrokenLab("spare: {ends", "spare: {loss: 101%, ends§", "links.spare.loss: \"101%\" is not a share", "0.03%"),
        BrokenLab(
            "  spare: {ends: {router:spare: 10.0.7.1/30, peer:spare: 10.0.7.2/30}}", "  spare: {}§",
            "links.spare has no \"ends\"", "Add `ends: …`"),
        BrokenLab("link: {mtu: 1500}", "link: {mtu: big}§", "defaults.link.mtu: \"big\" is not an MTU", "68 to 65535"),
    ])
    func `The link`(_ broken: BrokenLab) throws {
        try broken.expectOnlyDiagnostic()
    }

    @Test(arguments: [
        BrokenLab(
            "      router: {address: 10.0.1.1, interface: vpn1, inside: 169.254.1.1/30, startup: listen}\n", "",
            "tunnels.main leads to nowhere: it has 1 usable ends", "exactly two nodes"
        ).at("  main:\n    psk"),
        BrokenLab(
            "inside: 169.254.1.2/30", "inside: 169.254.1.2/30, startup: listen",
            "tunnels.main: both ends listen", "`startup: initiate` at one end"
        ).at("  main:\n    psk"),
        BrokenLab(
            "group: 20", "group: 2§", "tunnels.main.ike.group: group 2 (modp1024) is not in Debian's libreswan",
            "group 14 or higher"),
        BrokenLab(
            "pfs-group: 5", "pfs-group: 2§", "tunnels.main.esp.pfs-group: group 2 (modp1024)", "group 14 or higher"),
        BrokenLab("group: 20", "group: 22§", "Diffie-Hellman group 22 is not supported", "Known groups: 2, 5, 14, 15,"),
        BrokenLab("group: 20", "group: modp§", "\"modp\" is not a Diffie-Hellman group's number", "Write"),
        BrokenLab(
            "ike: {encryption: aes-256-cbc", "ike: {encryption: 3des§",
            "tunnels.main.ike.encryption: \"3des\" is not one of the encryption algorithms",
            "Known encryption algorithms: aes-128-cbc,"),
        BrokenLab(
            "ike: {encryption: aes-256-cbc", "ike: {encryption: aes256-cbc§", "\"aes256-cbc\"",
            "Did you mean \"aes-256-cbc\"?"),
        BrokenLab(
            "integrity: sha2-384", "integrity: sha2-385§", "\"sha2-385\" is not one of the integrity algorithms",
            "Did you mean \"sha2-384\"?"),
        BrokenLab("integrity: sha2-384, ", "§", "tunnels.main.ike has no \"integrity\"", "sha2-384"),
        BrokenLab(
            "esp: {encryption: aes-256-cbc", "esp: {encryption: aes-256-gcm-16§",
            "aes-256-gcm-16 authenticates by itself", "Remove `integrity:`"),
        BrokenLab("integrity: sha2-256, pfs", "§pfs", "aes-256-cbc does not authenticate", "Add `integrity: sha2-256`"),
        BrokenLab(
            "lifetime: 8h", "lifetime: 59s§", "tunnels.main.ike.lifetime: \"59s\" is not a lifetime", "60s to 24h"),
        BrokenLab(
            "lifetime: 1h", "lifetime: 25h§", "tunnels.main.esp.lifetime: \"25h\" is not a lifetime", "60s to 24h"),
        BrokenLab("lifetime: 1h", "lifetime: soon§", "tunnels.main.esp.lifetime: \"soon\" is not a time", "30s or 1h"),
        BrokenLab(
            "timeout: 30s", "timeout: 10s§", "the timeout 10s is not after the delay 10s", "longer than the delay"),
        BrokenLab(
            "delay: 10s", "delay: 500ms§", "tunnels.main.dpd: the timeout 30s is not after the delay 500ms",
            "1s or more"),
        BrokenLab(
            "delay: 10s, ", "§", "tunnels.main.dpd has no \"delay\"", "the silence after which the peer is asked"),
        BrokenLab("    psk: example-key-of-main\n", "", "tunnels.main has no psk", "needs `ike:`, `esp:`, and `psk:`")
            .at("  main:\n    ike"),
        BrokenLab(
            "psk: example-key-of-main", "psk: \"§two\\nlines-of-text\"", "tunnels.main.psk is not a usable",
            "printable ASCII"),
        BrokenLab(
            "psk: example-key-of-main", "psk: 'a\"quote-inside'§", "tunnels.main.psk is not a usable",
            "without spaces and double quotes"),
        BrokenLab(
            "psk: example-key-of-main", "psk: with a space§", "tunnels.main.psk is not a usable", "without spaces"),
        BrokenLab("psk: example-key-of-main", "psk: seven-7§", "tunnels.main.psk is not a usable", "8 to 64"),
        BrokenLab("psk: example-key-of-main", "psk: äääääääää§", "tunnels.main.psk is not a usable", "ASCII"),
        BrokenLab(
            "psk: example-key-of-main", "psk: [a]§", "tunnels.main.psk: a list is not a pre-shared key",
            "Write a pre-shared key"),
        BrokenLab("startup: listen", "startup: wait§", "\"wait\" is not one of the startup modes", "initiate, listen"),
        BrokenLab(
            "startup: listen", "dpd-action: restrat§", "\"restrat\" is not one of the dead peer actions",
            "Did you mean \"restart\"?"),
        BrokenLab(
            "unused: true", "unused: maybe§", "tunnels.idle.unused: \"maybe\" is not on or off", "Write on or off"),
        BrokenLab(
            "interface: vpn1, inside: 169.254.1.2/30", "inside: 169.254.1.2/30§",
            "tunnels.main.ends.peer has no \"interface\"",
            "leads into the tunnel"),
    ])
    func `The tunnel`(_ broken: BrokenLab) throws {
        try broken.expectOnlyDiagnostic()
    }

    @Test(arguments: [
        BrokenLab(
            "config: vm.conf", "config: none.conf§", "tunnels.own: the file \"none.conf\" cannot be read: no such file",
            "beside the lab file"),
        BrokenLab(
            "config: vm.conf", "config: none.conf§, address: 10.0.0.2", "the file \"none.conf\" cannot be read",
            "beside the lab file"),
        BrokenLab(
            "secrets: key, connection: one", "secrets: keys, connection: one§", "the file \"keys\" cannot be read",
            "beside the lab file"),
        BrokenLab(
            "config: vm.conf", "config: ../vm.conf§", "\"../vm.conf\" is not the plain name of a file", "without a path"
        ),
        BrokenLab(
            "config: vm.conf", "config: /etc/passwd§", "\"/etc/passwd\" is not the plain name of a file",
            "without a path"),
        BrokenLab(
            "config: vm.conf", "config: .hidden§", "\".hidden\" is not the plain name of a file", "without a path"),
        BrokenLab("config: vm.conf", "config: ..§", "\"..\" is not the plain name of a file", "without a path"),
        BrokenLab(
            "secrets: key, connection: one", "secrets: a/../key, connection: one§",
            "\"a/../key\" is not the plain name", "without a path"),
        BrokenLab(
            "secrets: key, connection: one", "connection: one§", "tunnels.own.ends.vm has `config:` but no `secrets:`",
            "Add `secrets: FILE`"),
        BrokenLab(
            "connection: one", "connection: on§", "vm.conf has no `conn on` section",
            "Did you mean \"one\"? Known connections there: one."),
        BrokenLab("connection: one, ", "§", "vm.conf has no `conn …` section", "Known connections there: one."),
        BrokenLab(
            "interface: vti1, inside: 192.168.2.1", "interface: vti2, inside: §192.168.2.1",
            "vm.conf says vti-interface=vti1, the lab file vti2",
            "Write `interface: vti1`"),
        BrokenLab(
            "config: vm.conf", "config: unmarked.conf§", "unmarked.conf: vti-interface= needs mark=",
            "Write `mark=5/0xffffffff` in conn one"),
        BrokenLab(
            "config: peer.conf", "config: private.conf§",
            "private.conf says right=10.0.0.2, but the other end is reached at 203.0.113.20",
            "Write right=203.0.113.20"),
        BrokenLab(
            "config: vm.conf", "config: foreign.conf", "node vm does not have the address 10.0.0.9",
            "one of its own: 10.0.0.2"
        ).at("      vm: {config"),
        BrokenLab(
            "role: router}", "role: router, bird: none.conf}§", "nodes.peer: the file \"none.conf\" cannot be read",
            "beside the lab file"),
        BrokenLab(
            "role: router}", "role: router, ike: libreswan, strongswan: quick-strongswan.conf}§",
            "nodes.peer has a file for strongSwan and runs libreswan", "Remove `ike:` or `strongswan:`."),
        BrokenLab(
            "role: router}", "role: router, bird: ../../etc/passwd}§", "\"../../etc/passwd\" is not the plain name",
            "without a path"),
        BrokenLab(
            "config: vm.conf, secrets: key, connection: one, interface", "address: 10.0.0.2, interface",
            "tunnels.own has no ike, esp, psk", "give both ends their own `config:`"
        ).at("  own:"),
    ])
    func `Companion`(_ broken: BrokenLab) throws {
        try broken.expectOnlyDiagnostic()
    }

    @Test(arguments: [
        BrokenLab(
            "10.9.0.0/16: 10.0.1.2", "10.9.0.0/16: 10.5.5.5§",
            "nodes.router: the gateway 10.5.5.5 of 10.9.0.0/16 is on none of the node's links",
            "Its links are 10.0.0.0/24, 10.0.1.0/30, 10.0.7.0/30, 169.254.1.0/30, 169.254.2.0/30."),
        BrokenLab(
            "10.9.0.0/16: 10.0.1.2", "10.9.0.0/16: [10.0.1.2, 10.5.5.5]§", "the gateway 10.5.5.5 of 10.9.0.0/16",
            "Its links are"),
        BrokenLab(
            "10.9.0.0/16: 10.0.1.2", "10.9.0.1/16: 10.0.1.2§", "\"10.9.0.1/16\" is not a prefix", "without host bits"),
        BrokenLab(
            "10.9.0.0/16: 10.0.1.2", "10.9.0.0/16: up§",
            "nodes.router.routes.10.9.0.0/16: \"up\" is not a gateway's address", "Write a gateway"),
        BrokenLab(
            "10.9.0.0/16: 10.0.1.2", "10.9.0.0/16: {dev: upp}§", "there is no interface upp for 10.9.0.0/16",
            "Did you mean \"up\"?"),
        BrokenLab(
            "10.9.0.0/16: 10.0.1.2", "10.9.0.0/16: {table: 5}§", "nodes.router.routes.10.9.0.0/16 leads nowhere",
            "Add `via: ADDRESS`"),
        BrokenLab(
            "10.9.0.0/16: 10.0.1.2", "10.9.0.0/16: []§", "nodes.router.routes.10.9.0.0/16 leads nowhere",
            "Add `via: ADDRESS`"),
        BrokenLab(
            "10.9.0.0/16: 10.0.1.2", "10.9.0.0/16: {via: []}§", "nodes.router.routes.10.9.0.0/16 leads nowhere",
            "Add `via: ADDRESS`"),
        BrokenLab(
            "{10.9.0.0/16: 10.0.1.2}", "{\"::/0\": 10.0.1.2, \"0::0/0\": 10.0.1.2}§",
            "there are two routes to ::/0 in table 254; the other is in line 14",
            "Keep one"),
        BrokenLab(
            "table: 100", "table: main§", "nodes.router.rules.[0].table: \"main\" is not a table's number", "Write"),
        BrokenLab(", table: 100", "§", "nodes.router.rules.[0] has no \"table\"", "the route table's number"),
        BrokenLab(
            "net.ipv4.ip_forward", "kernel.hostname§", "\"kernel.hostname\" is not a setting of a network namespace",
            "below net."),
        BrokenLab(
            "net.ipv4.ip_forward", "net.ipv4/../../kernel.panic§", "is not a setting of a network namespace",
            "below net."),
        BrokenLab("net.ipv4.ip_forward", "net...kernel§", "is not a setting of a network namespace", "below net."),
        BrokenLab(
            "outside: wan", "outside: wam§", "nodes.gateway.nat: the node has no interface wam",
            "Did you mean \"wan\"? Known interfaces here: down, wan."),
        BrokenLab("outside: wan, ", "§", "nodes.gateway.nat has no \"outside\"", "faces the Internet"),
        BrokenLab(
            "203.0.113.20: 10.0.0.2}", "203.0.113.20: 10.0.0.2, 203.0.113.21: 10.0.0.9}§",
            "nodes.gateway.nat: no node has the address 10.0.0.9",
            "that 203.0.113.21 stands for"),
        BrokenLab(
            "{203.0.113.20: 10.0.0.2}", "{203.0.113.20: 10.0.0.2, public: 10.0.0.2}§", "\"public\" is not an address",
            "public address"),
        BrokenLab(
            "sysctls:", "§security: [{from: 10.0.0.0/8}]\n    sysctls:",
            "nodes.router: security rules and the source/destination check belong to an instance",
            "`role: instance`"),
        BrokenLab(
            "  router:\n", "  router:§\n    source-destination-check: off\n",
            "nodes.router: security rules and the source/destination check",
            "`role: instance`"),
        BrokenLab(
            "peer: {role: router}", "peer: {source-destination-check: off}§",
            "nodes.peer: security rules and the source/destination check",
            "one link"),
        BrokenLab(
            "protocol: udp", "protocol: icmp§", "nodes.vm.security.[0]: ports need a protocol that has them",
            "`protocol: tcp`"),
        BrokenLab("protocol: udp", "protocol: upd§", "\"upd\" is not one of the protocols", "Did you mean \"udp\"?"),
        BrokenLab("ports: [500]", "ports: [65536]§", "\"65536\" is not a port from 0 to 65535", "Write a port"),
        BrokenLab(
            "{from: 10.0.0.0/8, ", "{§", "nodes.vm.security.[0] has no \"from\"", "the prefix the traffic comes from"),
    ])
    func `The node`(_ broken: BrokenLab) throws {
        try broken.expectOnlyDiagnostic()
    }

    @Test(arguments: [
        BrokenLab(
            "keepalive: 10s, hold: 30s", "keepalive: 1s, hold: 2s§",
            "bgp.main.speakers.router: keepalive 1s and hold 2s are not usable", "RFC 4271"),
        BrokenLab(
            "keepalive: 10s, hold: 30s", "keepalive: 30s, hold: 30s§", "keepalive 30s and hold 30s",
            "keepalive less than hold"),
        BrokenLab(
            "keepalive: 10s, hold: 30s", "keepalive: 10500ms, hold: 30s§", "keepalive 10.5s and hold 30s",
            "whole seconds"),
        BrokenLab("keepalive: 10s, hold: 30s", "keepalive: 10s, hold: 20h§", "hold 20h are not usable", "3s to 65535s"),
        BrokenLab(
            "asn: 64512", "asn: 0§", "bgp.main.speakers.router.asn: \"0\" is not an AS number", "1 to 4294967295"),
        BrokenLab("advertise: 10.0.0.0/24", "advertise: 10.0.0.1/24§", "\"10.0.0.1/24\" is not a prefix", "10.0.0.0/8"),
        BrokenLab(
            "over: main", "over: main\n    password: \"a b\"§", "bgp.main.password is not a usable key",
            "without spaces"),
        BrokenLab(
            "bgp:\n  main:", "bgp:\n  primary:§", "bgp.primary: \"primary\" is a word of BIRD's own", "primary-session"),
        BrokenLab("    over: main\n", "", "bgp.main has no \"over\"", "the tunnel or link").at("    speakers:"),
        BrokenLab(", to: peer", "§", "probes.there has no \"to\"", "that is asked"),
        BrokenLab("to: peer", "to: peer, every: often§", "probes.there.every: \"often\" is not a time", "30s"),
    ])
    func `Session or probe`(_ broken: BrokenLab) throws {
        try broken.expectOnlyDiagnostic()
    }

    @Test func `Every problem is reported in the file's order`() throws {
        let edits = [
            ("cloud: aws", "cloud: gcp"), ("net.ipv4.ip_forward", "vm.swappiness"), ("outside: wan", "outside: wam"),
            ("peer:spare: 10.0.7.2/30", "peer:spare: 10.0.8.2/30"), ("integrity: sha2-384", "integrity: md5"),
            ("timeout: 30s", "timeout: 1s"),
            ("config: vm.conf", "config: none.conf"), ("hold: 30s", "hold: 1s"), ("to: peer", "to: nobody"),
        ]
        let text = edits.reduce(BrokenLab.text) { $0.replacing($1.0, with: $1.1, maxReplacements: 1) }
        let error = try #require(throws: LabFileError.self) { try BrokenLab.resolve(text) }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let expected = edits.compactMap { edit in lines.firstIndex { $0.contains(edit.1) }.map { $0 + 1 } }
        #expect(expected.count == edits.count && error.diagnostics.compactMap(\.line) == expected, "\(error)")
    }

    @Test func `Text`() {
        let diagnostic = LabFileDiagnostic(file: "lab.yaml", line: 3, message: "this is wrong", remedy: "Mend it.")
        let whole = LabFileDiagnostic(severity: .warning, file: "lab.yaml", line: nil, message: "odd", remedy: "Look.")
        #expect(
            LabFileError(diagnostics: [diagnostic, whole]).description == """
                lab.yaml:3: error: this is wrong
                    Mend it.
                lab.yaml: warning: odd
                    Look.
                """)
    }

    @Test func `Resolving twice says the same`() throws {
        let file = LabFile(
            text: BrokenLab.text.replacing("group: 20", with: "group: 22"), file: "lab.yaml",
            companion: BrokenLab.companion)
        let first = try #require(throws: LabFileError.self) { try file.resolve() }
        #expect(throws: first) { try file.resolve() }
    }

    // MARK: What is unusual and right

    @Test(arguments: [
        ("keepalive: 1s, hold: 3s", "1s 3s"), ("hold: 3s", "1s 3s"), ("hold: 10s", "3s 10s"),
        ("keepalive: 10s", "10s 3m"),
        ("advertise: []", "1m 3m"),
    ])
    func `Keepalive is a third of hold`(_ timers: String, _ expected: String) throws {
        let text = BrokenLab.text.replacing("keepalive: 10s, hold: 30s, advertise: 10.0.0.0/24", with: timers)
        let speaker = try #require(try BrokenLab.resolve(text).topology.sessions.first?.speakers.first)
        #expect("\(speaker.keepalive.shortText) \(speaker.hold.shortText)" == expected)
    }

    @Test func `Any peer is right`() throws {
        _ = try BrokenLab.resolve(BrokenLab.text.replacing("config: peer.conf", with: "config: any.conf"))
    }

    @Test func `Marks are read in both bases`() throws {
        let ends = try #require(try BrokenLab.resolve(BrokenLab.text).topology.tunnel(named: "own")).ends
        #expect(ends.map(\.steering.number) == [5, 6])
    }

    @Test func `One end generated and one end own`() throws {
        let text = BrokenLab.text
            .replacing(
                "config: vm.conf, secrets: key, connection: one, interface", with: "address: 10.0.0.2, interface"
            )
            .replacing(
                "  own:\n",
                with: """
                      own:
                        psk: example-key-of-own
                        ike: {encryption: aes-256-cbc, integrity: sha2-384, group: 5}
                        esp: {encryption: aes-256-gcm-16}

                    """)
        let tunnel = try #require(try BrokenLab.resolve(text).topology.tunnel(named: "own"))
        #expect(
            tunnel.ends.map { $0.proposal == nil } == [false, true]
                && tunnel.ends.map(\.interfaceIsMadeByDaemon) == [false, true])
    }

    @Test func `Listeners of an unused tunnel`() throws {
        let text = BrokenLab.text.replacing("169.254.2.1/30", with: "169.254.2.1/30, startup: listen")
            .replacing("169.254.2.2/30", with: "169.254.2.2/30, startup: listen")
        _ = try BrokenLab.resolve(text)
    }

    @Test func `Point to point has no broadcast`() throws {
        let text = BrokenLab.text.replacing("10.0.7.1/30", with: "10.0.7.0/31").replacing(
            "10.0.7.2/30", with: "10.0.7.1/31")
        _ = try BrokenLab.resolve(text)
    }

    @Test func `Policy routing`() throws {
        let node = try #require(try BrokenLab.resolve(BrokenLab.text).topology.node(named: "router"))
        #expect(
            node.rules.map { "\($0.priority) \($0.from?.description ?? "-") \($0.table)" } == ["1000 10.0.0.0/24 100"])
    }

    @Test func `Defaults of links`() throws {
        let text = BrokenLab.text.replacing("link: {mtu: 1500}", with: "link: {mtu: 1400, delay: 7ms}")
        let links = try BrokenLab.resolve(text).topology.links
        #expect(
            links.map { "\($0.mtu) \($0.rate) \($0.delay.shortText) \($0.loss)" } == [
                "1400 1gbit 7ms 0%", "1400 1gbit 7ms 0%", "1400 1gbit 1ms 0.1%", "1400 1gbit 7ms 0%",
            ])
    }
}
