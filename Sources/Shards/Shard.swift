/// A part of a test that is played by itself, elsewhere than the others: `3/8`.
public struct Shard: Hashable, Sendable, CustomStringConvertible {
    /// From 1 to ``count``.
    public let number: Int
    public let count: Int

    /// The most parts that a test is dealt into.
    public static let most = 1000

    /// Nil where there is no such part.
    public init?(_ number: Int, of count: Int) {
        guard (1...Self.most).contains(count), (1...count).contains(number) else { return nil }
        self.number = number
        self.count = count
    }

    /// Reads `3/8`; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let number = parts[0], let count = parts[1] else { return nil }
        self.init(number, of: count)
    }

    public var description: String { "\(number)/\(count)" }

    /// Which of some runs are this part's, in ascending order. All parts together have each run once, if they are asked with the same names
    /// and lengths.
    ///
    /// The longest goes first, each to the part that has least to do by then (Graham, Bounds on Multiprocessing Timing Anomalies, 1969:
    /// no part takes more than a third longer than it would have to).
    ///
    /// - Parameters:
    ///   - names: The runs', each another.
    ///   - lengths: How long runs took, by name. One that is not known is taken for as long as those that are, on average.
    public func part(of names: [String], lengths: [String: Duration] = [:]) -> [Int] {
        let known = names.compactMap { lengths[$0] }
        let mean = known.isEmpty ? Duration.seconds(1) : known.reduce(.zero, +) / known.count
        let order = names.indices.map { (index: $0, length: lengths[names[$0]] ?? mean) }.sorted {
            $0.length != $1.length ? $0.length > $1.length : names[$0.index] < names[$1.index]
        }
        var loads = Array(repeating: Duration.zero, count: count)
        var part: [Int] = []
        for (index, length) in order {
            let least = loads.indices.min { loads[$0] < loads[$1] } ?? 0
            loads[least] += length
            if least == number - 1 { part.append(index) }
        }
        return part.sorted()
    }
}

extension Shard: Codable {
    /// Reads its text.
    ///
    /// - Throws: `DecodingError` where there is no such part.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let shard = Shard(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "there is no such part")
        }
        self = shard
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
