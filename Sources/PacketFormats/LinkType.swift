/// What a captured frame begins with, by the number that capture files use (tcpdump.org/linktypes.html).
public struct LinkType: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    public let rawValue: UInt16

    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// An Ethernet header, without its checksum.
    public static let ethernet = LinkType(rawValue: 1)
    /// An IPv4 or IPv6 packet; its first four bits tell which.
    public static let raw = LinkType(rawValue: 101)
    /// Linux's cooked header, as the "any" device has it.
    public static let linuxCooked = LinkType(rawValue: 113)
    public static let ipv4 = LinkType(rawValue: 228)
    public static let ipv6 = LinkType(rawValue: 229)

    public var description: String {
        switch self {
        case .ethernet: "Ethernet"
        case .raw: "raw IP"
        case .linuxCooked: "Linux cooked"
        case .ipv4: "raw IPv4"
        case .ipv6: "raw IPv6"
        default: "link type \(rawValue)"
        }
    }
}
