import Foundation
import Imports
import LabModel
import Testing

/// Whatever an input holds, it is a lab or it is refused: nothing in it ends the program.
@Suite struct ImportMutationTests {
    /// Of each input; `NETLAB_FUZZ_INPUTS` asks for another number.
    private static let inputs = ProcessInfo.processInfo.environment["NETLAB_FUZZ_INPUTS"].flatMap { Int($0) } ?? 30

    /// SplitMix64: the same bytes in every run.
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

    /// The text with one to three values, lines or bytes exchanged, doubled or left out.
    private static func mutated(_ text: String, with generator: inout Generator) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let at = Int.random(in: lines.indices, using: &generator)
            let other = Int.random(in: lines.indices, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: lines[at] = lines[other]
            case 1: lines.swapAt(at, other)
            case 2:
                lines[at] = lines[at].replacing(
                    /[0-9]+/, with: "\(UInt64.random(in: 0...(.max), using: &generator))", maxReplacements: 1)
            case 3:
                // One member's value for another's.
                let name = lines[at].prefix { $0 != ":" && $0 != "=" }
                lines[at] = String(name) + String(lines[other].drop { $0 != ":" && $0 != "=" })
            case 4: lines[at] = lines[at].replacing(/"[^"]*"(,?)$/) { "null\($0.1)" }
            default:
                var bytes = Array(lines[at].utf8)
                if let place = bytes.indices.randomElement(using: &generator) {
                    bytes[place] = UInt8.random(in: 0...255, using: &generator)
                }
                lines[at] = String(decoding: bytes, as: UTF8.self)
            }
        }
        return lines.joined(separator: "\n")
    }

    @Test(arguments: Inputs.all.map(\.name)) func `Mutated inputs`(_ name: String) throws {
        let files = try Inputs.files(name)
        var generator = Generator(state: UInt64(name.utf8.reduce(0) { $0 &* 31 &+ Int($1) }.magnitude))
        var labs = 0
        for _ in 0..<Self.inputs {
            let place = Int.random(in: files.indices, using: &generator)
            var inputs = files
            inputs[place] = ImportFile(path: files[place].path, text: Self.mutated(files[place].text, with: &generator))
            do {
                let made = try LabImport(name: "imported", inputs: inputs) { _ in nil }
                labs += 1
                _ = try Inputs.resolve(made)
            } catch let error as ImportError {
                #expect(!error.message.isEmpty && !error.remedy.isEmpty)
            } catch let error as LabFileError {
                // What an input has need not fit together; that the lab file is one is netlab's affair.
                for diagnostic in error.diagnostics {
                    #expect(
                        !diagnostic.message.contains("unknown key") && !diagnostic.message.contains("YAML"),
                        "\(diagnostic)")
                }
            }
        }
        // Not all of them are refused at once, which would show nothing.
        #expect(labs > 0)
    }
}
