import DaemonProfiles
import LabModel
import NetworkTypes

/// What a user's own configuration of a routing daemon says that decides when routes come and go.
public struct OwnRouting: Hashable, Sendable {
    public var sessions: [OwnSession] = []
    /// Nil where it has no BFD, whatever its sessions ask for.
    public var bfd: OwnBFD?
    /// The metric that its routes have in the kernel; nil for the daemon's usual one.
    public var metric: Int?
    /// Whether the kernel is given several equally good routes to one place.
    public var mergesPaths = false
    /// The connected networks that it knows of: those of interfaces that one of these patterns is for.
    public var directInterfaces: [String] = []
    public var staticRoutes: [IPPrefix] = []
    /// What it tells as long as its kernel has a route to it.
    public var checkedNetworks: [IPPrefix] = []
    /// Why it does not tell of one of these to which there is no route.
    public var networkObstacle: OwnObstacle?
    /// Which routes the kernel is given, by an address's bits; nothing where that is not read.
    public var kernelExports: [Int: OwnFilter] = [:]
    /// Whether something makes paths longer that it tells.
    public var prepends = false
    /// What may decide and that nothing here computes: a setting and its line.
    public var open: [String] = []

    public init() {}

    public func session(with peer: IPAddress) -> OwnSession? { sessions.first { $0.neighbor == peer } }

    /// What it tells in a session by itself, beside what it passes on; nil where that is not read.
    ///
    /// - Parameters:
    ///   - networks: The node's connected networks, by their interfaces.
    ///   - routes: Where the routes lead that the lab file gives the node.
    public func told(
        in session: OwnSession, _ networks: [(interface: InterfaceName, prefix: IPPrefix)], beside routes: [IPPrefix]
    ) -> [IPPrefix]? {
        guard session.hasKnownExports else { return nil }
        let direct = networks.filter { network in
            directInterfaces.contains { OwnBFD.Interfaces.matches($0, network.interface.description) }
        }.map { (source: OwnFilter.connected, prefix: $0.prefix) }
        // Of two routes to one network the connected one is the better (BIRD's preferences, 240 and 200), and that alone is told.
        let connected = Set(direct.map(\.prefix))
        let fixed = (staticRoutes + checkedNetworks).filter { !connected.contains($0) }
            .map { (source: OwnFilter.fixed, prefix: $0) }
        var told: [IPPrefix] = []
        for route in direct + fixed {
            guard let exports = session.exports[route.prefix.address.bitWidth] else { continue }
            guard let isTold = exports.lets(route.prefix, from: route.source) else { return nil }
            guard isTold else { continue }
            switch hasRoute(to: route.prefix, networks.map(\.prefix), routes) {
            case true?: told.append(route.prefix)
            case false?: break
            case nil: return nil
            }
        }
        return told
    }

    /// The networks that are not told for want of a route to them.
    public func unroutedNetworks(_ networks: [IPPrefix], beside routes: [IPPrefix]) -> [IPPrefix] {
        checkedNetworks.filter { hasRoute(to: $0, networks, routes) == false }
    }

    /// Whether the node has the route without which a network is not told; nil where it may learn one, or where one around it may do.
    private func hasRoute(to prefix: IPPrefix, _ networks: [IPPrefix], _ routes: [IPPrefix]) -> Bool? {
        let own = networks + routes + staticRoutes
        if !checkedNetworks.contains(prefix) || own.contains(prefix) { return true }
        let isCovered = own.contains { $0.length > 0 && $0.contains(prefix) }
        return isCovered || sessions.count > 1 || !open.isEmpty ? nil : false
    }

    /// What BFD goes by in one of its sessions; nil where there is none.
    public func timers(of session: OwnSession, on interface: InterfaceName) -> BFDTimers? {
        guard let bfd, let wanted = session.bfd else { return nil }
        let place = bfd.interfaces.first { $0.takes(interface) }?.timers ?? bfd.usual
        return (session.isMultihop ? bfd.multihop : place).with(wanted)
    }
}

/// Which routes are let through.
public enum OwnFilter: Hashable, Sendable {
    case all, nothing
    case filter(BirdFilter)
    case lists(RouteLists)

    /// BIRD's words for where a route is from.
    static let connected = "RTS_DEVICE"
    static let fixed = "RTS_STATIC"
    public static let learned = "RTS_BGP"

    /// Whether a route is let through; nil where that is not known.
    ///
    /// - Parameters:
    ///   - prefix: Nil for any.
    ///   - source: Where it is from, by BIRD's word for it (`source`).
    public func lets(_ prefix: IPPrefix?, from source: String) -> Bool? {
        switch self {
        case .all: true
        case .nothing: false
        case .filter(let filter): filter.lets(prefix, from: source)
        case .lists(let lists): lists.lets(prefix, isOwn: source != Self.learned)
        }
    }
}

/// Which routes a session takes, and the line that says so.
public struct OwnImport: Hashable, Sendable {
    public let filter: OwnFilter
    public let line: Int
    /// Why nothing is taken, in the daemon's own terms, where it is nothing.
    public var obstacle = OwnObstacle(reason: "import none", remedy: "Write `import all` there")
}

/// What keeps a session, or all routes of one, from passing: in the daemon's own terms, and what to write, without its full stop.
public struct OwnObstacle: Hashable, Sendable {
    public let reason: String
    public let remedy: String
}

/// One side of a session in a user's own configuration.
public struct OwnSession: Hashable, Sendable {
    public let name: String
    public let line: Int
    /// Nil where that is left out, or said in a way that is not read.
    public var asn: ASN?
    public var neighbor: IPAddress?
    public var peerASN: ASN?
    public var hold: Duration
    /// Nil for a third of the hold time that both agree on.
    public var keepalive: Duration?
    /// How long it tries to connect before it begins anew.
    public var connectRetry: Duration
    /// How long it waits before it tries.
    public var connectDelay: Duration
    /// How long it waits after an error, and after several of them at most.
    public var errorWait: Window
    public var isMultihop = false
    /// The address that it sends from, and the interface that its neighbour is on, where the file says so.
    public var source: IPAddress?
    public var interface: String?
    /// Why it never comes up, whatever its neighbour does.
    public var refusal: OwnObstacle?
    /// Why it tells nothing.
    public var silence: OwnObstacle?
    /// Whether it takes packets alone that nobody has passed on (RFC 5082), and says so of its own.
    public var checksTTL = false
    /// Whether its neighbour is told what it can do (RFC 5492), a number of 32 bits for one (RFC 6793).
    public var hasCapabilities = true
    /// Why what its neighbour tells leads nowhere.
    public var nextHopObstacle: OwnObstacle?
    /// Whether it is switched off, and whether it waits for its neighbour to connect; the lines that say so.
    public var disabledLine: Int?
    public var passiveLine: Int?
    /// Which routes it takes, by an address's bits, and where that is said; nothing where all are.
    public var imports: [Int: OwnImport] = [:]
    /// What it asks of BFD; nil for none.
    public var bfd: BFDOptions?
    public var password: Secret?
    /// Whether it goes on by the routes of a peer that restarts gracefully, as daemons do unless they are told not to.
    public var helpsRestart = true
    /// Which routes it tells, by an address's bits, and whether all of that was read.
    public var exports: [Int: OwnFilter] = [:]
    public var hasKnownExports = true
    /// The settings that netlab computes with.
    public var taken: [String] = []
    /// What may decide and that nothing here computes: a setting and its line.
    public var open: [String] = []
}

extension RoutingDaemon {
    /// What a user's own configuration says, read once.
    public func own(_ configuration: String) -> OwnRouting {
        OwnRoutingQuestion.answers(OwnRoutingQuestion(daemon: id, text: configuration)) { read(configuration) }
    }
}

/// A user's own file that was read: predictions ask for the same ones thousands of times.
private struct OwnRoutingQuestion: Hashable {
    let daemon: DaemonID
    let text: String

    /// A lab has a few; whoever reads thousands of files, as tests do, begins anew.
    static let answers = Memo<OwnRoutingQuestion, OwnRouting>(most: 256)
}
