import LabModel
import NetworkTypes

/// What in a lab does not do its work at a moment, beside what its configuration says.
struct Damage: Hashable, Sendable {
    /// An interface of a node, on a link or into a tunnel.
    struct Port: Hashable, Sendable {
        let node: String
        let interface: InterfaceName
    }

    /// One end of a tunnel or of a session, by the node it is at.
    struct Side: Hashable, Sendable {
        let name: String
        let node: String
    }

    /// Packets of a kind that are lost on a link or in a tunnel, in the direction in which a node sends, or in both.
    struct Sieve: Hashable, Sendable {
        let place: String
        let sender: String?
        /// Nil for every packet.
        let traffic: Fault.Traffic?
    }

    /// A public address that stands for another private one than the configuration says.
    struct Translation: Hashable, Sendable {
        let node: String
        let outside: IPAddress
    }

    var downNodes: Set<String> = []
    /// Nodes whose boot script has not run: interfaces that it is to give addresses have none.
    var unbooted: Set<String> = []
    /// Administratively down: the kernel has forgotten the routes through them.
    var downPorts: Set<Port> = []
    /// Ends of tunnels whose kernel has no security associations.
    var forgotten: Set<Side> = []
    /// Of those, the ends whose policies are still there: what these take is dropped, and not sent in clear.
    var guarded: Set<Side> = []
    /// Speakers that have withdrawn what a session told them.
    var withdrawn: Set<Side> = []
    /// Links whose routers have given each other up by OSPF, or whose network is not told of any more.
    var parted: Set<String> = []
    /// Nodes whose routing daemon does nothing, so that their kernels keep the routes they were given.
    var halted: Set<String> = []
    var sieves: Set<Sieve> = []
    /// Instances whose source/destination check is on against the configuration.
    var checked: Set<String> = []
    /// Security rules that are gone, by their instance.
    var closed: [String: [SecurityRule]] = [:]
    var translations: [Translation: IPAddress] = [:]
    /// Ends of tunnels behind gateways that translate ports and have forgotten them: nothing of the peer's gets in until the end has sent
    /// something.
    var unmapped: Set<Side> = []
    /// The least MTU that a fault has given an interface.
    var mtu: [Port: MTU] = [:]
}

/// What a probe sends, as far as it decides what becomes of it.
public enum ProbeTraffic: Hashable, Sendable {
    /// Echo requests (ICMP), and their replies.
    case echo
    /// Datagrams to the echo port, and their answers.
    case datagrams
    /// A connection over TCP, to a port that rules for TCP let in.
    case stream
}

/// What a packet is, as far as filters and faults tell packets apart.
enum PacketKind: Hashable, Sendable {
    case request(ProbeTraffic)
    case reply(ProbeTraffic)
    case bgp, bfd, ike, esp, espInUDP
    /// ICMP's word that a packet was too long: "fragmentation needed", "packet too big".
    case tooBig
    /// A plain tunnel's own packet.
    case wrapped(Wrapping)

    func isCaught(by traffic: Fault.Traffic) -> Bool {
        switch (traffic, self) {
        case (.esp, .esp), (.espInUDP, .espInUDP), (.ike, .ike), (.bgp, .bgp), (.tcp, .bgp): true
        case (.udp, .bfd), (.udp, .ike), (.udp, .espInUDP), (.udp4500, .espInUDP): true
        // Which of the two ports IKE uses depends on NAT; a lost port 500 keeps it from beginning, 4500 from going on.
        case (.udp500, .ike), (.udp4500, .ike): true
        case (.udp, .wrapped(.vxlan)), (.udp, .wrapped(.wireGuard)): true
        case (.icmp, .request(.echo)), (.icmp, .reply(.echo)): true
        case (.udp, .request(.datagrams)), (.udp, .reply(.datagrams)): true
        case (.tcp, .request(.stream)), (.tcp, .reply(.stream)): true
        case (.fragNeeded, .tooBig), (.icmp, .tooBig): true
        default: false
        }
    }
}
