import FoundationEssentials
import Reporting

/// What a shard leaves to be merged with the others': what the whole test was, and what came of this part of it.
public struct ShardRecord: Sendable, Codable {
    public let shard: Shard
    public let selection: TestSelection
    /// Every run of the whole test, in order: the directory that it has below a test's own.
    public let runs: [String]
    public let results: [Result]
    public let testedWith: TestedWith
    /// Whether it was broken off.
    public let isPartial: Bool

    public struct Result: Sendable, Codable {
        /// Of ``ShardRecord/runs``, from 0.
        public let index: Int
        public let run: TestRun

        public init(index: Int, run: TestRun) {
            self.index = index
            self.run = run
        }
    }

    public init(
        shard: Shard, selection: TestSelection, runs: [String], results: [Result], testedWith: TestedWith,
        isPartial: Bool
    ) {
        self.shard = shard
        self.selection = selection
        self.runs = runs
        self.results = results
        self.testedWith = testedWith
        self.isPartial = isPartial
    }

    /// The file's name in a test's directory.
    public static let file = "shard.json"
    /// The most bytes of one: a run has some tens of thousands.
    public static let mostBytes = 1 << 30

    /// The first line of the file: what it is, and the sum of all that follows. Raised with any change of a type in it.
    private static let heading = "netlab shard 1 "

    /// As a file's text.
    ///
    /// - Throws: `EncodingError`, which no value of netlab's own brings about.
    public func text() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Self.sealed(String(decoding: try encoder.encode(self), as: UTF8.self))
    }

    /// A record's JSON below the line that says that it is whole.
    public static func sealed(_ body: String) -> String { "\(heading)\(sum(of: body.utf8))\n\(body)\n" }

    /// Reads what a shard has left.
    ///
    /// - Throws: ``ShardError`` for what is no such file, is damaged, or is of another version of netlab.
    public init(text: some StringProtocol) throws(ShardError) {
        guard let end = text.firstIndex(of: "\n"), text.hasPrefix("netlab shard ") else {
            throw ShardError("it is no file of a shard")
        }
        guard text.hasPrefix(Self.heading) else { throw ShardError("another version of netlab has written it") }
        let body = text[text.index(after: end)...]
        let trimmed = body.hasSuffix("\n") ? body.dropLast() : body
        guard text[..<end] == "\(Self.heading)\(Self.sum(of: trimmed.utf8))" else {
            throw ShardError("it is damaged, or not whole")
        }
        guard NumberScan.isPlausible(trimmed) else {
            throw ShardError("it has numbers in it that no test brings about")
        }
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(trimmed.utf8))
        } catch {
            throw ShardError("it cannot be read: \(error)")
        }
        let own = Set(results.map(\.index))
        guard own.count == results.count, own.allSatisfy(runs.indices.contains), Set(runs).count == runs.count,
            runs.allSatisfy(Self.isSafe), (1...10_000).contains(selection.repetitions)
        else { throw ShardError("it does not fit together") }
    }

    /// Whether a directory is below the one that it is counted from.
    private static func isSafe(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return !path.isEmpty && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
    }

    /// FNV-1a of 64 bits, in hexadecimal digits (draft-eastlake-fnv, section 2).
    private static func sum(of bytes: some Sequence<UInt8>) -> String {
        let sum = bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let digits = String(sum, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// Why shards cannot be merged.
public struct ShardError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}
