import ConfigurationFormats
import DaemonProfiles
import LabModel
import LabRecords
import NetworkTypes

/// BIRD.
public struct Bird: RoutingDaemon {
    public init() {}

    public let id = DaemonID.bird
    public let keyword = "bird"
    public let product = "BIRD"
    public let measuredVersion = DaemonVersion(major: 2, minor: 0, patch: 12)
    public let versionSource = DaemonVersionSource.program("/usr/sbin/bird")
    public let parser: DaemonParser? = DaemonParser(
        product: "BIRD", program: "/usr/sbin/bird", arguments: ["-p", "-c"])
    public let programs = [
        DaemonProgram(name: "bird", purpose: "BGP daemon", package: "bird2"),
        DaemonProgram(name: "birdc", purpose: "speaks to bird", package: "bird2"),
    ]
    public let files = ["usr/sbin/bird"]
    public let runDirectory = "/run/bird"
    public let emptiedDirectories = ["bird"]
    public let socketPath = BirdConfiguration.socketPath
    /// RTPROT_BIRD (linux/rtnetlink.h).
    public let routeProtocol: UInt8 = 12

    public func setUp(at node: String, in topology: Topology) -> DaemonSetUp {
        DaemonSetUp(
            files: BirdConfiguration.files(for: node, in: topology, logFile: Daemon.logFile(node: node, kind: id)),
            arguments: BirdConfiguration.birdArguments)
    }

    /// bird(8), `-R`: "apply graceful restart recovery after start".
    public func recoveryArguments(at node: String, in topology: Topology) -> [String] {
        topology.restartsGracefully(node) ? ["-R"] : []
    }

    public func events(in log: String, of node: String, in topology: Topology, realTimeOffset: Int64) -> [LabEvent] {
        BirdLog.events(log, node: node, sessions: sessions(of: node, in: topology), realTimeOffset: realTimeOffset)
    }

    /// A node's sessions by BIRD's names of their protocols: a user's own file may have names of its own.
    private func sessions(of node: String, in topology: Topology) -> [String: String] {
        let file = topology.node(named: node)?.routingConfiguration.map { own($0) }
        var sessions: [String: String] = [:]
        for session in topology.sessions {
            guard let speaker = session.speakers.first(where: { $0.node == node }), let peer = session.peer(of: speaker)
            else { continue }
            sessions[file?.session(with: peer.address)?.name ?? session.name] = session.name
        }
        return sessions
    }

    public func complaints(in log: String, about name: String?) -> [String] {
        BirdLog.complaints(in: log, protocol: name)
    }

    public func effect(of fault: Fault.DaemonFault, at node: String) -> DaemonFaultEffect {
        switch fault {
        case .killed:
            DaemonFaultEffect(
                sessions: .closed,
                note: "BIRD at \(node) is gone: its kernel closes its connections, and keeps the routes it was given.")
        case .restarted:
            DaemonFaultEffect(
                sessions: .begunAnew,
                note: "BIRD at \(node) ends its sessions, takes its routes back, and starts anew.")
        case .stopped:
            DaemonFaultEffect(
                sessions: .mute,
                note: "BIRD at \(node) stands still: it sends no keepalives, and its routes stay as they are.")
        }
    }

    /// A weight is Cisco's, and FRR's after it; BIRD's `preference` is a protocol's, and no step of BGP's choice (BIRD 2 User's Guide,
    /// "Route attributes").
    public func reason(against feature: RoutePolicyFeature) -> String? {
        switch feature {
        case .weight: "has none"
        }
    }

    public func read(_ configuration: String) -> OwnRouting { BirdFile(configuration).routing }

    /// As its sources have it: bird2 2.0.12, proto/bgp/bgp.c (`bgp_update_startup_delay`, `bgp_active`, `bgp_connect`).
    public func habits(in session: OwnSession) -> RoutingHabits {
        let gap = Self.longestSilence(of: session.connectRetry)
        let pause = session.errorWait.latest + session.connectDelay
        return RoutingHabits(
            product: habits.product, routeMetric: habits.routeMetric, shortestTimer: habits.shortestTimer,
            turn: habits.turn, turnReason: habits.turnReason, granularity: habits.granularity,
            connection: Window(.zero, max(gap, pause)),
            connectionReason:
                "by its own file BIRD waits \(session.errorWait.earliest.shortText) after an error and \(session.errorWait.latest.shortText) after several (`error wait time`), \(session.connectDelay.shortText) before it connects, and begins anew after `connect retry time` \(session.connectRetry.shortText), in which TCP repeats its SYN after twice the time each",
            renewal: Window(.zero, session.connectDelay * 2),
            retry: session.connectRetry + habits.turn.latest + .seconds(1),
            longestPause: pause + gap + habits.turn.latest, carrierReason: habits.carrierReason)
    }

    /// The longest time between two SYNs of attempts that begin anew after a time: TCP repeats one after 1 s, 2 s more, 4 s more
    /// (RFC 6298, section 5.5).
    private static func longestSilence(of retry: Duration) -> Duration {
        var sent = Duration.zero
        var gap = Duration.seconds(1)
        while sent + gap < retry {
            sent += gap
            gap += gap
        }
        return max(gap / 2, retry - sent)
    }

    public func isReserved(_ name: String) -> Bool { BirdKeywords.contains(name) }

    /// As its sources have it: bird2 2.0.12, proto/bgp/bgp.c and packets.c, sysdep/unix/io.c. BFD that goes down ends a session, which then
    /// waits as after an error and does not ask whether BFD is up (`bgp_bfd_notify`).
    public let habits = RoutingHabits(
        product: "BIRD",
        // The default of the kernel protocol's `metric` (BIRD 2 User's Guide, Kernel).
        routeMetric: 32,
        // `bgp_start_timer`.
        shortestTimer: (3, 4),
        // The timer only leaves an event behind, and BIRD looks at its events before its timers in each turn: the event waits
        // until something else ends the sleep in poll(), which lasts 3 s at most (`io_loop`).
        turn: Window(.zero, .seconds(3)),
        turnReason:
            "BIRD's timer only leaves an event behind, which waits until its loop wakes up again, after 3s at most (bird2 2.0.12, sysdep/unix/io.c)",
        // What poll() adds to each sleep, in whole milliseconds, for each of the sleeps of a timer and of the turn after it.
        granularity: .milliseconds(5),
        // TCP repeats a SYN after 1 s and after 2 s more (RFC 6298, section 2); before the next 4 s are over, BIRD begins anew.
        connection: Window(.zero, .seconds(2)),
        connectionReason: "TCP repeats its SYN after 1s and 3s, BIRD begins anew after `connect retry time` 5",
        // A NOTIFICATION of Cease brings no wait after an error (`bgp_rx_notification`): both wait `connect delay time 1`, and once
        // more where the one tries before the other is ready.
        renewal: Window(.zero, .seconds(2)),
        // `connect retry time 5`, and the loop.
        retry: .seconds(9),
        // The wait after an error (`error wait time 1, 10`), an attempt to connect, and the loop.
        longestPause: .seconds(20),
        carrierReason: "BIRD ends a session with a neighbour on it at once (`check link`)",
        // A timer ends the recovery, the export that this begins is an event, and so is its first packet (nest/proto.c,
        // `graceful_restart_done`): three turns. A helper takes a second break for a restart once more (`bgp_incoming_connection`).
        recovery: .seconds(9))
}

extension DaemonID {
    public static let bird = DaemonID(rawValue: "bird")
}
