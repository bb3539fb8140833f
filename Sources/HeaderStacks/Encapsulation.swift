import LabModel

/// The family of an IP header.
public enum EncapsulationFamily: String, Hashable, Sendable, Codable, CaseIterable {
    case ipv4
    case ipv6

    /// The bytes of a header without options or extension headers (RFC 791, section 3.1; RFC 8200, section 3).
    public var headerLength: Int { self == .ipv4 ? 20 : 40 }

    public var name: String { self == .ipv4 ? "IPv4" : "IPv6" }
}

/// One wrapping of a packet into another.
public enum Encapsulation: Hashable, Sendable {
    /// A tag between the Ethernet header and the packet: on the wire, but not part of an IP packet (IEEE 802.1Q).
    case vlanTag
    case tunnel(Tunnel)
    case esp(ESPEncapsulation)

    /// RFC 768.
    static let udpHeaderLength = 8
    /// Tag protocol identifier and tag control information.
    static let vlanTagLength = 4

    public var name: String {
        switch self {
        case .vlanTag: "vlan"
        case .tunnel(let tunnel): tunnel.description
        case .esp: "esp"
        }
    }

    /// The bytes of the IP packet that carries a packet of that many.
    public func outerLength(ofInner length: Int) -> Int {
        switch self {
        case .vlanTag: length
        case .tunnel(let tunnel): tunnel.outerLength(ofInner: length)
        case .esp(let esp): esp.outerLength(ofInner: length)
        }
    }

    /// The longest packet whose IP packet has at most that many bytes; nil if there is no room for any.
    public func largestInner(within length: Int) -> Int? {
        switch self {
        case .vlanTag: length
        case .tunnel(let tunnel): length > tunnel.headerLength ? length - tunnel.headerLength : nil
        case .esp(let esp): esp.largestInner(within: length)
        }
    }

    /// The family of its IP header; nil for what has none.
    var family: EncapsulationFamily? {
        switch self {
        case .vlanTag: nil
        case .tunnel(let tunnel): tunnel.kind.family
        case .esp(let esp): esp.family
        }
    }

    /// The families it carries.
    var carried: Set<EncapsulationFamily> {
        switch self {
        case .vlanTag: Set(EncapsulationFamily.allCases)
        case .tunnel(let tunnel): tunnel.kind.carried
        case .esp(let esp): esp.mode == .tunnel ? Set(EncapsulationFamily.allCases) : [esp.family]
        }
    }
}
