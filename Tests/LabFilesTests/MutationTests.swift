import Foundation
import LabFiles
import LabModel
import Providers
import Testing

/// Whatever a file holds, it is a lab or it is refused: nothing in it ends the program.
@Suite struct MutationTests {
    private struct NoSuchFile: Error {}

    /// SplitMix64: the same files in every run.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private typealias Lines = [[UInt8]]

    private static func lines(of text: String) -> Lines {
        Array(text.utf8).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
    }

    /// The text with one to three lines, values or bytes from a line on left out, doubled, swapped, cut off or replaced.
    private static func mutated(_ original: Lines, from first: Int = 0, with generator: inout Generator) -> String {
        var lines = original
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let at = Int.random(in: first..<lines.count, using: &generator)
            let other = Int.random(in: first..<lines.count, using: &generator)
            let column = lines[at].isEmpty ? nil : Int.random(in: 0..<lines[at].count, using: &generator)
            switch (Int.random(in: 0..<9, using: &generator), column) {
            case (0, _) where lines.count > 1: lines.remove(at: at)
            case (1, _): lines.insert(lines[at], at: other)
            case (2, _): lines.swapAt(at, other)
            case (3, let column?): lines[at].remove(at: column)
            case (4, let column?): lines[at].insert(lines[at][column], at: column)
            case (5, let column?): lines[at].swapAt(column, lines[at].count - 1)
            case (6, let column?): lines[at].removeSubrange(column...)
            case (7, _):
                let value = lines[other].drop { $0 != UInt8(ascii: ":") }
                lines[at] = lines[at].prefix { $0 != UInt8(ascii: ":") } + value
            case (_, let column?): lines[at][column] = UInt8.random(in: 0...255, using: &generator)
            case (_, nil): lines[at] = lines[other]
            }
        }
        var bytes: [UInt8] = []
        for line in lines {
            bytes.append(contentsOf: line)
            bytes.append(UInt8(ascii: "\n"))
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The whole file, and its last third alone: tunnels with their MSS clamps, probes, expectations.
    @Test(arguments: UInt64(0)..<5, ["name:", "tunnels:"])
    func `Resolves or is refused`(_ seed: UInt64, from section: String) throws {
        let lines = Self.lines(of: try AwsOci.text("lab.yaml"))
        let first = try #require(lines.firstIndex { $0.starts(with: section.utf8) })
        let files = try Dictionary(
            uniqueKeysWithValues: ["oci-ipsec.conf", "oci-ipsec.secrets", "aws-ipsec.conf", "aws-ipsec.secrets"].map {
                ($0, try AwsOci.text($0))
            })
        var generator = Generator(state: seed)
        var refused = 0
        for _ in 0..<200 {
            let broken = Self.mutated(lines, from: first, with: &generator)
            do {
                _ = try LabFile(text: broken, file: "lab.yaml") { name in
                    guard let text = files[name] else { throw NoSuchFile() }
                    return text
                }.resolve()
            } catch {
                refused += 1
                #expect(error.diagnostics.contains { $0.severity == .error })
                for diagnostic in error.diagnostics {
                    #expect(!diagnostic.message.isEmpty && !diagnostic.remedy.isEmpty)
                    #expect((1...lines.count + 7).contains(diagnostic.line ?? 1))
                }
            }
        }
        #expect(refused > 50)
    }

    @Test(arguments: 0..<4)
    func `Mutated connections are read or refused`(_ seed: Int) throws {
        let text = try AwsOci.text("lab.yaml")
        let configuration = Self.lines(of: try AwsOci.text("oci-ipsec.conf"))
        var generator = Generator(state: UInt64(seed))
        var refused = 0
        for _ in 0..<50 {
            let broken = Self.mutated(configuration, with: &generator)
            do {
                _ = try LabFile(text: text, file: "lab.yaml") { name in
                    name == "oci-ipsec.conf" ? broken : try AwsOci.text(name)
                }.resolve()
            } catch {
                refused += 1
                #expect(error.diagnostics.contains { $0.severity == .error })
            }
        }
        #expect(refused > 3)
    }

    /// Providers' files are users' too.
    @Test(arguments: ProviderFileTests.names) func `Mutated providers are read or refused`(_ name: String) throws {
        let text = try String(
            contentsOf: ProviderFileTests.directory.appending(path: "\(name).yaml"), encoding: .utf8)
        let lines = Self.lines(of: text)
        var generator = Generator(state: UInt64(name.utf8.reduce(0) { $0 &* 31 &+ Int($1) }))
        var refused = 0
        for _ in 0..<60 {
            let broken = Self.mutated(lines, with: &generator)
            let library = ProviderLibrary(names: [name, "aws"]) { _ in (broken, "\(name).yaml") }
            do {
                let provider = try library.provider(name)
                #expect(provider.rules.allSatisfy { !$0.statement.isEmpty })
            } catch {
                refused += 1
                for diagnostic in error.diagnostics {
                    #expect(!diagnostic.message.isEmpty && !diagnostic.remedy.isEmpty)
                    #expect((1...lines.count + 7).contains(diagnostic.line ?? 1))
                }
            }
        }
        #expect(refused > 6)
    }

    /// A lab with any provider's rules is a lab or is refused, whatever the lab holds.
    @Test(arguments: UInt64(0)..<3) func `Mutated labs under rules`(_ seed: UInt64) throws {
        let lines = Self.lines(of: try AwsOci.text("lab.yaml"))
        var generator = Generator(state: seed &+ 77)
        for _ in 0..<25 {
            let broken = Self.mutated(lines, with: &generator)
            do {
                _ = try LabFile(
                    text: broken, file: "lab.yaml", providers: ProviderFileTests.library, companion: AwsOci.text
                ).resolve()
            } catch {
                #expect(error.diagnostics.contains { $0.severity == .error })
            }
        }
    }

    /// A file that would exhaust a stack or a lifetime.
    struct Hostile: Sendable, CustomTestStringConvertible {
        let text: String
        let testDescription: String

        init(_ text: String, _ description: String? = nil) {
            self.text = text
            testDescription = description ?? text.debugDescription
        }
    }

    @Test(arguments: [
        Hostile(String(repeating: "[", count: 100_000), "deep lists"),
        Hostile(String(repeating: "{a: ", count: 100_000), "deep mappings"),
        Hostile(String(repeating: "- ", count: 100_000), "deep blocks"),
        Hostile("a: " + String(repeating: "[", count: 900) + String(repeating: "]", count: 900), "900 lists"),
        Hostile("name: " + String(repeating: "a", count: 1_000_000), "a long name"),
        Hostile(
            "x0: &x0 [a, a]\n" + (1..<60).map { "x\($0): &x\($0) [*x\($0 - 1), *x\($0 - 1)]\n" }.joined()
                + "name: *x59\n",
            "2⁶⁰ members"),
        Hostile("*a"), Hostile("a: &a [*a]"), Hostile("%YAML 9.9\n---\n"), Hostile("%TAG ! tag:x,2000:\n---\n!y a"),
        Hostile("!!binary \"@\""),
        Hostile("? [a, b]\n: c"), Hostile("\u{FEFF}name: a"), Hostile("a: b\u{0}c"), Hostile("\u{0}"),
    ])
    func `What is hostile`(_ file: Hostile) {
        #expect(throws: LabFileError.self) {
            try LabFile(text: file.text, file: "lab.yaml", companion: AwsOci.text).resolve()
        }
        #expect(throws: LabFileError.self) {
            try ProviderLibrary(names: ["a"]) { _ in (file.text, "a.yaml") }.provider("a")
        }
    }
}
