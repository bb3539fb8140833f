import Foundation
import Synchronization
import SystemPackage
import Testing

/// Keys and passwords are in the configuration files of a lab's own nodes, in its memory, and nowhere else.
///
/// Labs are brought up, asked everything, captured, broken and tested; then each of their secrets, and the keys of their SAs, is
/// looked for in all that is there: command lines and environments meanwhile, and every file and every output afterwards.
// Waiting for other labs counts, too.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct SecrecyTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let lab: String
        let secrets: [String]
        /// One that lasts seconds of the lab's time.
        let scenario: String
        var fault: String?
        var testDescription: String { lab }
    }

    /// Every secret that the labs' files have. Those of aws-oci's backup tunnel are in the user's own ipsec.secrets, and
    /// alibaba-azure runs strongSwan.
    static let cases = [
        Case(
            lab: "aws-oci",
            secrets: [
                "examplepresharedkeyofmaintunnel1", "examplepresharedkeyofmaintunnel2",
                "example-preshared-key-of-the-backup-tunnel",
            ], scenario: "main-mismatch", fault: "mismatch main psk at tgw"),
        Case(lab: "alibaba-azure", secrets: ["aliazu12345"], scenario: ""),
        Case(
            lab: "soracom-azure", secrets: ["an_example_key_of_tunnel_1", "an_example_key_of_tunnel_2"], scenario: ""),
        Case(
            lab: "aws-china-tokyo",
            secrets: [
                "key-of-bj-primary", "key-of-bj-secondary", "key-of-tk-primary", "key-of-tk-secondary",
                "key-inside-amazon", "key-of-the-carrier",
            ], scenario: ""),
        Case(lab: "azure-gcp", secrets: ["ExampleKeyOfInstance0", "ExampleKeyOfInstance1"], scenario: ""),
        Case(
            lab: "gcp-aws",
            secrets: ["Example.Key.of.c1t1", "Example.Key.of.c1t2", "Example.Key.of.c2t1", "Example.Key.of.c2t2"],
            scenario: ""),
        Case(
            lab: "site-aws",
            secrets: ["Site.Key.of.c1t1", "Site.Key.of.c1t2", "Site.Key.of.c2t1", "Site.Key.of.c2t2"], scenario: ""),
        Case(lab: "policy-based", secrets: ["policies-alone-1"], scenario: ""),
        Case(lab: "transport-mode", secrets: ["host-to-host-1"], scenario: ""),
        Case(lab: "interface-kinds", secrets: ["either-interface-1"], scenario: ""),
        Case(lab: "ipv6-outside", secrets: ["six-outside-4and6"], scenario: ""),
        Case(lab: "gre-over-ipsec", secrets: ["gre-within-esp-1"], scenario: ""),
        Case(lab: "vxlan-ipsec", secrets: ["vxlan-within-esp-1"], scenario: ""),
        // Its keys are netlab's, and only its interfaces have them.
        Case(lab: "wireguard", secrets: [], scenario: ""),
        Case(lab: "ikev1", secrets: ["an-older-protocol-1"], scenario: ""),
        Case(lab: "port-translation", secrets: ["behind-the-router-1"], scenario: ""),
        Case(lab: "shared-address", secrets: ["behind-one-address-1", "behind-one-address-2"], scenario: ""),
        Case(lab: "path-choice", secrets: ["path-choice-1", "path-choice-2"], scenario: ""),
        Case(lab: "releases", secrets: ["old-and-new-1", "old-and-new-2"], scenario: ""),
    ]

    /// Asks the kernel for the private and the preshared key of an interface (WG_CMD_GET_DEVICE, linux/wireguard.h), in hexadecimal.
    private static let wireGuardKeys = """
        socket(S, 16, 3, 16) or die "socket: $!";
        sub ask {
            my ($type, $flags, $body) = @_;
            send(S, pack("LSSLL", 16 + length $body, $type, $flags, 1, 0) . $body, 0, pack("SSLL", 16, 0, 0, 0)) or die "send: $!";
            recv(S, my $answer, 65536, 0);
            return $answer;
        }
        sub text { my ($type, $text) = @_; $text .= "\\0"; return pack("SS", 4 + length $text, $type) . $text . "\\0" x (-length($text) % 4) }
        my ($family) = ask(0x10, 1, pack("CCS", 3, 1, 0) . text(2, "wireguard")) =~ /\\x06\\x00\\x01\\x00(..)/s or die "no family";
        my $device = ask(unpack("S", $family), 0x301, pack("CCS", 0, 1, 0) . text(2, $ARGV[0]));
        print unpack("H*", $1), "\\n" while $device =~ /\\x24\\x00[\\x02\\x03]\\x00(.{32})/sg;
        """

    /// The list above is whole.
    @Test func `Every secret of the labs is looked for`() throws {
        var found: Set<String> = []
        let labs = Netlab.checkout.appending("Labs")
        for file in Host.files(below: labs) where file.hasSuffix(".yaml") || file.hasSuffix(".secrets") {
            let text = Host.contents("\(labs)/\(file)")
            for match in text.matches(of: /(?:psk|password): (?:&\S+ )?([^\s,}*\]]+)|PSK "([^"]+)"/) {
                if let key = match.1 ?? match.2 { found.insert(String(key)) }
            }
        }
        // That of a variant, which is wrong on purpose.
        #expect(found == Set(Self.cases.flatMap(\.secrets) + ["another-key"]))
    }

    @Test(arguments: cases) func `Secrets are nowhere`(_ test: Case) async throws {
        try await LabHome.with { home in
            let watch = ProcessWatch(secrets: test.secrets)
            var outputs = ""
            func ask(_ arguments: String...) async throws {
                let result = try await home.netlab.execute(Netlab.program, arguments)
                outputs += "\(arguments)\n\(result.output)\(result.error)"
            }
            let watching = Task { await watch.run() }
            try await ask("validate", test.lab)
            for format in ["table", "json"] { try await ask("plan", test.lab, "--format", format) }
            try await ask("plan", test.lab, "--contents")
            try await home.netlab.succeed("up", test.lab, "--clock", "paused")
            let lab = RunningLab(home: home, name: test.lab)
            let status = try await lab.status()
            let nodes = status.nodes.map(\.name)
            for format in ["table", "json"] {
                try await ask("status", test.lab, "--format", format)
                try await ask("check", test.lab, "--verbose", "--format", format)
            }
            try await ask("capture", test.lab, "--for", "3s", "--write", home.path.appending("c.pcapng").string)
            try await ask("packets", test.lab, home.path.appending("c.pcapng").string)
            if let fault = test.fault {
                // Meanwhile the daemons are told of other keys.
                let node = try #require(nodes.first)
                async let inside = lab.exec(
                    node, "perl", "-e",
                    "for (1..1000) { for (glob '/proc/[0-9]*/cmdline /proc/[0-9]*/environ') { open(F, $_) and print <F> } print qq(\\n); select undef, undef, undef, 0.02 }"
                )
                try await ask("fail", test.lab, fault)
                try await ask("faults", test.lab)
                try await ask("heal", test.lab, "--all")
                let seen = try await inside
                #expect(seen.output.contains("pluto"), "daemons are seen")
                outputs += seen.output
            }
            // With the keys, which are then removed by whoever asked for them: the daemons' logs are clean again.
            let keyed = home.path.appending("k.pcapng").string
            try await ask("capture", test.lab, "--for", "3s", "--write", keyed, "--with-keys")
            try? FileManager.default.removeItem(atPath: "\(keyed).keys")
            var keys: Set<String> = []
            for node in nodes {
                let state = try await lab.exec(node, "ip", "xfrm", "state").output
                keys.formUnion(state.matches(of: /0x([0-9a-f]{32,})/).map { String($0.1) })
            }
            #expect(keys.isEmpty == status.tunnels.isEmpty)
            if test.lab == "wireguard" {
                for (node, interface) in [("a-gw", "wg0"), ("a-gw", "wg1"), ("b-gw", "wg0"), ("b-gw", "wg1")] {
                    let answer = try await lab.exec(node, "perl", "-e", Self.wireGuardKeys, interface).output
                    let found = answer.matches(of: /[0-9a-f]{64}/).map { String($0.0) }
                    // The peer of wg0 has a preshared key besides; what is all zeros is none.
                    #expect(found.count == 2, "\(answer)")
                    keys.formUnion(found.filter { $0.contains { $0 != "0" } })
                }
                #expect(keys.count == 5)
            }
            try await ask("logs", test.lab)
            try await ask("list")
            try await ask("down", test.lab)
            if !test.scenario.isEmpty {
                try await ask("test", test.lab, "--scenario", test.scenario, "--out", home.path.appending("out").string)
            }
            watching.cancel()
            await watching.value
            #expect(watch.looks > 10)
            #expect(watch.found == [])

            try outputs.write(toFile: home.path.appending("outputs").string, atomically: true, encoding: .utf8)
            let search = Search(secrets: test.secrets, keys: keys)
            let files = Host.files(below: home.path)
            #expect(files.contains { $0.hasSuffix("console.log") } && files.contains("c.pcapng"))
            for file in files {
                let bytes = FileManager.default.contents(atPath: home.path.appending(file).string) ?? Data()
                #expect(search.finds(in: bytes) == [], "in \(file)")
            }
            // The same search finds what is there.
            for planted in search.forms {
                #expect(
                    search.finds(in: Data("a line\n".utf8) + planted.bytes + Data("\n".utf8)).contains(planted.name))
            }
            for secret in test.secrets {
                for before in ["", "-", "--"] {
                    let encoded = Data("\(before)\(secret)--".utf8).base64EncodedString()
                    #expect(search.finds(in: Data("a \(encoded) b".utf8)).contains { $0.hasPrefix(secret) })
                }
            }
        }
    }
}

/// Looks for secrets in clear, in hexadecimal and in base64.
private struct Search {
    struct Form {
        let name: String
        let bytes: Data
    }

    let forms: [Form]

    /// - Parameter keys: In hexadecimal, as ip-xfrm(8) prints them.
    init(secrets: [String], keys: Set<String>) {
        let raw =
            secrets.map { ($0, Data($0.utf8)) }
            + keys.sorted().map { key in
                let digits = Array(key)
                let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
                    UInt8(String(digits[$0...($0 + 1)]), radix: 16)
                }
                return (key, Data(bytes))
            }
        forms = raw.flatMap { name, bytes -> [Form] in
            let hexadecimal = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            // In a longer text, base64 depends on where in it the secret begins; without what its neighbours share in.
            let encoded = (0..<3).map { offset in
                let text = (Data(repeating: 0, count: offset) + bytes).base64EncodedString().filter { $0 != "=" }
                return text.dropFirst(offset == 0 ? 0 : offset + 1).dropLast(2)
            }
            return [Form(name: "\(name) in clear", bytes: bytes)]
                + [hexadecimal, hexadecimal.uppercased()].map { Form(name: "\(name) as \($0)", bytes: Data($0.utf8)) }
                + encoded.map { Form(name: "\(name) as \($0)", bytes: Data($0.utf8)) }
        }
    }

    func finds(in data: Data) -> [String] { forms.filter { data.range(of: $0.bytes) != nil }.map(\.name) }
}

/// Reads the command line and the environment of every process, again and again.
private final class ProcessWatch: Sendable {
    private let secrets: [String]
    private let state = Mutex<(looks: Int, found: Set<String>)>((0, []))

    init(secrets: [String]) { self.secrets = secrets }

    var looks: Int { state.withLock { $0.looks } }
    var found: Set<String> { state.withLock { $0.found } }

    func run() async {
        while !Task.isCancelled {
            let ids = (try? FileManager.default.contentsOfDirectory(atPath: "/proc"))?.compactMap { pid_t($0) } ?? []
            for id in ids where id != getpid() {
                for file in ["cmdline", "environ"] {
                    let text = Host.contents("/proc/\(id)/\(file)")
                    for secret in secrets where text.contains(secret) {
                        state.withLock {
                            _ = $0.found.insert("\(secret) in the \(file) of \(Host.description(of: id))")
                        }
                    }
                }
            }
            state.withLock { $0.looks += 1 }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }
}
