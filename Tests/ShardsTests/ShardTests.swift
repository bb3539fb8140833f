import Shards
import Testing

@Suite struct ShardTests {
    private static func parts(_ count: Int, _ names: [String], _ lengths: [String: Duration] = [:]) -> [[Int]] {
        (1...count).compactMap { Shard($0, of: count)?.part(of: names, lengths: lengths) }
    }

    @Test(arguments: ["1/1", "3/8", "1000/1000"]) func `Parts are written as they are read`(text: String) {
        #expect(Shard(text)?.description == text)
    }

    @Test(arguments: [
        "", "3", "0/8", "9/8", "1/0", "-1/8", "1/8/2", "a/b", "1/", "/8", "1/1001", "1/99999999999999999999",
    ])
    func `What is no part is none`(text: String) {
        #expect(Shard(text) == nil)
    }

    @Test(arguments: [1, 2, 3, 7, 20]) func `All parts together have each run once`(count: Int) {
        let names = (0..<17).map { "lab/\($0)" }
        let parts = Self.parts(count, names, ["lab/3": .seconds(9), "lab/4": .seconds(1)])
        #expect(parts.count == count && parts.flatMap(\.self).sorted() == Array(names.indices))
        #expect(parts.allSatisfy { $0 == $0.sorted() })
    }

    @Test func `By name, parts have as many`() {
        #expect(Self.parts(2, ["d", "a", "c", "b", "e"]) == [[1, 2, 4], [0, 3]])
    }

    /// One run is as long as all others; those that are not known count for the mean, 4 s.
    @Test func `By lengths, parts take as long`() {
        let names = ["a", "b", "c", "d", "e", "f"]
        let lengths: [String: Duration] = ["a": .seconds(1), "b": .seconds(1), "c": .seconds(1), "d": .seconds(13)]
        #expect(Self.parts(2, names, lengths) == [[3], [0, 1, 2, 4, 5]])
    }

    @Test func `Lengths of a report are means, and none are negative`() throws {
        let lengths = try RecordedLengths(
            json: """
                {"runs": [{"lab": "a", "scenario": "x", "wall_nanoseconds": 2000000000, "more": []},
                          {"lab": "a", "scenario": "x", "wall_nanoseconds": 4000000000},
                          {"lab": "a", "scenario": "x", "variant": "v", "wall_nanoseconds": -5}]}
                """)
        #expect(lengths.length(of: "x", lab: "a", variant: nil) == .seconds(3))
        #expect(lengths.length(of: "x", lab: "a", variant: "v") == .zero)
        #expect(lengths.length(of: "y", lab: "a", variant: nil) == nil)
        for text in ["", "[]", "{\"runs\": [{}]}"] {
            #expect(throws: ShardError("it is no report of a test")) { try RecordedLengths(json: text) }
        }
    }
}
