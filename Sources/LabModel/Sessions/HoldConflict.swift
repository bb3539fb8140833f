import NetworkTypes

/// A session that cannot stay up: a speaker that keeps its own timers says that it is there more seldom than the other
/// waits for it.
///
/// RFC 4271 has both take the smaller hold time (section 4.2), and keepalives three times in it (section 4.4).
public struct HoldConflict: Hashable, Sendable, Codable {
    public let session: String
    /// Who waits, and its hold time.
    public let listener: String
    public let hold: Duration
    /// Who keeps its own timers, and how often it sends keepalives.
    public let speaker: String
    public let keepalive: Duration

    public init(session: String, listener: String, hold: Duration, speaker: String, keepalive: Duration) {
        self.session = session
        self.listener = listener
        self.hold = hold
        self.speaker = speaker
        self.keepalive = keepalive
    }

    /// How long the session is up each time: BIRD shortens its timers by up to a quarter, and its loop may sleep for 3 s
    /// more (bird2 2.0.12, `bgp_start_timer`; sysdep/unix/io.c).
    public var shortestLife: Duration { hold * 3 / 4 }
    public var longestLife: Duration { hold + .seconds(3) }
    /// And how long it is down: the wait after an error (`error wait time 1, 10`), an attempt to connect, and BIRD's loop.
    public static let longestPause = Duration.seconds(20)

    /// How often it goes down in a time, at least and at most.
    public func ends(in time: Duration) -> ClosedRange<Int> {
        let least = Int(time / (longestLife + Self.longestPause))
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
    /// A keepalive timer is shortened by up to a quarter as well: only where even that comes too late is it certain.
    public var holdConflict: HoldConflict? {
        speakers.lazy.compactMap { own -> HoldConflict? in
            guard let peer = peer(of: own), peer.keepsTimers, peer.hold > .zero else { return nil }
            let hold = own.keepsTimers ? own.hold : min(own.hold, peer.hold)
            let conflict = HoldConflict(
                session: name, listener: own.node, hold: hold, speaker: peer.node, keepalive: peer.keepalive)
            return hold > .zero && peer.keepalive * 3 / 4 > conflict.longestLife ? conflict : nil
        }.first
    }
}
