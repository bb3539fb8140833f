import Foundation
import LabModel
import Reporting
import Testing

/// What code scanning reads of a lab file's diagnostics.
@Suite struct SARIFTests {
    private static let rule = RuleReference(
        id: "aws/asn",
        source: ProviderSource(title: "A page of AWS", url: "https://example.net/asn", read: "2026-11-01"))

    private func run(_ diagnostics: [LabFileDiagnostic], in directory: String = "/home/me") throws -> [String: Any] {
        let text = try SARIFReport(diagnostics, release: "1.2", directory: directory).text()
        let log = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(log["version"] as? String == "2.1.0")
        return try #require((log["runs"] as? [[String: Any]])?.first)
    }

    private func results(_ run: [String: Any]) -> [[String: Any]] { run["results"] as? [[String: Any]] ?? [] }

    private func place(_ result: [String: Any]) -> (uri: String?, line: Int?) {
        let location = (result["locations"] as? [[String: Any]])?.first?["physicalLocation"] as? [String: Any]
        return (
            (location?["artifactLocation"] as? [String: Any])?["uri"] as? String,
            (location?["region"] as? [String: Any])?["startLine"] as? Int
        )
    }

    @Test func `Each diagnostic is a result at its line, of its rule`() throws {
        let run = try run([
            LabFileDiagnostic(file: "labs/a b/lab.yaml", line: 7, message: "wrong", remedy: "Mend it."),
            LabFileDiagnostic(
                severity: .warning, file: "/home/me/lab.yaml", line: nil, message: "hurts", remedy: "See.",
                rules: [Self.rule],
                accepted: "on purpose"),
        ])
        let results = results(run)
        #expect(results.count == 2)
        #expect(results.map { $0["ruleId"] as? String } == ["lab-file", "aws/asn"])
        #expect(results.map { $0["level"] as? String } == ["error", "warning"])
        #expect((results[0]["message"] as? [String: Any])?["text"] as? String == "wrong\nMend it.")
        #expect(place(results[0]).uri == "labs/a%20b/lab.yaml" && place(results[0]).line == 7)
        #expect(place(results[1]).uri == "lab.yaml" && place(results[1]).line == nil)
        #expect(results[0]["suppressions"] == nil)
        #expect((results[1]["suppressions"] as? [[String: Any]])?.first?["justification"] as? String == "on purpose")
        let driver = (run["tool"] as? [String: Any])?["driver"] as? [String: Any]
        #expect(driver?["name"] as? String == "netlab" && driver?["version"] as? String == "1.2")
        let rules = driver?["rules"] as? [[String: Any]] ?? []
        #expect(rules.map { $0["id"] as? String } == ["aws/asn", "lab-file"])
        #expect(rules.first?["helpUri"] as? String == "https://example.net/asn")
    }

    @Test func `A lab without a fault is a run without a result`() throws {
        let run = try run([])
        #expect(results(run).isEmpty && run["results"] != nil)
    }

    @Test(arguments: [
        ("./lab.yaml", "lab.yaml"), ("/other/lab.yaml", "file:///other/lab.yaml"), ("/home/me/é.yaml", "%C3%A9.yaml"),
        ("/home/meshop/lab.yaml", "file:///home/meshop/lab.yaml"), ("a#b?c%.yaml", "a%23b%3Fc%25.yaml"),
    ]) func `A file is named as a browser takes it`(file: String, uri: String) throws {
        let run = try run([LabFileDiagnostic(file: file, line: 1, message: "m", remedy: "r")])
        #expect(place(results(run)[0]).uri == uri)
    }
}
