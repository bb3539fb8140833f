import LabModel
import NetworkTypes
import PacketFormats

/// A captured packet as far as expectations look at it: how it is wrapped, and the innermost packet that can be read.
public struct WirePacket: Sendable {
    /// Where it stands in the capture file, from 1.
    public internal(set) var number = 0
    /// On the lab's clock.
    public internal(set) var nanoseconds: Int64 = 0
    /// The capture's interface, by number.
    public internal(set) var point = 0
    /// Whether the interface received it; it sent it if not.
    public internal(set) var isInbound = false
    /// In bytes, link header and all.
    public internal(set) var frameLength = 0
    public internal(set) var wrappings = Wrappings()
    /// The IP header that carries ESP, the outermost one where there is no ESP; nil where there is none.
    public internal(set) var outer: IPSummary?
    /// The innermost packet in clear, or inside ESP once that is opened; the outermost where nothing is wrapped.
    public internal(set) var inner: IPSummary?
    /// The IP headers around the innermost packet that were put there without encryption, outermost first.
    public internal(set) var wrappers: [Wrapper] = []
    public internal(set) var esp: ESPSummary?
    /// The message of WireGuard's that ``outer`` carries, which nothing opens.
    public internal(set) var wireGuard: WireGuardMessage?
    /// What it is for, where it is no workload.
    public internal(set) var control: ConfidentialityClaim.ControlTraffic?
    /// Whether parts of it are missing, or its headers make no sense.
    public internal(set) var isDamaged = false
    /// Whether the innermost TCP header that was read has an MD5 signature (RFC 2385).
    public internal(set) var isSigned = false
    /// The number in ``ProbeMarker``, where its payload begins with one.
    public internal(set) var marker: UInt64?

    /// An IP header around another.
    public struct Wrapper: Sendable, Hashable {
        public let form: Wrapping
        public let source: IPAddress
        public let destination: IPAddress
        /// Of the whole packet, by its header.
        public let length: Int
        /// IPv4's time to live.
        public let hopLimit: UInt8
        /// With IPv4's type of service.
        public let trafficClass: UInt8
        /// IPv6's tunnel encapsulation limit option (RFC 2473, section 4.1.1).
        public let encapsulationLimit: UInt8?
        /// GRE's; nil for none, and for other headers.
        public let greKey: UInt32?
        /// VXLAN's; nil for other headers.
        public let vni: UInt32?
        public let isFragment: Bool
        /// Where in the frame, or in the opened packet, it begins.
        let start: Int
    }

    public struct ESPSummary: Sendable, Hashable {
        public let spi: UInt32
        public let sequence: UInt32
        /// Where in the frame it is, from the SPI to the end of the integrity check value.
        public let range: Range<Int>
        /// How many wrappings there are up to ESP.
        let depth: Int
        public internal(set) var state = State.closed
    }

    /// What came of opening ESP.
    public enum State: Sendable, Hashable {
        /// There is no key, or not all of the packet.
        case closed
        /// What is in ``WirePacket/inner`` came out of it.
        case opened(length: Int)
        /// It was changed, or made with another key.
        case notAuthentic
        case malformed
    }

    init() {}
}

/// An IP header and what follows it, in short.
public struct IPSummary: Sendable, Hashable {
    public internal(set) var source: IPAddress
    public internal(set) var destination: IPAddress
    /// Of the whole packet, by its header.
    public internal(set) var length: Int
    public internal(set) var transport = Transport.other
    /// Whether it is part of a packet, or within a part.
    public internal(set) var isFragment = false
    /// Whether it is a part other than the first, which shows nothing of what it carries.
    public internal(set) var isLaterFragment = false
    /// Where in the frame, or in the opened packet, it begins.
    var start: Int

    public enum Transport: Sendable, Hashable {
        case echo(isRequest: Bool, identifier: UInt16, sequence: UInt16)
        /// "Fragmentation needed" or "packet too big".
        case tooBig(mtu: UInt32)
        case otherICMP
        case tcp(source: UInt16, destination: UInt16, flags: TCPHeader.Flags, mss: UInt16?)
        case udp(source: UInt16, destination: UInt16)
        case other
    }

    /// Whether it goes between two addresses, either way.
    func isBetween(_ one: IPAddress, _ other: IPAddress) -> Bool {
        (source == one && destination == other) || (source == other && destination == one)
    }
}

/// Up to eight wrappings, outermost first, as one number: there is one of these for each packet.
public struct Wrappings: Sendable, Hashable, CustomStringConvertible {
    /// 16 bits for each, the outermost lowest: the kind, and a VLAN's identifier in the lower twelve.
    private var slots: UInt128 = 0
    public private(set) var count = 0

    private static let kinds: [Wrapping] = [
        .esp, .espInUDP, .ipv6InIPv4, .ipv4InIPv6, .ipv4InIPv4, .ipv6InIPv6, .gre, .vxlan,
        .wireGuard,
    ]

    init() {}

    init(_ wrappings: [Wrapping]) {
        for wrapping in wrappings { append(wrapping) }
    }

    mutating func append(_ wrapping: Wrapping) {
        let code: UInt128 =
            switch wrapping {
            case .esp: 0x0000
            case .espInUDP: 0x1000
            case .ipv6InIPv4: 0x2000
            case .ipv4InIPv6: 0x3000
            case .ipv4InIPv4: 0x4000
            case .ipv6InIPv6: 0x5000
            case .gre: 0x6000
            case .vxlan: 0x7000
            case .wireGuard: 0x8000
            case .vlan(let number): 0xF000 | UInt128(truncatingIfNeeded: number & 0xFFF)
            }
        // What is beyond counts, and is not told.
        if count < Self.capacity { slots |= code << UInt128(16 * count) }
        count += 1
    }

    private static let capacity = 8

    public var array: [Wrapping] {
        (0..<min(count, Self.capacity)).map { position in
            let code = Int(slots >> UInt128(16 * position) & 0xFFFF)
            return code >> 12 < Self.kinds.count ? Self.kinds[code >> 12] : .vlan(code & 0xFFF)
        }
    }

    /// The outermost ones.
    func prefix(_ length: Int) -> Self {
        guard length < min(count, Self.capacity) else { return self }
        var outermost = self
        outermost.slots &= (1 << UInt128(16 * length)) - 1
        outermost.count = length
        return outermost
    }

    public var description: String { count == 0 ? "in clear" : array.map(\.description).joined(separator: " / ") }
}
