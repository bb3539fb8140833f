import Foundation
import Testing

/// A verdict is that of a fresh lab, whatever was measured before it: path MTUs, for example, that kernels have learned.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct VerdictOrderTests {
    /// A lab file with the entries of its `expect:` in another order, those with anchors first.
    private static func shuffled(_ text: String, _ random: inout some RandomNumberGenerator) throws -> String {
        var lines = text.components(separatedBy: "\n")
        let start = try #require(lines.firstIndex(of: "expect:")) + 1
        let end = lines[start...].firstIndex { $0.first?.isLetter ?? false } ?? lines.endIndex
        // An entry is a line that begins with two spaces and a letter, and what follows it.
        var entries: [[String]] = []
        for line in lines[start..<end] {
            if line.hasPrefix("  "), line.dropFirst(2).first?.isLetter ?? false || entries.isEmpty {
                entries.append([line])
            } else if entries.isEmpty {
                entries.append([line])
            } else {
                entries[entries.count - 1].append(line)
            }
        }
        try #require(entries.count > 4)
        let anchored = entries.filter { $0.joined().contains(/: &\w/) }
        let others = entries.filter { !$0.joined().contains(/: &\w/) }
        lines.replaceSubrange(start..<end, with: (anchored + others.shuffled(using: &random)).flatMap(\.self))
        return lines.joined(separator: "\n")
    }

    private static func view(_ result: Netlab.Result) throws -> CheckView {
        try StatusView.decoder.decode(CheckView.self, from: Data(result.output.utf8))
    }

    /// The order is another in each run, and in the account where a verdict differs.
    @Test(arguments: [
        "alibaba-azure", "aws-china-tokyo", "aws-ipip6", "aws-oci", "gre-over-ipsec", "ipv6-outside", "policy-based",
        "soracom-azure",
    ])
    func `All expectations of a lab in another order have the same verdicts`(lab: String) async throws {
        try await LabHome.with { home in
            var random = SystemRandomNumberGenerator()
            var edited: Result<String, any Error> = .success("")
            let file = try home.copy(of: lab, as: "shuffled") { text in
                edited = Result { try Self.shuffled(text, &random) }
                return (try? edited.get()) ?? text
            }
            let order = try edited.get()
            let original = try await home.netlab.run("check", lab, "--kernel", "lab", "--format", "json")
            let other = try await home.netlab.run("check", file, "--kernel", "lab", "--format", "json")
            let (before, after) = (try Self.view(original), try Self.view(other))
            let outcomes = { (view: CheckView) in
                Dictionary(uniqueKeysWithValues: view.verdicts.map { ($0.expectation, $0.outcome) })
            }
            #expect(!before.verdicts.isEmpty && outcomes(before) == outcomes(after), "\(order)\n\(other.account)")
        }
    }

    /// The interface's 1450 do not count ESP, and a gateway that has learned better would clamp better.
    @Test func `A clamp that trusts an interface fails before and after the path MTU was measured`() async throws {
        try await LabHome.with { home in
            var verdicts: [[String: String]] = []
            for expectations in [
                ["size: {mtu: app}", "segments: {mss: app}"], ["segments: {mss: app}", "size: {mtu: app}"],
            ] {
                let text =
                    ExplainTests.lab().replacing("mtu: 1400\n    mss: 1350", with: "mtu: 1450\n    mss: clamp-to-pmtu")
                    .replacing(", awaited: false", with: "") + "expect:\n" + expectations.map { "  \($0)\n" }.joined()
                let file = home.path.appending("lab.yaml")
                try text.write(toFile: file.string, atomically: true, encoding: .utf8)
                let result = try await home.netlab.run("check", file.string, "--kernel", "lab", "--format", "json")
                let view = try Self.view(result)
                verdicts.append(Dictionary(uniqueKeysWithValues: view.verdicts.map { ($0.expectation, $0.outcome) }))
            }
            #expect(verdicts == [["size": "pass", "segments": "fail"], ["size": "pass", "segments": "fail"]])
        }
    }
}
