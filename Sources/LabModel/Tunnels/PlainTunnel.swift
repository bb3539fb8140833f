import NetworkTypes

/// A tunnel without encryption between two nodes: packets get new headers, and nothing is negotiated.
public struct PlainTunnel: Hashable, Sendable, Codable {
    /// Which headers it puts around a packet, by its name in ip-tunnel(8).
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// IPv6 in IPv4, to the IPv4 address within the next hop's (RFC 5214).
        case isatap
        /// IPv6 in IPv4 between two fixed ends (RFC 4213); `sit` in Linux.
        case sixInFour = "6in4"
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
        /// Ethernet frames in VXLAN in UDP in IPv4, to one remote (RFC 7348).
        case vxlan
        /// The same in IPv6.
        case vxlan6
        /// Either, encrypted, in WireGuard's messages in UDP in IPv4.
        case wireguard
        /// The same in IPv6.
        case wireguard6

        public var isOverIPv6: Bool { [.ipip6, .ip6ip6, .ip6gre, .vxlan6, .wireguard6].contains(self) }
        public var carriesIPv6: Bool { self != .ipip && self != .ipip6 }
        public var carriesIPv4: Bool { self != .isatap && self != .sixInFour && self != .ip6ip6 }
        public var isGRE: Bool { self == .gre || self == .ip6gre }
        public var isVXLAN: Bool { self == .vxlan || self == .vxlan6 }
        public var isWireGuard: Bool { self == .wireguard || self == .wireguard6 }
        /// Whether its packets may have the option with a limit (RFC 2473): those over IPv6 may, but for UDP's.
        public var hasEncapsulationLimit: Bool { isOverIPv6 && carriedProtocol != .udp }

        /// What an outer packet says that it carries.
        public var carriedProtocol: IPProtocol {
            switch self {
            case .gre, .ip6gre: .gre
            case .ipip, .ipip6: .ipv4
            case .isatap, .sixInFour, .ip6ip6: .ipv6
            case .vxlan, .vxlan6, .wireguard, .wireguard6: .udp
            }
        }

        /// How its packets look on a link.
        public var wrapping: Wrapping {
            switch self {
            case .isatap, .sixInFour: .ipv6InIPv4
            case .ipip: .ipv4InIPv4
            case .ipip6: .ipv4InIPv6
            case .ip6ip6: .ipv6InIPv6
            case .gre, .ip6gre: .gre
            case .vxlan, .vxlan6: .vxlan
            case .wireguard, .wireguard6: .wireGuard
            }
        }
    }

    /// What VXLAN's two ends have in common.
    public struct VXLANOptions: Hashable, Sendable, Codable {
        /// The VXLAN network identifier: 0 to 2^24 - 1 (RFC 7348, section 5).
        public let vni: UInt32
        /// UDP's destination port.
        public let port: UInt16

        /// Those at which captures are read as VXLAN: IANA's, and the one that Linux takes where none is given (`vxlan_port`,
        /// drivers/net/vxlan/vxlan_core.c).
        public static let ports: [UInt16] = [4789, 8472]

        public init(vni: UInt32, port: UInt16 = VXLANOptions.ports[0]) {
            self.vni = vni
            self.port = port
        }
    }

    /// What of GRE's header is optional (RFC 2890; RFC 2784, section 2.1).
    public struct GREOptions: Hashable, Sendable, Codable {
        /// The same both ways.
        public let key: UInt32?
        public let hasSequenceNumbers: Bool
        public let hasChecksum: Bool

        public init(key: UInt32? = nil, hasSequenceNumbers: Bool = false, hasChecksum: Bool = false) {
            self.key = key
            self.hasSequenceNumbers = hasSequenceNumbers
            self.hasChecksum = hasChecksum
        }

        /// Bytes of the whole header.
        public var headerLength: Int {
            4 + 4 * [key != nil, hasSequenceNumbers, hasChecksum].count { $0 }
        }
    }

    public let name: String
    public let summary: String
    public let kind: Kind
    /// Exactly two.
    public var ends: [PlainTunnelEnd]

    public init(name: String, summary: String, kind: Kind, ends: [PlainTunnelEnd]) {
        self.name = name
        self.summary = summary
        self.kind = kind
        self.ends = ends
    }

    public func peer(of end: PlainTunnelEnd) -> PlainTunnelEnd? {
        ends.first { $0.node != end.node }
    }

    /// The next hop of an end's routes: frames need one, and so VXLAN's lead to the peer's inside address; nil elsewhere.
    public func gateway(of end: PlainTunnelEnd) -> IPAddress? {
        kind.isVXLAN ? peer(of: end)?.inside?.address : nil
    }
}

/// One end of a tunnel without encryption.
public struct PlainTunnelEnd: Hashable, Sendable, Codable {
    public let node: String
    /// The node's own address that outer packets carry: on a link, or inside another tunnel.
    public let localAddress: IPAddress
    /// The address the peer is reached at: past its NAT, where there is one. An ISATAP interface has no fixed peer.
    public let remoteAddress: IPAddress
    public let interface: InterfaceName
    /// The interface's address inside the tunnel.
    public let inside: InterfaceAddress?
    /// The interface's MTU; nil leaves what the kernel gives it, see ``Topology/mtu(of:in:)``.
    public let mtu: MTU?
    public let mss: MSSClamp
    /// Prefixes routed into the tunnel.
    public let routes: [IPPrefix]
    /// How many more tunnels its packets may enter, said in an option of 8 bytes (RFC 2473, section 4.1.1); nil for no such
    /// option. Only over IPv6.
    public let encapsulationLimit: UInt8?
    /// Of the outer packets: 1 to 255.
    public let hopLimit: UInt8
    /// An ISATAP host's potential router list (RFC 5214, section 8.3.2): who may send it packets that come from elsewhere.
    public let potentialRouters: [IPv4Address]
    /// Of GRE alone.
    public let gre: PlainTunnel.GREOptions
    /// Of VXLAN alone; nil for all others.
    public let vxlan: PlainTunnel.VXLANOptions?
    /// Of WireGuard alone; nil for all others.
    public var wireGuard: WireGuardOptions?

    public init(
        node: String, localAddress: IPAddress, remoteAddress: IPAddress, interface: InterfaceName,
        inside: InterfaceAddress?,
        mtu: MTU?, mss: MSSClamp, routes: [IPPrefix], encapsulationLimit: UInt8?, hopLimit: UInt8,
        potentialRouters: [IPv4Address], gre: PlainTunnel.GREOptions = .init(),
        vxlan: PlainTunnel.VXLANOptions? = nil, wireGuard: WireGuardOptions? = nil
    ) {
        self.node = node
        self.localAddress = localAddress
        self.remoteAddress = remoteAddress
        self.interface = interface
        self.inside = inside
        self.mtu = mtu
        self.mss = mss
        self.routes = routes
        self.encapsulationLimit = encapsulationLimit
        self.hopLimit = hopLimit
        self.potentialRouters = potentialRouters
        self.gre = gre
        self.vxlan = vxlan
        self.wireGuard = wireGuard
    }

    /// The Ethernet address of a VXLAN interface, which netlab gives it: one for a node and an interface's name, in any lab and
    /// after any reboot. It is locally administered (IEEE 802).
    public var ethernetAddress: MACAddress {
        // FNV-1a.
        let hash = "\(node)/\(interface)".utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
        return MACAddress(rawValue: 0x0200_0000_0000 | hash & 0xFF_FFFF_FFFF)
    }

    /// What it adds to each packet: the IP header, the option with the limit, and GRE's header, or those of UDP, VXLAN and Ethernet, or UDP's, WireGuard's and the tag of its cipher.
    public func headerLengths(_ kind: PlainTunnel.Kind) -> [Int] {
        (kind.isOverIPv6 ? [40] + (encapsulationLimit == nil ? [] : [8]) : [20])
            + (kind.isGRE ? [gre.headerLength] : kind.isVXLAN ? [8, 8, 14] : kind.isWireGuard ? [8, 16, 16] : [])
    }

    public func overhead(_ kind: PlainTunnel.Kind) -> Int { headerLengths(kind).reduce(0, +) }
}

extension Topology {
    public func plainTunnel(named name: String) -> PlainTunnel? {
        plainTunnels.first { $0.name == name }
    }

    /// Each end of a plain tunnel at the node, with its tunnel, in the file's order.
    public func plainTunnelEnds(of node: String) -> [(tunnel: PlainTunnel, end: PlainTunnelEnd)] {
        plainTunnels.flatMap { tunnel in tunnel.ends.filter { $0.node == node }.map { (tunnel, $0) } }
    }

    /// The MTU of a plain tunnel's interface: as configured, or what Linux makes of the interface below it.
    ///
    /// An ISATAP interface has no peer and so none below it that the kernel knows: it gets Ethernet's 1500 less 20 whatever
    /// its link takes (`ipip6_tunnel_setup`, net/ipv6/sit.c). All others get what that one has less their own headers, and
    /// those that carry IPv6 or are carried by it no less than 1280 (`ipip6_tunnel_bind_dev`, same file;
    /// `ip_tunnel_bind_dev`, net/ipv4/ip_tunnel.c; `ip6_tnl_link_config`, net/ipv6/ip6_tunnel.c; `ip6gre_tnl_link_config_route`,
    /// net/ipv6/ip6_gre.c). VXLAN's netlab sets itself, to what Linux would give one that is bound to the interface below it
    /// (`vxlan_config_apply`, drivers/net/vxlan/vxlan_core.c): one that is bound to none gets 1500 there, which fits nowhere.
    /// WireGuard's it sets as wg-quick(8) does, to 80 less than what is below, over IPv4 as well.
    public func mtu(of end: PlainTunnelEnd, in kind: PlainTunnel.Kind) -> Int {
        if let mtu = end.mtu { return mtu.bytes }
        let below = kind == .isatap ? MTU.ethernet.bytes : mtu(below: end)
        if kind.isWireGuard { return below - 80 }
        let room = below - end.overhead(kind)
        return kind == .ipip || kind == .gre || kind.isVXLAN ? room : max(room, 1280)
    }

    /// The MTU of the interface that has the end's outer address.
    public func mtu(below end: PlainTunnelEnd) -> Int {
        if let carrier = carrier(of: end) { return mtu(of: carrier.end, in: carrier.tunnel.kind) }
        return linkEnds(of: end.node).first { $0.end.addresses.contains { $0.address == end.localAddress } }?.link.mtu
            .bytes ?? MTU.ethernet.bytes
    }

    /// The plain tunnel that an end's own packets enter at its node; nil where they leave by a link.
    public func carrier(of end: PlainTunnelEnd) -> (tunnel: PlainTunnel, end: PlainTunnelEnd)? {
        plainTunnelEnds(of: end.node).first { $0.end.inside?.address == end.localAddress }
    }
}
