import LabModel
import NetworkTypes

/// A session that cannot stay up: a speaker that keeps its own timers says that it is there more seldom than the other
/// waits for it.
///
/// RFC 4271 has both take the smaller hold time (section 4.2), and keepalives three times in it (section 4.4).
public struct HoldConflict: Hashable, Sendable {
    public let session: String
    /// Who waits, and its hold time.
    public let listener: String
    public let hold: Duration
    /// Who keeps its own timers, and how often it sends keepalives.
    public let speaker: String
    public let keepalive: Duration

    /// The habits of who waits.
    public let habits: RoutingHabits

    /// How long the session is up each time: timers are shortened by chance, and an expired one may have to wait.
    public var shortestLife: Duration { habits.timer(hold).earliest }
    public var longestLife: Duration { hold + habits.turn.latest }

    /// How often it goes down in a time, at least and at most.
    public func ends(in time: Duration) -> ClosedRange<Int> {
        let least = Int(time / (longestLife + habits.longestPause))
        return least...max(least, Int(time / shortestLife) + 1)
    }

    /// In words.
    public var reason: String {
        "\(speaker) sends keepalives every \(keepalive.shortText) and does not negotiate, and \(listener) waits \(hold.shortText) for one: \(session) goes down again and again, each time after \(shortestLife.shortText) to \(longestLife.shortText)"
    }
}

extension BGPSession {
    /// Why it cannot stay up; nil where it can.
    ///
    /// A keepalive timer is shortened by chance as well: only where even that comes too late is it certain.
    ///
    /// - Parameter habits: Of what speaks BGP at a node.
    public func holdConflict(_ habits: (_ node: String) -> RoutingHabits) -> HoldConflict? {
        for own in speakers {
            guard let peer = peer(of: own), peer.keepsTimers, peer.hold > .zero else { continue }
            let hold = own.keepsTimers ? own.hold : min(own.hold, peer.hold)
            let conflict = HoldConflict(
                session: name, listener: own.node, hold: hold, speaker: peer.node, keepalive: peer.keepalive,
                habits: habits(own.node))
            if hold > .zero, habits(peer.node).timer(peer.keepalive).earliest > conflict.longestLife { return conflict }
        }
        return nil
    }
}
