import LabRecords
import NetworkTypes

/// What became of a flow: its losses, its outages in each direction, and the ways it took.
public struct FlowResult: Hashable, Sendable, Codable {
    /// The flow's own, which is the probe's where the probe has no other.
    public let name: String
    public let probe: String
    public let transport: FlowRequest.Transport
    public let interval: Duration
    public let sent: Int
    public let answered: Int
    /// Of requests, and of replies to requests that arrived; nil where the capture cannot tell.
    public let lostForth: Int?
    public let lostBack: Int?
    /// Answers that came again, and after one to a later request.
    public let duplicates: Int
    public let reordered: Int
    /// By the capture, in each direction; nil where it cannot tell.
    public let forth: Disorder?
    public let back: Disorder?
    /// Requests that the node itself could not send, and the reasons. They count as lost.
    public let unsent: Int
    public let localErrors: [String]
    public let roundTrip: RoundTrip?
    /// By scope, and in each by time.
    public let outages: [Outage]
    /// By time. Empty without a capture.
    public let phases: [FlowPhase]
    /// Why the capture proves nothing about directions; nil where it does, and where there is none.
    public let doubt: String?

    public var lost: Int { sent - answered - undecided }
    /// Requests that might still have been answered when the script was broken off.
    public let undecided: Int

    /// Packets of one direction that were seen arriving in another order, or more than once.
    public struct Disorder: Hashable, Sendable, Codable {
        public let duplicated: Int
        public let reordered: Int
    }

    /// - Parameters:
    ///   - trace: Nil without a capture.
    ///   - brokenOff: When the script was broken off, on the lab's clock; nil where it ended by itself.
    public init(_ record: FlowRecord, trace: FlowTrace?, brokenOff: Int64? = nil) {
        let sightings = trace?.flows[record.request.name]
        let fates = record.sentAtNanoseconds.indices.map { Self.fate(of: $0, record, sightings, brokenOff) }
        name = record.request.name
        probe = record.request.probe
        transport = record.request.transport
        interval = record.request.interval
        sent = record.sentAtNanoseconds.count
        answered = fates.count { $0 == .answered }
        undecided = fates.count { $0 == .undecided }
        duplicates = record.duplicates
        reordered = record.reordered
        unsent = record.unsent
        localErrors = record.localErrors
        doubt = trace?.doubt
        roundTrip = RoundTrip(record.roundTripNanoseconds.filter { $0 >= 0 })
        lostForth = sightings.map { _ in fates.count { $0 == .lostForth } }
        lostBack = sightings.map { _ in fates.count { $0 == .lostBack } }
        forth = sightings.flatMap {
            $0.seesArrivals ? Disorder(duplicated: $0.duplicatedForth, reordered: $0.reorderedForth) : nil
        }
        back = sightings.flatMap {
            $0.seesReturns ? Disorder(duplicated: $0.duplicatedBack, reordered: $0.reorderedBack) : nil
        }
        phases = sightings.map { FlowPhase.all(of: record, $0, fates) } ?? []
        outages = Outage.Scope.allCases.flatMap { scope in
            Outage.all(
                scope,
                in: fates.indices.lazy.map { request in
                    (
                        Outage.Mark(
                            request: request, nanoseconds: Self.time(of: request, scope, record, sightings)),
                        Self.passage(fates[request], scope)
                    )
                })
        }
    }

    public func outages(_ scope: Outage.Scope) -> [Outage] { outages.filter { $0.scope == scope } }

    /// When the packet that a scope is about was sent, as well as is known.
    private static func time(
        of request: Int, _ scope: Outage.Scope, _ record: FlowRecord, _ sightings: FlowSightings?
    ) -> Int64 {
        let sent = record.sentAtNanoseconds[request]
        guard scope == .back, let sightings else { return sent }
        return (sightings.replyLeft(request) ?? sightings.arrived(request))?.nanoseconds ?? sent
    }

    private static func fate(
        of request: Int, _ record: FlowRecord, _ sightings: FlowSightings?, _ brokenOff: Int64?
    ) -> FlowFate {
        if record.roundTripNanoseconds.indices.contains(request), record.roundTripNanoseconds[request] >= 0 {
            return .answered
        }
        let due = record.sentAtNanoseconds[request] + record.request.timeout.wholeNanoseconds
        if let brokenOff, due > brokenOff { return .undecided }
        guard let sightings else { return .lost }
        if sightings.replyArrived(request) != nil { return .late }
        if sightings.arrived(request) != nil || sightings.replyLeft(request) != nil { return .lostBack }
        return sightings.seesArrivals || sightings.seesReplies ? .lostForth : .lost
    }

    private static func passage(_ fate: FlowFate, _ scope: Outage.Scope) -> Outage.Passage {
        switch (fate, scope) {
        case (.answered, _): .good
        case (.undecided, _): .unknown
        case (_, .roundTrip): .lost
        case (.lost, _): .unknown
        case (.late, _): .good
        case (.lostForth, .forth), (.lostBack, .back): .lost
        // Nothing came that could have been answered.
        case (.lostForth, .back): .unknown
        case (.lostBack, .forth): .good
        }
    }
}

/// What became of one echo request.
public enum FlowFate: String, Hashable, Sendable, Codable {
    case answered
    /// The answer came when nobody waited for it any more.
    case late
    /// The request did not arrive, or was not sent.
    case lostForth = "lost_forth"
    /// The request arrived, and its reply did not, if there was one.
    case lostBack = "lost_back"
    /// There was no answer, and no capture tells why.
    case lost
    /// The script was broken off before an answer was due.
    case undecided
}

/// The round trips of a flow, in nanoseconds.
public struct RoundTrip: Hashable, Sendable, Codable {
    public let count: Int
    public let least: Int64
    public let mean: Int64
    public let median: Int64
    public let p95: Int64
    public let p99: Int64
    public let most: Int64
    /// The standard deviation, which ping(8) calls mdev.
    public let deviation: Int64

    /// Nil for none. A percentile is the least value that so many of all do not exceed (nearest rank).
    public init?(_ trips: [Int64]) {
        guard !trips.isEmpty else { return nil }
        let sorted = trips.sorted()
        let mean = Double(sorted.reduce(0.0) { $0 + Double($1) }) / Double(sorted.count)
        let variance = sorted.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(sorted.count)
        count = sorted.count
        least = sorted[0]
        most = sorted[sorted.count - 1]
        self.mean = Int64(mean.rounded())
        deviation = Int64(variance.squareRoot().rounded())
        median = sorted[nearestRank: 50]
        p95 = sorted[nearestRank: 95]
        p99 = sorted[nearestRank: 99]
    }
}

extension [Int64] {
    /// Of a sorted array that is not empty: the least value that so many percent of all do not exceed.
    subscript(nearestRank percent: Int) -> Int64 {
        self[Swift.max(0, (count * percent + 99) / 100 - 1)]
    }
}
