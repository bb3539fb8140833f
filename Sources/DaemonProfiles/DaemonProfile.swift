import LabModel
import LabRecords
import NetworkTypes

/// What netlab knows of a daemon: a folder in `Daemons` or `RoutingDaemons` each, a driver in `DaemonDrivers`, and a line in `DaemonRegistry`.
///
/// Text in, values out. What a running one is asked is the driver's.
public protocol DaemonProfile: Sendable {
    /// The name of its process.
    var id: DaemonID { get }
    /// How lab files choose it: `ike: KEYWORD`, `bgp: KEYWORD`.
    var keyword: String { get }
    /// How a lab file has a node run it.
    var choice: String { get }
    /// What it belongs to, by its own spelling.
    var product: String { get }
    /// The version that its figures here were measured with.
    var measuredVersion: DaemonVersion { get }
    /// How the installed one's version is found out.
    var versionSource: DaemonVersionSource { get }
    /// What tells whether a user's own configuration can be read; nil where nothing does.
    var parser: DaemonParser? { get }
    /// What has to be installed for it.
    var programs: [DaemonProgram] { get }
    /// Debian's package of the daemon itself, whose version is its.
    var debianPackage: String { get }
    /// Files below a root directory without which a node with that system cannot run it.
    var files: [String] { get }
    /// The directory below /run that it writes to, of which each node has one of its own.
    var runDirectory: String { get }
    /// Directories below /etc that begin empty in a node, whatever the host has there.
    var emptiedDirectories: [String] { get }
    /// Where it answers, as its node sees it.
    var socketPath: String { get }
    /// Files that one which was killed leaves, and that would keep the next from starting.
    var leftovers: [String] { get }
    /// What it has to find in its environment beside the seed, so that a lab with a seed is the same again.
    var seededEnvironment: [String: String] { get }

    /// What it reads at a node, and how it is started; no files where it has nothing to do there.
    func setUp(at node: String, in topology: Topology) -> DaemonSetUp

    /// What its log says of tunnels and sessions, by time.
    ///
    /// - Parameter realTimeOffset: What the date shows beyond the lab's clock, in nanoseconds.
    func events(in log: String, of node: String, in topology: Topology, realTimeOffset: Int64) -> [LabEvent]

    /// The last lines of a log that say why something does not come about, oldest first, without their times; none where it complains
    /// of nothing, or all has gone well since.
    ///
    /// - Parameter name: The connection or session that is meant; nil for anything.
    func complaints(in log: String, about name: String?) -> [String]

    /// A log of its own without the secrets in it, and with every other byte at its place.
    func masked(_ log: [UInt8]) -> [UInt8]

    /// What becomes of its work when it is killed, stopped or restarted.
    func effect(of fault: Fault.DaemonFault, at node: String) -> DaemonFaultEffect
}

extension DaemonProfile {
    public var parser: DaemonParser? { nil }

    /// The tree that netlab keeps it in; nil for a daemon that is installed.
    public var tree: DaemonTree? { if case .tree(let tree) = versionSource { tree } else { nil } }
    public var emptiedDirectories: [String] { [] }
    public var debianPackage: String { tree?.packages.first ?? programs.first?.package ?? "" }
    public var files: [String] { tree?.programs ?? [] }
    public func masked(_ log: [UInt8]) -> [UInt8] { log }
    public var leftovers: [String] { [socketPath] }
    public var seededEnvironment: [String: String] { [:] }
}

/// A program that a daemon needs, and how to get it.
public struct DaemonProgram: Hashable, Sendable {
    public let name: String
    public let purpose: String
    /// The Debian package that has it.
    public let package: String
    /// Directories to look in after the labs' own search path.
    public let elsewhere: [String]

    public init(name: String, purpose: String, package: String, elsewhere: [String] = []) {
        self.name = name
        self.purpose = purpose
        self.package = package
        self.elsewhere = elsewhere
    }
}

/// How the version of the daemon that labs run is found out.
public enum DaemonVersionSource: Hashable, Sendable {
    /// By a program's answer to `--version`.
    case program(String)
    /// By the name of the tree that netlab keeps it in.
    case tree(DaemonTree)
}

/// Programs that netlab keeps for itself, as Debian's packages of them cannot be installed beside others.
public struct DaemonTree: Hashable, Sendable {
    /// What its directory is called in the cache.
    public let name: String
    /// Files below it without which it is not whole.
    public let programs: [String]
    /// The Debian packages that it is unpacked from, the daemon's own first.
    public let packages: [String]

    public init(name: String, programs: [String], packages: [String]) {
        self.name = name
        self.packages = packages
        self.programs = programs
    }
}

/// What a daemon reads at a node, and how it is started.
public struct DaemonSetUp: Hashable, Sendable {
    public let files: [ConfigurationFile]
    /// The NSS database that it wants (certutil(1)); nil for none.
    public let keyStore: KeyStoreContents?
    public let arguments: [String]
    /// For a daemon of several programs (``Daemon/foundations``, ``Daemon/loading``).
    public let foundations: [DaemonPart]
    public let loading: [String]

    public init(
        files: [ConfigurationFile], keyStore: KeyStoreContents? = nil, arguments: [String],
        foundations: [DaemonPart] = [], loading: [String] = []
    ) {
        self.files = files
        self.keyStore = keyStore
        self.arguments = arguments
        self.foundations = foundations
        self.loading = loading
    }
}

/// Where a key store is in a node, and what is in it.
public struct KeyStoreContents: Hashable, Sendable, Codable {
    /// A certificate by the name that the daemon finds it by.
    public struct Entry: Hashable, Sendable, Codable {
        public let name: String
        public let pair: CertifiedKey
        /// The certificates in PEM of those that it comes with.
        public let authorities: [String]

        public init(name: String, pair: CertifiedKey, authorities: [String]) {
            self.name = name
            self.pair = pair
            self.authorities = authorities
        }
    }

    public let directory: String
    /// The certificates that a tunnel of the node's shows, also those that are not made yet.
    public let names: [String]
    public let entries: [Entry]
    /// What authorities have revoked, in PEM.
    public let revocations: [String]
    /// The certificates in PEM of authorities that are shown with others and are not trusted by themselves.
    public let intermediates: [String]

    public init(
        directory: String, names: [String], entries: [Entry], revocations: [String] = [], intermediates: [String] = []
    ) {
        self.intermediates = intermediates
        self.revocations = revocations
        self.directory = directory
        self.names = names
        self.entries = entries
    }
}

/// What becomes of a daemon's work when something is done to it.
public struct DaemonFaultEffect: Hashable, Sendable {
    /// Of the security associations that it has negotiated.
    public enum Associations: Hashable, Sendable {
        case kept, lost
        /// Lost, and negotiated anew when it runs again.
        case renewed
    }

    /// Of its BGP sessions.
    public enum Sessions: Hashable, Sendable {
        case kept
        /// Its kernel closes their connections, and keeps the routes it was given.
        case closed
        /// It ends them, and takes them up anew.
        case begunAnew
        /// It says nothing more.
        case mute
    }

    public let associations: Associations
    public let sessions: Sessions
    /// Whether it negotiates nothing from then on.
    public let isSilent: Bool
    /// In words.
    public let note: String

    public init(associations: Associations = .kept, sessions: Sessions = .kept, isSilent: Bool = false, note: String) {
        self.associations = associations
        self.sessions = sessions
        self.isSilent = isSilent
        self.note = note
    }
}
