import LabModel
import NetworkTypes
import PacketFormats

/// One header of a captured packet, byte for byte.
public struct HeaderBytes: Hashable, Sendable, Codable {
    /// `Ethernet`, `IPv4`, `IPv6`, `IPv6 destination options`.
    public let name: String
    /// What its fields say, in words; empty where its name says all.
    public let fields: String
    /// In hexadecimal, a space between two bytes.
    public let bytes: String

    public init(name: String, fields: String, bytes: String) {
        self.name = name
        self.fields = fields
        self.bytes = bytes
    }

    /// `IPv4 20: 45 00 …`.
    public var text: String {
        let count = bytes.split(separator: " ").count
        return "\(name) \(count)\(fields.isEmpty ? "" : " (\(fields))"): \(bytes)"
    }
}

extension HeaderBytes {
    /// The headers of a frame up to and with that of the innermost IP packet.
    static func all(of frame: RawSpan, linkType: LinkType) -> [HeaderBytes] {
        var found: [HeaderBytes] = []
        Dissection.walk(frame, linkType: linkType) { layer, header, _ in
            let (name, fields): (String, String) =
                switch layer {
                case .ethernet: ("Ethernet", "")
                case .linuxCooked: ("Linux cooked header", "")
                case .vlan(let tag): ("802.1Q", "VLAN \(tag.identifier)")
                case .ipv4(let ip):
                    (
                        "IPv4",
                        "protocol \(ip.nextProtocol.rawValue), TTL \(ip.timeToLive)\(ip.dontFragment ? ", DF" : ""), \(ip.totalLength) bytes"
                    )
                case .ipv6(let ip):
                    (
                        "IPv6",
                        "next header \(ip.nextHeader.rawValue), hop limit \(ip.hopLimit), traffic class \(ip.trafficClass), \(IPv6Header.length + ip.payloadLength) bytes"
                    )
                case .destinationOptions(let options):
                    (
                        "IPv6 destination options",
                        "next header \(options.nextHeader.rawValue)"
                            + (options.tunnelEncapsulationLimit.map { ", tunnel encapsulation limit \($0)" } ?? "")
                    )
                case .hopByHopOptions: ("IPv6 hop-by-hop options", "")
                case .routing: ("IPv6 routing", "")
                case .fragment: ("IPv6 fragment", "")
                case .udp(let udp) where PlainTunnel.VXLANOptions.ports.contains(udp.destinationPort):
                    ("UDP", "from \(udp.sourcePort) to \(udp.destinationPort)")
                case .vxlan(let vxlan): ("VXLAN", "VNI \(vxlan.networkIdentifier)")
                default: ("", "")
                }
            guard !name.isEmpty else { return false }
            let bytes = header.map { position -> String in
                let digits = String(frame.unsafeLoad(fromByteOffset: position, as: UInt8.self), radix: 16)
                return digits.count < 2 ? "0\(digits)" : digits
            }
            found.append(HeaderBytes(name: name, fields: fields, bytes: bytes.joined(separator: " ")))
            return true
        }
        return found
    }
}
