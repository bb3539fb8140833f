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
        let flow: String
        let direction: Outage.Scope
        let fault: [[String]]

        var words: String {
            let begun = fault.map { $0.joined(separator: " + ") }.joined(separator: ", then ")
            return "\(flow), \(direction.words)\(fault.count > 1 ? " after \(begun)" : "")"
        }
    }

    private var order: [Place] = []
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
        for measure in outcome.measures {
            guard let outage = measure.outage else { continue }
            // One that did not end is longer than any that did, and says of no length that it is short.
            let length = outage.atMost ?? .seconds(Int64.max)
            let place = Place(
                flow: measure.flow, direction: measure.direction,
                fault: outcome.future.groups[...measure.group].map { $0.map(\.description) })
            guard var known = extremes[place] else {
                order.append(place)
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

    /// Their numbers, with what each is kept for, in words.
    public var reasons: [Int: [String]] {
        var reasons: [Int: [String]] = [:]
        for (future, outcome) in failed {
            reasons[future, default: []].append(outcome == .broken ? "broken" : "failed")
        }
        for place in order.sorted(by: { $0.words < $1.words }) {
            guard let found = extremes[place] else { continue }
            reasons[found.shortest.future, default: []].append("shortest of \(place.words)")
            reasons[found.longest.future, default: []].append("longest of \(place.words)")
        }
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
