import NetworkTypes

/// A machine of the lab: a network, mount and host-name namespace of its own.
public struct Node: Hashable, Sendable, Codable {
    public enum Role: String, Hashable, Sendable, Codable, CaseIterable {
        /// A virtual machine, plugged into one port of its cloud's fabric. Does not forward unless its sysctls say so.
        case instance
        /// A part of a cloud's fabric that forwards: a VPC's or VCN's router, a transit gateway, a DRG.
        case router
        /// Forwards between a cloud and the Internet, translating public addresses one to one.
        case internetGateway = "internet-gateway"

        public var forwards: Bool { self != .instance }
    }

    public let name: String
    public let cloud: String?
    /// What fails together: an availability zone, a rack, a site.
    public let zone: String?
    public let role: Role
    public let summary: String
    public let routes: [RouteEntry]
    public let rules: [PolicyRule]
    /// Kernel settings below `net.`, in the order they are applied.
    public let sysctls: [Sysctl]
    /// What may come in at the instance's fabric port; nil lets everything in.
    public var security: [SecurityRule]?
    /// Whether the fabric drops what does not come from or go to the instance's own address.
    public var sourceDestinationCheck: Bool
    /// What may come in by an interface, whoever it is for; all may by the others.
    public let filters: [InboundFilter]
    public var nat: AddressTranslation?
    /// What the node does to the segment sizes in traffic that it forwards.
    public let mss: MSSClamp
    /// What negotiates the tunnels that end here.
    public let keyDaemon: DaemonID
    /// What speaks BGP here, where there is a session or a configuration of the user's own.
    public let routingDaemon: DaemonID
    /// The address from which the node sends along routes that BGP has told it, its ICMP errors among that (ip(8), `src`);
    /// nil for that of the interface.
    public let preferredSource: IPv4Address?
    /// Whether packets that it forwards live one hop less (RFC 1812, section 5.3.1); if not, it is no hop for traceroute.
    public let decrementsTTL: Bool
    /// The user's own configuration for the routing daemon, used word for word.
    public let routingConfiguration: String?
    /// The user's own settings of the key daemon as a whole, before which only those go that a lab needs.
    public var keySettings: String?
    /// Where its programs and libraries come from; nil for the host's own.
    public var system: NodeSystem?
    /// What it runs whenever it starts.
    public var boot: BootScript?
    /// How it chooses among routes that BGP tells it.
    public var bestPath = BestPathOptions()
    /// From the beginning of a reboot until its links are up again.
    public var bootTime = Node.usualBootTime

    /// From the beginning of a reboot until its boot script has ended, at most.
    public var rebootTime: Duration { bootTime + (boot.map { $0.takes?.latest ?? BootScript.longest } ?? .zero) }

    /// A convention: real machines take from some seconds to minutes.
    public static let usualBootTime = Duration.seconds(30)

    public init(
        name: String, cloud: String?, zone: String?, role: Role, summary: String, routes: [RouteEntry],
        rules: [PolicyRule],
        sysctls: [Sysctl], security: [SecurityRule]?, sourceDestinationCheck: Bool, filters: [InboundFilter],
        nat: AddressTranslation?,
        mss: MSSClamp, keyDaemon: DaemonID, routingDaemon: DaemonID, preferredSource: IPv4Address?, decrementsTTL: Bool,
        routingConfiguration: String?
    ) {
        self.name = name
        self.cloud = cloud
        self.zone = zone
        self.role = role
        self.summary = summary
        self.routes = routes
        self.rules = rules
        self.sysctls = sysctls
        self.security = security
        self.sourceDestinationCheck = sourceDestinationCheck
        self.filters = filters
        self.nat = nat
        self.mss = mss
        self.keyDaemon = keyDaemon
        self.routingDaemon = routingDaemon
        self.preferredSource = preferredSource
        self.decrementsTTL = decrementsTTL
        self.routingConfiguration = routingConfiguration
    }
}

/// A kernel setting of a node.
public struct Sysctl: Hashable, Sendable, Codable {
    /// Dotted, below `net.`.
    public let key: String
    public let value: String

    public init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}

/// A line of a route table.
public struct RouteEntry: Hashable, Sendable, Codable {
    public struct NextHop: Hashable, Sendable, Codable {
        public let gateway: IPAddress?
        public let interface: InterfaceName?

        public init(gateway: IPAddress?, interface: InterfaceName?) {
            self.gateway = gateway
            self.interface = interface
        }
    }

    public let destination: IPPrefix
    /// One, or several that share the traffic by flow.
    public let nextHops: [NextHop]
    /// 254 is the main table.
    public let table: UInt32

    public init(destination: IPPrefix, nextHops: [NextHop], table: UInt32 = 254) {
        self.destination = destination
        self.nextHops = nextHops
        self.table = table
    }
}

/// Chooses a route table by where a packet comes from or goes to.
public struct PolicyRule: Hashable, Sendable, Codable {
    public let priority: UInt32
    public let from: IPPrefix?
    public let to: IPPrefix?
    public let inputInterface: InterfaceName?
    public let table: UInt32

    public init(priority: UInt32, from: IPPrefix?, to: IPPrefix?, inputInterface: InterfaceName?, table: UInt32) {
        self.priority = priority
        self.from = from
        self.to = to
        self.inputInterface = inputInterface
        self.table = table
    }
}

/// Lets traffic in to an instance; answers to it and to what the instance sends pass without a rule.
public struct SecurityRule: Hashable, Sendable, Codable {
    public enum TransportProtocol: String, Hashable, Sendable, Codable, CaseIterable {
        case any, tcp, udp, icmp, esp
        /// IP protocol 41: IPv6 in IPv4.
        case ipv6 = "6in4"
        /// IP protocol 4: IPv4 in IPv4 or IPv6.
        case ipv4 = "ipip"
    }

    public let source: IPPrefix
    public let transport: TransportProtocol
    /// Destination ports; empty for all. Only for TCP and UDP.
    public let ports: [UInt16]

    public init(source: IPPrefix, transport: TransportProtocol, ports: [UInt16]) {
        self.source = source
        self.transport = transport
        self.ports = ports
    }
}

/// A router's packet filter for what arrives at one interface.
///
/// It lets in what a rule names, answers to TCP and UDP, and IPv6's neighbour discovery; all else is dropped. That it knows
/// no answers in other protocols is what small routers' filters are like, and unlike a cloud's fabric.
public struct InboundFilter: Hashable, Sendable, Codable {
    public let interface: InterfaceName
    public let rules: [SecurityRule]

    public init(interface: InterfaceName, rules: [SecurityRule]) {
        self.interface = interface
        self.rules = rules
    }
}

/// What a gateway does to the addresses of those behind it: public ones that stand for private ones, one to one, as an Internet gateway does
/// it, and its own for all others, with ports of its choice.
public struct AddressTranslation: Hashable, Sendable, Codable {
    public struct Mapping: Hashable, Sendable, Codable {
        public let outside: IPAddress
        public let inside: IPAddress

        public init(outside: IPAddress, inside: IPAddress) {
            self.outside = outside
            self.inside = inside
        }
    }

    /// The interface that faces the Internet.
    public let interface: InterfaceName
    public var mappings: [Mapping]
    /// Those whose packets leave with one address for all, where no mapping stands for them.
    public struct Masquerade: Hashable, Sendable, Codable {
        public let inside: IPPrefix
        /// Nil for the interface's own.
        public let outside: IPAddress?

        public init(inside: IPPrefix, outside: IPAddress?) {
            self.inside = inside
            self.outside = outside
        }
    }

    public let masqueraded: [Masquerade]
    public let timeouts: Timeouts

    /// How long the gateway remembers who stands behind a port of its own when nothing passes, for UDP.
    ///
    /// Source: Documentation/networking/nf_conntrack-sysctl.rst of Linux.
    public struct Timeouts: Hashable, Sendable, Codable {
        /// While no answer has come (`nf_conntrack_udp_timeout`), in whole seconds; nil for the kernel's 30 s.
        public let unanswered: Duration?
        /// Once both sides have spoken for 2 s or more (`nf_conntrack_udp_timeout_stream`); nil for the kernel's 120 s.
        public let stream: Duration?

        public init(unanswered: Duration? = nil, stream: Duration? = nil) {
            self.unanswered = unanswered
            self.stream = stream
        }

        /// The silence that a translation of a conversation both ways survives.
        public var silence: Duration { stream ?? .seconds(120) }

        /// As the gateway's kernel has them; none that nobody has written.
        public var settings: [Sysctl] {
            [("udp_timeout", unanswered), ("udp_timeout_stream", stream)].compactMap { name, time in
                time.map { Sysctl(key: "net.netfilter.nf_conntrack_\(name)", value: "\($0.components.seconds)") }
            }
        }
    }

    public init(
        interface: InterfaceName, mappings: [Mapping], masqueraded: [Masquerade] = [], timeouts: Timeouts = Timeouts()
    ) {
        self.interface = interface
        self.mappings = mappings
        self.masqueraded = masqueraded
        self.timeouts = timeouts
    }
}
