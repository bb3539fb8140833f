import Decryption
import LabModel
import NetworkTypes

/// One thing to find out in a running lab.
public enum Measurement: Hashable, Sendable, Codable {
    case probe(ProbeRequest)
    /// All of a node's routes.
    case routes(node: String)
    case session(String)
    /// What a node's routing daemon knows of routes by BGP.
    case bgpRoutes(node: String)
    /// A session that one side alone has, when its speaker has had the time to try at least once more.
    case connecting(String)
    /// How often a session goes down in a time.
    case flaps(String, Duration)
    case condition(Condition)
    /// The IKE and ESP state of a tunnel's ends.
    case tunnel(String)
    /// Has the speakers of BGP sessions tell their routes again (RFC 2918), so that there are segments to look at.
    case refresh([String])
}

/// What to find out, and what to capture meanwhile.
public struct ObservationRequest: Hashable, Sendable, Codable {
    /// In order, one after the other.
    public let measurements: [Measurement]
    /// Nil for no capture.
    public let capture: CaptureRequest?

    public init(measurements: [Measurement], capture: CaptureRequest? = nil) {
        self.measurements = measurements
        self.capture = capture
    }
}

/// What was found out.
public struct Observation: Hashable, Sendable, Codable {
    public struct Step: Hashable, Sendable, Codable {
        public let measurement: Measurement
        /// On the lab's clock.
        public let fromNanoseconds: Int64
        public let toNanoseconds: Int64
        public let finding: Finding

        public init(measurement: Measurement, fromNanoseconds: Int64, toNanoseconds: Int64, finding: Finding) {
            self.measurement = measurement
            self.fromNanoseconds = fromNanoseconds
            self.toNanoseconds = toNanoseconds
            self.finding = finding
        }
    }

    public let steps: [Step]
    public let capture: CaptureSummary?
    /// What the lab's kernels have counted from the first step to the last.
    public let drops: [DroppedPackets]

    public init(steps: [Step], capture: CaptureSummary?, drops: [DroppedPackets] = []) {
        self.steps = steps
        self.capture = capture
        self.drops = drops
    }

    public func finding(of measurement: Measurement) -> Finding? {
        steps.first { $0.measurement == measurement }?.finding
    }
}

public enum Finding: Hashable, Sendable, Codable {
    case probe(ProbeResult)
    case routes([ObservedRoute])
    case session([ObservedSpeaker])
    case bgpRoutes([ObservedBGPRoute])
    /// How often each speaker saw the session end, by its node.
    case flaps([String: Int])
    /// Whether it holds as it is written, and what was seen.
    case condition(holds: Bool, seen: String)
    case tunnel([ObservedTunnelEnd])
    /// It has been done.
    case done
    /// It could not be found out, and why.
    case failed(String)
}

/// A route of a node's kernel.
public struct ObservedRoute: Hashable, Sendable, Codable {
    public let prefix: IPPrefix
    public let gateways: [IPAddress]
    public let interfaces: [InterfaceName]
    /// As ip(8) shows it.
    public let text: String

    public init(prefix: IPPrefix, gateways: [IPAddress], interfaces: [InterfaceName], text: String) {
        self.prefix = prefix
        self.gateways = gateways
        self.interfaces = interfaces
        self.text = text
    }
}

/// One side of a BGP session, as its daemon tells it.
public struct ObservedSpeaker: Hashable, Sendable, Codable {
    public let node: String
    /// `Established`, `Active`, …
    public let state: BGPState
    /// As negotiated; nil where there is no session.
    public let hold: Duration?
    public let keepalive: Duration?
    public let learned: [IPPrefix]
    /// What ended the last attempt or session, in the daemon's words.
    public let lastError: String?
    /// Of BFD beside the session; nil where the daemon has none for it.
    public var bfd: BFDState?
    /// After how long without a packet BFD gives the peer up, as negotiated; nil while it is not up.
    public var bfdDetection: Duration?

    public init(
        node: String, state: BGPState, hold: Duration?, keepalive: Duration?, learned: [IPPrefix],
        lastError: String? = nil
    ) {
        self.node = node
        self.state = state
        self.hold = hold
        self.keepalive = keepalive
        self.learned = learned
        self.lastError = lastError
    }
}

/// A route that a session has told a node, with its attributes as the node's daemon tells them.
public struct ObservedBGPRoute: Hashable, Sendable, Codable {
    public let prefix: IPPrefix
    public let session: String
    /// Whether the daemon takes it for the best to its prefix.
    public let isBest: Bool
    /// The nearest first.
    public let path: [ASN]
    public let origin: RouteOrigin
    public let localPreference: UInt32?
    public let med: UInt32?
    /// Nil for a daemon that has none.
    public let weight: UInt16?
    public let communities: [BGPCommunity]
    /// The peer's BGP Identifier; nil where the daemon does not tell it.
    public let peerID: IPv4Address?
    /// By whom it was reflected; nil where the daemon does not tell.
    public var reflection: Reflection?

    /// The attributes of RFC 4456, section 8: nobody and none for a route that was not reflected.
    public struct Reflection: Hashable, Sendable, Codable {
        public var originator: IPv4Address?
        /// The nearest first.
        public var clusters: [IPv4Address] = []

        public init() {}
    }

    public init(
        prefix: IPPrefix, session: String, isBest: Bool, path: [ASN], origin: RouteOrigin, localPreference: UInt32?,
        med: UInt32?, weight: UInt16?, communities: [BGPCommunity], peerID: IPv4Address?
    ) {
        self.prefix = prefix
        self.session = session
        self.isBest = isBest
        self.path = path
        self.origin = origin
        self.localPreference = localPreference
        self.med = med
        self.weight = weight
        self.communities = communities
        self.peerID = peerID
    }
}

/// One end of a tunnel.
public struct ObservedTunnelEnd: Hashable, Sendable, Codable {
    public let node: String
    /// Phase 1 as the daemon tells it: `AES_CBC_256-HMAC_SHA2_384-DH20`; nil without an IKE SA.
    public let ike: String?
    /// When the newest IKE SA and the newest child SA are renewed at the latest, from now.
    public let ikeReplacedIn: Duration?
    public let childReplacedIn: Duration?
    /// The security associations the kernel has, of both directions.
    public let associations: [TunnelAssociation]
    /// The first selectors for which there is no outbound association; nil where each of several has one.
    public let missing: SelectorPair?

    public init(
        node: String, ike: String?, ikeReplacedIn: Duration?, childReplacedIn: Duration?,
        associations: [TunnelAssociation], missing: SelectorPair? = nil
    ) {
        self.node = node
        self.ike = ike
        self.ikeReplacedIn = ikeReplacedIn
        self.childReplacedIn = childReplacedIn
        self.associations = associations
        self.missing = missing
    }
}

/// A security association and where it belongs; its keys are secret.
public struct TunnelAssociation: Hashable, Sendable, Codable {
    public let tunnel: String
    /// Whose kernel has it.
    public let node: String
    /// Whether that node sends with it.
    public let isOutbound: Bool
    public let association: ESPAssociation

    public init(tunnel: String, node: String, isOutbound: Bool, association: ESPAssociation) {
        self.tunnel = tunnel
        self.node = node
        self.isOutbound = isOutbound
        self.association = association
    }
}
