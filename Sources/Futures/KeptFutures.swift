import LabModel
import NetworkTypes
import Recordings
import Reporting

/// The futures that are worth a look: the shortest and the longest outage of each flow and direction, and those that did not pass.
public struct KeptFutures: Sendable {
    /// The most futures that are kept because they did not pass: those with the least numbers.
    public static let mostFailed = 20

    private struct Extremes {
        var shortest: (length: Duration, future: Int)
        var longest: (length: Duration, future: Int)
    }

    private struct Place: Hashable {
        /// All of the future's: what the last of them did counts.
        let faults: [[Fault]]
        let flow: String
        let direction: Outage.Scope
    }

    private var extremes: [Place: Extremes] = [:]
    private var failed: [(future: Int, outcome: TestRun.Outcome)] = []

    public init() {}

    /// Takes a future in, in any order: what is kept at last does not depend on it.
    public mutating func take(_ outcome: FutureOutcome) {
        let number = outcome.future.number
        if outcome.outcome == .fail || outcome.outcome == .broken {
            failed.append((number, outcome.outcome))
            failed.sort { $0.future < $1.future }
            failed = Array(failed.prefix(Self.mostFailed))
        }
        let groups = outcome.future.groups
        for measure in outcome.measures where measure.group == groups.count - 1 {
            guard let outage = measure.outage else { continue }
            // One that did not end is longer than any that did.
            let length = outage.atMost ?? .seconds(Int64.max)
            let place = Place(faults: groups, flow: measure.flow, direction: measure.direction)
            guard var known = extremes[place] else {
                extremes[place] = Extremes(shortest: (length, number), longest: (length, number))
                continue
            }
            if (length, number) < (known.shortest.length, known.shortest.future) { known.shortest = (length, number) }
            if length > known.longest.length || length == known.longest.length && number < known.longest.future {
                known.longest = (length, number)
            }
            extremes[place] = known
        }
    }

    /// Their numbers, with what each is kept for, in words: `longest of workload (forth, round trip)`.
    public var reasons: [Int: [String]] {
        var reasons: [Int: [String]] = [:]
        for (future, outcome) in failed { reasons[future] = [outcome == .broken ? "broken" : "failed"] }
        func add(_ word: String, _ future: (Extremes) -> Int?) {
            let places = Dictionary(grouping: extremes.compactMap { place, found in future(found).map { ($0, place) } })
            { $0.0 }
            for (future, places) in places {
                let flows = Dictionary(grouping: places.map(\.1), by: \.flow).sorted { $0.key < $1.key }
                let words = flows.map { flow, places in
                    "\(flow) (\(places.map(\.direction.words).sorted().joined(separator: ", ")))"
                }
                reasons[future, default: []].append("\(word) of \(words.joined(separator: ", "))")
            }
        }
        add("shortest") { $0.shortest.length < $0.longest.length ? $0.shortest.future : nil }
        add("longest") { $0.longest.future }
        return reasons
    }
}

extension Outage.Scope {
    /// In words: `round trip`.
    public var words: String {
        switch self {
        case .forth: "forth"
        case .back: "back"
        case .roundTrip: "round trip"
        }
    }
}
