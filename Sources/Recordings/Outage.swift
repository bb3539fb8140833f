import NetworkTypes

/// A time in which a flow's packets did not get through, as far as its packets can tell.
///
/// Packets are sent at intervals, so nobody sees when an outage begins and ends. Of packets sent at times t, with the last
/// good one before at a, the first and the last lost one at b and c, and the first good one after at d, the outage began
/// after a and not later than b, and ended not before c and before d. It lasted ``atLeast`` c − b and ``atMost`` d − a, and
/// nothing more is known. So a measurement contradicts a predicted window only if the two have no moment in common:
/// packets sent more often say more, and none sent says nothing.
///
/// All times are those at which the packets were sent: of requests by the source, of replies by the destination.
public struct Outage: Hashable, Sendable, Codable {
    public enum Scope: String, Hashable, Sendable, Codable, CaseIterable {
        /// Requests that did not reach the destination.
        case forth
        /// Replies that did not reach the source, of requests that had arrived.
        case back
        /// Requests without an answer, whatever became of them.
        case roundTrip = "round_trip"
    }

    /// A packet of the flow.
    public struct Mark: Hashable, Sendable, Codable {
        /// Of the request that it is or answers, from 0.
        public let request: Int
        /// When it was sent, on the lab's clock.
        public let nanoseconds: Int64

        public init(request: Int, nanoseconds: Int64) {
            self.request = request
            self.nanoseconds = nanoseconds
        }
    }

    public let scope: Scope
    /// Nil where none got through before.
    public let lastGood: Mark?
    public let firstLost: Mark
    public let lastLost: Mark
    /// Nil where none got through any more.
    public let firstGood: Mark?
    public let lost: Int

    public init(scope: Scope, lastGood: Mark?, firstLost: Mark, lastLost: Mark, firstGood: Mark?, lost: Int) {
        self.scope = scope
        self.lastGood = lastGood
        self.firstLost = firstLost
        self.lastLost = lastLost
        self.firstGood = firstGood
        self.lost = lost
    }

    /// How long it lasted by the lost packets alone: zero for a single one.
    public var atLeast: Duration { .nanoseconds(lastLost.nanoseconds - firstLost.nanoseconds) }

    /// How long it lasted at most; nil where it was not seen to begin or to end.
    public var atMost: Duration? {
        guard let lastGood, let firstGood else { return nil }
        return .nanoseconds(firstGood.nanoseconds - lastGood.nanoseconds)
    }

    /// Whether it may have lasted for as long as a window has it.
    public func canLast(_ window: Window) -> Bool {
        atLeast <= window.latest && atMost.map { window.earliest <= $0 } ?? true
    }
}

extension Outage {
    /// What became of one packet.
    enum Passage {
        case good, lost
        /// It was not sent, or nobody saw.
        case unknown
    }

    /// The runs of lost packets among packets in the order in which they were sent.
    static func all(_ scope: Scope, in packets: some Sequence<(mark: Mark, passage: Passage)>) -> [Outage] {
        var outages: [Outage] = []
        var lastGood: Mark?
        var open: (first: Mark, last: Mark, lost: Int)?
        func close(with firstGood: Mark?) {
            guard let run = open else { return }
            outages.append(
                Outage(
                    scope: scope, lastGood: lastGood, firstLost: run.first, lastLost: run.last, firstGood: firstGood,
                    lost: run.lost))
            open = nil
        }
        for (mark, passage) in packets {
            switch passage {
            case .unknown: break
            case .lost: open = (open?.first ?? mark, mark, (open?.lost ?? 0) + 1)
            case .good:
                close(with: mark)
                lastGood = mark
            }
        }
        close(with: nil)
        return outages
    }
}
