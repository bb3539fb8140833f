import Daemons
import Decryption
import LabModel
import LabPlan
import LabRecords
import NetworkTypes
import NodeRuntime
import RoutingDaemons
import Synchronization

/// A running daemon of a node, as the agent asks and tells it: a folder of this module each, and a line in ``DriverRegistry``.
///
/// Only of a daemon that answers: one that is halted would never, and on a clock that stands still the time to wait for it would
/// never be over.
public protocol DaemonDriver: Sendable {
    init(at sandbox: NodeSandbox)

    /// Has it take up what has been written.
    ///
    /// - Parameter connections: Those of a key daemon that are to be loaded anew.
    /// - Throws: ``LabFailure`` with the daemon's words.
    func takeUp(_ connections: [ConfigurationChange.Connection]) async throws
}

/// A daemon that negotiates tunnels.
public protocol KeyDaemonDriver: DaemonDriver {
    /// What it says of its connections, by their names; nil where it does not answer.
    func connections() async throws -> [String: ConnectionState]?
    /// Negotiates an end's child SA anew, or for the first time.
    func renewChild(of end: TunnelEnd) async throws
    /// Ends what an end's connections have, with a word to the peer whose answer is not waited for, and forgets them.
    func forget(_ end: TunnelEnd) async throws
    /// What gathers the keys of IKE SAs from several of its kind.
    ///
    /// - Parameter daemons: Those that run, each with its log as the agent reaches it.
    static func keySource(_ daemons: [(sandbox: NodeSandbox, log: String)]) -> any IKEKeySource
}

/// A daemon that speaks BGP.
public protocol RoutingDaemonDriver: DaemonDriver {
    /// Every session that it knows; empty where it does not answer.
    func sessions() async throws -> [SessionState]
    /// Every route that sessions have told it, with its attributes; nil for a daemon that is not asked.
    func bgpRoutes(of sessions: [SessionKey]) async throws -> [ObservedBGPRoute]?
    /// The prefixes that a session has told it.
    func prefixes(learnedBy session: SessionKey) async throws -> [IPPrefix]
    /// Shuts a session as an operator does, or takes it up again.
    func shut(_ session: SessionKey, _ isShut: Bool) async throws
    /// Asks the peer for all of its routes again (RFC 2918); nothing for a session that is not up.
    func refresh(_ session: SessionKey) async throws
}

/// What one of a daemon's sessions is told by: its neighbour, or the lab file's name where the daemon says of none.
public struct SessionKey: Hashable, Sendable {
    public let name: String
    public let neighbor: IPAddress

    public init(name: String, neighbor: IPAddress) {
        self.name = name
        self.neighbor = neighbor
    }
}

extension Topology {
    /// The key of a session at one of its speakers; nil where it has none there.
    public func sessionKey(_ name: String, at node: String) -> SessionKey? {
        if let session = session(named: name), let own = session.speakers.first(where: { $0.node == node }) {
            return session.peer(of: own).map { SessionKey(name: name, neighbor: $0.address) }
        }
        return oneSidedSession(named: name).flatMap { session in
            session.node == node ? SessionKey(name: name, neighbor: session.peer) : nil
        }
    }
}

extension RoutingDaemonDriver {
    public func bgpRoutes(of sessions: [SessionKey]) async throws -> [ObservedBGPRoute]? { nil }
}

/// What a key daemon says of a connection's newest SAs.
public struct ConnectionState: Hashable, Sendable {
    /// The IKE SA's algorithms in one word (``IKEAlgorithms/suite``).
    public let ike: String?
    /// When each is renewed at the latest, from now.
    public let ikeReplacedIn: Duration?
    public let childReplacedIn: Duration?
}

extension [String: ConnectionState] {
    /// That of an end's connection, of several one with an IKE SA, which they share.
    public func state(of end: TunnelEnd) -> ConnectionState? {
        let own = filter { end.has(connection: $0.key) }.sorted { $0.key < $1.key }.map(\.value)
        return own.first { $0.ike != nil } ?? own.first
    }
}

/// What a routing daemon says of a session.
public struct SessionState: Hashable, Sendable {
    /// Nil for a daemon whose sessions have no names.
    public let name: String?
    public let neighbor: IPAddress?
    public let state: BGPState
    /// As negotiated; nil while it is not up.
    public let hold: Duration?
    public let keepalive: Duration?
    /// What ended the last attempt or session, in the daemon's words.
    public let lastError: String?
    /// Of BFD beside it; nil where the daemon has none for it, or says nothing of it.
    public var bfd: BFDState?

    /// A user's own file may have names of its own for its sessions: the neighbour tells, wherever it is known.
    public func isOf(_ key: SessionKey) -> Bool { neighbor.map { $0 == key.neighbor } ?? (name == key.name) }
}

/// Gathers the keys of IKE SAs that are made while anyone wants them.
public protocol IKEKeySource: Sendable {
    /// Whether it tells of every IKE SA all there is, so that it goes before others that know the same SA.
    static var isComplete: Bool { get }
    /// Has the daemons tell keys; one that does not answer is left out.
    func begin() async
    /// What they have told, and of how many IKE SAs the keys cannot be used.
    ///
    /// - Parameter known: Keys that have been told elsewhere, which count neither way.
    /// - Throws: ``LabFailure`` where keys may be left in a log.
    func found(besides known: [IKEKeys]) async throws -> (keys: [IKEKeys], unusable: Int)
    /// Has them tell no more; what they have told until then is still found.
    ///
    /// - Throws: ``LabFailure`` where keys may still get into a log.
    func end() async throws
}

/// Every driver that the agent has: a new one is a line here.
public enum DriverRegistry {
    private static let known: [DaemonID: any DaemonDriver.Type] = [
        .pluto: PlutoDriver.self, .charon: CharonDriver.self, .bird: BirdDriver.self, .frr: FrrDriver.self,
    ]
    private static let added = Mutex<[DaemonID: any DaemonDriver.Type]>([:])

    /// Adds one, before anything else is done.
    public static func add(_ driver: any DaemonDriver.Type, for daemon: DaemonID) {
        added.withLock { $0[daemon] = driver }
    }

    public static func driver(_ daemon: DaemonID) -> (any DaemonDriver.Type)? {
        known[daemon] ?? added.withLock { $0[daemon] }
    }

    /// The drivers of key daemons, with what they drive.
    public static var keyDaemons: [(daemon: DaemonID, driver: any KeyDaemonDriver.Type)] {
        let all = known.merging(added.withLock(\.self)) { own, _ in own }
        return all.compactMap { daemon, driver in (driver as? any KeyDaemonDriver.Type).map { (daemon, $0) } }
            .sorted { $0.daemon < $1.daemon }
    }
}
