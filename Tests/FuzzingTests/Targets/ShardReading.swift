import Shards

/// What parts of a test leave for `netlab merge`, and reports that parts are dealt by.
enum ShardReading {
    static func read(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        try record(text)
        // The bytes as a record that is whole: more of them get to be read.
        try record(ShardRecord.sealed(text))
        if let lengths = try? RecordedLengths(json: text) {
            let length = lengths.length(of: "main-cut", lab: "aws-oci", variant: nil)
            try require(length.map { $0 >= .zero } ?? true, "\(String(describing: length)) is no length")
            let names = ["a", "b", "c"]
            let parts = (1...2).compactMap { Shard($0, of: 2)?.part(of: names, lengths: ["a": length ?? .zero]) }
            try require(parts.flatMap(\.self).sorted() == [0, 1, 2], "\(parts)")
        }
    }

    /// What can be read can be written, and is the same when it is read again.
    private static func record(_ text: String) throws {
        guard let record = try? ShardRecord(text: text) else { return }
        let again = try ShardRecord(text: try record.text())
        try require(try again.text() == record.text(), "a record is not what it was")
        guard let merged = try? MergedTest([("one", record)]) else { return }
        try require(
            merged.results.allSatisfy { merged.runs.indices.contains($0.index) }, "a result of no run")
    }
}
