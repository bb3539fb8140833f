import NetworkTypes

/// An IPsec tunnel between two nodes, negotiated by IKE.
public struct Tunnel: Hashable, Sendable, Codable {
    /// What ESP protects (RFC 4303, section 3.1).
    public enum Mode: String, Hashable, Sendable, Codable, CaseIterable {
        /// The whole packet, behind a new IP header.
        case tunnel
        /// What the packet's IP header carries; only between the ends' own addresses.
        case transport
    }

    public let name: String
    public let summary: String
    /// Configured at both ends and never started, as a provider's second tunnel often is.
    public let isUnused: Bool
    /// What both ends do to the segment sizes in traffic that enters or leaves the tunnel.
    public let mss: MSSClamp
    public let mode: Mode
    /// Exactly two.
    public var ends: [TunnelEnd]

    public init(
        name: String, summary: String, isUnused: Bool, mss: MSSClamp, mode: Mode,
        ends: [TunnelEnd]
    ) {
        self.name = name
        self.summary = summary
        self.isUnused = isUnused
        self.mss = mss
        self.mode = mode
        self.ends = ends
    }

    public func peer(of end: TunnelEnd) -> TunnelEnd? {
        ends.first { $0.node != end.node }
    }
}

/// When a silent peer is given up.
public struct DeadPeerDetection: Hashable, Sendable, Codable {
    /// How long the peer may be silent before it is asked.
    public let delay: Duration
    /// How long after its last packet a peer that does not answer is dead: more than `delay`.
    public let timeout: Duration

    public init(delay: Duration, timeout: Duration) {
        self.delay = delay
        self.timeout = timeout
    }
}

/// One end of a tunnel.
public struct TunnelEnd: Hashable, Sendable, Codable {
    public enum Startup: String, Hashable, Sendable, Codable, CaseIterable {
        case initiate, listen
    }

    public enum DeadPeerAction: String, Hashable, Sendable, Codable, CaseIterable {
        /// Forget the tunnel and wait for the peer.
        case clear
        /// Keep the policy and negotiate when traffic comes.
        case hold
        /// Negotiate anew at once.
        case restart
    }

    /// When an end's static routes leave the route table.
    public enum RouteWithdrawal: String, Hashable, Sendable, Codable, CaseIterable {
        /// They stay, whatever the tunnel does.
        case never
        /// They are there only while the end has security associations in both directions, as a cloud's VPN gateway has it:
        /// ends with a route in common share its traffic by flow.
        case whenDown = "when-down"
    }

    /// Who gives an end's interface its address and its routes.
    public enum Addressing: String, Hashable, Sendable, Codable, CaseIterable {
        case netlab
        /// The node's boot script.
        case boot
    }

    /// Where the daemon's configuration comes from.
    public enum Configuration: Hashable, Sendable, Codable {
        /// Generated from the end's proposal.
        case generated(startup: Startup, deadPeerAction: DeadPeerAction)
        /// The user's own files, word for word.
        case own(ConnectionFiles)
    }

    public let node: String
    /// The address of the node's own that the outer packets carry.
    public let localAddress: IPAddress
    /// The address the peer is reached at: past its NAT, where there is one.
    public let remoteAddress: IPAddress
    /// The address the peer knows this end by: past this end's NAT.
    public let identity: IPAddress
    /// Which daemon negotiates at this end.
    public let daemon: DaemonID
    public let steering: Steering
    /// What the end wants its associations to carry, a pair of child SAs for each; nil where the user's own file leaves that open.
    public let wantedSelectors: [SelectorPair]?
    /// Whether the daemon makes the interface when the tunnel comes up, and not netlab before it.
    public let interfaceIsMadeByDaemon: Bool
    /// The interface's address inside the tunnel.
    public var inside: InterfaceAddress?
    /// The interface's MTU; nil leaves what the kernel gives it.
    public let mtu: MTU?
    /// Prefixes routed into the tunnel once it is up.
    public let routes: [IPPrefix]
    /// When ``routes`` are taken out of the node's table.
    public let withdrawal: RouteWithdrawal
    /// Of several routes to a prefix that withdraw, those with the smallest metric are used.
    public let metric: UInt32
    /// What netlab generates the daemon's configuration from; nil for an end that brings its own.
    public var proposal: TunnelProposal?
    public let options: TunnelOptions
    /// When a generated end gives a silent peer up; nil for never.
    public let deadPeerDetection: DeadPeerDetection?
    /// The connection's name in the daemon.
    public let connection: String
    public var configuration: Configuration
    /// Who gives the interface its address and its routes.
    public var addressing = Addressing.netlab
    /// The DNS name that a generated end with a pre-shared key calls itself in IKE; nil for ``identity``.
    public var name: String?

    public init(
        node: String, localAddress: IPAddress, remoteAddress: IPAddress, identity: IPAddress, daemon: DaemonID,
        steering: Steering, wantedSelectors: [SelectorPair]?, interfaceIsMadeByDaemon: Bool, inside: InterfaceAddress?,
        mtu: MTU?,
        routes: [IPPrefix], withdrawal: RouteWithdrawal, metric: UInt32, proposal: TunnelProposal?,
        options: TunnelOptions, deadPeerDetection: DeadPeerDetection?,
        connection: String, configuration: Configuration
    ) {
        self.node = node
        self.localAddress = localAddress
        self.remoteAddress = remoteAddress
        self.identity = identity
        self.daemon = daemon
        self.steering = steering
        self.wantedSelectors = wantedSelectors
        self.interfaceIsMadeByDaemon = interfaceIsMadeByDaemon
        self.inside = inside
        self.mtu = mtu
        self.routes = routes
        self.withdrawal = withdrawal
        self.metric = metric
        self.proposal = proposal
        self.options = options
        self.deadPeerDetection = deadPeerDetection
        self.connection = connection
        self.configuration = configuration
    }
}

extension TunnelEnd {
    /// The interface that leads into the tunnel; nil where policies alone do.
    public var interface: InterfaceName? { steering.interface }

    /// What the end wants its associations to carry; everything where that is not known.
    public var selectors: [SelectorPair] { wantedSelectors ?? [.all] }

    /// What netlab calls the child SAs of a generated end, one for each of ``selectors``.
    public var childNames: [String] {
        selectors.count > 1 ? (1...selectors.count).map { "\(connection)-\($0)" } : [connection]
    }

    /// Whether a daemon's connection of that name is one of this end's; a daemon may make several of one, and calls them `NAME/1x1` and so
    /// on.
    public func has(connection name: String) -> Bool {
        if name == connection || name.hasPrefix("\(connection)/") { return true }
        guard case .generated = configuration else { return false }
        return childNames.contains(name)
    }
}

/// The user's own files for a tunnel's end, for the daemon that its node runs.
public struct ConnectionFiles: Hashable, Sendable, Codable {
    public let configurationName: String
    public var configuration: String
    /// Nil where the keys are in the configuration itself, as some daemons have it.
    public let secretsName: String?
    public var secrets: Secret
    /// What the files may name; nil where they need no certificate.
    public var certificate: CertificateUse?

    public init(configurationName: String, configuration: String, secretsName: String?, secrets: Secret) {
        self.configurationName = configurationName
        self.configuration = configuration
        self.secretsName = secretsName
        self.secrets = secrets
    }
}
