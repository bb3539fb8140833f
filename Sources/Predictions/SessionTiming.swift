import Daemons
import LabModel
import NetworkTypes
import RoutingDaemons

/// When the speakers of a session do what.
struct SessionTiming: Sendable {
    /// What both speakers agree on (RFC 4271, section 4.2): the smaller of the proposed hold times; zero for none.
    let hold: Duration
    /// What each speaker waits, by its node: that, unless it keeps its own timers.
    let holds: [String: Duration]
    /// How often each speaker says that it is there, by its node.
    let keepalive: [String: Duration]
    private let habits: [String: RoutingHabits]

    /// - Parameter speakers: Both of the session, as each one's own configuration has it.
    init(of session: BGPSession, _ speakers: [BGPSpeaker], in topology: Topology) {
        let hold = speakers.map(\.hold).min() ?? .zero
        self.hold = hold
        let holds = Dictionary(
            speakers.map { ($0.node, $0.keepsTimers ? $0.hold : hold) }, uniquingKeysWith: { first, _ in first })
        self.holds = holds
        keepalive = Dictionary(
            speakers.map { speaker in
                // In whole seconds, rounded down, and one at least.
                let own = speaker.hold.components.seconds
                let agreed = holds[speaker.node] ?? hold
                let isThird = topology.ownSession(of: session, at: speaker.node).map { $0.keepalive == nil } ?? false
                let third = agreed.components.seconds / 3
                let told = speaker.keepalive.components.seconds
                let seconds =
                    switch topology.routingHabits(of: session, at: speaker.node).keepalives {
                    case .scaled: isThird ? third : own == 0 ? 0 : told * agreed.components.seconds / own
                    case .thirdAtMost: told > 0 ? min(told, third) : third
                    }
                return (speaker.node, .seconds(agreed == .zero ? 0 : max(1, seconds)))
            }, uniquingKeysWith: { first, _ in first })
        habits = Dictionary(
            speakers.map { ($0.node, topology.routingHabits(of: session, at: $0.node)) },
            uniquingKeysWith: { first, _ in first })
    }

    func habits(of node: String) -> RoutingHabits { habits[node] ?? DaemonRegistry.usualRoutingDaemon.habits }

    /// From the loss of the peer's packets until the hold timer is over: a whole timer, less the age of the last keepalive.
    ///
    /// - Parameters:
    ///   - own: Whose timer it is.
    ///   - peer: Whom it does not hear any more.
    func expiry(at own: String, hearing peer: String) -> Window? {
        guard let hold = holds[own], hold != .zero, let keepalive = keepalive[peer] else { return nil }
        let timer = habits(of: own).timer(hold)
        return Window(max(.zero, timer.earliest - keepalive), timer.latest)
    }
}

extension Set<RoutingHabits> {
    /// From a path's mending until sessions between such speakers have brought their routes back: whichever speaker tries first.
    var comeback: Window {
        let windows = map { $0.connection + $0.turn }
        return (Window.spanning(windows) ?? Window(.zero, .zero)) + announcement
    }

    /// From the end of a session that begins anew until it has brought its routes back.
    var renewal: Window { Window.spanning(map { $0.renewal + $0.turn }) ?? Window(.zero, .zero) }

    /// From a session's beginning until both speakers have told their routes.
    private var announcement: Window { Window(.zero, map(\.announcement).max() ?? .zero) }
}
