/// What an IPv4 packet, an IPv6 packet or an extension header carries (IANA "protocol-numbers").
public struct IPProtocol: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    public let rawValue: UInt8

    @inlinable public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    public static let hopByHopOptions = IPProtocol(rawValue: 0)
    public static let icmp = IPProtocol(rawValue: 1)
    /// An IPv4 packet: IPIP, or IPv4 in IPv6.
    public static let ipv4 = IPProtocol(rawValue: 4)
    public static let tcp = IPProtocol(rawValue: 6)
    public static let udp = IPProtocol(rawValue: 17)
    /// An IPv6 packet: 6in4, ISATAP, or IPv6 in IPv6.
    public static let ipv6 = IPProtocol(rawValue: 41)
    public static let routing = IPProtocol(rawValue: 43)
    public static let fragment = IPProtocol(rawValue: 44)
    public static let gre = IPProtocol(rawValue: 47)
    public static let esp = IPProtocol(rawValue: 50)
    public static let ah = IPProtocol(rawValue: 51)
    public static let icmpv6 = IPProtocol(rawValue: 58)
    public static let ospf = IPProtocol(rawValue: 89)
    public static let noNextHeader = IPProtocol(rawValue: 59)
    public static let destinationOptions = IPProtocol(rawValue: 60)

    public var description: String {
        switch self {
        case .hopByHopOptions: "hop-by-hop options"
        case .icmp: "ICMP"
        case .ipv4: "IPv4"
        case .tcp: "TCP"
        case .udp: "UDP"
        case .ipv6: "IPv6"
        case .routing: "routing header"
        case .fragment: "fragment header"
        case .gre: "GRE"
        case .esp: "ESP"
        case .ah: "AH"
        case .icmpv6: "ICMPv6"
        case .ospf: "OSPF"
        case .noNextHeader: "no next header"
        case .destinationOptions: "destination options"
        default: "protocol \(rawValue)"
        }
    }
}

extension IPProtocol {
    /// By the keyword that selectors and filters have for it: `tcp`, `gre`.
    private static let keywords: [String: IPProtocol] = [
        "icmp": .icmp, "ipip": .ipv4, "tcp": .tcp, "udp": .udp, "gre": .gre, "ospf": .ospf, "ipv6-icmp": .icmpv6,
        "icmpv6": .icmpv6,
    ]

    /// Reads a keyword, or a number from 1 to 255.
    public init?(keyword text: String) {
        guard let known = Self.keywords[text] ?? UInt8(text).map(IPProtocol.init), known.rawValue > 0 else {
            return nil
        }
        self = known
    }

    /// Whether it has ports that a selector can name.
    public var hasPorts: Bool { self == .tcp || self == .udp }
}
