import DaemonProfiles
import LabModel
import NetworkTypes

/// A daemon that speaks BGP, and OSPF perhaps.
public protocol RoutingDaemon: DaemonProfile {
    /// Whether a word of its configuration's own cannot name a session.
    func isReserved(_ name: String) -> Bool
    /// The number by which a kernel knows the routes of BGP's that it was given by this daemon (rtnetlink(7), `rtm_protocol`).
    var routeProtocol: UInt8 { get }
    /// The same of what else this daemon speaks, where it is another number.
    var otherRouteProtocols: Set<UInt8> { get }
    var habits: RoutingHabits { get }
    /// Nil for one that netlab sets up no OSPF for.
    var ospfHabits: OSPFHabits? { get }
    /// Why it cannot do something of a policy's, as the end of a sentence; nil where it can.
    func reason(against feature: RoutePolicyFeature) -> String?
    /// Whether it leaves out the routes by the highest gateways where more are equally good than may share traffic.
    var cutsByGateway: Bool { get }
    /// Reads a user's own configuration.
    func read(_ configuration: String) -> OwnRouting
    /// What a program is started with in addition when it has ended without a word and its kernel still has its routes.
    func recoveryArguments(at node: String, in topology: Topology) -> [String]
    /// Whether all of its sessions tell their peers the same time that it may be away.
    var hasOneRestartTime: Bool { get }
    /// Its habits in a session that a user's own configuration says something else of than netlab's.
    func habits(in session: OwnSession) -> RoutingHabits
}

/// When a routing daemon does what, beyond what RFC 4271 has it do.
public struct RoutingHabits: Hashable, Sendable {
    public let product: String
    /// The metric that its routes have in the kernel.
    public let routeMetric: Int
    /// What part of a BGP timer is left when it has been shortened by chance the most (RFC 4271, section 10).
    public let shortestTimer: (numerator: Int, denominator: Int)
    /// How long it takes, once told by a timer to end a session, until the session's routes are gone; and why.
    public let turn: Window
    public let turnReason: String
    /// What is added to each of its sleeps.
    public let granularity: Duration
    /// From a path's mending until one of the speakers' next attempts to connect; and why.
    public let connection: Window
    public let connectionReason: String
    /// From the end of a session that one of its speakers begins anew, and says so, until one of them connects.
    public let renewal: Window
    /// The longest time between two attempts to connect.
    public let retry: Duration
    /// How long a session is down at most between an error and its next beginning.
    public let longestPause: Duration
    /// Said of a session whose neighbour is on a link that lost its carrier.
    public let carrierReason: String
    /// How long it waits when a session has come up before it tells its routes, and what each of its neighbours adds to that.
    public private(set) var announcement: Duration
    private let announcementEach: Duration
    public let keepalives: Keepalives
    /// How long it gathers what it is told before its kernel is told, at most.
    public let reaction: Duration
    /// How long it waits at most, when it has taken its kernel's routes over and a session has come up, before it tells its own.
    public let recovery: Duration
    /// Why it may not go on by the routes of a peer that restarts, as the end of a sentence; nil where it surely does.
    public let helperDoubt: String?

    /// How often a speaker says that it is there, where the peer's hold time is less than its own.
    public enum Keepalives: Hashable, Sendable {
        /// So much more often than it was told to.
        case scaled
        /// As it was told to, and a third of the hold time at most.
        case thirdAtMost
    }

    public init(
        product: String, routeMetric: Int, shortestTimer: (numerator: Int, denominator: Int), turn: Window,
        turnReason: String,
        granularity: Duration,
        connection: Window, connectionReason: String, renewal: Window, retry: Duration, longestPause: Duration,
        carrierReason: String, announcement: Duration = .zero, announcementEach: Duration = .zero,
        keepalives: Keepalives = .scaled, reaction: Duration = .zero, recovery: Duration = .zero,
        helperDoubt: String? = nil
    ) {
        self.product = product
        self.routeMetric = routeMetric
        self.shortestTimer = shortestTimer
        self.turn = turn
        self.turnReason = turnReason
        self.granularity = granularity
        self.connection = connection
        self.connectionReason = connectionReason
        self.renewal = renewal
        self.retry = retry
        self.longestPause = longestPause
        self.carrierReason = carrierReason
        self.announcement = announcement
        self.announcementEach = announcementEach
        self.keepalives = keepalives
        self.reaction = reaction
        self.recovery = recovery
        self.helperDoubt = helperDoubt
    }

    /// Those of a speaker with a number of neighbours.
    public func among(neighbors count: Int) -> RoutingHabits {
        var habits = self
        habits.announcement += announcementEach * count
        return habits
    }

    /// How much shorter than configured a timer may be, as the end of a sentence.
    public var shortening: String {
        let (part, whole) = shortestTimer
        return part == whole
            ? "does not shorten its timers" : "shortens each timer to \(part)/\(whole) at least (section 10)"
    }

    /// When a timer of this length is over.
    public func timer(_ time: Duration) -> Window {
        Window(time * shortestTimer.numerator / shortestTimer.denominator, time)
    }

    public static func == (left: Self, right: Self) -> Bool {
        left.product == right.product && left.connection == right.connection && left.retry == right.retry
            && left.longestPause == right.longestPause && left.connectionReason == right.connectionReason
            && left.announcement == right.announcement
    }
    public func hash(into hasher: inout Hasher) {
        hasher.combine(product)
        hasher.combine(connectionReason)
    }
}

extension RoutingDaemon {
    public var choice: String { "bgp: \(keyword)" }
    public var cutsByGateway: Bool { true }
    public func recoveryArguments(at node: String, in topology: Topology) -> [String] { [] }
    public var hasOneRestartTime: Bool { false }
    public var ospfHabits: OSPFHabits? { nil }
    public var otherRouteProtocols: Set<UInt8> { [] }
    /// Whether a kernel was given a route with this number by this daemon.
    public func gives(_ routeProtocol: UInt8) -> Bool {
        routeProtocol == self.routeProtocol || otherRouteProtocols.contains(routeProtocol)
    }
    public var speaksOSPF: Bool { ospfHabits != nil }
}

extension Topology {
    /// Whether a node's routing daemon may end without a word and start anew with its routes where they were, in one of its sessions at least,
    /// as netlab has configured it.
    public func restartsGracefully(_ node: String) -> Bool {
        self.node(named: node)?.routingConfiguration == nil
            && sessions.flatMap(\.speakers).contains { $0.node == node && $0.gracefulRestart != nil }
    }
}
