import Reporting

/// All shards of a test, as one.
public struct MergedTest: Sendable {
    public let selection: TestSelection
    /// Every run of the test, in order: the directory that it has below a test's own.
    public let runs: [String]
    /// In the order of ``runs``, with the shard's place among those that were merged.
    public let results: [(index: Int, shard: Int, run: TestRun)]
    /// What any shard was tested with.
    public let testedWith: TestedWith
    /// Whether a shard was broken off.
    public let isPartial: Bool

    /// - Parameter shards: With a name for messages, such as a path.
    /// - Throws: ``ShardError`` for shards of different tests, one that is missing or there twice, and a run that is.
    public init(_ shards: [(name: String, record: ShardRecord)]) throws(ShardError) {
        guard let first = shards.first else { throw ShardError("There are no shards.") }
        for (name, record) in shards {
            guard record.shard.count == first.record.shard.count else {
                throw ShardError(
                    "\(name) is shard \(record.shard), and \(first.name) is \(first.record.shard): these are parts of different tests."
                )
            }
            guard record.selection == first.record.selection, record.runs == first.record.runs else {
                throw ShardError(
                    "\(name) and \(first.name) are parts of different tests: what they play is not the same.")
            }
        }
        var names: [Int: String] = [:]
        for (name, record) in shards {
            if let other = names.updateValue(name, forKey: record.shard.number) {
                throw ShardError("Shard \(record.shard) is there twice: \(other) and \(name).")
            }
        }
        let missing = (1...first.record.shard.count).filter { names[$0] == nil }
        guard missing.isEmpty else {
            let words = missing.map { "\($0)/\(first.record.shard.count)" }.joined(separator: ", ")
            throw ShardError("Shards are missing: \(words).")
        }
        var owners: [Int: String] = [:]
        for (name, record) in shards {
            for result in record.results {
                if let other = owners.updateValue(name, forKey: result.index) {
                    throw ShardError(
                        "\(first.record.runs[result.index]) was played twice, in \(other) and in \(name): the shards were dealt by different lengths."
                    )
                }
            }
        }
        isPartial = shards.contains { $0.record.isPartial }
        let absent = first.record.runs.indices.filter { owners[$0] == nil }
        guard isPartial || absent.isEmpty else {
            throw ShardError(
                "No shard has played \(absent.prefix(3).map { first.record.runs[$0] }.joined(separator: ", ")): the shards were dealt by different lengths."
            )
        }
        selection = first.record.selection
        runs = first.record.runs
        results = shards.enumerated().flatMap { place, shard in
            shard.record.results.map { (index: $0.index, shard: place, run: $0.run) }
        }.sorted { $0.index < $1.index }
        testedWith = TestedWith(all: shards.map(\.record.testedWith))
    }
}
