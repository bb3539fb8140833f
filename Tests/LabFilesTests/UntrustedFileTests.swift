import ConfigurationFormats
import Daemons
import LabFiles
import LabModel
import Testing

/// Lab files that are made to keep a reader busy, or to do something to whoever looks at what is said of them.
@Suite(.timeLimit(.minutes(20)))
struct UntrustedFileTests {
    /// Some hundred bytes each, and more values than can be looked at.
    static let bombs: [String: String] = [
        "a list": chain { "[\($0)]" } + "deviations: *a9\n",
        "a name": chain { "[\($0)]" } + "nodes:\n  ? *a9\n  : {}\n",
        "a name in a flow": chain { "[\($0)]" } + "nodes: {*a9 : 1}\n",
        "merges": chain(first: "{x: 1}") { "{<<: [\($0)]}" } + "nodes: {<<: *a9}\n",
        "mappings": chain(first: "{x: 1}") { text in
            let parts = text.split(separator: ",").enumerated().map { "k\($0): \($1)" }
            return "{\(parts.joined(separator: ", "))}"
        } + "links: *a9\n",
        "no spaces": chain { "[\($0)]" } + "nodes: {*a9:*a9}\n",
    ]

    /// Nine anchors, each of ten of the one before.
    private static func chain(first: String = "[x, x]", _ wrap: (String) -> String) -> String {
        "a0: &a0 \(first)\n"
            + (1...9).map { number in
                let aliases = Array(repeating: "*a\(number - 1)", count: 10).joined(separator: ",")
                return "a\(number): &a\(number) \(wrap(aliases))\n"
            }.joined() + "name: x\n"
    }

    @Test(arguments: bombs.keys.sorted()) func `Aliases of aliases are refused`(_ name: String) throws {
        let error = try #require(throws: LabFileError.self) { try Self.resolve(Self.bombs[name] ?? "") }
        #expect(error.diagnostics.allSatisfy { $0.line != nil && !$0.remedy.isEmpty })
    }

    /// Aliases as people use them.
    @Test func `Ordinary aliases are taken`() throws {

        let links = (0..<200).map {
            "  l\($0): {<<: *wire, ends: {n\($0):a: 10.0.\($0).1/30, n\($0 + 1):b: 10.0.\($0).2/30}}\n"
        }
        let nodes = (0...200).map { "  n\($0): {role: router}\n" }
        let text =
            "name: x\nsummary: '*bold* words, and **more**'\nclouds:\n  here: {title: Here}\n"
            + "nodes:\n\(nodes.joined())links:\n  first: &wire\n    mtu: 1500\n    ends: {n0:z: 10.9.0.1/30, n1:z: 10.9.0.2/30}\n"
            + links.joined()

        #expect(try Self.resolve(text).topology.links.count == 201)
    }

    @Test(arguments: [
        "nodes: " + String(repeating: "[", count: 100_000),
        "nodes: " + String(repeating: "{a: ", count: 20_000) + "1" + String(repeating: "}", count: 20_000),
        "nodes:\n  " + String(repeating: "- ", count: 50_000) + "a",
        "nodes:\n" + (1..<1200).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
        "nodes: &a [*a]", "nodes: *nothing", "? [a, b]\n: c", "nodes: !!binary aaaa", "%YAML 9.9\n---\nnodes: {}",
    ])
    func `Deep and odd files are refused`(_ text: String) throws {
        let error = try #require(throws: LabFileError.self) { try Self.resolve("name: x\n\(text)\n") }
        #expect(error.diagnostics.allSatisfy { !$0.remedy.isEmpty })
    }

    /// Escapes of YAML's own bring what its reader refuses as it stands.
    @Test(arguments: ["\\x1b[2J", "\\0", "\\r", "\\x7f", "\\x9b31m", "\\L", "\\P", "\\u202e", "\\u2066", "\\b"])
    func `Control characters are refused`(_ escape: String) throws {
        for text in [
            "title: \"a\(escape)b\"", "summary: x\nnodes: {\"a\(escape)b\": {}}", "nodes: {a: {role: \"\(escape)\"}}",
        ] {
            let error = try #require(throws: LabFileError.self) { try Self.resolve("name: x\n\(text)\n") }
            #expect(error.diagnostics.map(\.message) == ["a value holds a control character"])
            #expect(error.diagnostics.first?.line == (text.hasPrefix("summary") ? 3 : 2))
            #expect(error.description.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" })
        }
    }

    @Test(arguments: ["psk:a-key-without-a-space", "psk a-key-without-a-space", "password:a-key-without-a-space"])
    func `A key on a wrong line is not shown`(_ line: String) throws {
        let text = BrokenLab.text.replacing("psk: example-key-of-main", with: line)
        let place = BrokenLab.text.replacing("  main:\n    psk: example-key-of-main\n", with: "  main: \(line)\n  x:\n")
        for text in [text, place] {
            let error = try #require(throws: LabFileError.self) { try Self.resolve(text) }
            #expect(!error.description.contains("a-key-without"))
        }
    }

    @Test(arguments: [
        "../outside", "/etc/passwd", "..", ".", "a\\nb", "a b", "a*", "\\\"", "a;b", String(repeating: "a", count: 65),
    ])
    func `Files beside a lab have plain names`(_ name: String) throws {
        let text = BrokenLab.text.replacing("config: vm.conf", with: "config: \"\(name)\"")
        let error = try #require(throws: LabFileError.self) { try Self.resolve(text) }
        #expect(error.description.contains("is not the plain name of a file beside the lab file"))
    }

    // MARK: Files beside it

    /// 3000 sections, each taking in the next, and each taking in all of the others.
    @Test func `Connections that take in each other`() {
        let chain = (0..<3000).map { "conn c\($0)\n    also=c\($0 + 1)\n    left=10.0.0.\($0 % 250)\n" }.joined()
        #expect(IpsecConf(chain)[connection: "c0"]?["left"] == "10.0.0.0")
        let all = (0..<3000).map { "    also=c\($0)\n" }.joined()
        let star = (0..<3000).map { "conn c\($0)\n    also=%default\n" }.joined() + "conn %default\n" + all
        #expect(IpsecConf(star).connectionNames.count == 3000)
        #expect(IpsecConf(star)[connection: "c0"] == [:])
        #expect(IpsecConf("conn a\n    also=a\n    left=1\n")[connection: "a"] == ["left": "1"])
    }

    /// What is quoted from them does nothing to a terminal.
    @Test func `Control characters in them are not shown`() {
        let diagnostic = LabFileDiagnostic(
            file: "lab.yaml", line: 1, message: "says vti-interface=\u{1B}]0;x\u{7}", remedy: "Write \u{9B}31m\u{202E}."
        )
        #expect(
            diagnostic.description.unicodeScalars.allSatisfy {
                $0 == "\n" || (0x20...0x7E).contains($0.value) || $0 == "\u{FFFD}"
            })
    }

    @Test func `Sections that take in each other`() {
        let names = (0..<10).map { "s\($0)" }
        let text = names.map { "\($0) : \(names.joined(separator: ", ")) {\n  a = b\n}\n" }.joined()
        #expect(throws: StrongSwanSettings.ParseError.self) { try StrongSwanSettings(text) }
        #expect(throws: StrongSwanSettings.ParseError.self) {
            try StrongSwanSettings(String(repeating: "a {\n", count: 10_000))
        }
    }

    private static func resolve(_ text: String) throws -> (topology: Topology, warnings: [LabFileDiagnostic]) {
        try LabFile(text: text, file: "lab.yaml", companion: BrokenLab.companion).resolve()
    }
}
