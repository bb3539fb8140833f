import DaemonProfiles
import Daemons
import LabModel
import NetworkTypes

/// Everything of a lab that a fault can change, as it should be while certain faults are active.
///
/// A fault is no deed with a counter-deed, but a different idea of what the lab should be: bringing one about, healing
/// one, and both in any order and combination are the way from one value of this type to another, see
/// ``adjustments(to:)``.
public struct Disturbances: Hashable, Sendable {
    /// An interface of a node.
    public struct Port: Hashable, Sendable, CustomStringConvertible {
        public let node: String
        public let interface: InterfaceName

        public var description: String { "\(node):\(interface)" }
    }

    /// What a daemon should be doing, where it is not running.
    public enum Standstill: String, Hashable, Sendable {
        case stopped
        /// By SIGTERM, as a machine that shuts down has it.
        case ended
        case killed

        fileprivate var rank: Int {
            switch self {
            case .stopped: 0
            case .ended: 1
            case .killed: 2
            }
        }
    }

    /// One end of a tunnel.
    public struct Place: Hashable, Sendable {
        public let tunnel: String
        public let node: String

        public init(tunnel: String, node: String) {
            self.tunnel = tunnel
            self.node = node
        }
    }

    /// One speaker's side of a BGP session.
    struct Session: Hashable {
        let name: String
        let node: String
    }

    /// A connection of a key daemon's, as far as loading it anew is worth while when this changes.
    struct Connection: Hashable, Sendable {
        /// What is loaded for it.
        let loaded: [ConfigurationChange.Connection]
        let proposal: TunnelProposal?
        let parameters: [String: String]
        let secrets: [String]
    }

    /// What a daemon reads.
    struct Configuration: Hashable, Sendable {
        let files: [ConfigurationFile]
        let connections: [Connection]
    }

    var downPorts: Set<Port> = []
    var shapes: [Port: LinkShape] = [:]
    /// Only of interfaces that have another one than usual.
    var mtus: [Port: MTU] = [:]
    var filters: [String: Ruleset] = [:]
    var translations: [String: AddressTranslation] = [:]
    var drops: [String: Ruleset] = [:]
    var configurations: [DaemonName: Configuration] = [:]
    var standstills: [DaemonName: Standstill] = [:]
    var lostAssociations: Set<Place> = []
    /// Ends whose endpoint is away: their daemon does not know the tunnel, and nothing of the peer's arrives.
    var awayEnds: Set<Place> = []
    var unpowered: Set<String> = []
    /// Nodes on their way down and up again.
    var rebooting: Set<String> = []
    /// Those that forget everything and start anew: what reboots, and of what has lost its power, what has a script that makes it whole again.
    var forgetful: Set<String> = []
    /// Their daemon is told, as an operator does it: a session that its configuration disables is gone altogether, and the peer
    /// is told so ("Peer De-configured" instead of "Administrative Shutdown", RFC 4486).
    var shutSessions: Set<Session> = []

    /// - Parameter faults: Those that are active, in any order; momentary ones change nothing here.
    public init(_ faults: [Fault], in topology: Topology) {
        // Sorted, so that not even a rounding or the order of rules tells which fault came first.
        let faults = faults.map { (fault: $0, text: $0.description) }.sorted { $0.text < $1.text }.map(\.fault)
        for link in topology.links {
            for end in link.ends { shapes[Port(end)] = LinkShape(link) }
        }
        for node in topology.nodes {
            let view = topology.misconfigured(at: node.name, by: faults)
            guard let changed = view.node(named: node.name) else { continue }
            filters[node.name] = FilterRules.ruleset(for: changed, in: view)
            translations[node.name] = changed.nat
            configure(node.name, from: view)
        }
        let drops = DropRules(faults, in: topology)
        for node in topology.nodes { self.drops[node.name] = drops.ruleset(for: node.name) }
        for fault in faults { add(fault, in: topology) }
    }

    private mutating func configure(_ node: String, from view: Topology) {
        for id in view.daemons(of: node) {
            guard let daemon = DaemonRegistry.profile(id) else { continue }
            configurations[DaemonName(node: node, kind: id)] = Configuration(
                files: daemon.setUp(at: node, in: view).files,
                connections: daemon is any KeyDaemon ? view.tunnelEnds(of: node).map(Connection.init) : [])
        }
    }

    private mutating func add(_ fault: Fault, in topology: Topology) {
        switch fault {
        case .linkDown(let link):
            downPorts.formUnion(topology.link(named: link)?.ends.map(Port.init) ?? [])
        case .vlanDown(let link, let node):
            for end in topology.link(named: link)?.ends ?? [] where node == nil || node == end.node {
                downPorts.insert(Port(node: end.node, interface: end.routedInterface))
            }
        case .impairment(let impairment, let link, let sender):
            for port in topology.ports(of: link, sender: sender) { shapes[port]?.add(impairment) }
        case .blackHole(let link, let sender):
            for port in topology.ports(of: link, sender: sender) { shapes[port]?.swallow() }
        case .mtu(let node, let interface, let mtu):
            let port = Port(node: node, interface: interface)
            mtus[port] = min(mtus[port] ?? mtu, mtu)
        case .daemon(let node, let kind, .killed): halt(DaemonName(node: node, kind: kind), .killed)
        case .daemon(let node, let kind, .stopped): halt(DaemonName(node: node, kind: kind), .stopped)
        case .associationsDeleted(let tunnel, let node):
            lostAssociations.insert(Place(tunnel: tunnel, node: node))
        case .maintenance(let tunnel, let node):
            awayEnds.insert(Place(tunnel: tunnel, node: node))
            for session in topology.tunnel(named: tunnel)?.ends.first(where: { $0.node == node })
                .map(topology.sessions(through:)) ?? []
            {
                shutSessions.insert(Session(name: session.name, node: node))
            }
        case .sessionShut(let session, let node):
            shutSessions.insert(Session(name: session, node: node))
        case .nodeDown(let node):
            losePower(node, in: topology)
        case .nodeRebooted(let node):
            rebooting.insert(node)
            forgetful.insert(node)
            switchOff(node, in: topology, .ended)
        case .zoneDown(let zone):
            for node in topology.nodes(inZone: zone) { losePower(node.name, in: topology) }
        // These are in the configuration, or over in a moment.
        case .bfdStopped, .drop, .natFlushed, .natChanged, .securityRuleRemoved, .sourceDestinationCheck, .mismatch,
            .holdTime,
            .wrongKey, .daemon(_, _, .restarted):
            break
        }
    }

    private mutating func halt(_ daemon: DaemonName, _ standstill: Standstill) {
        if standstills[daemon]?.rank ?? -1 < standstill.rank { standstills[daemon] = standstill }
    }

    private mutating func losePower(_ node: String, in topology: Topology) {
        unpowered.insert(node)
        if topology.node(named: node)?.boot != nil { forgetful.insert(node) }
        switchOff(node, in: topology, .killed)
    }

    private mutating func switchOff(_ node: String, in topology: Topology, _ standstill: Standstill) {
        downPorts.formUnion(topology.linkEnds(of: node).map { Port($0.end) })
        for kind in topology.daemons(of: node) { halt(DaemonName(node: node, kind: kind), standstill) }
    }

    /// The tunnels whose endpoint at a node is away, which its daemon must not know whenever it has read its configuration.
    public func awayTunnels(at node: String) -> [String] {
        awayEnds.filter { $0.node == node }.map(\.tunnel).sorted()
    }

    /// Nodes that are to reboot and are without power.
    public var contradictions: Set<String> { rebooting.intersection(unpowered) }
}

extension Disturbances.Port: Comparable {
    init(_ end: LinkEnd) {
        self.init(node: end.node, interface: end.interface)
    }

    public static func < (left: Self, right: Self) -> Bool {
        (left.node, left.interface) < (right.node, right.interface)
    }
}

extension Disturbances.Connection {
    init(_ tunnel: Tunnel, _ end: TunnelEnd) {
        var secrets: [String] = []
        if case .own(let files) = end.configuration { secrets = end.keyDaemon.secrets(in: files, of: end) }
        self.init(
            loaded: end.connections.map {
                ConfigurationChange.Connection(name: $0.name, child: $0.child, isUsed: !tunnel.isUnused)
            }, proposal: end.proposal,
            parameters: end.own?.settings ?? [:], secrets: secrets)
    }
}

extension Topology {
    /// The ends of a link that send: the one at a node, or both.
    fileprivate func ports(of link: String, sender: String?) -> [Disturbances.Port] {
        (self.link(named: link)?.ends ?? []).filter { sender == nil || $0.node == sender }.map(Disturbances.Port.init)
    }
}
