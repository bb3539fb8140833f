import NetworkTypes

/// Something that breaks in a running lab, and can be mended.
///
/// Text, for `netlab fail` and for scenarios, is what ``description`` gives; ``forms`` lists all of it. `from NODE` takes
/// the one direction in which that node sends; without it both are meant.
public enum Fault: Hashable, Sendable, Codable {
    /// `link LINK down`: both ends are down, and both nodes see it.
    case linkDown(String)
    /// `vlan LINK down [at NODE]`: the interface for the link's VLAN is down, at both ends unless one is named, and the cable
    /// is not: an end that is left up sees nothing of it.
    case vlanDown(String, node: String?)
    /// `loss LINK 30% [from NODE]` and its kin: beside what the link does to packets anyway.
    case impairment(Impairment, link: String, sender: String?)
    /// `blackhole LINK [from NODE]`: nothing arrives, and nobody is told.
    case blackHole(link: String, sender: String?)
    /// `drop TRAFFIC on LINK|TUNNEL [from NODE]`: what arrives is dropped by its kind.
    case drop(Traffic, on: String, sender: String?)
    /// `mtu NODE INTERFACE BYTES`.
    case mtu(node: String, InterfaceName, MTU)
    /// `nat NODE flushed`: the node forgets its connections. Over in a moment: there is nothing to heal.
    case natFlushed(node: String)
    /// `nat NODE OUTSIDE to INSIDE`: the public address stands for another private one.
    case natChanged(node: String, outside: IPAddress, inside: IPAddress)
    /// `security NODE without PREFIX [PROTOCOL]`: the node's first security rule for it is gone.
    case securityRuleRemoved(node: String, source: IPPrefix, SecurityRule.TransportProtocol?)
    /// `source-destination-check NODE on`.
    case sourceDestinationCheck(node: String)
    /// `daemon NODE/KIND killed|stopped|restarted`; a restart is over in a moment.
    case daemon(node: String, DaemonID, DaemonFault)
    /// `mismatch TUNNEL psk|certificate|ike|esp [at NODE]`: one end's parameters no longer fit; the tunnel's first end unless named.
    case mismatch(tunnel: String, Parameter, node: String)
    /// `sa TUNNEL deleted [at NODE]`: one end's kernel forgets its security associations.
    case associationsDeleted(tunnel: String, node: String)
    /// `maintenance TUNNEL [at NODE]`: one end's endpoint is replaced, as AWS announces it: traffic goes by other tunnels first,
    /// then the end deletes its IKE SA and is away until this is healed. The provider's end unless named.
    case maintenance(tunnel: String, node: String)
    /// `bgp SESSION shut [at NODE]`: by its operator, who tells the peer; the session's first speaker's unless named.
    case sessionShut(String, node: String)
    /// `bgp SESSION hold TIME [at NODE]`: what one speaker proposes.
    case holdTime(session: String, Duration, node: String)
    /// `bgp SESSION md5 wrong [at NODE]`: one speaker's key of the TCP MD5 option is another.
    case wrongKey(session: String, node: String)
    /// `bfd SESSION stopped [at NODE]`: one speaker sends no packets of the session's BFD any more, while its BGP goes on.
    case bfdStopped(session: String, node: String)
    /// `node NODE down`: without power; its daemons and what its kernel knew of tunnels are gone.
    case nodeDown(String)
    /// `node NODE rebooted`: it shuts down, is away for its boot time, and starts anew. Over by itself.
    case nodeRebooted(String)
    /// `zone ZONE down`: every node of the zone, or of the cloud of that name.
    case zoneDown(String)

    /// What a link can be made to do to packets.
    public enum Impairment: Hashable, Sendable, Codable {
        case loss(Percentage)
        case delay(Duration)
        case jitter(Duration)
        case rate(BitRate)
        case corruption(Percentage)
        case duplication(Percentage)
        case reordering(Percentage)
    }

    /// Traffic that a filter can tell from other.
    public enum Traffic: String, Hashable, Sendable, Codable, CaseIterable {
        /// IP protocol 50.
        case esp
        /// ESP in UDP port 4500 (RFC 3948).
        case espInUDP = "esp-in-udp"
        /// UDP port 500, and port 4500 with the marker of IKE (RFC 3948, section 2.2).
        case ike
        case udp500 = "udp-500"
        case udp4500 = "udp-4500"
        /// ICMP destination unreachable, fragmentation needed (RFC 792, 1191), and ICMPv6 packet too big (RFC 8201).
        case fragNeeded = "frag-needed"
        /// TCP port 179.
        case bgp
        case icmp, tcp, udp

        /// Whether it is what an IPsec tunnel is made of, and not what goes through it.
        public var isOuter: Bool {
            switch self {
            case .esp, .espInUDP, .ike, .udp500, .udp4500: true
            case .fragNeeded, .bgp, .icmp, .tcp, .udp: false
            }
        }
    }

    public enum DaemonFault: String, Hashable, Sendable, Codable, CaseIterable {
        /// SIGKILL, and what the daemon's unit then does, such as to flush the node's associations and policies.
        case killed
        /// SIGSTOP.
        case stopped
        case restarted
    }

    /// What two ends of a tunnel must agree on.
    public enum Parameter: String, Hashable, Sendable, Codable, CaseIterable {
        case psk, certificate, ike, esp
        /// A certificate that its authority has revoked: `certificate TUNNEL revoked`.
        case revoked
    }
}

/// Why a fault's text cannot be used.
public struct FaultError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
    /// The name that nothing has; nil where it is not a name that is wrong.
    public let unknownName: String?

    init(_ description: String, unknownName: String? = nil) {
        self.description = description
        self.unknownName = unknownName
    }
}

extension Fault {
    /// Whether it is over by itself, at once or with a node's reboot, so that there is nothing to heal.
    public var isMomentary: Bool {
        switch self {
        case .natFlushed, .daemon(_, _, .restarted), .nodeRebooted: true
        default: false
        }
    }

    /// Whether it moves traffic before it does anything else.
    public var movesTraffic: Bool { if case .maintenance = self { true } else { false } }

    /// The node that it reboots, which takes its time; nil for any other fault.
    public var rebooted: String? { if case .nodeRebooted(let node) = self { node } else { nil } }
}
