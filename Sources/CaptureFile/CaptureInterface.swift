import NetworkTypes
import PacketFormats

/// An interface whose packets a capture file holds (pcapng draft, section 4.2).
public struct CaptureInterface: Hashable, Sendable {
    /// Node and interface, `tgw:wan1`; empty where the file does not say.
    public var name: String
    public var description: String?
    /// What each of its packets begins with.
    public var linkType: LinkType
    /// How many bytes of a packet were kept at most; 0 for no limit.
    public var snapshotLength: Int
    /// The format has no field for it: kept in a comment, `MTU 1500`.
    public var mtu: MTU?
    /// The capture's filter in libpcap's language (pcap-filter(7)).
    public var filter: String?
    public var speed: BitRate?
    /// The last statistics that the file has of it; nil before any. The writer takes them by a call of their own.
    public internal(set) var statistics: CaptureStatistics?

    public init(
        name: String, description: String? = nil, linkType: LinkType, snapshotLength: Int = 0, mtu: MTU? = nil,
        filter: String? = nil, speed: BitRate? = nil
    ) {
        self.name = name
        self.description = description
        self.linkType = linkType
        self.snapshotLength = snapshotLength
        self.mtu = mtu
        self.filter = filter
        self.speed = speed
    }

    private static let mtuPrefix = "MTU "

    /// The MTU as a comment.
    var mtuComment: String? { mtu.map { Self.mtuPrefix + $0.description } }

    /// The MTU that a comment states, if that is what the comment is.
    static func mtu(inComment comment: String) -> MTU? {
        guard comment.hasPrefix(mtuPrefix) else { return nil }
        return MTU(String(comment.dropFirst(mtuPrefix.count)))
    }
}

/// What was counted at an interface while its packets were captured (pcapng draft, section 4.6).
public struct CaptureStatistics: Hashable, Sendable {
    /// When capturing began and ended, in nanoseconds of the clock that stamps the packets.
    public var start: UInt64?
    public var end: UInt64?
    /// Packets that came to the capture, with those dropped.
    public var received: UInt64?
    /// Packets that the interface dropped for want of resources.
    public var droppedByInterface: UInt64?
    /// Packets that the system dropped because nobody fetched them in time.
    public var droppedBySystem: UInt64?

    public init(
        start: UInt64? = nil, end: UInt64? = nil, received: UInt64? = nil, droppedByInterface: UInt64? = nil,
        droppedBySystem: UInt64? = nil
    ) {
        self.start = start
        self.end = end
        self.received = received
        self.droppedByInterface = droppedByInterface
        self.droppedBySystem = droppedBySystem
    }
}
