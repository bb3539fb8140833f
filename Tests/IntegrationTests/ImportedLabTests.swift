import Foundation
import SystemPackage
import Testing

/// What users have, from their files to a verdict, without a line written by hand.
@Suite(.timeLimit(.minutes(30)))
struct ImportedLabTests {
    private static let fixtures = Netlab.checkout.appending("Tests/ImportsTests/Fixtures")

    /// One of each kind of source.
    private static let sources: [(name: String, files: [String])] = [
        ("aws", ["aws/transit.json", "aws/gateways.json", "aws/transit-gateways.json", "aws/vpcs.json"]),
        ("terraform", ["terraform/aws-plan.json"]),
        (
            "clouds",
            [
                "aws/transit.json", "aws/vpcs.json", "azure/connection.json", "azure/gateway.json",
                "azure/local-gateway.json",
            ]
        ),
        ("gcp", ["gcp/tunnel.json", "gcp/gateway.json", "gcp/router.json"]),
        ("oci", ["oci/tunnels.json", "oci/psk.json"]),
        ("certificate", ["aws/certificate.json"]),
        ("text", ["text/aws-route-based.txt"]),
        ("behind-nat", ["text/oci.md"]),
        ("neighbours", ["text/gcp-bgp.txt"]),
        ("policies", ["text/azure.txt"]),
        // Its connection is in a file that it includes.
        ("own", ["own/including/ipsec.conf", "own/right/swanctl.conf"]),
        ("older", ["own/old/ipsec.conf", "own/right/swanctl.conf"]),
        ("nat", ["own/hq/ipsec.conf", "own/branch/ipsec.conf"]),
    ]

    private static func arguments(_ source: (name: String, files: [String]), in home: LabHome) -> (
        lab: String, words: [String]
    ) {
        let lab = home.path.appending(source.name).string
        return (lab, ["import"] + source.files.map { fixtures.appending($0).string } + ["--name", lab])
    }

    @Test(arguments: sources.map(\.name))
    func `It comes up at once, and is right`(_ name: String) async throws {
        let source = try #require(Self.sources.first { $0.name == name })
        try await LabHome.with { home in
            let netlab = home.netlab
            let (lab, words) = Self.arguments(source, in: home)
            let made = try await netlab.execute(Netlab.program, words)
            try #require(made.code == 0, made.account)
            for entry in try FileManager.default.contentsOfDirectory(atPath: lab) {
                let attributes = try FileManager.default.attributesOfItem(atPath: "\(lab)/\(entry)")
                #expect(attributes[.posixPermissions] as? Int == 0o600, "\(entry)")
                #expect(!made.output.contains(try String(contentsOfFile: "\(lab)/\(entry)", encoding: .utf8)))
            }
            try await netlab.succeed("up", lab, "--clock", "paused")
            let check = try await netlab.run("check", name)
            #expect(check.code == 0, check.account)
            #expect(check.output.contains("all of it derived from the lab file"), check.account)
        }
    }

    /// Before and after: what a change of the inputs changes in the lab, also in what is predicted.
    @Test func `Two imports are compared`() async throws {
        try await LabHome.with { home in
            let netlab = home.netlab
            let (before, words) = Self.arguments(Self.sources[0], in: home)
            let made = try await netlab.execute(Netlab.program, words)
            try #require(made.code == 0, made.account)
            let same = try await netlab.run("diff", before, before)
            #expect(same.code == 0 && same.output == "The two labs do not differ.\n", same.account)

            let after = home.path.appending("after").string
            try FileManager.default.copyItem(atPath: before, toPath: after)
            let file = "\(after)/lab.yaml"
            let text = try String(contentsOfFile: file, encoding: .utf8)
            try text.replacing("timeout: 40s", with: "timeout: 60s").write(
                toFile: file, atomically: true, encoding: .utf8)
            try "AnotherKey123\n".write(toFile: "\(after)/vpn-0f1e2d3c-1.psk", atomically: true, encoding: .utf8)
            let other = try await netlab.run("diff", before, after)
            #expect(other.code == 1, other.account)
            #expect(
                other.output.contains(
                    /tunnels\.vpn-0f1e2d3c-1\.ends\.aws-gw\.dpd +asks after 10s, dead after 40s +asks after 10s, dead after 1m/
                ), other.account)
            #expect(
                other.output.contains(/tunnels\.vpn-0f1e2d3c-1\.ends\.aws-gw\.psk +\(secret\) +\(secret\)/),
                other.account)
            #expect(!other.output.contains("AnotherKey123"))
        }
    }

    @Test func `Nothing is written over, and nothing for what cannot be read`() async throws {
        try await LabHome.with { home in
            let netlab = home.netlab
            let (lab, words) = Self.arguments(Self.sources[4], in: home)
            #expect(try await netlab.execute(Netlab.program, words).code == 0)
            let again = try await netlab.execute(Netlab.program, words)
            #expect(again.code == 2 && again.error.contains("is there already"), again.account)
            let broken = try await netlab.run("import", "-", "--name", "\(lab)-2", input: Array("{\"a\": ".utf8))
            #expect(broken.code == 2 && broken.error.contains("standard input is no JSON"), broken.account)
            #expect(!FileManager.default.fileExists(atPath: "\(lab)-2"))
        }
    }
}
