import NetworkTypes

/// Something a lab must show, which `netlab check` looks for in its packets, its kernel and its daemons.
public struct Expectation: Hashable, Sendable, Codable {
    public let name: String
    /// The line of the lab file.
    public let line: Int
    /// It is expected only while all of these hold; none for always.
    public let when: [Condition]
    /// Whether it is looked at only where somebody names it: a scenario, or `check --only`.
    public let isOnRequest: Bool
    /// What somebody found on the real thing, in words, to stand beside the lab's; nothing is held against it.
    public let published: String?
    public let claim: Claim
    /// What of the lab netlab has derived it from, in words; nil for one that stands in the lab file.
    public let derivedFrom: String?

    public init(
        name: String, line: Int, when: [Condition], isOnRequest: Bool, published: String?, claim: Claim,
        derivedFrom: String? = nil
    ) {
        self.name = name
        self.line = line
        self.when = when
        self.isOnRequest = isOnRequest
        self.published = published
        self.claim = claim
        self.derivedFrom = derivedFrom
    }

    /// Of one that netlab has derived, and that stands in no file.
    ///
    /// - Parameter origin: What of the lab it follows from, in words.
    public init(name: String, _ claim: Claim, derivedFrom origin: String) {
        self.init(
            name: name, line: 0, when: [], isOnRequest: false, published: nil, claim: claim, derivedFrom: origin)
    }

    /// What is claimed, a case for each kind; `probe` names one of the topology's probes.
    public enum Claim: Hashable, Sendable, Codable {
        case encapsulation(EncapsulationClaim)
        case confidentiality(ConfidentialityClaim)
        case mtu(MTUClaim)
        case mss(MSSClaim)
        case path(PathClaim)
        case rtt(RTTClaim)
        case traceroute(TracerouteClaim)
        case routes(RoutesClaim)
        case bgp(BGPClaim)
        case md5(MD5Claim)
        case securityAssociation(SAClaim)
        case rate(RateClaim)
        case security(SecurityClaim)
        case sharing(SharingClaim)
        case best(BestClaim)
        case symmetric(SymmetryClaim)
        case ospf(OSPFClaim)
        case bfd(BFDClaim)

        /// The kinds, by their keys in a lab file.
        public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
            case encapsulation, confidentiality, mtu, mss, path, rtt, traceroute, routes, bgp, md5, rate, security
            case securityAssociation = "sa"
            case sharing = "ecmp"
            case best, symmetric, ospf, bfd
        }

        public var kind: Kind {
            switch self {
            case .encapsulation: .encapsulation
            case .confidentiality: .confidentiality
            case .mtu: .mtu
            case .mss: .mss
            case .path: .path
            case .rtt: .rtt
            case .traceroute: .traceroute
            case .routes: .routes
            case .bgp: .bgp
            case .md5: .md5
            case .securityAssociation: .securityAssociation
            case .rate: .rate
            case .security: .security
            case .sharing: .sharing
            case .best: .best
            case .symmetric: .symmetric
            case .ospf: .ospf
            case .bfd: .bfd
            }
        }
    }
}

/// The form in which a packet crosses a link.
public enum Wrapping: Hashable, Sendable, Codable, CustomStringConvertible {
    /// IP protocol 50.
    case esp
    /// ESP in UDP port 4500 (RFC 3948).
    case espInUDP
    /// IP protocol 41: 6in4 and ISATAP (RFC 4213, 5214).
    case ipv6InIPv4
    /// Next header 4 (RFC 2473).
    case ipv4InIPv6
    /// IP protocol 4 (RFC 2003).
    case ipv4InIPv4
    /// Next header 41 (RFC 2473).
    case ipv6InIPv6
    /// IP protocol 47 (RFC 2784).
    case gre
    /// UDP port 4789 or 8472, with VXLAN's header (RFC 7348).
    case vxlan
    /// UDP ports 51820 to 51835, with a message of WireGuard's.
    case wireGuard
    /// An 802.1Q tag with this VLAN identifier.
    case vlan(Int)

    private static let words: [(String, Wrapping)] = [
        ("esp", .esp), ("esp-in-udp", .espInUDP), ("6in4", .ipv6InIPv4), ("ipip6", .ipv4InIPv6), ("ipip", .ipv4InIPv4),
        ("ip6ip6", .ipv6InIPv6), ("gre", .gre), ("vxlan", .vxlan), ("wireguard", .wireGuard),
    ]

    /// What may be written in a lab file.
    public static let known = words.map(\.0) + ["vlan N"]

    public init?(_ text: String) {
        if let word = Self.words.first(where: { $0.0 == text }) {
            self = word.1
        } else if text.hasPrefix("vlan "), let number = Int(text.dropFirst(5)), (1...4094).contains(number) {
            self = .vlan(number)
        } else {
            return nil
        }
    }

    public var description: String {
        if case .vlan(let number) = self { return "vlan \(number)" }
        return Self.words.first { $0.1 == self }?.0 ?? ""
    }
}

/// Probes' traffic crosses links only in the declared form, each packet as long as it has to be.
public struct EncapsulationClaim: Hashable, Sendable, Codable {
    /// What a packet may be inside of.
    public struct Way: Hashable, Sendable, Codable {
        /// The IPsec tunnel it goes through; nil for a form that is no IPsec.
        public let tunnel: String?
        /// The tunnels without encryption that it goes through, outermost first; none where only the form is claimed.
        public let plainTunnels: [String]
        /// Outermost first.
        public let wrappings: [Wrapping]
        /// The algorithms of ESP; nil where neither the lab file nor the tunnel's own configuration tells.
        public let algorithms: ESPAlgorithms?

        public init(tunnel: String?, plainTunnels: [String], wrappings: [Wrapping], algorithms: ESPAlgorithms?) {
            self.tunnel = tunnel
            self.plainTunnels = plainTunnels
            self.wrappings = wrappings
            self.algorithms = algorithms
        }
    }

    public let probes: [String]
    /// Each packet goes by one of them.
    public let ways: [Way]
    public let links: [String]

    public init(probes: [String], ways: [Way], links: [String]) {
        self.probes = probes
        self.ways = ways
        self.links = links
    }
}

/// No inner address and no payload crosses the links in clear.
public struct ConfidentialityClaim: Hashable, Sendable, Codable {
    public enum ControlTraffic: String, Hashable, Sendable, Codable, CaseIterable {
        case arp, ike, bgp, bfd, ospf, icmp
        /// ICMP messages about other packets, which they quote.
        case icmpErrors = "icmp-errors"
        case neighbourDiscovery = "neighbour-discovery"
    }

    public let probes: [String]
    public let links: [String]
    public let allowed: [ControlTraffic]

    public init(probes: [String], links: [String], allowed: [ControlTraffic]) {
        self.probes = probes
        self.links = links
        self.allowed = allowed
    }
}

/// The largest packet that passes from a probe's source to its destination, and what becomes of one byte more.
public struct MTUClaim: Hashable, Sendable, Codable {
    public enum Beyond: String, Hashable, Sendable, Codable, CaseIterable {
        /// Answered by ICMP with the right MTU.
        case fragNeeded = "frag-needed"
        /// The packet that carries it is fragmented.
        case fragmentedOutside = "fragmented-outside"
        /// It is itself fragmented before it is wrapped.
        case fragmentedInside = "fragmented-inside"
        /// Not answered at all: a black hole.
        case lost
    }

    public let probe: String
    /// Nil for what follows from links and encapsulation.
    public let bytes: Int?
    public let beyond: Beyond

    public init(probe: String, bytes: Int?, beyond: Beyond) {
        self.probe = probe
        self.bytes = bytes
        self.beyond = beyond
    }
}

/// The segment size that TCP's SYN and SYN-ACK announce, before and behind the clamp, and a transfer that fits.
public struct MSSClaim: Hashable, Sendable, Codable {
    public let probe: String
    /// What arrives at either side; nil for what follows from the path's MTU.
    public let bytes: Int?
    /// The bytes of the transfer.
    public let transfer: Int

    public init(probe: String, bytes: Int?, transfer: Int) {
        self.probe = probe
        self.bytes = bytes
        self.transfer = transfer
    }
}

/// The nodes and tunnels that packets pass between source and destination.
public struct PathClaim: Hashable, Sendable, Codable {
    public let probe: String
    public let via: [String]
    /// The answers' way; nil where it does not matter.
    public let back: [String]?

    public init(probe: String, via: [String], back: [String]?) {
        self.probe = probe
        self.via = via
        self.back = back
    }
}

public struct RTTClaim: Hashable, Sendable, Codable {
    public let probe: String
    /// Nil for what follows from the delays and rates of the links on the way.
    public let expected: Duration?
    public let tolerance: Duration
    /// How many echoes, one a second as ping(8) sends them; nil for five in a row.
    public let count: Int?

    public init(probe: String, expected: Duration?, tolerance: Duration, count: Int?) {
        self.probe = probe
        self.expected = expected
        self.tolerance = tolerance
        self.count = count
    }
}

/// The routers that answer a probe's packets whose time to live runs out, as traceroute(8) shows them.
public struct TracerouteClaim: Hashable, Sendable, Codable {
    public struct Hop: Hashable, Sendable, Codable {
        /// Any of which may answer: several where traffic is shared by flow.
        public let addresses: [IPAddress]
        /// Nil where any time will do.
        public let roundTrip: Duration?
        public let tolerance: Duration
        /// What somebody measured on the real thing, in words.
        public let published: String?

        public init(addresses: [IPAddress], roundTrip: Duration?, tolerance: Duration, published: String?) {
            self.addresses = addresses
            self.roundTrip = roundTrip
            self.tolerance = tolerance
            self.published = published
        }
    }

    public let probe: String
    /// The nearest first; the last is the destination.
    public let hops: [Hop]

    public init(probe: String, hops: [Hop]) {
        self.probe = probe
        self.hops = hops
    }
}

extension Expectation.Claim {
    /// What its parts say was published, in words: of a traceroute `1: 0.5 ms; 2: 1.3 ms`.
    public var published: String? {
        guard case .traceroute(let claim) = self, claim.hops.contains(where: { $0.published != nil }) else {
            return nil
        }
        return claim.hops.enumerated().compactMap { number, hop in hop.published.map { "\(number + 1): \($0)" } }
            .joined(separator: "; ")
    }
}

/// What a node's route tables have.
public struct RoutesClaim: Hashable, Sendable, Codable {
    public enum Target: Hashable, Sendable, Codable {
        case gateway(IPAddress)
        case interface(InterfaceName)
        case absent
    }

    public struct Route: Hashable, Sendable, Codable {
        public let prefix: IPPrefix
        public let targets: [Target]

        public init(prefix: IPPrefix, targets: [Target]) {
            self.prefix = prefix
            self.targets = targets
        }
    }

    public let node: String
    public let routes: [Route]

    public init(node: String, routes: [Route]) {
        self.node = node
        self.routes = routes
    }
}

/// A BGP session: state, the timers that both sides negotiate, the prefixes each learns.
public struct BGPClaim: Hashable, Sendable, Codable {
    public let session: String
    public let isEstablished: Bool
    /// Whether it is to come up and go down again and again.
    public var isFlapping = false
    /// Nil for the smaller of what both propose (RFC 4271, section 4.2).
    public let hold: Duration?

    public init(session: String, isEstablished: Bool, isFlapping: Bool = false, hold: Duration?) {
        self.session = session
        self.isEstablished = isEstablished
        self.isFlapping = isFlapping
        self.hold = hold
    }
}

/// Every segment of BGP sessions carries TCP's MD5 signature option (RFC 2385).
public struct MD5Claim: Hashable, Sendable, Codable {
    public let sessions: [String]

    public init(sessions: [String]) {
        self.sessions = sessions
    }
}

/// The security associations of a tunnel.
public struct SAClaim: Hashable, Sendable, Codable {
    public let tunnel: String
    public let algorithms: ESPAlgorithms?
    /// Whether ESP rides in UDP.
    public let isUDPEncapsulated: Bool

    public init(tunnel: String, algorithms: ESPAlgorithms?, isUDPEncapsulated: Bool) {
        self.tunnel = tunnel
        self.algorithms = algorithms
        self.isUDPEncapsulated = isUDPEncapsulated
    }
}

/// What a bulk transfer reaches.
public struct RateClaim: Hashable, Sendable, Codable {
    public let probe: String
    /// The payload's rate; nil for what follows from the slowest link and the headers.
    public let expected: BitRate?
    public let tolerance: Percentage
    public let transfer: Int
    /// What somebody measured on the real thing, to stand beside the lab's figure; nothing is held against it.
    public let published: BitRate?

    public init(probe: String, expected: BitRate?, tolerance: Percentage, transfer: Int, published: BitRate?) {
        self.probe = probe
        self.expected = expected
        self.tolerance = tolerance
        self.transfer = transfer
        self.published = published
    }
}

/// What becomes of traffic that somebody begins.
public struct SecurityClaim: Hashable, Sendable, Codable {
    public enum Outcome: String, Hashable, Sendable, Codable, CaseIterable {
        /// It arrives.
        case accepted
        /// It does not arrive, and nobody answers.
        case dropped
    }

    public enum TransportProtocol: String, Hashable, Sendable, Codable, CaseIterable {
        case icmp, tcp, udp
    }

    public let source: String
    /// An address other than the node's own: spoofed, or chosen among several.
    public let sourceAddress: IPAddress?
    public let destination: IPAddress
    public let transport: TransportProtocol
    /// Nil for ICMP.
    public let port: UInt16?
    public let outcome: Outcome

    public init(
        source: String, sourceAddress: IPAddress?, destination: IPAddress, transport: TransportProtocol, port: UInt16?,
        outcome: Outcome
    ) {
        self.source = source
        self.sourceAddress = sourceAddress
        self.destination = destination
        self.transport = transport
        self.port = port
        self.outcome = outcome
    }
}

extension RoutesClaim.Target: LosslessStringConvertible {
    public init?(_ text: String) {
        if text == "absent" {
            self = .absent
        } else if let gateway = IPAddress(text) {
            self = .gateway(gateway)
        } else if let interface = InterfaceName(text) {
            self = .interface(interface)
        } else {
            return nil
        }
    }

    public var description: String {
        switch self {
        case .gateway(let address): address.description
        case .interface(let name): name.description
        case .absent: "absent"
        }
    }
}
