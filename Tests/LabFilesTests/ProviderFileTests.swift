import Foundation
import LabFiles
import LabModel
import Providers
import Testing

/// The files that come with netlab, and what is said of mistakes in one.
@Suite struct ProviderFileTests {
    static let directory = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(
            path: "Labs/providers")
    static let names = ["alibaba", "aws", "azure", "cloudflare", "cmi", "gcp", "oci", "soracom"]

    static var library: ProviderLibrary {
        ProviderLibrary(names: names) { name in
            (try String(contentsOf: directory.appending(path: "\(name).yaml"), encoding: .utf8), "\(name).yaml")
        }
    }

    @Test(arguments: names) func `Is read`(_ name: String) throws {
        let provider = try Self.library.provider(name)
        #expect(provider.name == name && !provider.title.isEmpty && !provider.rules.isEmpty)
        let sources = provider.defaults.map(\.source) + provider.rules.map(\.source) + provider.remarks.map(\.source)
        #expect(sources.allSatisfy { $0.read != nil && !$0.title.isEmpty })
        #expect(provider.rules.allSatisfy { !$0.statement.isEmpty && $0.id.hasSuffix("/\($0.kind)") })
    }

    /// How each cloud chooses among paths, first the longest match wherever a document says so.
    @Test func `Path selection has sources, and a provider built on another has that one's`() throws {
        for name in ["aws", "azure", "cloudflare", "gcp", "oci"] {
            let steps = try Self.library.provider(name).pathSelection
            #expect(steps.count > 1 && steps.allSatisfy { $0.source.read != nil && !$0.text.isEmpty }, "\(name)")
        }
        let aws = try Self.library.provider("aws").pathSelection
        #expect(try Self.library.provider("soracom").pathSelection == aws)
        #expect(aws[1].text.contains("most specific") && aws[2].text.hasPrefix("Static"))
    }

    /// The facts that the project began with.
    @Test(arguments: [
        (
            "aws", "tunnel-inside-cidr",
            "a /30 or a /126 from 169.254.0.0/16, fd00::/8; not in 169.254.0.0/30, 169.254.1.0/30, 169.254.2.0/30, 169.254.3.0/30, 169.254.4.0/30, 169.254.5.0/30, 169.254.169.252/30"
        ),
        ("aws", "ike-lifetime", "900s to 28800s"), ("aws", "esp-lifetime", "900s to 3600s, and shorter than IKE's"),
        (
            "aws", "tunnel-mtu",
            "tunnel MTU 1446 or less, MSS 1406, less with some algorithms (1406 and up); no path MTU discovery"
        ),
        ("azure", "apipa-range", "from 169.254.21.0/24, 169.254.22.0/24"), ("azure", "dpd-timeout", "9s to 3600s"),
        ("azure", "bgp-timers", "BGP keepalive 1m, hold 3m, fixed"),
        ("azure", "tunnel-mtu", "tunnel MTU 1400 or less, MSS 1350"),
        ("azure", "apipa-peers-per-public-ip", "at most 1 link-local (APIPA) BGP address"),
        ("oci", "any-tunnel-back", "may use any tunnel that is up"),
        ("alibaba", "tunnel-mtu", "tunnel MTU 1360 or less, MSS 1359"),
        ("soracom", "bgp-address-per-tunnel", "also where the tunnels lead to one public address"),
        ("soracom", "tunnel-inside-cidr", "a /30 or a /126 from 169.254.0.0/16"),
        ("gcp", "perfect-forward-secrecy", "perfect forward secrecy"),
        ("gcp", "tunnel-mtu", "tunnel MTU 1406 or less, MSS 1366, less with some algorithms (1374 and up)"),
        ("gcp", "bgp-timers", "BGP keepalive 20s, hold 1m; goes down"),
        ("cloudflare", "responder-only", "never begins"),
        ("cmi", "bgp-authentication", "needed"),
    ])
    func `States`(_ name: String, _ kind: String, _ text: String) throws {
        let rule = try #require(try Self.library.provider(name).rule(kind))
        #expect(rule.statement.contains(text), "\(rule.statement)")
    }

    /// Rules that a provider takes over are still the other's, and its own of the same kind stands in their place.
    @Test func `Soracom is built on AWS`() throws {
        let soracom = try Self.library.provider("soracom")
        #expect(soracom.rule("tunnel-inside-cidr")?.id == "aws/tunnel-inside-cidr")
        #expect(soracom.defaults.first { $0.key == .bgpHold }?.value == "30s")
        #expect(
            soracom.rules.filter { $0.kind == "bgp-address-per-tunnel" }.map(\.id) == ["soracom/bgp-address-per-tunnel"]
        )
    }

    /// Alibaba's page advises an MTU and a segment size that do not fit: 1360 less 40 is 1320.
    @Test func `A contradiction is said`() throws {
        let remarks = try Self.library.provider("alibaba").remarks.map(\.text)
        #expect(
            remarks.contains {
                $0.hasPrefix("tunnel-mtu: MTU 1360 and MSS 1359 contradict each other") && $0.hasSuffix("1320")
            })
        #expect(try !Self.library.provider("aws").remarks.contains { $0.text.contains("contradict") })
    }

    // MARK: Mistakes

    private static let sound = """
        name: mine
        title: My cloud
        sources:
          doc: {title: A page, url: "https://example.net/doc", read: 2026-11-21}
        defaults:
          bgp-hold: {is: 30s, source: doc}
        rules:
          tunnel-inside-cidr: {lengths: 30, within: 169.254.0.0/16, reserved: [169.254.0.0/30], source: doc}
          ike-lifetime: {from: 900s, to: 28800s, source: doc}
          esp-algorithms: {encryption: aes-256-cbc, integrity: sha2-256, pfs-groups: [2, 14-24], source: doc}
          asn: {own: [64512-65534], source: doc}
          tunnel-mtu: {at-most: 1446, by-algorithm: [{cipher: aes-cbc, integrity: sha1, mtu: 1438}], source: doc}
        remarks:
          - {text: Something, source: doc}

        """

    private static func library(_ text: String, others: [String: String] = [:]) -> ProviderLibrary {
        let files = others.merging(["mine": text]) { first, _ in first }
        return ProviderLibrary(names: files.keys.sorted()) { name in
            (try #require(files[name]), "providers/\(name).yaml")
        }
    }

    @Test func `The sound one is read`() throws {
        #expect(try Self.library(Self.sound).provider("mine").rules.count == 5)
    }

    @Test(arguments: [
        ("name: mine", "name: yours", "the provider is called \"yours\", and its file mine.yaml", "Rename one of them"),
        ("title: My cloud", "titel: My cloud", "unknown key \"titel\"", "Did you mean \"title\"?"),
        ("read: 2026-11-21", "read: 21.11.2026", "\"21.11.2026\" is not a day as YYYY-MM-DD", "Write a day"),
        (", read: 2026-11-21", "", "sources.doc has no \"read\"", "the day on which it was read"),
        ("https://example.net/doc", "example.net/doc", "is not a Web address", "Write a Web address"),
        ("bgp-hold:", "bgp-holt:", "there is no default \"bgp-holt\"", "Did you mean \"bgp-hold\"?"),
        ("is: 30s", "is: soon", "\"soon\" is not a time", "Write a time"),
        ("{is: 30s, source: doc}", "{is: 30s, source: dok}", "there is no source \"dok\"", "Did you mean \"doc\"?"),
        (
            "tunnel-inside-cidr:", "tunnel-inside:", "there is no kind of rule \"tunnel-inside\"",
            "Did you mean \"tunnel-inside-cidr\"?"
        ),
        ("within: 169.254.0.0/16", "within: 169.254.0.1/16", "\"169.254.0.1/16\" is not a prefix", "Write a prefix"),
        ("within: 169.254.0.0/16, ", "", "rules.tunnel-inside-cidr has no \"within\"", "Add `within: …`"),
        (
            "from: 900s, to: 28800s", "from: 900s, to: 60s", "\"60s\" is not a time that is not before 15m",
            "Write a time"
        ),
        (
            "from: 900s, to: 28800s", "at-least: 900s", "unknown key \"at-least\"",
            "Known keys here: from, note, severity, source, to"
        ),
        (
            "encryption: aes-256-cbc", "encryption: aes-265-cbc", "is not one of the encryption algorithms",
            "Did you mean \"aes-256-cbc\"?"
        ),
        ("14-24]", "24-14]", "\"24-14\" is not a number or a range", "Write a number"),
        ("14-24]", "1-4000000000]", "is not a list of numbers from 1 to 65535", "Write a list"),
        ("lengths: 30", "lengths: 300", "is not a list of numbers from 0 to 128", "Write a list"),
        ("own: [64512-65534]", "own: [private]", "\"private\" is not a number or a range", "Write a number"),
        ("at-most: 1446", "at-most: 144600", "\"144600\" is not a number from 68 to 65535", "Write a number"),
        ("cipher: aes-cbc", "cipher: aes-cbd", "is not one of the ciphers", "Did you mean \"aes-cbc\"?"),
        (
            "asn: {own: [64512-65534], source: doc}", "asn: {own: [64512-65534]}", "rules.asn has no \"source\"",
            "a name under `sources`"
        ),
        (
            "asn: {own: [64512-65534], source: doc}", "asn: {own: 1, severity: fatal, source: doc}",
            "is not one of the severities", "Known severities: error, warning"
        ),
        (
            "remarks:\n  - {text: Something, source: doc}", "remarks:\n  - {text: Something}",
            "remarks.[0] has no \"source\"", "a name under `sources`"
        ),
        ("remarks:", "extends: yours\nremarks:", "there is no provider \"yours\"", "Known providers: mine"),
        ("remarks:", "extends: mine\nremarks:", "mine is built on mine itself", "Remove one"),
    ])
    func `Mistakes`(_ old: String, _ new: String, _ message: String, _ remedy: String) throws {
        let text = Self.sound.replacing(old, with: new, maxReplacements: 1)
        #expect(text != Self.sound)
        let error = try #require(throws: LabFileError.self) { try Self.library(text).provider("mine") }
        let diagnostic = try #require(error.diagnostics.first { $0.message.contains(message) }, "\(error)")
        #expect(diagnostic.file == "providers/mine.yaml" && diagnostic.severity == .error)
        #expect(diagnostic.remedy.contains(remedy), "\(diagnostic)")
        let before = Self.sound.prefix(upTo: try #require(Self.sound.firstRange(of: old)).lowerBound)
        let line = before.count { $0.isNewline } + 1
        let change = new.count { $0.isNewline } - old.count { $0.isNewline }
        #expect(
            (line...line + max(0, change) + 1).contains(try #require(diagnostic.line)),
            "\(diagnostic), expected in \(line)")
    }

    /// A lab whose provider's file is wrong is refused with the file's own line.
    @Test func `A lab says what is wrong in a provider's file`() throws {
        let lab = try RuledLab("ike-lifetime: {from: x, source: doc}")
        let error = try #require(throws: LabFileError.self) { try lab.resolved() }
        #expect(error.diagnostics.map(\.file) == ["providers/blue.yaml"] && error.diagnostics.map(\.line) == [6])
    }

    @Test func `An unknown provider`() throws {
        let text = RuledLab.lab.replacing("{provider: blue}", with: "{provider: bleu}")
        let error = try #require(throws: LabFileError.self) {
            try LabFile(text: text, file: "lab.yaml", providers: RuledLab.providers(blue: "")) { _ in "" }.resolve()
        }
        let diagnostic = try #require(error.diagnostics.first)
        #expect(error.diagnostics.count == 1 && diagnostic.line == 4)
        #expect(diagnostic.message == "there is no provider \"bleu\"")
        #expect(diagnostic.remedy == "Did you mean \"blue\"? Known providers: blue, red.")
    }

    @Test func `Circles are refused`() throws {
        let other = Self.sound.replacing("name: mine", with: "name: yours") + "extends: mine\n"
        let library = Self.library(Self.sound + "extends: yours\n", others: ["yours": other])
        #expect(throws: LabFileError.self) { try library.provider("mine") }
    }
}
