/// Why bytes are not the header they should be.
public enum Malformation: Error, Hashable, Sendable {
    /// Fewer bytes than the header needs.
    case shortHeader
    /// Neither 4 nor 6, or not the version that the layer below announces.
    case ipVersion(UInt8)
    /// An IPv4 header length below 20 bytes.
    case ipv4HeaderLength
    /// An IPv4 total length below the header's.
    case ipv4TotalLength
    /// An IPv4 option of length 0 or 1, or one that leaves the header.
    case ipv4Options
    /// An IPv6 option that leaves its extension header.
    case ipv6Options
    /// An ARP message of other than IPv4 over Ethernet.
    case arpFormat
    /// A UDP length below 8.
    case udpLength
    /// A TCP header length below 20 bytes.
    case tcpDataOffset
    /// A TCP option of length 0 or 1, of a wrong length for its kind, or one that leaves the header.
    case tcpOptions
    /// An authentication header shorter than its fixed fields (RFC 4302, 2.2).
    case authenticationLength
    /// A GRE version other than 0, or flags that RFC 2784 section 2.3 has receivers discard.
    case greFlags
    /// An IKE major version other than 1 and 2.
    case ikeVersion
    /// An IKE length below the header's, or a payload, proposal or transform shorter than its own fields or leaving what
    /// it stands in.
    case ikeLength
    /// Not the sixteen bytes of ones that begin each BGP message; after the first message of a segment only.
    case bgpMarker
    /// A BGP message shorter than its kind allows, or longer than 4096 bytes.
    case bgpLength
    /// A field of a BGP OPEN or UPDATE that leaves its message.
    case bgpFields
    /// More headers in each other than `Dissection.maximumDepth`.
    case tooDeep
}

extension Malformation: CustomStringConvertible {
    public var description: String {
        switch self {
        case .shortHeader: "header cut short"
        case .ipVersion(let version): "IP version \(version)"
        case .ipv4HeaderLength: "IPv4 header length"
        case .ipv4TotalLength: "IPv4 total length"
        case .ipv4Options: "IPv4 options"
        case .ipv6Options: "IPv6 options"
        case .arpFormat: "ARP format"
        case .udpLength: "UDP length"
        case .tcpDataOffset: "TCP data offset"
        case .tcpOptions: "TCP options"
        case .authenticationLength: "AH length"
        case .greFlags: "GRE flags"
        case .ikeVersion: "IKE version"
        case .ikeLength: "IKE length"
        case .bgpMarker: "BGP marker"
        case .bgpLength: "BGP length"
        case .bgpFields: "BGP fields"
        case .tooDeep: "too many layers"
        }
    }
}
