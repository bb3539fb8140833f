import NetworkTypes

/// A route as it is asked for and as the kernel lists it (rtnetlink(7), ip-route(8)).
public struct Route: Hashable, Sendable, Codable, CustomStringConvertible {
    /// 254, which lookups use unless a rule says otherwise.
    public static let mainTable: UInt32 = 254
    /// 255, which the kernel fills with the namespace's own addresses.
    public static let localTable: UInt32 = 255

    public var destination: IPPrefix
    /// Where to send: one, or several for equal-cost multipath; none for `blackhole` and its like.
    public var nexthops: [NextHop]
    /// 1 to 4294967295.
    public var table: UInt32
    /// The smallest is used. 0 leaves it to the kernel, which then lists 0 for IPv4 and 1024 for IPv6.
    public var metric: UInt32
    /// The source address of what the namespace itself sends this way; must be one of its own.
    public var preferredSource: IPAddress?
    /// Who made the route; only a label for the kernel.
    public var `protocol`: RouteProtocol
    public var type: RouteType
    /// The route's own MTU, where it has one.
    public var mtu: MTU?

    public init(
        destination: IPPrefix, nexthops: [NextHop] = [], table: UInt32 = mainTable, metric: UInt32 = 0,
        preferredSource: IPAddress? = nil, protocol: RouteProtocol = .static, type: RouteType = .unicast,
        mtu: MTU? = nil
    ) {
        self.destination = destination
        self.nexthops = nexthops
        self.table = table
        self.metric = metric
        self.preferredSource = preferredSource
        self.protocol = `protocol`
        self.type = type
        self.mtu = mtu
    }

    public var description: String {
        var words = type == .unicast ? ["\(destination)"] : ["\(type)", "\(destination)"]
        words += nexthops.map { nexthops.count > 1 ? "nexthop \($0) weight \($0.weight)" : "\($0)" }
        if table != Self.mainTable { words.append("table \(table)") }
        if metric != 0 { words.append("metric \(metric)") }
        if let preferredSource { words.append("src \(preferredSource)") }
        if let mtu { words.append("mtu \(mtu)") }
        return words.joined(separator: " ")
    }
}

/// One way to go on: a gateway, an interface, or both.
public struct NextHop: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The neighbour to send to; nil where the destination itself is on the link. An IPv4 route may name an IPv6 gateway (RFC 8950).
    public var gateway: IPAddress?
    /// Nil leaves it to the kernel, which takes the one that reaches the gateway.
    public var interface: InterfaceName?
    /// The share of flows among several next hops: 1 to 256.
    public var weight: Int

    public init(gateway: IPAddress? = nil, interface: InterfaceName? = nil, weight: Int = 1) {
        self.gateway = gateway
        self.interface = interface
        self.weight = weight
    }

    public var description: String {
        [gateway.map { "via \($0)" }, interface.map { "dev \($0)" }].compactMap { $0 }.joined(separator: " ")
    }
}

/// Who made a route (`RTPROT_*`, linux/rtnetlink.h).
public struct RouteProtocol: RawRepresentable, Hashable, Sendable, Codable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    public static let kernel = RouteProtocol(rawValue: 2)
    public static let boot = RouteProtocol(rawValue: 3)
    public static let `static` = RouteProtocol(rawValue: 4)
    /// From a router advertisement.
    public static let advertisement = RouteProtocol(rawValue: 9)
    /// netlab's own, for routes that follow their tunnels; the kernel interprets none from 4 on (linux/rtnetlink.h).
    public static let followed = RouteProtocol(rawValue: 78)
}

/// What becomes of a packet that takes a route (`RTN_*`, linux/rtnetlink.h).
public enum RouteType: UInt8, Hashable, Sendable, Codable, CustomStringConvertible {
    case unicast = 1
    case local, broadcast, anycast, multicast
    /// Dropped without a word.
    case blackhole
    /// Answered with ICMP host unreachable.
    case unreachable
    /// Answered with ICMP administratively prohibited.
    case prohibit
    /// The lookup goes on with the next rule.
    case `throw`

    public var description: String {
        switch self {
        case .unicast: "unicast"
        case .local: "local"
        case .broadcast: "broadcast"
        case .anycast: "anycast"
        case .multicast: "multicast"
        case .blackhole: "blackhole"
        case .unreachable: "unreachable"
        case .prohibit: "prohibit"
        case .throw: "throw"
        }
    }

    /// Whether packets go anywhere by a next hop.
    var hasNextHops: Bool { rawValue <= RouteType.multicast.rawValue }
}
