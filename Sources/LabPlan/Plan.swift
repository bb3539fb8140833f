import DaemonProfiles
import Daemons
import LabModel
import NetworkTypes

/// How a topology becomes a running lab: an ordered list of steps, each of which can be taken back.
public struct Plan: Hashable, Sendable, Codable {
    public let lab: String
    public let steps: [Step]

    public init(lab: String, steps: [Step]) {
        self.lab = lab
        self.steps = steps
    }
}

/// One step of a plan.
public struct Step: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The parts that a person follows while a lab comes up, in order.
    public enum Stage: String, Hashable, Sendable, Codable, CaseIterable {
        case nodes, links, tunnels, routes, filters, daemons, convergence
    }

    public let stage: Stage
    public let action: Action

    public var description: String { action.description }
}

/// A single change to a lab, or something to wait for.
public enum Action: Hashable, Sendable, Codable {
    case createNode(NodeSetup)
    case removeNode(String)
    case createLink(Link)
    case removeLink(Link)
    case setSysctls(node: String, [Sysctl])
    case createTunnelInterface(TunnelInterface)
    case createPlainTunnelInterface(PlainTunnelInterface)
    case removeInterface(node: String, InterfaceName)
    case setMTU(node: String, InterfaceName, MTU)
    case addAddress(node: String, InterfaceName, InterfaceAddress)
    case removeAddress(node: String, InterfaceName, InterfaceAddress)
    case addRoute(node: String, RouteEntry)
    case removeRoute(node: String, RouteEntry)
    /// Keeps routes in the node's table while their tunnels are up, from now on.
    case followTunnels(node: String, [TunnelRoute])
    /// Removes those routes and looks after them no more.
    case stopFollowingTunnels(node: String)
    case addRule(node: String, PolicyRule)
    case removeRule(node: String, PolicyRule)
    case applyFilter(node: String, Ruleset)
    case removeFilter(node: String, Ruleset)
    /// Writes a file that every node has at this path below /etc, until it writes one of its own there; before there are nodes.
    case shareFile(ConfigurationFile)
    case unshareFile(path: String)
    case writeFile(node: String, ConfigurationFile)
    case removeFile(node: String, path: String)
    case createKeyStore(node: String, KeyStoreContents)
    case startDaemon(Daemon)
    case stopDaemon(Daemon)
    /// Begins a node's boot script, which stands there at its path.
    case startBootScript(node: String, BootScript)
    /// Ends it, and what it has left running.
    case stopBootScript(node: String)
    /// Waits until it has ended well, as long as it was said to take, and its node has what it was to give.
    case awaitBootScript(node: String, within: Duration)
    /// Runs a program in a node to its end; any exit code but 0 is an error.
    case run(node: String, arguments: [String])
    /// Sends one echo request, whether it is answered or not: a packet for a tunnel that waits for one.
    case sendEcho(node: String, IPAddress, from: IPAddress?)
    case await(Condition, within: Duration)

    /// What takes this back; nil where nothing is left to take back, or where removing the node does.
    public var reversal: Action? {
        switch self {
        case .createNode(let setup): .removeNode(setup.name)
        case .createLink(let link): .removeLink(link)
        case .createTunnelInterface(let interface): .removeInterface(node: interface.node, interface.name)
        case .createPlainTunnelInterface(let interface):
            .removeInterface(node: interface.end.node, interface.end.interface)
        case .addAddress(let node, let interface, let address): .removeAddress(node: node, interface, address)
        case .addRoute(let node, let entry): .removeRoute(node: node, entry)
        case .followTunnels(let node, _): .stopFollowingTunnels(node: node)
        case .addRule(let node, let rule): .removeRule(node: node, rule)
        case .applyFilter(let node, let ruleset): .removeFilter(node: node, ruleset)
        case .shareFile(let file): .unshareFile(path: file.path)
        case .writeFile(let node, let file): .removeFile(node: node, path: file.path)
        case .createKeyStore(let node, let store): .removeFile(node: node, path: store.directory)
        case .startDaemon(let daemon): .stopDaemon(daemon)
        case .startBootScript(let node, _): .stopBootScript(node: node)
        case .removeNode, .removeLink, .setSysctls, .setMTU, .removeInterface, .removeAddress, .removeRoute,
            .stopFollowingTunnels, .removeRule, .removeFilter, .unshareFile, .removeFile, .stopDaemon, .run, .sendEcho,
            .await, .stopBootScript, .awaitBootScript:
            nil
        }
    }
}

/// A node's namespaces and the files it starts with.
public struct NodeSetup: Hashable, Sendable, Codable {
    public let name: String
    public let role: Node.Role
    /// The tree of programs that the node has in place of the host's, by its name (``NodeSystem/treeName``); nil for the host's.
    public let system: String?
    /// The trees of programs that are laid over those, by their names (``DaemonTree``).
    public let trees: Set<String>
    /// Whether it has the interface that each kind of tunnel brings by itself, which `ip tunnel` asks for others. They take most of
    /// the time and the memory of a node that has nothing else (net/ipv4/ip_tunnel.c, ip_tunnel_init_net).
    public let hasFallbackTunnels: Bool

    public init(
        name: String, role: Node.Role, system: String? = nil, trees: Set<String> = [], hasFallbackTunnels: Bool = true
    ) {
        self.system = system
        self.hasFallbackTunnels = hasFallbackTunnels
        self.name = name
        self.role = role
        self.trees = trees
    }
}

/// An IPsec tunnel's interface, made before its daemon starts so that addresses and routes outlive the tunnel.
public struct TunnelInterface: Hashable, Sendable, Codable {
    public let node: String
    public let name: InterfaceName
    public let kind: Kind
    public let mtu: MTU?
    public let address: InterfaceAddress?
    /// The interface that it is tied to (IFLA_XFRM_LINK); nil for none.
    public let lower: InterfaceName?

    /// How it finds the policies behind it.
    public enum Kind: Hashable, Sendable, Codable {
        /// By a mark: `key` is its key in and out, and the mark of the policies.
        case vti(local: IPAddress, remote: IPAddress, key: UInt32)
        /// By its identifier, `if_id`.
        case xfrm(id: UInt32)

        init(_ kind: TunnelInterfaceKind, number: UInt32, of end: TunnelEnd) {
            switch kind {
            case .vti: self = .vti(local: end.localAddress, remote: end.remoteAddress, key: number)
            case .xfrm: self = .xfrm(id: number)
            }
        }

        /// The number by which it does.
        public var key: UInt32 {
            switch self {
            case .vti(_, _, let key): key
            case .xfrm(let id): id
            }
        }
    }
}

/// The interface of a tunnel without encryption. It is made when the node can reach its peer: the kernel then takes the
/// interface's MTU from the way there.
public struct PlainTunnelInterface: Hashable, Sendable, Codable {
    public let kind: PlainTunnel.Kind
    public let end: PlainTunnelEnd
    /// Nil for what the kernel gives it.
    public let mtu: MTU?
    /// Whom a VXLAN interface has for its neighbour; nil for all others.
    public let neighbour: Neighbour?

    public struct Neighbour: Hashable, Sendable, Codable {
        public let inside: IPAddress
        public let peer: PlainTunnelEnd
    }

    init(_ end: PlainTunnelEnd, of tunnel: PlainTunnel, in topology: Topology) {
        self.end = end
        kind = tunnel.kind
        // The kernel looks at what is below a VXLAN interface only where that is bound to one interface, and this one is not; below a
        // WireGuard interface it never looks.
        mtu = kind.isVXLAN || kind.isWireGuard ? MTU(topology.mtu(of: end, in: kind)) : end.mtu
        neighbour = tunnel.gateway(of: end).flatMap { inside in
            tunnel.peer(of: end).map { Neighbour(inside: inside, peer: $0) }
        }
    }
}

/// A set of nftables tables, applied and removed as one.
public struct Ruleset: Hashable, Sendable, Codable {
    /// In words, for people: `security rules of vpc2-ec2`.
    public let purpose: String
    /// The tables the text creates, as `family name`.
    public let tables: [String]
    /// The text for nft(8).
    public let text: String

    public init(purpose: String, tables: [String], text: String) {
        self.purpose = purpose
        self.tables = tables
        self.text = text
    }
}
