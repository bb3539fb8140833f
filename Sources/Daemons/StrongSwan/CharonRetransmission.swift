import LabModel
import NetworkTypes

/// How often strongSwan's charon repeats a request of IKE, and how long: `retransmit_tries`, `retransmit_timeout` and
/// `retransmit_base`.
///
/// The wait after a packet is `retransmit_timeout · retransmit_base^n`, n being how often it was repeated, and the peer is
/// given up when the wait after the last repetition has ended. IKEv2 has no timeout of its own for a silent peer: it is
/// asked after `dpd_delay`, and dead when the question is given up. Source: strongswan.conf(5);
/// src/libcharon/sa/ikev2/task_manager_v2.c of strongSwan 5.9.8.
public struct CharonRetransmission: Hashable, Sendable {
    /// How often a request is repeated.
    public let tries: Int
    /// `retransmit_timeout`, to the millisecond.
    public let firstWait: Duration
    public let base: Double
    /// `retransmit_limit`: no wait is longer; nil for none.
    public let limit: Duration?

    /// What netlab writes for `retransmit_base`.
    public static let base = 2

    /// charon's defaults: 165 s in all.
    public static let standard = CharonRetransmission(tries: 5, firstWait: .seconds(4), base: 1.8)

    public init(tries: Int, firstWait: Duration, base: Double, limit: Duration? = nil) {
        self.limit = limit
        self.tries = tries
        self.firstWait = firstWait
        self.base = base
    }

    /// In milliseconds: some fifty days, which is as much as charon's own counter takes.
    private static let longestWait = 4_294_967_295.0

    /// What gives a silent peer up after a time: with waits that double, the first of half a second to a second, as libreswan
    /// has it.
    public init(patience: Duration) {
        let milliseconds = max(1, patience.wholeNanoseconds / 1_000_000)
        var tries = 0
        // All waits together are the first one times 2^(tries + 1) - 1.
        while milliseconds / ((1 << (tries + 1)) - 1) > 1000, tries < 30 { tries += 1 }
        self.init(
            tries: tries, firstWait: .milliseconds(milliseconds / ((1 << (tries + 1)) - 1)), base: Double(Self.base))
    }

    /// The waits after the first packet and after each repetition; the peer is given up at the end of the last.
    public var waits: [Duration] {
        var factor = 1.0
        return (0...tries).map { _ in
            defer { factor *= base }
            let milliseconds = Double(firstWait.wholeNanoseconds) / 1e6 * factor
            return min(
                .milliseconds(Int64(min(milliseconds, Self.longestWait))),
                limit ?? .milliseconds(Int64(Self.longestWait)))
        }
    }
}

extension Topology {
    /// How charon at a node repeats its requests: one setting for all of its tunnels, made for the generated ones that detect
    /// dead peers. A user's own strongswan.conf goes before it.
    public func charonRetransmission(of node: String) -> CharonRetransmission {
        let patience = tunnelEnds(of: node).lazy.compactMap { tunnel, end in
            if case .generated = end.configuration { end.deadPeerDetection?.patience } else { nil }
        }.first
        return patience.map { CharonRetransmission(patience: $0) } ?? .standard
    }
}

extension DeadPeerDetection {
    /// How long the question whether the peer is there is repeated.
    public var patience: Duration { timeout - delay }
}
