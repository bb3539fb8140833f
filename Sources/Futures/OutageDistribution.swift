import LabModel
import NetworkTypes
import Predictions
import Recordings

/// How long a probe's flows were out in one direction, over all futures in which the same began.
public struct OutageDistribution: Sendable {
    public struct Key: Hashable, Sendable {
        public let flow: String
        /// What had begun before, in order, and what began last.
        public let before: [[Fault]]
        public let faults: [Fault]
        public let direction: Outage.Scope
    }

    public let key: Key
    /// Flows in all futures.
    public private(set) var flows = 0
    /// Those that lost something, and of them those that were not answered again before the end.
    public private(set) var outages = 0
    public private(set) var unended = 0
    /// From the last packet that got through to the next one, of outages that ended, in ascending order, with the future's number.
    public private(set) var lengths: [(length: Duration, future: Int)] = []
    /// What was predicted, each thing once.
    public private(set) var effects: [Prediction.Effect] = []

    init(_ key: Key) {
        self.key = key
    }

    fileprivate mutating func add(_ measure: FutureOutcome.Measure, of future: Int) {
        flows += 1
        for effect in (measure.predicted?.all ?? []).map(\.effect) where !effects.contains(effect) {
            effects.append(effect)
        }
        guard let outage = measure.outage else { return }
        outages += 1
        if let length = outage.atMost { lengths.append((length, future)) } else { unended += 1 }
    }

    fileprivate mutating func sort() {
        lengths.sort { ($0.length, $0.future) < ($1.length, $1.future) }
    }

    /// The least length that so many percent of all do not exceed (nearest rank); nil where no outage ended.
    public func length(percentile percent: Int) -> Duration? {
        lengths.isEmpty ? nil : lengths[max(0, (lengths.count * percent + 99) / 100 - 1)].length
    }

    public var shortest: (length: Duration, future: Int)? { lengths.first }

    /// Where several are as long, the first future.
    public var longest: (length: Duration, future: Int)? {
        lengths.last.flatMap { last in lengths.first { $0.length == last.length } }
    }

    /// All that was predicted, as one window; nil where it was something else than an outage that ends by itself.
    public var window: Window? {
        let windows = effects.map { effect -> Window? in if case .outage(let window) = effect { window } else { nil } }
        return windows.contains(nil) ? nil : Window.spanning(windows.compactMap(\.self))
    }

    /// In the order in which futures tell of them.
    public static func all(of outcomes: [FutureOutcome]) -> [OutageDistribution] {
        var order: [Key] = []
        var found: [Key: OutageDistribution] = [:]
        for outcome in outcomes {
            let groups = outcome.future.groups
            for measure in outcome.measures {
                let key = Key(
                    flow: measure.flow, before: Array(groups[..<measure.group]), faults: groups[measure.group],
                    direction: measure.direction)
                if found[key] == nil { order.append(key) }
                found[key, default: OutageDistribution(key)].add(measure, of: outcome.future.number)
            }
        }
        return order.compactMap { key in
            var one = found[key]
            one?.sort()
            return one
        }
    }
}

/// Lengths counted in bins of one width.
public struct Histogram: Hashable, Sendable, Encodable {
    public let firstNanoseconds, widthNanoseconds: Int64
    public let counts: [Int]

    /// The most bins that a histogram has.
    private static let most = 20

    /// From the shortest length to the longest, and over the window that was predicted; nil for no lengths.
    public init?(of distribution: OutageDistribution) {
        let lengths = distribution.lengths.map(\.length.wholeNanoseconds)
        guard let least = lengths.first, let longest = lengths.last else { return nil }
        let window = distribution.window
        let from = min(least, window?.earliest.wholeNanoseconds ?? least)
        let to = max(longest, window?.latest.wholeNanoseconds ?? longest)
        let width = Self.width(from: from, to: to)
        let first = from / width * width
        var counts = Array(repeating: 0, count: Int((to - first) / width) + 1)
        for length in lengths { counts[Int((length - first) / width)] += 1 }
        (firstNanoseconds, widthNanoseconds, self.counts) = (first, width, counts)
    }

    /// The least of 1, 2, 5, 10, … ms with which no more than the most bins are needed.
    private static func width(from: Int64, to: Int64) -> Int64 {
        var unit: Int64 = 1_000_000
        while true {
            for factor in [1, 2, 5] as [Int64] {
                let width = unit * factor
                if to / width - from / width < Int64(most) { return width }
            }
            unit *= 10
        }
    }
}
