import Decryption
import NetworkTypes

/// What to capture, and where.
public struct CaptureRequest: Hashable, Sendable, Codable {
    public enum Direction: String, Hashable, Sendable, Codable {
        /// Only what the interface sends: with both ends of a link, each packet once.
        case outbound
        case both
    }

    public struct Point: Hashable, Sendable, Codable {
        public let node: String
        public let interface: InterfaceName
        public let direction: Direction

        public init(node: String, interface: InterfaceName, direction: Direction) {
            self.node = node
            self.interface = interface
            self.direction = direction
        }

        /// `NODE:INTERFACE`, as capture files name it.
        public var name: String { "\(node):\(interface)" }
    }

    public let points: [Point]
    /// In the language of pcap-filter(7).
    public let filter: String?
    /// How much of each packet is kept, in bytes; nil for all of it.
    public let snapLength: Int?
    /// The kernel's buffer for each point and direction, in bytes.
    public let ringBytes: Int
    /// How long packets are gathered before they are written, on the lab's clock: each writing takes some wall time, and the
    /// buffers must hold what comes meanwhile.
    public let gathering: Duration
    /// On the lab's clock; nil captures until the request's input ends.
    public let duration: Duration?
    /// Whether security associations with their keys are gathered meanwhile.
    public let withKeys: Bool
    /// Whether IKE SAs made meanwhile are to tell their keys: they are masked in daemons' logs for that long.
    public let withIKEKeys: Bool

    public init(
        points: [Point], filter: String? = nil, snapLength: Int? = nil, ringBytes: Int = Self.defaultRing,
        gathering: Duration = Self.defaultGathering, duration: Duration? = nil, withKeys: Bool = false,
        withIKEKeys: Bool = false
    ) {
        self.points = points
        self.filter = filter
        self.snapLength = snapLength
        self.ringBytes = ringBytes
        self.gathering = gathering
        self.duration = duration
        self.withKeys = withKeys
        self.withIKEKeys = withIKEKeys
    }

    /// 2 MiB: some 1300 packets for an MTU of 1500.
    public static let defaultRing = 2 << 20
    /// 200 µs: at 5 Gbit/s, 83 packets of full size.
    public static let defaultGathering = Duration.microseconds(200)
}

/// What came of a capture.
public struct CaptureSummary: Hashable, Sendable, Codable {
    public struct Point: Hashable, Sendable, Codable {
        public let name: String
        /// Packets that passed the filter.
        public let received: Int
        /// Packets that the file lacks because a buffer was full.
        public let dropped: Int

        public init(name: String, received: Int, dropped: Int) {
            self.name = name
            self.received = received
            self.dropped = dropped
        }
    }

    /// The capture file, in the lab's directory of logs.
    public let file: String
    public let points: [Point]
    /// The places, `NODE:INTERFACE`, that were down when the capture began, and are not in it.
    public let down: [String]
    /// Every security association that was there in the meantime, with its keys; empty without ``CaptureRequest/withKeys``.
    public let associations: [TunnelAssociation]
    /// The keys of every IKE SA that was made or renewed meanwhile; empty without ``CaptureRequest/withIKEKeys``.
    public let ikeKeys: [IKEKeys]
    /// How many more were, whose keys no daemon tells in full.
    public let unusableIKE: Int

    public init(
        file: String, points: [Point], down: [String] = [], associations: [TunnelAssociation], ikeKeys: [IKEKeys],
        unusableIKE: Int
    ) {
        self.file = file
        self.points = points
        self.down = down
        self.associations = associations
        self.ikeKeys = ikeKeys
        self.unusableIKE = unusableIKE
    }

    public var dropped: Int { points.reduce(0) { $0 + $1.dropped } }
}
