import Foundation
import Pages
import Reporting
import Shards
import Testing

/// Whatever a part of a test has left, it is merged or refused: nothing in it ends the program.
@Suite struct ShardMutationTests {
    /// `NETLAB_FUZZ_INPUTS` asks for another number.
    private static let inputs = ProcessInfo.processInfo.environment["NETLAB_FUZZ_INPUTS"].flatMap { Int($0) } ?? 500

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

    /// Numbers at which something may end.
    private static let edges = [
        "0", "-1", "1", "9223372036854775807", "-9223372036854775808", "18446744073709551615", "1152921504606846976",
        "-1152921504606846976", "33554432", "1e308", "1e-308", "-1e15", "null", "[]", "\"\"", "1000000000",
    ]

    @Test func `Numbers and values exchanged`() throws {
        let seed = try String(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .appending(path: "FuzzingTests/Corpus/shard/body"), encoding: .utf8)
        let places = seed.matches(of: /[:,\[](-?[0-9][0-9.e+-]*|"[a-z_]*")(?=[,\]}])/).map {
            $0.output.1.startIndex..<$0.output.1.endIndex
        }
        try #require(places.count > 100)
        var generator = Generator(state: 11)
        var (read, refused) = (0, 0)
        for _ in 0..<Self.inputs {
            var text = seed
            // From the end on, so that the places before stay where they are.
            let chosen = (0..<Int.random(in: 1...3, using: &generator)).map { _ in
                Int.random(in: places.indices, using: &generator)
            }
            for place in Set(chosen).sorted(by: >) {
                let other = places[Int.random(in: places.indices, using: &generator)]
                let value =
                    Bool.random(using: &generator)
                    ? String(seed[other]) : Self.edges.randomElement(using: &generator) ?? ""
                text.replaceSubrange(places[place], with: value)
            }
            guard let record = try? ShardRecord(text: ShardRecord.sealed(text)) else {
                refused += 1
                continue
            }
            read += 1
            let report = TestReport(runs: record.results.map(\.run), isPartial: record.isPartial)
            #expect(!report.text(style: .plain, isVerbose: true).isEmpty && !JUnitReport(report).text.isEmpty)
            #expect(try !JSONText.of(report).isEmpty)
            let page = TestPage(report, labs: [], testedWith: record.testedWith.lines) { "\($0)" }
            #expect(!page.text.isEmpty && !TestSummary(report, labs: []).text.isEmpty)
            for result in record.results { #expect(!result.run.traffic.csv.isEmpty) }
        }
        #expect(read > Self.inputs / 10 && refused > Self.inputs / 10, "\(read) read, \(refused) refused")
    }
}
