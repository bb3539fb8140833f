import LabModel
import NetworkTypes

/// When BIRD does what, as its sources have it: bird2 2.0.12, proto/bgp/bgp.c and packets.c, sysdep/unix/io.c.
public struct BirdTiming: Sendable {
    /// What both speakers agree on (RFC 4271, section 4.2): the smaller of the proposed hold times; zero for none.
    public let hold: Duration
    /// What each speaker waits, by its node: that, unless it keeps its own timers.
    public let holds: [String: Duration]
    /// How often each speaker says that it is there, by its node.
    public let keepalive: [String: Duration]

    /// - Parameter speakers: Both, as each one's own configuration has it.
    public init(_ speakers: [BGPSpeaker]) {
        let hold = speakers.map(\.hold).min() ?? .zero
        self.hold = hold
        let holds = Dictionary(
            speakers.map { ($0.node, $0.keepsTimers ? $0.hold : hold) }, uniquingKeysWith: { first, _ in first })
        self.holds = holds
        keepalive = Dictionary(
            speakers.map { speaker in
                // In whole seconds, rounded down, and one at least, as bgp_rx_open works it out.
                let own = speaker.hold.components.seconds
                let agreed = holds[speaker.node] ?? hold
                let seconds = own == 0 ? 0 : speaker.keepalive.components.seconds * agreed.components.seconds / own
                return (speaker.node, .seconds(agreed == .zero ? 0 : max(1, seconds)))
            }, uniquingKeysWith: { first, _ in first })
    }

    /// A BGP timer is shortened by up to a quarter at random (RFC 4271, section 10; `bgp_start_timer`).
    public static func timer(_ time: Duration) -> Window { Window(time * 3 / 4, time) }

    /// How long a speaker takes that a timer has told to close its session, until its routes are gone.
    ///
    /// The timer only leaves an event behind, and BIRD looks at its events before its timers in each turn: the event waits
    /// until something else ends the sleep in poll(), which lasts 3 s at most (`io_loop`).
    public static let turn = Window(.zero, .seconds(3))

    /// From the loss of the peer's packets until the hold timer is over: a whole timer, less the age of the last keepalive.
    ///
    /// - Parameters:
    ///   - own: Whose timer it is.
    ///   - peer: Whom it does not hear any more.
    public func expiry(at own: String, hearing peer: String) -> Window? {
        guard let hold = holds[own], hold != .zero, let keepalive = keepalive[peer] else { return nil }
        let timer = Self.timer(hold)
        return Window(max(.zero, timer.earliest - keepalive), timer.latest)
    }
}

extension BirdTiming {
    /// What poll() adds to each sleep, in whole milliseconds, for each of the sleeps of a timer and of the turn after it.
    public static let granularity = Duration.milliseconds(5)

    /// From a path's mending until one of the speakers' next attempts to connect.
    ///
    /// TCP repeats a SYN after 1 s and after 2 s more (RFC 6298, section 2); before the next 4 s are over, BIRD begins
    /// anew (`connect retry time 5`).
    public static let connection = Window(.zero, .seconds(2))
}
