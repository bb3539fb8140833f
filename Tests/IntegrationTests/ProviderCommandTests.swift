import Foundation
import Testing

/// `netlab providers`, and what `validate` says of rules.
@Suite(.timeLimit(.minutes(60)))
struct ProviderCommandTests {
    let netlab = Netlab(environment: ["NETLAB_HOME": Netlab.checkout.string, "NO_COLOR": "1"])

    @Test func `The list names every provider`() async throws {
        let list = try await netlab.succeed("providers").output
        for name in ["alibaba", "aws", "azure", "cmi", "oci", "soracom"] {
            #expect(list.contains("\n\(name) "), "\(list)")
        }
        #expect(list.contains("general/longest-match (warning)"))
    }

    @Test func `A provider is shown with its sources`() async throws {
        let azure = try await netlab.succeed("providers", "azure").output
        #expect(azure.contains("azure/apipa-peers-per-public-ip (error)"))
        #expect(azure.contains("from 169.254.21.0/24, 169.254.22.0/24"))
        #expect(
            azure.contains(#/\[1\] Microsoft Learn: .*https:\/\/learn\.microsoft\.com\/.* \(read 2026-11-21\)/#),
            "\(azure)")
        let alibaba = try await netlab.succeed("providers", "alibaba").output
        #expect(alibaba.contains("MTU 1360 and MSS 1359 contradict each other"))
    }

    private struct Shown: Decodable {
        struct Rule: Decodable {
            struct Source: Decodable {
                let title: String
                let url: String?
                let read: String
            }
            let id: String
            let severity: String
            let statement: String
            let source: Source
        }
        let name: String
        let extends: String?
        let rules: [Rule]
    }

    @Test func `Programs get the same`() async throws {
        let text = try await netlab.succeed("providers", "soracom", "--format", "json").output
        let soracom = try JSONDecoder().decode(Shown.self, from: Data(text.utf8))
        #expect(soracom.name == "soracom" && soracom.extends == "aws")
        let rule = try #require(soracom.rules.first { $0.id == "aws/tunnel-inside-cidr" })
        #expect(
            rule.severity == "error" && rule.source.read == "2026-11-21"
                && rule.source.url?.hasPrefix("https://") == true)
        let list = try await netlab.succeed("providers", "--format", "json").output
        #expect(list.contains("\"general/overlapping-prefixes\""))
    }

    @Test func `An unknown provider gets a suggestion`() async throws {
        let result = try await netlab.run("providers", "azur")
        #expect(result.code == 2, result.account)
        #expect(result.error.contains("Did you mean \"azure\"?"), result.account)
    }

    private struct Diagnostic: Decodable {
        struct Rule: Decodable {
            let id: String
        }
        let line: Int?
        let severity: String
        let rules: [Rule]
    }

    /// The rule, its source and what to do are said, in words and for programs; nothing is built.
    @Test func `A broken rule is explained before anything is built`() async throws {
        try await LabHome.with(labs: 0) { home in
            let lab = try home.copy(of: "aws-oci", as: "reserved") {
                $0.replacing("169.254.120.", with: "169.254.100.")
            }
            let lines = Host.contents("\(lab)/lab.yaml").split(separator: "\n", omittingEmptySubsequences: false)
            let number = try #require(lines.firstIndex { $0.contains("tgw: {address: 203.0.113.10") }) + 2
            let result = try await home.netlab.run("validate", lab)
            #expect(result.code == 2, result.account)
            #expect(
                result.output.contains(
                    "lab.yaml:\(number): error: tunnels.main: the inside block 169.254.100.0/30 is in 169.254.100.0/22, which oci keeps for itself"
                ),
                result.account)
            #expect(result.output.contains("    Rule oci/tunnel-inside-cidr: OCI Networking: "), result.account)
            let json = try await home.netlab.run("validate", lab, "--format", "json").output
            let found = try JSONDecoder().decode([Diagnostic].self, from: Data(json.utf8))
            #expect(found.contains { $0.line == number && $0.rules.map(\.id) == ["oci/tunnel-inside-cidr"] })
            let up = try await home.netlab.run("up", lab)
            #expect(up.code == 2 && up.error.contains("oci/tunnel-inside-cidr"), up.account)
            try await home.expectNothingLeft()
        }
    }

    /// A user's own file, beside the lab file, comes before netlab's of the same name; its mistakes have lines.
    @Test func `A provider of one's own`() async throws {
        try await LabHome.with(labs: 0) { home in
            let lab = try home.copy(of: "aws-oci", as: "own") {
                $0.replacing("provider: oci", with: "provider: mycloud")
            }
            try FileManager.default.createDirectory(atPath: "\(lab)/providers", withIntermediateDirectories: false)
            let file = "\(lab)/providers/mycloud.yaml"
            let text = """
                name: mycloud
                title: My cloud
                sources:
                  manual: {title: Its manual, read: 2026-11-21}
                rules:
                  ike-lifetime: {to: 1h, source: manual}
                """
            try text.write(toFile: file, atomically: false, encoding: .utf8)
            let result = try await home.netlab.run("validate", lab)
            #expect(
                result.code == 2 && result.output.contains("mycloud/ike-lifetime: Its manual (read 2026-11-21)"),
                result.account)
            let shown = try await home.netlab.succeed("providers", "mycloud", "--lab", lab).output
            #expect(shown.contains("IKE lifetime up to 3600s"), "\(shown)")
            try text.replacing("to: 1h", with: "to: soon").write(toFile: file, atomically: false, encoding: .utf8)
            let wrong = try await home.netlab.run("validate", lab)
            #expect(
                wrong.code == 2
                    && wrong.output.contains("providers/mycloud.yaml:6: error: rules.ike-lifetime.to: \"soon\""),
                wrong.account)
        }
    }
}
