import DaemonProfiles
import LabModel
import NetworkTypes

/// A daemon that negotiates IPsec tunnels.
public protocol KeyDaemon: DaemonProfile {
    /// The kind of interface that leads to its tunnels where nobody says otherwise.
    var usualInterface: TunnelInterfaceKind { get }
    /// Which number an interface of that name and kind has for its policies.
    func number(of interface: InterfaceName, _ kind: TunnelInterfaceKind) -> InterfaceNumber
    /// Whether it ties an XFRM interface to the one with its own address, and takes none that is tied to nothing.
    var tiesInterfaces: Bool { get }
    /// Whether each child SA is a connection of its own to it, and not one of several in a connection.
    var hasConnectionForEachChild: Bool { get }
    /// Whether the keys of a user's own configuration stand in a file apart.
    var keepsSecretsApart: Bool { get }
    /// What a user's own file names a certificate by, up to the name.
    var certificateSetting: String { get }
    /// The setting that has it begin a negotiation when it starts.
    var startSetting: String { get }
    /// Whether its node's kernel is to forget associations and policies at its end, as its unit has it.
    var flushesAtItsEnd: Bool { get }
    /// Whether an end that begins by itself does so again after its liveness has given the peer up with the action `clear`.
    var beginsAfterClear: Bool { get }
    /// Whether all tunnels of a node must repeat their questions for the same time.
    var hasOneSchedule: Bool { get }
    /// What an end wants of sequence numbers that is told nothing: those of 64 bits, of 32, or nil for either.
    var usualExtendedSequence: Bool? { get }
    /// Whether as a responder of IKEv1 it takes the first of its peer's proposals that it has, and not the first of its own.
    var followsInitiatorInIKEv1: Bool { get }
    /// Whether it makes new associations when the kernel asks for some (XFRM acquire) for a tunnel that it has begun itself.
    var answersAcquires: Bool { get }
    /// Whether it takes a part of its selectors for all of them (RFC 7296, section 2.9) where its configuration does not say. One that
    /// does not takes no narrower answer to its own question (measured with libreswan 4.10).
    var narrowsUnlessTold: Bool { get }
    /// Whether it renews a child SA with the group of the IKE SA, whatever the configuration says.
    var renewsWithGroupOfIKE: Bool { get }
    /// Whether a user's secrets are all for other identities than these.
    func lacksKey(in files: ConnectionFiles, for local: String, and remote: String) -> Bool

    /// Why it, as Debian builds it, cannot use an algorithm, as the end of a sentence; nil where it can.
    func reason(against algorithm: KeyDaemonAlgorithm) -> String?
    /// Whether it negotiates a group in IKEv2 alone.
    func lacksInIKEv1(_ group: DiffieHellmanGroup) -> Bool

    /// What its file of settings for the daemon as a whole is called, which a lab file may give for a node; nil for a daemon that has
    /// them beside its connections.
    var settingsFile: String? { get }
    /// Reads such a file.
    func readSettings(_ text: String) -> Result<OwnDaemonSettings, OwnDaemonSettings.Unreadable>
    /// What a user's own file says of a connection.
    func read(_ file: OwnFile, connection: String?) -> (connection: OwnConnection?, problems: [OwnFile.Problem])
    /// Why it does not take the connection of a user's file, whatever its peer does; nil where it does.
    ///
    /// - Parameter ends: All of the node, this one too: what their files say of the daemon as a whole counts for each.
    func refusal(of end: TunnelEnd, beside ends: [TunnelEnd]) -> OwnFile.Problem?
    /// The names of the connections in a text, if that is one of its files; none otherwise.
    func connections(in text: String) -> [String]
    /// Whether a text has pre-shared keys as the daemon's files have them.
    func hasKeys(in text: String) -> Bool
    /// A text in a format that the daemon does not read any more, in its present one; nil for any other text.
    ///
    /// - Parameter keys: What is in a file of keys beside it.
    /// - Returns: The name and text of the file, and the settings that it has not.
    func converted(_ text: String, keys: String?) -> (name: String, text: String, leftOut: [String])?
    /// A file that has one pre-shared key for whomever it speaks to, of characters that need no quoting.
    func file(withKey key: String) -> String
    /// The user's own files of an end with one parameter that does not fit its peer any more.
    func mistaking(_ parameter: Fault.Parameter, in files: ConnectionFiles, of end: TunnelEnd) -> ConnectionFiles
    /// The pre-shared key that the user's own files have for an end; nil where there is none, or which one is open.
    func presharedKey(in files: ConnectionFiles, of end: TunnelEnd) -> Secret?
    /// The lines of the user's secrets that may bear on a connection, to compare.
    func secrets(in files: ConnectionFiles, of end: TunnelEnd) -> [String]

    /// How often and how long it repeats a request of an end's.
    func retransmission(of end: TunnelEnd, of tunnel: Tunnel, in topology: Topology, version: DaemonVersion)
        -> IKERetransmission
    /// Whether what a generated configuration says of a silent peer (``TunnelEnd/DeadPeerAction``) counts; else it does what its
    /// startup says.
    func hasDeadPeerActions(_ version: DaemonVersion) -> Bool
    /// How long it pauses after attempts in vain, until a packet for the tunnel has the kernel ask it again.
    func pauseBetweenAttempts(_ version: DaemonVersion) -> Duration
    /// How long after a peer's last packet it asks it at the latest, where `delay` is configured.
    func latestQuestion(after delay: Duration) -> Duration

    /// How long an end behind NAT is silent at most before it sends a keep-alive (RFC 3948, section 4); nil for one that sends none.
    func keepAlive(of end: TunnelEnd, in topology: Topology) -> Duration?
    /// Whether its keep-alives come for as long as nothing else is sent.
    var keepsAliveUnfailingly: Bool { get }
    /// Whether it sends to another port of its peer's NAT as soon as something of the peer's comes from there (RFC 7296, section 2.23);
    /// else why not, as a clause.
    func reasonAgainstNewPort(_ version: DaemonVersion) -> String?

    /// Which IKE SAs it does not tell the keys of, in words; nil for none.
    var unknownKeys: String? { get }
    /// How a new IKE SA is had, whose keys a capture then has.
    ///
    /// - Parameter prefix: What commands in the node begin with.
    func renewalHint(connection: String, prefix: String) -> String
}

extension KeyDaemon {
    public var choice: String { "ike: \(keyword)" }
    public var settingsFile: String? { nil }
    public var tiesInterfaces: Bool { false }
    public func hasDeadPeerActions(_ version: DaemonVersion) -> Bool { true }
    public func connections(in text: String) -> [String] { [] }
    public func hasKeys(in text: String) -> Bool { false }
    public func file(withKey key: String) -> String { "" }
    public func converted(_ text: String, keys: String?) -> (name: String, text: String, leftOut: [String])? { nil }
    public func pauseBetweenAttempts(_ version: DaemonVersion) -> Duration { .zero }
    public func readSettings(_ text: String) -> Result<OwnDaemonSettings, OwnDaemonSettings.Unreadable> {
        .failure(OwnDaemonSettings.Unreadable(line: 1, reason: "\(product) has no file of settings of its own"))
    }
}

/// How the number that an interface and its policies have in common comes about.
public enum InterfaceNumber: Hashable, Sendable {
    case free
    /// The interface's name has it in it.
    case fixed(UInt32)
    /// The daemon leads no tunnel through an interface of that name: by which rule, and what to do.
    case impossible(String, remedy: String)
}

/// An algorithm that a key daemon may lack.
public enum KeyDaemonAlgorithm: Hashable, Sendable {
    /// A cipher for the IKE SA itself.
    case ikeCipher(EncryptionAlgorithm)
    case group(DiffieHellmanGroup)
    /// What an end signs with, and checks its peer's signature with.
    case signature(CertificateKeyFamily)
}

/// A user's own configuration file for a key daemon.
public struct OwnFile: Hashable, Sendable {
    public let name: String
    public let text: String
    /// The interface that the lab file gives the tunnel; nil for none.
    public let interface: InterfaceName?
    /// The node's own, by which a daemon tells its side from the other.
    public let addresses: [IPAddress]

    public init(name: String, text: String, interface: InterfaceName?, addresses: [IPAddress] = []) {
        self.name = name
        self.text = text
        self.interface = interface
        self.addresses = addresses
    }

    /// Something that keeps the file from being used.
    public struct Problem: Hashable, Sendable {
        /// Where in the lab file it is to be said.
        public enum Place: Hashable, Sendable { case file, connection, interface }

        public let place: Place
        /// Whether the file can be used all the same.
        public let isWarning: Bool
        public let message: String
        public let remedy: String

        public init(_ place: Place, isWarning: Bool = false, _ message: String, _ remedy: String) {
            self.place = place
            self.isWarning = isWarning
            self.message = message
            self.remedy = remedy
        }
    }
}

/// What a connection in a user's own file says, in terms that are no daemon's.
public struct OwnConnection: Hashable, Sendable {
    /// Nil where the file does not say an address.
    public var localAddress: IPAddress?
    /// Where the peer is, as it is written, and what the file calls that.
    public var remote: String?
    public var remoteKey: String
    /// The kind of interface that leads into the tunnel; nil where policies alone do.
    public var interfaceKind: TunnelInterfaceKind?
    /// What the file calls that interface; nil where it only has a number, or none.
    public var interfaceName: String? = nil
    /// The number that this interface has in common with the policies; nil where the file has none.
    public var number: UInt32?
    /// Whether the daemon makes the interface.
    public var makesInterface: Bool
    /// A pair of child SAs each, or several in one; nil where that is open.
    /// Where the routes lead that the daemon's own script makes through the interface, where it makes one.
    public var scriptedRoutes: [IPPrefix] = []
    public var selectors: [SelectorPair]?
    /// How many pairs one child SA is to carry, at most.
    public var mostPairsInChild = 1
    public var mode: Tunnel.Mode
    /// What the daemon calls the child SA's configuration; nil where it has no name of its own.
    public var child: String?
    /// Nil for what is left open.
    public var ike: IKEAlgorithms?
    public var esp: ESPAlgorithms?
    /// How long the SAs last at most; nil where that is left to the daemon.
    public var ikeLifetime: Duration?
    public var espLifetime: Duration?
    /// Whether ESP is put into UDP without need.
    public var forcesEncapsulation: Bool
    /// Whether it begins a negotiation by itself, at once or when there is traffic.
    public var initiates: Bool
    /// Of these, whether it begins with the first packet for the tunnel and not before.
    public var waitsForTraffic: Bool
    /// How long it may pause when what a packet has made it begin was in vain: until its kernel asks again.
    public var pauseBetweenAttempts: Duration
    /// 1 or 2; nil where it takes either.
    public var ikeVersion: Int?
    /// Whether it negotiates anew when the peer ends the tunnel, and when its own liveness has given the peer up.
    public var comesBackAfterDelete: Bool
    public var comesBackAfterSilence: Bool
    /// Whether it negotiates anew only with the next packet when the peer has ended the tunnel.
    public var waitsAfterDelete: Bool
    /// How often it goes through all repetitions of a first request before it gives up for good; nil for without end, also where traffic
    /// makes it begin again.
    public var attempts: Int?
    /// How long a peer may be silent before it is asked; nil where dead peers are not looked for.
    public var deadPeerDelay: Duration?
    public var deadPeerAction: TunnelEnd.DeadPeerAction
    /// Whether it may move a tunnel to another address of its node's (MOBIKE, RFC 4555).
    public var moves: Bool
    /// The settings, by their paths, that netlab computes with; those that decide something and that it does not; all others are the
    /// daemon's affair alone.
    public var taken: [String]
    public var open: [String]
    /// Every setting by its path, to compare, and its line.
    public var settings: [String: String]
    public var lines: [String: Int]
    public var terms: ConnectionTerms
}

/// What a connection wants of its peer, as far as it is said in a way that leaves nothing open.
public struct ConnectionTerms: Hashable, Sendable {
    /// What is offered and taken; nil where the daemon's defaults count, or something is not known here.
    public var ike: [IKEAlgorithms]?
    public var esp: [ESPProposal]?
    /// Whether child SAs are renewed with a key exchange of their own, where the daemon has a switch for that.
    public var hasForwardSecrecy = true
    /// Which sequence numbers it takes, those of 64 bits or of 32 (RFC 4304); nil where that is not known.
    public var extendedSequences: Set<Bool>?
    /// Whether it cuts HMAC-SHA2-256 to 96 bits, against RFC 4868, section 2.3.
    public var cutsSHA256 = false
    /// Whether a new IKE SA ends those that its peer has had with the same identities, or is refused for them.
    public var isUnique = false
    /// Whether its first IKE SA with a peer asks that one to end all others with the same identities, and its peer's asks it so
    /// (INITIAL_CONTACT; RFC 7296, section 2.4).
    public var mindsInitialContact = false
    /// Why it does not authenticate by a pre-shared key, as a clause; nil where it does.
    public var keyless: String?
    /// The certificate that it names, and the authority that is to have signed the peer's; nil for none.
    public var certificate: String?
    public var authority: String?
    /// Whether it calls itself by its certificate's subject where it says nothing of itself.
    public var isNamedByCertificate = false
    /// Whether the daemon takes a part of its selectors for all of them (RFC 7296, section 2.9).
    public var narrows: Bool
    /// What it calls itself, and the peer; nil where that is open or no plain name or address.
    public var localID: String?
    public var remoteID: String?
    /// What the settings of these are called: the paths in ``OwnConnection/settings``.
    public var keys: Keys

    public struct Keys: Hashable, Sendable {
        public let ike: String
        public let esp: String
        public let local: String
        public let remote: String
        public let start: String
        public let version: String
        public let localID: String
        public let remoteID: String

        public init(
            ike: String, esp: String, local: String, remote: String, start: String, version: String, localID: String,
            remoteID: String
        ) {
            self.version = version
            self.localID = localID
            self.remoteID = remoteID
            self.ike = ike
            self.esp = esp
            self.local = local
            self.remote = remote
            self.start = start
        }
    }

    public init(
        ike: [IKEAlgorithms]?, esp: [ESPProposal]?, narrows: Bool, localID: String?,
        remoteID: String?, keys: Keys
    ) {
        self.localID = localID
        self.remoteID = remoteID
        self.ike = ike
        self.esp = esp
        self.narrows = narrows
        self.keys = keys
    }
}

extension ConnectionTerms {
    /// An identity as it is compared: an address in one spelling, or a name in small letters, with `@` before it where it looks like an
    /// address; nil for a pattern, and for other kinds (swanctl.conf(5), `id`; ipsec.conf(5), `leftid`).
    static func identity(_ text: String?) -> String? {
        guard var text = text?.lowercased(), !text.isEmpty, !text.contains(where: { "%*=#[".contains($0) }) else {
            return nil
        }
        if let kind = ["fqdn:", "dns:", "ipv4:", "ipv6:"].first(where: text.hasPrefix) {
            text = String(text.dropFirst(kind.count))
            if !kind.hasPrefix("ip") { text = "@\(text)" }
        } else if let kind = text.split(separator: ":").first, ["keyid", "email", "rfc822", "asn1dn"].contains(kind) {
            return nil
        }
        if let address = IPAddress(text) { return "\(address)" }
        return text.hasPrefix("@") && IPAddress(String(text.dropFirst())) == nil ? String(text.dropFirst()) : text
    }

    /// A list of which each member is known; nil for none, or where one is not.
    static func list<Member>(_ text: String?, _ read: (String) -> Member?) -> [Member]? {
        guard let parts = text?.split(separator: ",").map({ $0.filter { !$0.isWhitespace } }), !parts.isEmpty else {
            return nil
        }
        let members = parts.compactMap(read)
        return members.count == parts.count ? members : nil
    }
}

extension TunnelEnd {
    /// What negotiates at this end.
    public var keyDaemon: any KeyDaemon { DaemonRegistry.keyDaemon(daemon) }

    /// What the user's own file says of this end; nil for a generated one.
    public var own: OwnConnection? {
        guard case .own(let files) = configuration else { return nil }
        let question = OwnFileQuestion(
            daemon: daemon, text: files.configuration, connection: connection, address: localAddress)
        return OwnFileQuestion.answers(question) {
            let file = OwnFile(
                name: files.configurationName, text: files.configuration, interface: nil, addresses: [localAddress])
            return keyDaemon.read(file, connection: connection).connection
        }
    }

    /// What the daemon calls the first child SA's configuration.
    public var child: String { connections.first?.child ?? connection }

    /// What the daemon calls this end's connections, and in each the child SA's configuration.
    public var connections: [(name: String, child: String)] {
        if let own { return [(connection, own.child ?? connection)] }
        return childNames.map { (keyDaemon.hasConnectionForEachChild ? $0 : connection, $0) }
    }
}

/// A user's own file that was read for a connection: predictions ask for the same ones thousands of times.
private struct OwnFileQuestion: Hashable {
    let daemon: DaemonID
    let text: String
    let connection: String
    let address: IPAddress

    /// A lab has a few; whoever reads thousands of files, as tests do, begins anew.
    static let answers = Memo<OwnFileQuestion, OwnConnection?>(most: 256)
}
