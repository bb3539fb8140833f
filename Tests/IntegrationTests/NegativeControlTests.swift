import Foundation
import SystemPackage
import Testing

/// Every kind of expectation with something wrong that it is there to find: it fails, says why, and no other does.
@Suite(.serialized, .lab("aws-oci", as: "controls", editing: { $0 }), .timeLimit(.minutes(60)))
struct NegativeControlTests {
    /// Something wrong, in the lab or in what is expected of it.
    struct Control: Sendable, CustomTestStringConvertible {
        typealias Command = (node: String, words: String)

        let name: String
        /// What is checked: names and kinds of expectations.
        let only: String
        /// What fails, and some words of what was seen there.
        let failing: [String: String]
        /// Replacements in the lab file, which is read anew by every check.
        var edits: [(String, String)] = []
        var making: [Command] = []
        var undoing: [Command] = []
        /// What holds again when it is undone, on the lab's clock.
        var recovery: [String] = []

        var testDescription: String { name }
    }

    static let netem = "limit 5265 delay 550us rate 1250mbit"

    static let controls = [
        Control(
            name: "a route around the tunnel", only: "encapsulation,confidentiality,routes,bgp,sa",
            failing: ["main-on-the-wire": "packets in clear", "nothing-in-clear": "with a probe's payload in clear"],
            making: [
                ("tgw", "ip route add 10.105.2.100/32 via 203.0.113.9"),
                ("internet", "ip route add 10.105.2.100/32 via 198.51.100.10"),
            ],
            undoing: [("tgw", "ip route del 10.105.2.100/32"), ("internet", "ip route del 10.105.2.100/32")]),
        Control(
            name: "the backup's way while main is up", only: "main-on-the-wire,confidentiality,path,routes,bgp",
            failing: [
                "main-on-the-wire": "packets in another tunnel",
                "main-path":
                    "vpc1 > tgw > vpc2 > vpc2-ec2 > backup > vcn2-vm > vcn2 > drg > vcn1, back by vcn1 > drg > main",
            ],
            making: [("tgw", "ip route add 10.105.2.100/32 via 10.3.255.1")],
            undoing: [("tgw", "ip route del 10.105.2.100/32")]),
        Control(
            name: "a delay that is 100 µs longer", only: "rtt,main-path,main-mtu",
            failing: ["main-rtt": "5 of 5 answered in 3.1"],
            making: [("internet", "tc qdisc change dev oci-vpn1 root netem limit 5265 delay 650us rate 1250mbit")],
            undoing: [("internet", "tc qdisc change dev oci-vpn1 root netem \(netem)")]),
        Control(
            name: "packets sent twice", only: "encapsulation,confidentiality,rtt",
            failing: ["main-on-the-wire": "packets with a sequence number that does not rise"],
            making: [("internet", "tc qdisc change dev oci-vpn1 root netem \(netem) duplicate 100%")],
            undoing: [("internet", "tc qdisc change dev oci-vpn1 root netem \(netem) duplicate 0%")]),
        Control(
            // Which packets is left to chance, that none of some forty is not: once in a million runs.
            name: "packets with a wrong bit", only: "encapsulation,sa",
            failing: ["main-on-the-wire": " not authentic"],
            making: [("internet", "tc qdisc change dev oci-vpn1 root netem \(netem) corrupt 30%")],
            undoing: [
                ("internet", "tc qdisc del dev oci-vpn1 root"),
                ("internet", "tc qdisc add dev oci-vpn1 root netem \(netem)"),
            ]),
        Control(
            name: "a router that does not say “fragmentation needed”", only: "mtu,mss",
            failing: ["main-mtu": "1439 are lost; a black hole: nothing says that packets are too big"],
            making: [("tgw", "ip rule add pref 10 iif lo to 10.2.3.100 ipproto icmp blackhole")],
            undoing: [("tgw", "ip rule del pref 10")]),
        Control(
            name: "a port that is closed", only: "security,main-path",
            failing: ["workload-open": "it was last seen leaving drg:vcn1, not answered"],
            making: [("vcn1", "ip rule add pref 10 to 10.105.2.100 ipproto tcp dport 22 blackhole")],
            undoing: [("vcn1", "ip rule del pref 10")]),
        Control(
            name: "a route elsewhere", only: "routes,bgp",
            failing: ["main-routes": "10.2.0.0/16 via 10.3.255.1 dev vpc2"],
            making: [("tgw", "ip route change 10.2.0.0/16 via 10.3.255.1")],
            undoing: [("tgw", "ip route change 10.2.0.0/16 via 10.2.255.1")]),
        Control(
            name: "a route that is missing", only: "routes,bgp",
            failing: ["main-routes-back": "no route to 10.2.0.0/15"],
            making: [("drg", "ip route del 10.2.0.0/15")], undoing: [("drg", "ip route add 10.2.0.0/15 via 10.106.0.1")]
        ),
        Control(
            name: "a route too many", only: "routes,bgp",
            failing: ["main-routes": "10.9.0.0/16 via 10.3.255.1 dev vpc2"],
            edits: [("are: {10.105.2.0/24: vpn1,", "are: {10.9.0.0/16: absent, 10.105.2.0/24: vpn1,")],
            making: [("tgw", "ip route add 10.9.0.0/16 via 10.3.255.1")], undoing: [("tgw", "ip route del 10.9.0.0/16")]
        ),
        Control(
            name: "NAT-T expected but absent", only: "encapsulation,confidentiality,sa",
            failing: [
                "main-on-the-wire": "packets wrapped otherwise (NAT-T expected but absent)",
                "main-sa": "ESP as protocol 50",
            ],
            edits: [
                ("in: main, as: esp,", "in: main, as: esp-in-udp,"),
                ("main-sa: {sa: main}", "main-sa: {sa: main, nat-t: on}"),
            ]),
        Control(
            name: "other algorithms", only: "encapsulation,confidentiality,sa",
            failing: [
                "main-on-the-wire": "packets of another length",
                "main-sa": "cbc(aes) 256, hmac(sha256) 256/128 instead of rfc4106(gcm(aes)) 256/128",
            ],
            edits: [
                ("in: main, as: esp,", "in: main, as: esp, esp: {encryption: aes-256-gcm-16},"),
                ("main-sa: {sa: main}", "main-sa: {sa: main, esp: {encryption: aes-256-gcm-16}}"),
            ]),
        Control(
            name: "a session that is shut", only: "main-bgp,backup-rtt", failing: ["main-bgp": "tgw is in state Down"],
            making: [("tgw", "birdc disable main")], undoing: [("tgw", "birdc enable main")],
            recovery: ["bgp main up", "route tgw 10.105.2.0/24 present", "route drg 10.2.0.0/16 present"]),
    ]

    /// The kinds that are judged by packets, and so name one.
    static let provedByPackets: Set = ["encapsulation", "confidentiality", "path", "mtu", "mss", "security"]

    let lab: RunningLab

    init() throws { lab = try .current }

    @Test(arguments: controls) func `What is wrong is found`(_ control: Control) async throws {
        for (node, words) in control.making { try await change(node, words) }
        let check = try await lab.editing(control.edits) { try await lab.check("--only", control.only) }
        #expect(check.code == 1, check.account)
        #expect(check.report.names("fail") == Set(control.failing.keys), check.account)
        #expect(check.report.names("inconclusive").isEmpty, check.account)
        #expect(!check.report.names("pass").isEmpty, check.account)
        for (name, words) in control.failing {
            let verdict = try #require(check.report[name])
            #expect(verdict.seen.contains(words), check.account)
            #expect(verdict.evidence.isEmpty == !Self.provedByPackets.contains(verdict.kind), check.account)
            try await expectComments(of: verdict, in: check.report)
        }
        for (node, words) in control.undoing { try await change(node, words) }
        for condition in control.recovery { _ = try await lab.until(condition, within: .seconds(120)) }
        let kinds = Set(check.report.verdicts.filter { $0.outcome == "fail" }.map(\.expectation)).sorted()
        let again = try await lab.check("--only", kinds.joined(separator: ","))
        #expect(again.code == 0, again.account)
    }

    private func change(_ node: String, _ words: String) async throws {
        try await lab.change(node, "sh", "-c", words)
    }

    /// Each packet that a verdict names has a comment in the annotated capture that says the same.
    private func expectComments(of verdict: CheckView.Verdict, in report: CheckView) async throws {
        guard !verdict.evidence.isEmpty else { return }
        let packets = try await lab.packets(in: FilePath(try #require(report.capture)))
        for evidence in verdict.evidence {
            let packet = try #require(packets.first { $0.number == evidence.packet })
            #expect(packet.interface == evidence.interface)
            #expect(
                packet.comments.contains("\(verdict.expectation): \(evidence.remark). Expected: \(verdict.expected)"),
                "\(packet.comments)")
        }
    }

    // MARK: Captures that prove nothing

    @Test func `A file that breaks off is inconclusive`() async throws {
        let file = lab.home.path.appending("whole.pcapng")
        let capture = try await lab.capturing("-w", file.string, "--with-keys") { () async throws in
            _ = try await lab.ping("10.105.2.100", from: "vpc1-ec2")
            _ = try await lab.ping("192.168.2.1", from: "vcn2-vm")
            _ = try await lab.netlab.succeed("probe", lab.name, "ping", "tgw", "10.105.0.2", "--source", "10.3.255.2")
        }
        #expect(capture.code == 0, capture.account)
        let examine = { (file: FilePath) in
            try await lab.check(
                "--capture", file.string, "--keys", "\(lab.home.path)/whole.pcapng.keys", "--only",
                "main-on-the-wire,backup-on-the-wire,nothing-in-clear")
        }
        let whole = try await examine(file)
        #expect(whole.code == 0 && whole.report.names("pass").count == 3, whole.account)
        #expect(whole.report["main-on-the-wire"]?.seen.contains("opened and authentic") == true)

        let bytes = try Data(contentsOf: URL(filePath: file.string))
        let part = lab.home.path.appending("part.pcapng")
        try bytes.dropLast(1001).write(to: URL(filePath: part.string))
        let broken = try await examine(part)
        #expect(broken.code == 5, broken.account)
        #expect(broken.report.names("inconclusive").count == 3, broken.account)
        #expect(
            broken.report.verdicts.allSatisfy { $0.seen.hasPrefix("the capture file breaks off after ") },
            broken.account)
        let packets = try await lab.netlab.run("packets", part.string)
        #expect(packets.code == 5 && packets.error.contains("breaks off at byte "), packets.account)
    }

    @Test func `Missing packets are said and prove nothing`() async throws {
        let file = lab.home.path.appending("gaps.pcapng")
        let capture = try await lab.capturing(
            "--on", "tgw:wan1,tgw:vpn1", "--ring", "4096B", "-w", file.string, "--with-keys"
        ) { () async throws in
            try await lab.netlab.succeed("probe", lab.name, "bulk", "vpc1-ec2", "vcn1-vm", "--bytes", "1MB")
        }
        #expect(capture.code == 5, capture.account)
        #expect(capture.error.contains(/Packets are missing.*: \d+ at tgw:wan1, \d+ at tgw:vpn1\./), capture.account)
        let check = try await lab.check(
            "--capture", file.string, "--keys", "\(file).keys", "--only", "main-on-the-wire,nothing-in-clear")
        #expect(check.code == 5, check.account)
        #expect(check.report.names("inconclusive").count == 2, check.account)
        #expect(
            check.report.verdicts.allSatisfy { $0.seen.contains(/\d+ packets are missing from the capture/) },
            check.account)
    }

    @Test(arguments: [
        ("nofile", "cannot be read", []), ("lab.yaml", "neither pcapng nor pcap", []),
        ("lab.yaml", "shows nothing of what was asked for", ["--only", "bgp"]),
        ("lab.yaml", "There are no keys in /proc", ["--keys", "/proc"]),
    ])
    func `What is no capture is refused`(file: String, reason: String, arguments: [String]) async throws {
        let result = try await lab.netlab.execute(
            Netlab.program,
            ["check", "\(lab.home.path)/controls", "--capture", "\(lab.home.path)/controls/\(file)"] + arguments)
        #expect(result.code == 2, result.account)
        #expect(result.error.contains(reason), result.account)
        #expect(result.output.isEmpty)
    }
}

/// The same for what is laid down when a lab is brought up: segment sizes and what fabrics let in.
@Suite(
    .serialized, .timeLimit(.minutes(60)),
    .lab("aws-oci", as: "misbuilt") { text in
        [
            ("mss: clamp-to-pmtu", "mss: off"), ("mss: 1398   ", "mss: 1438   "),
            ("summary: workload 10.2.3.100\n", "summary: workload 10.2.3.100\n    source-destination-check: off\n"),
            (
                "      - {from: 198.51.100.20/32, protocol: tcp, ports: [500, 4500]}\n",
                "      - {from: 0.0.0.0/0, protocol: tcp}\n"
            ),
        ].reduce(text) { $0.replacing($1.0, with: $1.1, maxReplacements: 1) }
    })
struct MisbuiltLabTests {
    let lab: RunningLab

    init() throws { lab = try .current }

    @Test func `Everything wrong is found and nothing else`() async throws {
        let check = try await lab.check()
        #expect(check.code == 1, check.account)
        let failing = [
            "main-mss": "SYN left with 1460 and arrived with 1460 instead of 1398",
            "backup-mss": "SYN left with 1460 and arrived with 1438 instead of 1398", "internet-closed": "it arrived",
            "source-check": "it arrived",
            // The stranger is answered.
            "nothing-in-clear": "1 packet in clear",
        ]
        #expect(check.report.names("fail") == Set(failing.keys), check.account)
        #expect(check.report.names("not_applicable") == CheckTests.byBackup, check.account)
        for (name, words) in failing {
            #expect(check.report[name]?.seen.contains(words) == true, check.account)
            #expect(check.report[name]?.evidence.isEmpty == false, check.account)
        }
        for name in ["main-mss", "backup-mss"] {
            let verdict = try #require(check.report[name])
            #expect(verdict.seen.contains("\"fragmentation needed\" came back in the transfer"), check.account)
            #expect(verdict.evidence.contains { $0.line.contains("ICMP frag-needed mtu 1438") }, check.account)
        }
    }

    /// A sender that leaves DF out, as one does that does not look for the path's MTU (ip-sysctl.rst).
    @Test func `Fragments in a transfer are found`() async throws {
        try await lab.change(
            "vpc1-ec2", "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_no_pmtu_disc; ip route flush cache")
        let check = try await lab.check("--only", "main-mss,main-rtt,main-on-the-wire")
        #expect(check.code == 1, check.account)
        #expect(check.report.names("fail") == ["main-mss"], check.account)
        let verdict = try #require(check.report["main-mss"])
        #expect(verdict.seen.contains(/\d+ fragments in the transfer/), check.account)
        #expect(!verdict.seen.contains("fragmentation needed"), check.account)
        #expect(verdict.evidence.contains { $0.remark == "a fragment" && $0.line.contains("fragment") }, check.account)
    }
}
