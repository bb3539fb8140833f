import LabModel

extension Encapsulation {
    /// A tunnel without encryption: a new IP header and, for some, a header of the tunnel's own.
    ///
    /// Its text is its kind and options, as in `gre+key+seq`.
    public struct Tunnel: Hashable, Sendable, CustomStringConvertible {
        /// Which headers it has, by its name in ip-tunnel(8) and ip-link(8) where it has one there.
        public enum Kind: String, Hashable, Sendable, CaseIterable {
            /// IPv6 in IPv4 between two fixed ends (RFC 4213, section 3); `sit` in Linux.
            case sixInFour = "6in4"
            /// IPv6 in IPv4 to the address within the next hop's (RFC 5214).
            case isatap
            /// IPv4 in IPv4 (RFC 2003).
            case ipip
            /// IPv4 in IPv6 (RFC 2473).
            case ipip6
            /// IPv6 in IPv6 (RFC 2473).
            case ip6ip6
            /// Either in GRE in IPv4 (RFC 2784).
            case gre
            /// Either in GRE in IPv6 (RFC 7676).
            case ip6gre
            /// Either in UDP in IPv4, with no header of its own: Linux's foo-over-UDP.
            case udp
            /// An Ethernet frame in VXLAN in UDP in IPv4 (RFC 7348).
            case vxlan
            /// The same in IPv6.
            case vxlan6
            /// Either in WireGuard's messages in UDP in IPv4.
            case wireguard
            /// The same in IPv6.
            case wireguard6

            /// Whether what is inside is padded to a multiple of 16 (`MESSAGE_PADDING_MULTIPLE`, drivers/net/wireguard/messages.h).
            var pads: Bool { self == .wireguard || self == .wireguard6 }

            var family: EncapsulationFamily {
                switch self {
                case .sixInFour, .isatap, .ipip, .gre, .udp, .vxlan, .wireguard: .ipv4
                case .ipip6, .ip6ip6, .ip6gre, .vxlan6, .wireguard6: .ipv6
                }
            }

            var carried: Set<EncapsulationFamily> {
                switch self {
                case .ipip, .ipip6: [.ipv4]
                case .sixInFour, .isatap, .ip6ip6: [.ipv6]
                case .gre, .ip6gre, .udp, .vxlan, .vxlan6, .wireguard, .wireguard6: Set(EncapsulationFamily.allCases)
                }
            }

            var options: Set<Option> {
                let gre: Set<Option> = [.key, .sequenceNumbers, .checksum]
                return switch self {
                case .sixInFour, .isatap, .ipip, .udp, .vxlan, .vxlan6, .wireguard, .wireguard6: []
                case .ipip6, .ip6ip6: [.noEncapsulationLimit]
                case .gre: gre
                case .ip6gre: gre.union([.noEncapsulationLimit])
                }
            }
        }

        public enum Option: String, Hashable, Sendable, CaseIterable {
            /// Of GRE (RFC 2890, section 2.1).
            case key
            /// Of GRE (RFC 2890, section 2.2).
            case sequenceNumbers = "seq"
            /// Of GRE (RFC 2784, section 2.1).
            case checksum = "csum"
            /// Without the option in which an IPv6 tunnel says how many more it may be wrapped into (RFC 2473, section 5.1).
            /// Linux sends it unless told `encaplimit none`.
            case noEncapsulationLimit = "no-encaplimit"
        }

        public let kind: Kind
        /// Only those the kind has.
        public let options: Set<Option>
        /// The MTU of a WireGuard interface, beyond which nothing is padded (`calculate_skb_padding`, drivers/net/wireguard/send.c); nil
        /// where it is not known.
        public internal(set) var interfaceMTU: Int?

        /// Ignores options that the kind does not have.
        public init(_ kind: Kind, options: Set<Option> = []) {
            self.kind = kind
            self.options = options.intersection(kind.options)
        }

        public var description: String {
            ([kind.rawValue] + Option.allCases.filter(options.contains).map(\.rawValue)).joined(separator: "+")
        }

        /// The IP header and its extension headers, outermost first.
        var ipHeaders: [HeaderStack.Part] {
            let header = HeaderStack.Part(
                layer: description, name: "\(kind.family.name) header", bytes: kind.family.headerLength)
            guard kind.options.contains(.noEncapsulationLimit), !options.contains(.noEncapsulationLimit) else {
                return [header]
            }
            // Next header and length 2, option 3, and 3 of padding to a multiple of 8 (RFC 2473, section 4.1.1).
            return [header, HeaderStack.Part(layer: description, name: "encapsulation limit option", bytes: 8)]
        }

        /// What stands between the IP header and the packet inside, outermost first.
        var ownHeaders: [HeaderStack.Part] {
            switch kind {
            case .sixInFour, .isatap, .ipip, .ipip6, .ip6ip6:
                return []
            case .udp:
                return [HeaderStack.Part(layer: description, name: "UDP header", bytes: Encapsulation.udpHeaderLength)]
            case .vxlan, .vxlan6:
                return [("UDP header", Encapsulation.udpHeaderLength), ("VXLAN header", 8), ("Ethernet header", 14)].map
                {
                    HeaderStack.Part(layer: description, name: $0, bytes: $1)
                }
            case .wireguard, .wireguard6:
                return [
                    ("UDP header", Encapsulation.udpHeaderLength), ("WireGuard header", 16), ("Poly1305 tag", 16),
                ].map { HeaderStack.Part(layer: description, name: $0, bytes: $1) }
            case .gre, .ip6gre:
                let optional: [(option: Option, name: String)] = [
                    (.checksum, "GRE checksum"), (.key, "GRE key"), (.sequenceNumbers, "GRE sequence number"),
                ]
                return [HeaderStack.Part(layer: description, name: "GRE header", bytes: 4)]
                    + optional.filter { options.contains($0.option) }.map {
                        HeaderStack.Part(layer: description, name: $0.name, bytes: 4)
                    }
            }
        }

        /// The bytes of the IP packet that carries a packet of that many.
        public func outerLength(ofInner length: Int) -> Int {
            guard kind.pads else { return length &+ headerLength }
            let padded = (length &+ 15) & ~15
            return headerLength &+ (interfaceMTU.map { max(length, min(padded, $0)) } ?? padded)
        }

        public var headerLength: Int {
            (ipHeaders + ownHeaders).reduce(0) { $0 + $1.bytes }
        }
    }
}
