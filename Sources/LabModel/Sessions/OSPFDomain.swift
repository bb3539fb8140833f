import NetworkTypes

/// Routers of a site that tell each other by OSPF where its networks are (RFC 2328): one area, each link a point-to-point network.
public struct OSPFDomain: Hashable, Sendable, Codable {
    /// An end of a link at a router of the domain.
    public struct Interface: Hashable, Sendable, Codable {
        public let node: String
        public let link: String
        public let interface: InterfaceName
        /// Its IPv4 address, with the network that the router tells of.
        public let address: InterfaceAddress
        /// Of sending there, 1 to 65535.
        public let cost: Int
        /// Whether the network is told of and no neighbour is looked for (`passive`).
        public let isPassive: Bool

        public init(
            node: String, link: String, interface: InterfaceName, address: InterfaceAddress, cost: Int, isPassive: Bool
        ) {
            self.node = node
            self.link = link
            self.interface = interface
            self.address = address
            self.cost = cost
            self.isPassive = isPassive
        }
    }

    /// A router between the domain and BGP, which redistributes the routes of each to the other.
    public struct Edge: Hashable, Sendable, Codable {
        /// How the metric of an AS-external-LSA counts (RFC 2328, section 2.3).
        public enum MetricType: Int, Hashable, Sendable, Codable, CaseIterable {
            /// With the cost of the way to the router that tells it.
            case one = 1
            /// Before all costs inside the domain.
            case two = 2
        }

        public let node: String
        /// Of what it tells the domain, 0 to 16777214.
        public let metric: Int
        public let metricType: MetricType
        /// Whether it tells its BGP peers of the domain's networks.
        public let tellsPeers: Bool
        /// Whether it tells the domain of what BGP peers tell it.
        public let tellsDomain: Bool

        public init(node: String, metric: Int, metricType: MetricType, tellsPeers: Bool, tellsDomain: Bool) {
            self.node = node
            self.metric = metric
            self.metricType = metricType
            self.tellsPeers = tellsPeers
            self.tellsDomain = tellsDomain
        }
    }

    /// Two routers at the two ends of a link.
    public struct Adjacency: Hashable, Sendable {
        public let link: String
        public let ends: (Interface, Interface)

        public static func == (left: Self, right: Self) -> Bool {
            left.link == right.link && left.ends.0 == right.ends.0 && left.ends.1 == right.ends.1
        }
        public func hash(into hasher: inout Hasher) { hasher.combine(link) }

        /// The end that is not at a node.
        public func peer(of node: String) -> Interface { ends.0.node == node ? ends.1 : ends.0 }
    }

    public let name: String
    /// How often a router says that it is there, in whole seconds (RFC 2328, appendix C.3).
    public let hello: Duration
    /// After how long without a word a neighbour is given up, in whole seconds.
    public let dead: Duration
    public let interfaces: [Interface]
    public let edges: [Edge]

    public init(name: String, hello: Duration, dead: Duration, interfaces: [Interface], edges: [Edge]) {
        self.name = name
        self.hello = hello
        self.dead = dead
        self.interfaces = interfaces
        self.edges = edges
    }

    /// The routers, in the order of their first interfaces.
    public var routers: [String] {
        interfaces.reduce(into: []) { if !$0.contains($1.node) { $0.append($1.node) } }
    }

    public var adjacencies: [Adjacency] {
        var known: [String: Interface] = [:]
        return interfaces.filter { !$0.isPassive }.compactMap { interface in
            guard let first = known[interface.link] else {
                known[interface.link] = interface
                return nil
            }
            return Adjacency(link: interface.link, ends: (first, interface))
        }
    }
}

extension Topology {
    /// The domain that a node is a router of; nil for none.
    public func ospfDomain(of node: String) -> OSPFDomain? {
        ospf.first { domain in domain.interfaces.contains { $0.node == node } }
    }

    /// The domains, and their links with neighbours, by name.
    public var ospfPlaces: [String] { ospf.map(\.name) + ospf.flatMap(\.adjacencies).map(\.link) }

    /// The adjacencies of a domain, or that of a link.
    public func ospfAdjacencies(at place: String) -> [OSPFDomain.Adjacency] {
        ospf.first { $0.name == place }?.adjacencies ?? ospf.flatMap(\.adjacencies).filter { $0.link == place }
    }

    /// What a node redistributes between OSPF and BGP; nil for nothing.
    public func ospfEdge(at node: String) -> OSPFDomain.Edge? {
        ospf.lazy.flatMap(\.edges).first { $0.node == node }
    }
}
