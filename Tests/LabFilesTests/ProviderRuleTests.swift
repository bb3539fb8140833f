import LabFiles
import LabModel
import NetworkTypes
import Providers
import Testing

/// Each kind of rule: a sound lab passes, and one that breaks it is told where, by which rule, and what to do.
@Suite struct ProviderRuleTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let rule: String
        let old: String
        let new: String
        /// How the line that the diagnostic points at begins.
        let line: String
        let message: String
        let severity: LabFileDiagnostic.Severity

        init(
            _ rule: String, _ old: String, _ new: String, at line: String, _ message: String,
            _ severity: LabFileDiagnostic.Severity = .error
        ) {
            (self.rule, self.old, self.new) = (rule, old, new)
            (self.line, self.message, self.severity) = (line, message, severity)
        }

        var kind: String { String(rule.prefix { $0 != ":" }) }
        var testDescription: String { "\(kind): \(message)" }
    }

    static let inside =
        "tunnel-inside-cidr: {lengths: 30, within: 169.254.0.0/16, reserved: [169.254.0.0/30, 169.254.169.252/30], source: doc}"
    static let ike = "ike-algorithms: {encryption: aes-256-cbc, integrity: sha2-256, groups: [14, 19-21], source: doc}"
    static let esp = "esp-algorithms: {encryption: aes-256-cbc, integrity: sha2-256, pfs-groups: [14], source: doc}"
    static let size =
        "tunnel-mtu: {at-most: 1438, path-mtu-discovery: no, by-algorithm: [{cipher: aes-cbc, integrity: sha2-512, mtu: 1422}], source: doc}"
    static let asn = "asn: {own: [65010, 65100-65200], refused: [65515, 65517-65520], differs: yes, source: doc}"
    static let key = "bgp-authentication: {required: yes, length: 6-80, source: doc}"
    static let timers = "bgp-timers: {keepalive: 60s, hold: 180s, negotiates: no, source: doc}"

    static let cases = [
        Case(
            inside, "169.254.21.2/30", "192.168.7.2/30", at: "blue-gw: {address: 198.51.100.2",
            "is not in 169.254.0.0/16"),
        Case(
            inside, "169.254.21.2/30", "169.254.21.2/29", at: "blue-gw: {address: 198.51.100.2",
            "169.254.21.0/29 is not a /30"),
        Case(
            inside, "169.254.21.2/30", "169.254.169.254/30", at: "blue-gw: {address: 198.51.100.2",
            "is in 169.254.169.252/30, which blue keeps for itself"),
        Case(
            "ike-lifetime: {from: 900s, to: 28800s, source: doc}", "lifetime: 28800s", "lifetime: 10h", at: "ike:",
            "IKE lifetime 10h; blue has 900s to 28800s"),
        Case(
            "esp-lifetime: {from: 900s, to: 3600s, source: doc}", "lifetime: 3600s", "lifetime: 10m", at: "esp:",
            "ESP lifetime 10m; blue has 900s to 3600s"),
        Case(
            "esp-lifetime: {to: 90000s, below-ike: yes, source: doc}", "lifetime: 3600s", "lifetime: 8h", at: "esp:",
            "ESP lifetime 8h is not shorter than IKE's 8h"),
        Case(
            ike, "ike: {encryption: aes-256-cbc", "ike: {encryption: aes-128-cbc", at: "ike:",
            "blue does not offer IKE encryption aes-128-cbc"),
        Case(
            ike, "integrity: sha2-256, group", "integrity: sha2-384, group", at: "ike:",
            "blue does not offer IKE integrity sha2-384"),
        Case(ike, "group: 14", "group: 5", at: "ike:", "blue does not offer IKE group 5"),
        Case(
            esp, "esp: {encryption: aes-256-cbc", "esp: {encryption: aes-192-cbc", at: "esp:",
            "blue does not offer ESP encryption aes-192-cbc"),
        Case(
            esp, "integrity: sha2-256, pfs", "integrity: sha1, pfs", at: "esp:",
            "blue does not offer ESP integrity sha1"),
        Case(esp, "pfs-group: 14", "pfs-group: 19", at: "esp:", "blue does not offer ESP pfs group 19"),
        Case(
            "perfect-forward-secrecy: {source: doc}", "pfs-group: 14, ", "", at: "esp:", "no perfect forward secrecy",
            .warning),
        Case(
            "dpd-timeout: {from: 30s, source: doc}", "timeout: 30s", "timeout: 20s", at: "dpd:",
            "a peer is dead after 20s; blue has 30s or more"),
        Case(
            "pre-shared-key: {length: 8-20, source: doc}", "ExampleKeyOfOne",
            "ExampleKeyOfOneThatIsLong", at: "psk:", "has 25 characters"),
        Case(
            "pre-shared-key: {punctuation: \"._\", source: doc}", "ExampleKeyOfOne", "Example-Key-Of-One", at: "psk:",
            "has characters other than letters and digits, ., _"),
        Case(
            "pre-shared-key: {first: \"0\", source: doc}", "ExampleKeyOfOne", "\"0xampleKeyOfOne\"", at: "psk:",
            "begins with 0"),
        Case(size, "mtu: 1400", "mtu: 1460", at: "mtu: 1460", "MTU 1460, and blue advises 1438 or less here", .warning),
        Case(
            size, "mss: 1350", "mss: 1400", at: "mss: 1400", "MSS is lowered to 1400, and blue advises 1398 here",
            .warning),
        Case(
            size, "mss: 1350", "mss: off", at: "one:", "nothing lowers the MSS, and blue does no path MTU discovery",
            .warning),
        Case(
            size, "mtu: 1400\n    mss: 1350", "mss: clamp-to-pmtu", at: "mss: clamp", "trusts the interface's MTU",
            .warning),
        Case(
            "virtual-interface-mtu: {one-of: [1500, 8500], source: doc}", "mtu: 1500}", "mtu: 9000}", at: "line: {ends",
            "MTU 9000 of a line to blue"),
        Case(
            "apipa-range: {within: [169.254.21.0/24, 169.254.22.0/24], source: doc}", "169.254.22.2/30",
            "169.254.30.2/30", at: "blue-gw: {address: 198.51.100.6",
            "blue-gw peers from 169.254.30.2, outside the link-local blocks"),
        Case(
            timers, "blue-gw: {asn: 65010, keepalive: 60s, hold: 180s",
            "blue-gw: {asn: 65010, keepalive: 60s, hold: 200s", at: "blue-gw: {asn: 65010, keepalive: 60s, hold: 200s",
            "and they cannot be changed", .warning),
        Case(
            timers, "red-gw: {asn: 64512, keepalive: 60s, hold: 180s", "red-gw: {asn: 64512, keepalive: 10s, hold: 30s",
            at: "red-gw: {asn: 64512, keepalive: 10s", "red-gw takes it for dead each time", .warning),
        Case(
            timers, "red-gw: {asn: 64512, keepalive: 60s, hold: 180s", "red-gw: {asn: 64512, keepalive: 30s, hold: 90s",
            at: "red-gw: {asn: 64512, keepalive: 30s", "notices a silent peer only after 3m", .warning),
        Case(
            asn, "blue-gw: {asn: 65010, keep", "blue-gw: {asn: 65011, keep", at: "blue-gw: {asn: 65011",
            "blue cannot be AS 65011"),
        Case(
            asn, "red-gw: {asn: 64512, keep", "red-gw: {asn: 65518, keep", at: "red-gw: {asn: 65518",
            "blue keeps AS 65518 for itself"),
        Case(
            asn, "red-gw: {asn: 64512, keep", "red-gw: {asn: 65010, keep", at: "red-gw: {asn: 65010",
            "both sides are AS 65010"),
        Case(key, "    password: example-key\n", "", at: "line:", "there is no authentication key"),
        Case(
            key, "password: example-key", "password: short", at: "password:", "the authentication key has 5 characters"),
        Case(
            "advertised-prefixes: {at-most: 2, source: doc}", "hold: 180s, advertise: 10.1.0.0/16",
            "hold: 180s, advertise: [10.1.0.0/16, 10.3.0.0/16, 10.4.0.0/16]",
            at: "red-gw: {asn: 64512, keepalive: 60s, hold: 180s, advertise: [",
            "advertises 3 prefixes, and blue takes 2"),
        Case(
            "advertised-prefixes: {refused: [0.0.0.0/0, 100.64.0.0/10], source: doc}",
            "hold: 180s, advertise: 10.1.0.0/16", "hold: 180s, advertise: 100.64.8.0/24",
            at: "red-gw: {asn: 64512, keepalive: 60s, hold: 180s, advertise: 100",
            "advertises 100.64.8.0/24, which blue does not take"),
        Case(
            "advertised-prefixes: {refused: [0.0.0.0/0, 100.64.0.0/10], source: doc}",
            "hold: 180s, advertise: 10.1.0.0/16", "hold: 180s, advertise: 0.0.0.0/0",
            at: "red-gw: {asn: 64512, keepalive: 60s, hold: 180s, advertise: 0", "advertises 0.0.0.0/0"),
        Case(
            "any-tunnel-back: {source: doc}", "net.ipv4.ip_forward: 1", "net.ipv4.conf.vpn1.rp_filter: 1",
            at: "sysctls:", "strict reverse path filtering on vpn1 drops what blue sends by another tunnel"),
    ]

    @Test(arguments: cases) func `Is broken`(_ broken: Case) throws {
        let sound = try RuledLab(broken.rule)
        #expect(sound.diagnostics == [])
        // Blocks belong to both ends of a tunnel.
        let other = broken.new.replacing(".2/", with: ".1/").replacing("254/30", with: "253/30")
        var edits = [(broken.old, broken.new)]
        if broken.old.contains(".2/30") { edits.append((broken.old.replacing(".2/", with: ".1/"), other)) }
        let lab = try RuledLab(broken.rule, edits)
        let id = "blue/\(broken.kind)"
        let found = lab.diagnostics.filter { $0.rules.first?.id == id }
        let first = try #require(found.first, "\(lab.diagnostics)")
        #expect(found.count == 1, "\(found)")
        #expect(first.message.contains(broken.message), "\(first)")
        #expect(first.severity == broken.severity)
        #expect(first.line == lab.line(of: broken.line), "\(first)")
        #expect(first.rules.first?.source.title == "A page" && !first.remedy.isEmpty)
        #expect(!first.description.contains("ExampleKey") && !first.description.contains("Example-Key"))
    }

    /// Every kind that can stand in a provider's file is among the cases or has a test of its own below.
    @Test func `Every kind is tested`() throws {
        let library = RuledLab.providers(blue: "nothing: {source: doc}")
        let error = try #require(throws: LabFileError.self) { try library.provider("blue") }
        let known = try #require(error.diagnostics.first?.remedy.firstMatch(of: #/Known kinds of rules: (.*)\./#)?.1)
        let tested = Set(
            Self.cases.map(\.kind) + ["apipa-peers-per-public-ip", "bgp-address-per-tunnel", "responder-only"])
        #expect(Set(known.split(separator: ", ").map(String.init)) == tested)
    }

    /// Unless a file says otherwise, an end begins.
    @Test func `Who never begins has to listen`() throws {
        let lab = try RuledLab("responder-only: {source: doc}", [])
        let found = lab.diagnostics.filter { $0.rules.first?.id == "blue/responder-only" }
        #expect(
            found.map(\.message) == ["one", "two"].map { "tunnels.\($0): blue-gw begins, which blue never does" })
        #expect(found.allSatisfy { $0.severity == .warning && $0.remedy.contains("startup: listen") })
        let listening = try RuledLab(
            "responder-only: {source: doc}",
            [
                ("inside: 169.254.21.2/30", "inside: 169.254.21.2/30, startup: listen"),
                ("inside: 169.254.22.2/30", "inside: 169.254.22.2/30, startup: listen"),
            ])
        #expect(listening.diagnostics.filter { $0.rules.first?.id == "blue/responder-only" } == [])
    }

    /// What a user does with an instance is no matter of the provider's.
    @Test func `Instances are their users'`() throws {
        let lab = try RuledLab(
            Self.timers + "\n" + Self.inside,
            [
                ("blue-gw: {cloud: blue, role: router}", "blue-gw: {cloud: blue}"),
                ("169.254.21.1/30", "192.168.9.1/30"), ("169.254.21.2/30", "192.168.9.2/30"),
            ])
        #expect(lab.diagnostics == [])
    }

    @Test func `Severity is the file's`() throws {
        let lab = try RuledLab(
            "ike-lifetime: {from: 28800s, to: 28800s, severity: warning, source: doc}",
            [("lifetime: 28800s", "lifetime: 1h")])
        #expect(try lab.resolved().warnings.map(\.severity) == [.warning])
    }

    /// The advice is the algorithms', where the provider has one for them.
    @Test func `Sizes follow the algorithms`() throws {
        let lab = try RuledLab(
            Self.size,
            [("integrity: sha2-256, pfs", "integrity: sha2-512, pfs"), ("mtu: 1400", "mtu: 1438")])
        #expect(lab.diagnostics.map(\.remedy) == ["Write `mtu: 1422`."])
    }

    // MARK: Two tunnels to one public address

    private static let oneAddress = [
        ("blue-gw: {address: 198.51.100.6, ", "blue-gw: {address: 198.51.100.2, "),
        ("red-gw: {cloud: red", "red-gw: {cloud: red"),
    ].prefix(1)

    private static let limit = "apipa-peers-per-public-ip: {at-most: 1, source: doc}"
    private static let each = "bgp-address-per-tunnel: {source: doc}"

    @Test func `One public address takes one address`() throws {
        let two = try RuledLab(Self.limit, red: Self.each)
        #expect(two.diagnostics == [], "two public addresses are right")
        let lab = try RuledLab(Self.limit, Array(Self.oneAddress), red: Self.each)
        let diagnostic = try #require(lab.diagnostics.first)
        #expect(lab.diagnostics.count == 1 && diagnostic.severity == .error)
        #expect(diagnostic.line == lab.line(of: "two:").map { _ in lineOfSecondSession(lab) })
        #expect(diagnostic.rules.map(\.id) == ["blue/apipa-peers-per-public-ip", "red/bgp-address-per-tunnel"])
        #expect(
            diagnostic.message.contains(
                "169.254.21.2 and 169.254.22.2 (tunnels one, two), on its one public address 198.51.100.2"))
        #expect(
            diagnostic.description.contains(
                "Rule red/bgp-address-per-tunnel: A page, https://example.net/doc (read 2026-11-21)"))
    }

    /// The line of the second `two:`, which is the session's.
    private func lineOfSecondSession(_ lab: RuledLab) -> Int {
        let lines = lab.text.split(separator: "\n", omittingEmptySubsequences: false)
        return (lines.lastIndex { $0 == "  two:" } ?? 0) + 1
    }

    /// A provider that refuses the second session does not have it, and the other side waits for it.
    @Test func `A tunnel without a session stays down`() throws {
        let session =
            "  two:\n    over: two\n    speakers:\n      red-gw: {asn: 64512, keepalive: 60s, hold: 180s, advertise: 10.1.0.0/16}\n      blue-gw: {asn: 65010, keepalive: 60s, hold: 180s, advertise: 10.2.0.0/16}\n"
        let wish =
            "  two:\n    over: two\n    expect: connecting\n    because: blue refuses it\n    speakers:\n      red-gw: {asn: 64512, peer: 169.254.22.2, peer-asn: 65010}\n"
        let lab = try RuledLab(Self.limit, Self.oneAddress + [(session, wish)], red: Self.each)
        #expect(
            lab.diagnostics.compactMap(\.rules.first?.id).sorted() == [
                "blue/apipa-peers-per-public-ip", "red/bgp-address-per-tunnel",
            ])
        let missing = try #require(lab.diagnostics.first { $0.severity == .warning })
        #expect(missing.message.contains("tunnels.two: the tunnels to 198.51.100.2 are routed dynamically"))
        #expect(missing.rules.map(\.id) == ["red/bgp-address-per-tunnel", "blue/apipa-peers-per-public-ip"])
        // Nor need its end have an address: the other side expects one.
        let bare = try RuledLab(
            Self.limit, Self.oneAddress + [(session, wish), (", inside: 169.254.22.2/30", "")], red: Self.each)
        #expect(bare.diagnostics.map(\.rules) == lab.diagnostics.map(\.rules))
        let accepted = try RuledLab(
            Self.limit, Self.oneAddress + [(session, wish)], red: Self.each,
            more: "accepts: {blue/apipa-peers-per-public-ip: it is to be shown, red/bgp-address-per-tunnel: as well}\n")
        #expect(try accepted.resolved().warnings.compactMap(\.accepted).sorted() == ["as well", "it is to be shown"])
    }

    @Test func `Static routes need no session`() throws {
        let start = try #require(RuledLab.lab.firstRange(of: "  two:\n    over")).lowerBound
        let end = try #require(RuledLab.lab.firstRange(of: "  line:\n    over")).lowerBound
        let second = String(RuledLab.lab[start..<end])
        let first = second.replacing("two", with: "one")
        let lab = try RuledLab(Self.limit, Self.oneAddress + [(second, ""), (first, "")], red: Self.each)
        #expect(lab.diagnostics == [])
    }

    /// Of an end that has its own, the provider's side counts, and not the other.
    @Test func `Dead peers of each end`() throws {
        let rule = "dpd-timeout: {from: 30s, source: doc}"
        let own = "dpd: {delay: 5s, timeout: 20s}, "
        let red = try RuledLab(rule, [("red-gw: {address: 198.51.100.1, ", "red-gw: {address: 198.51.100.1, \(own)")])
        #expect(red.diagnostics == [])
        let blue = try RuledLab(
            rule, [("blue-gw: {address: 198.51.100.2, ", "blue-gw: {address: 198.51.100.2, \(own)")])
        #expect(blue.diagnostics.map(\.line) == [blue.line(of: "blue-gw: {address: 198.51.100.2")])
    }

    /// A line is one with a tag on its frames, too.
    @Test func `Lines with a tag`() throws {
        let tag = ("mtu: 1500}", "mtu: 1500, vlan: 340}")
        #expect(try RuledLab(Self.key, [tag]).diagnostics == [])
        let lab = try RuledLab(Self.key, [tag, ("    password: example-key\n", "")])
        #expect(lab.diagnostics.map { $0.rules.first?.id } == ["blue/bgp-authentication"])
    }

    // MARK: What is accepted

    private static let lifetime = "ike-lifetime: {to: 1h, source: doc}"

    @Test func `What is accepted is a warning with its reason`() throws {
        let lab = try RuledLab(Self.lifetime, more: "accepts: {blue/ike-lifetime: the article has it so}\n")
        let warnings = try lab.resolved().warnings
        #expect(warnings.count == 2, "one for each tunnel")
        #expect(warnings.allSatisfy { $0.severity == .warning && $0.accepted == "the article has it so" })
        #expect(warnings.first?.description.hasSuffix("    Accepted: the article has it so") == true)
    }

    @Test func `An unknown rule cannot be accepted`() throws {
        let lab = try RuledLab(Self.lifetime, more: "accepts: {blue/ike-lifetimes: why not}\n")
        let diagnostic = try #require(lab.diagnostics.first { $0.rules.isEmpty })
        #expect(diagnostic.severity == .error && diagnostic.line == lab.line(of: "accepts:"))
        #expect(diagnostic.message == "accepts: there is no rule \"blue/ike-lifetimes\"")
        #expect(
            diagnostic.remedy.hasPrefix("Did you mean \"blue/ike-lifetime\"? Known rules: blue/ike-lifetime, general/"))
    }

    @Test func `What nothing breaks need not be accepted`() throws {
        let lab = try RuledLab(Self.limit, more: "accepts: {blue/apipa-peers-per-public-ip: why not}\n")
        let warnings = try lab.resolved().warnings
        #expect(
            warnings.map(\.message) == ["accepts.blue/apipa-peers-per-public-ip: nothing in the lab breaks this rule"])
        #expect(warnings.first?.line == lab.line(of: "accepts:"))
    }

    // MARK: Rules that are nobody's

    @Test func `Clouds with a common block`() throws {
        let lab = try RuledLab(
            "",
            [
                (
                    "blue-vm:eth0: 10.2.0.9/24, blue-gw:lan: 10.2.0.1/24",
                    "blue-vm:eth0: 10.1.0.40/25, blue-gw:lan: 10.1.0.41/25"
                ), ("0.0.0.0/0: 10.2.0.1", "0.0.0.0/0: 10.1.0.41"),
            ])
        let diagnostic = try #require(lab.diagnostics.first)
        #expect(lab.diagnostics.count == 1 && diagnostic.severity == .error)
        #expect(diagnostic.rules.map(\.id) == ["general/overlapping-prefixes"])
        #expect(diagnostic.line == lab.line(of: "blue-lan:"))
        #expect(diagnostic.message.contains("10.1.0.0/25 of blue overlaps 10.1.0.0/24 of red (links.red-lan)"))
    }

    @Test(arguments: [("10.2.0.0/24", "more specific than"), ("10.2.0.0/16", "as specific as")])
    func `A backup that takes the main path's traffic`(_ prefix: String, _ word: String) throws {
        let lab = try RuledLab(
            "",
            [
                (
                    "routes: {10.1.0.0/16: 10.1.255.2}",
                    "routes:\n      10.1.0.0/16: 10.1.255.2\n      \(prefix): 192.0.2.2"
                )
            ])
        let found = lab.diagnostics
        #expect(found.count == 1 && found.allSatisfy { $0.message.contains("learns by one, two:") }, "\(found)")
        #expect(found.allSatisfy { $0.severity == .warning && $0.rules.map(\.id) == ["general/longest-match"] })
        #expect(found.allSatisfy { $0.line == lab.line(of: prefix) && $0.message.contains("\(word) 10.2.0.0/16") })
    }

    /// A larger block backs up what BGP learns, and a block of the node's own cloud is where it is.
    @Test func `A backup that is less specific`() throws {
        let lab = try RuledLab(
            "", [("routes: {10.1.0.0/16: 10.1.255.2}", "routes: {10.1.0.0/16: 10.1.255.2, 10.2.0.0/15: 192.0.2.2}")])
        #expect(lab.diagnostics == [])
        let wide = try RuledLab("", [("advertise: 10.2.0.0/16", "advertise: 10.0.0.0/8")])
        #expect(wide.diagnostics == [])
    }

    @Test(arguments: [
        ("net.ipv4.conf.all.rp_filter: 1", 3), ("net.ipv4.conf.vpn2.rp_filter: 1", 1),
        ("net.ipv4.conf.default.rp_filter: 1", 3), ("net.ipv4.conf.all.rp_filter: 2", 0),
        ("net.ipv4.conf.lan.rp_filter: 1", 0),
    ])
    func `Two ways and strict filtering`(_ setting: String, _ count: Int) throws {
        let lab = try RuledLab("", [("net.ipv4.ip_forward: 1", setting)])
        #expect(lab.diagnostics.count == count, "\(lab.diagnostics)")
        #expect(lab.diagnostics.allSatisfy { $0.rules.map(\.id) == ["general/asymmetric-routing"] })
        #expect(lab.diagnostics.allSatisfy { $0.line == lab.line(of: "sysctls:") })
    }

    /// The far end of tunnel one is 198.51.100.2, on a link of its own: only a more specific prefix takes it away.
    @Test(arguments: [("198.51.100.0/24", 0), ("198.51.100.0/30", 0), ("198.51.100.2/32", 1), ("198.51.100.2/31", 1)])
    func `What BGP learns through a tunnel does not lead to its far end`(_ prefix: String, _ count: Int) throws {
        let told = "blue-gw: {asn: 65010, keepalive: 60s, hold: 180s, advertise: "
        let lab = try RuledLab("", [(told + "10.2.0.0/16}", told + "[10.2.0.0/16, \(prefix)]}")])
        #expect(lab.diagnostics.count == count, "\(lab.diagnostics)")
        #expect(
            lab.diagnostics.allSatisfy { $0.rules.map(\.id) == ["general/recursive-route"] && $0.severity == .error })
    }

    /// So for what the lab file routes into it: a route of the node's own, a link's here, goes before if it is as specific.
    @Test(arguments: [("10.2.0.0/16", 0), ("198.51.100.0/24", 0), ("198.51.100.2/32", 1)])
    func `Static routes into a tunnel do not lead to its far end`(_ prefix: String, _ count: Int) throws {
        let end = "address: 198.51.100.1, interface: vpn1, inside: 169.254.21.1/30"
        let lab = try RuledLab("", [(end, end + ", routes: \(prefix)")])
        let found = lab.diagnostics.filter { $0.rules.map(\.id) == ["general/recursive-route"] }
        #expect(found.count == count && found.allSatisfy { $0.message.hasPrefix("tunnels.") }, "\(lab.diagnostics)")
    }

    /// AES-CBC with SHA2-256 leaves 1438 of 1500 bytes (RFC 4303, section 2).
    @Test(
        arguments: [
            ([("mtu: 1400", "mtu: 1438"), ("mss: 1350", "mss: 1398")], nil),
            ([("mtu: 1400", "mtu: 1439")], "packets of 1439 bytes do not fit: they would be 1516 with ESP"),
            ([("mss: 1350", "mss: 1399")], "segments of 1399 bytes make packets of 1439"),
            (
                [("            mtu: 1400\n            mss: 1350\n", "            mss: clamp-to-pmtu\n")],
                "which does not count ESP without `mtu:`: the links between its ends take 1500, which leaves 1438"
            ),
            ([("mss: 1350", "mss: clamp-to-pmtu")], nil),
            // Of several ways between the ends one is large enough, and whether another is taken is not known here.
            ([("198.51.100.2/30}}", "198.51.100.2/30}, mtu: 1300}")], nil),
        ] as [([(String, String)], String?)])
    func `Packets into a tunnel fit with ESP around them`(_ edits: [(String, String)], _ words: String?) throws {
        let lab = try RuledLab(
            "",
            edits.map { ($0.0.replacing("            ", with: "    "), $0.1.replacing("            ", with: "    ")) })
        guard let words else {
            #expect(lab.diagnostics.isEmpty, "\(lab.diagnostics)")
            return
        }
        #expect(lab.diagnostics.count == 1, "\(lab.diagnostics)")
        for diagnostic in lab.diagnostics {
            #expect(diagnostic.rules.map(\.id) == ["general/tunnel-room"] && diagnostic.severity == .warning)
            #expect(diagnostic.message.contains(words), "\(diagnostic.message)")
        }
    }

    // MARK: Defaults

    private static let standards = """
        name: blue
        title: Blue
        sources:
          doc: {title: A page, read: 2026-11-21}
        defaults:
          bgp-keepalive: {is: 7s, source: doc}
          bgp-hold: {is: 21s, source: doc}
          ike-lifetime: {is: 2h, source: doc}
          esp-lifetime: {is: 20m, source: doc}
        """

    private func topology(_ edits: [(String, String)]) throws -> Topology {
        let text = edits.reduce(RuledLab.lab) { $0.replacing($1.0, with: $1.1) }
        let library = ProviderLibrary(names: ["red", "blue"]) { name in
            (name == "blue" ? Self.standards : RuledLab.file("red", ""), name)
        }
        return try LabFile(text: text, file: "lab.yaml", providers: library) { _ in "" }.resolve().topology
    }

    /// A provider's defaults stand in for what the lab file leaves out, on its own side, and change nothing that is written.
    @Test func `Defaults`() throws {
        let left = try topology([
            (", lifetime: 28800s", ""), (", lifetime: 3600s", ""), (", keepalive: 60s, hold: 180s", ""),
        ])
        let speakers = try #require(left.session(named: "one")).speakers
        #expect(speakers.map { "\($0.keepalive.shortText) \($0.hold.shortText)" } == ["1m 3m", "7s 21s"])
        #expect(left.tunnels.map { $0.ends[0].proposal?.ikeLifetime } == [.seconds(7200), .seconds(7200)])
        #expect(left.tunnels.map { $0.ends[0].proposal?.espLifetime } == [.seconds(1200), .seconds(1200)])
        let written = try topology([])
        let same = try #require(written.session(named: "one")).speakers
        #expect(same.map(\.hold) == [.seconds(180), .seconds(180)])
        #expect(written.tunnels.map { $0.ends[1].proposal?.ikeLifetime } == [.seconds(28800), .seconds(28800)])
    }
}
