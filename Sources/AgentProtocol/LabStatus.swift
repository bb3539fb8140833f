import LabModel
import LabRecords
import NetworkTypes

/// What a running lab looks like at one moment of its clock.
public struct LabStatus: Hashable, Sendable, Codable {
    public let lab: String
    public let title: String
    /// Added by the supervisor, who owns the clock.
    public var clock: ClockStatus?
    /// Those of IPsec.
    public let tunnels: [TunnelStatus]
    public let plainTunnels: [PlainTunnelStatus]
    public let sessions: [SessionStatus]
    /// Of OSPF.
    public let adjacencies: [OSPFStatus]
    /// What routers on the paths have chosen that are told several routes there.
    public let choices: [ObservedChoice]
    public let paths: [PathStatus]
    public let daemons: [DaemonStatus]
    public let nodes: [NodeStatus]
    /// The faults that are active, in the order in which they began.
    public let faults: [ActiveFault]
    public let monitors: [MonitorStatus]

    public init(
        lab: String, title: String, clock: ClockStatus?, tunnels: [TunnelStatus], sessions: [SessionStatus],
        paths: [PathStatus], daemons: [DaemonStatus], nodes: [NodeStatus], faults: [ActiveFault] = [],
        monitors: [MonitorStatus] = [], plainTunnels: [PlainTunnelStatus] = [], adjacencies: [OSPFStatus] = [],
        choices: [ObservedChoice] = []
    ) {
        self.lab = lab
        self.title = title
        self.clock = clock
        self.tunnels = tunnels
        self.plainTunnels = plainTunnels
        self.adjacencies = adjacencies
        self.choices = choices
        self.sessions = sessions
        self.paths = paths
        self.daemons = daemons
        self.nodes = nodes
        self.faults = faults
        self.monitors = monitors
    }
}

/// A probe that asks again and again, as a cloud's monitoring does, and raises an alarm.
public struct MonitorStatus: Hashable, Sendable, Codable {
    public let probe: String
    /// What ping(8) would have ended with the last time: 0 for an answer, 1 for none; nil before the first time.
    public let exitCode: Int?
    public let askedAt: LabTime?
    /// How many times in a row there was no answer.
    public let failures: Int
    public let isAlarmed: Bool
    /// When the alarm was last raised or cleared.
    public let since: LabTime?

    public init(
        probe: String, exitCode: Int?, askedAt: LabTime?, failures: Int, isAlarmed: Bool, since: LabTime?
    ) {
        self.probe = probe
        self.exitCode = exitCode
        self.askedAt = askedAt
        self.failures = failures
        self.isAlarmed = isAlarmed
        self.since = since
    }
}

public struct TunnelStatus: Hashable, Sendable, Codable {
    public enum State: String, Hashable, Sendable, Codable {
        case up, down, unused
    }

    public let name: String
    public let state: State
    public let ends: [End]

    public struct End: Hashable, Sendable, Codable {
        public let node: String
        /// Nil where policies alone lead into the tunnel.
        public let interface: InterfaceName?
        public let local: IPAddress
        public let remote: IPAddress
        /// Phase 1 as the daemon tells it: `AES_CBC_256-HMAC_SHA2_384-DH20`; nil without an established IKE SA.
        public let ike: String?
        /// The newest security association of each direction.
        public let inbound: SAStatus?
        public let outbound: SAStatus?

        public init(
            node: String, interface: InterfaceName?, local: IPAddress, remote: IPAddress, ike: String?,
            inbound: SAStatus?,
            outbound: SAStatus?
        ) {
            self.node = node
            self.interface = interface
            self.local = local
            self.remote = remote
            self.ike = ike
            self.inbound = inbound
            self.outbound = outbound
        }
    }

    public init(name: String, state: State, ends: [End]) {
        self.name = name
        self.state = state
        self.ends = ends
    }
}

/// A tunnel without encryption, as the kernels of its ends have it.
public struct PlainTunnelStatus: Hashable, Sendable, Codable {
    public let name: String
    public let kind: PlainTunnel.Kind
    public let ends: [End]

    public struct End: Hashable, Sendable, Codable {
        public let node: String
        public let interface: InterfaceName
        public let isUp: Bool
        public let local: IPAddress
        /// Nil for ISATAP's, which has no fixed peer.
        public let remote: IPAddress?
        public let mtu: Int
        /// As ip-tunnel(8) writes it: `encaplimit 4 hoplimit 64 tclass 0x00 flowlabel 0x00000`; empty over IPv4.
        public let options: String
        public let receivedBytes: UInt64
        public let sentBytes: UInt64

        public init(
            node: String, interface: InterfaceName, isUp: Bool, local: IPAddress, remote: IPAddress?, mtu: Int,
            options: String, receivedBytes: UInt64, sentBytes: UInt64
        ) {
            self.node = node
            self.interface = interface
            self.isUp = isUp
            self.local = local
            self.remote = remote
            self.mtu = mtu
            self.options = options
            self.receivedBytes = receivedBytes
            self.sentBytes = sentBytes
        }
    }

    public init(name: String, kind: PlainTunnel.Kind, ends: [End]) {
        self.name = name
        self.kind = kind
        self.ends = ends
    }

    public var isUp: Bool { ends.allSatisfy(\.isUp) }
}

/// An ESP security association as the kernel has it.
public struct SAStatus: Hashable, Sendable, Codable {
    public let spi: UInt32
    /// By the kernel's names: `cbc(aes) 256, hmac(sha256) 128`.
    public let algorithms: String
    /// Whether ESP rides in UDP port 4500.
    public let isUDPEncapsulated: Bool
    /// Carried by all associations of this direction that the kernel still has.
    public let bytes: UInt64
    public let packets: UInt64
    /// Since it was made, on the lab's clock.
    public let ageSeconds: Double

    public init(
        spi: UInt32, algorithms: String, isUDPEncapsulated: Bool, bytes: UInt64, packets: UInt64, ageSeconds: Double
    ) {
        self.spi = spi
        self.algorithms = algorithms
        self.isUDPEncapsulated = isUDPEncapsulated
        self.bytes = bytes
        self.packets = packets
        self.ageSeconds = ageSeconds
    }
}

public struct SessionStatus: Hashable, Sendable, Codable {
    public let name: String
    /// Two, or one of a session that one side alone has configured.
    public let speakers: [Speaker]
    /// Why it is to stay down; nil for a session that is to be up.
    public let reasonToBeDown: String?

    public struct Speaker: Hashable, Sendable, Codable {
        public let node: String
        public let asn: ASN
        public let state: BGPState
        /// As negotiated; nil while the session is not established.
        public let holdSeconds: Double?
        public let keepaliveSeconds: Double?
        public let imported: [IPPrefix]
        public var exported: [IPPrefix]
        public let lastError: String?
        /// Of BFD beside the session; nil where the daemon has none for it.
        public let bfd: BFDState?
        /// After how long without a packet BFD gives the peer up, as negotiated; nil while it is not up.
        public let bfdDetectionSeconds: Double?

        public init(
            node: String, asn: ASN, state: BGPState, holdSeconds: Double?, keepaliveSeconds: Double?,
            imported: [IPPrefix],
            exported: [IPPrefix], lastError: String?, bfd: BFDState? = nil, bfdDetectionSeconds: Double? = nil
        ) {
            self.node = node
            self.asn = asn
            self.state = state
            self.holdSeconds = holdSeconds
            self.keepaliveSeconds = keepaliveSeconds
            self.imported = imported
            self.exported = exported
            self.lastError = lastError
            self.bfd = bfd
            self.bfdDetectionSeconds = bfdDetectionSeconds
        }
    }

    public init(name: String, speakers: [Speaker], reasonToBeDown: String? = nil) {
        self.name = name
        self.speakers = speakers
        self.reasonToBeDown = reasonToBeDown
    }

    /// Whether every speaker says that it is established.
    public var isUp: Bool { speakers.allSatisfy { $0.state == .established } }
}

/// What the routers at the ends of a link say of each other by OSPF.
public struct OSPFStatus: Hashable, Sendable, Codable {
    public let link: String
    public let ends: [End]

    public struct End: Hashable, Sendable, Codable {
        public let node: String
        public let interface: InterfaceName
        public let neighbor: String
        /// RFC 2328, section 10.1, as the daemon has it; nil for a neighbour that it does not know, or a daemon that does not answer.
        public let state: String?
        public let isFull: Bool
        /// Of sending there.
        public let cost: Int
        /// Until the neighbour is given up if it says nothing more.
        public let deadInSeconds: Double?

        public init(
            node: String, interface: InterfaceName, neighbor: String, state: String?, isFull: Bool, cost: Int,
            deadInSeconds: Double?
        ) {
            self.node = node
            self.interface = interface
            self.neighbor = neighbor
            self.state = state
            self.isFull = isFull
            self.cost = cost
            self.deadInSeconds = deadInSeconds
        }
    }

    public init(link: String, ends: [End]) {
        self.link = link
        self.ends = ends
    }

    public var isUp: Bool { ends.allSatisfy(\.isFull) }
}

/// The way a packet of a probe would take now, by each node's own route lookup.
public struct PathStatus: Hashable, Sendable, Codable {
    public let probe: String
    public let source: String
    public let destination: IPAddress
    public let hops: [Hop]
    /// Why the path ends before the destination, by the nodes' tables; nil where it does not.
    public let broken: String?
    /// Whether an echo request was answered; nil where none was sent.
    public let isAnswered: Bool?

    public struct Hop: Hashable, Sendable, Codable {
        public let node: String
        /// The route that decided, as ip(8) shows it; nil at the destination.
        public let route: String?
        /// The tunnel the packet leaves through, if it does.
        public let tunnel: String?

        public init(node: String, route: String?, tunnel: String?) {
            self.node = node
            self.route = route
            self.tunnel = tunnel
        }
    }

    /// The tunnels on the way, in order.
    public var tunnels: [String] { hops.compactMap(\.tunnel) }

    public init(
        probe: String, source: String, destination: IPAddress, hops: [Hop], broken: String?, isAnswered: Bool? = nil
    ) {
        self.probe = probe
        self.source = source
        self.destination = destination
        self.hops = hops
        self.broken = broken
        self.isAnswered = isAnswered
    }
}

public struct DaemonStatus: Hashable, Sendable, Codable {
    public let name: String
    public let isRunning: Bool
    /// Whether it is there and halted by SIGSTOP.
    public let isSuspended: Bool
    /// How it ended, where it did.
    public let detail: String

    public init(name: String, isRunning: Bool, isSuspended: Bool = false, detail: String) {
        self.name = name
        self.isRunning = isRunning
        self.isSuspended = isSuspended
        self.detail = detail
    }
}

public struct NodeStatus: Hashable, Sendable, Codable {
    public let name: String
    public let cloud: String?
    public let summary: String
    public let interfaces: [Interface]

    public struct Interface: Hashable, Sendable, Codable {
        public let name: String
        public let kind: String?
        public let isUp: Bool
        public let mtu: Int
        public let addresses: [InterfaceAddress]
        public let receivedBytes: UInt64
        public let sentBytes: UInt64
        public let drops: UInt64

        public init(
            name: String, kind: String?, isUp: Bool, mtu: Int, addresses: [InterfaceAddress], receivedBytes: UInt64,
            sentBytes: UInt64, drops: UInt64
        ) {
            self.name = name
            self.kind = kind
            self.isUp = isUp
            self.mtu = mtu
            self.addresses = addresses
            self.receivedBytes = receivedBytes
            self.sentBytes = sentBytes
            self.drops = drops
        }
    }

    public init(name: String, cloud: String?, summary: String, interfaces: [Interface]) {
        self.name = name
        self.cloud = cloud
        self.summary = summary
        self.interfaces = interfaces
    }
}
