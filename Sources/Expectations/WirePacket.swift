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
    /// The outermost IP header; nil where there is none.
    public internal(set) var outer: IPSummary?
    /// The innermost packet in clear, or inside ESP once that is opened; the outermost where nothing is wrapped.
    public internal(set) var inner: IPSummary?
    public internal(set) var esp: ESPSummary?
    /// What it is for, where it is no workload.
    public internal(set) var control: ConfidentialityClaim.ControlTraffic?
    /// Whether parts of it are missing, or its headers make no sense.
    public internal(set) var isDamaged = false
    /// The number in ``ProbeMarker``, where its payload begins with one.
    public internal(set) var marker: UInt64?

    public struct ESPSummary: Sendable, Hashable {
        public let spi: UInt32
        public let sequence: UInt32
        /// Where in the frame it is, from the SPI to the end of the integrity check value.
        public let range: Range<Int>
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
    public internal(set) var isFragment = false
    /// Where in the frame, or in the opened packet, it begins.
    var start: Int

    public enum Transport: Sendable, Hashable {
        case echo(isRequest: Bool, identifier: UInt16, sequence: UInt16)
        /// "Fragmentation needed" or "packet too big", with the addresses and length of the packet it is about.
        case tooBig(mtu: Int, source: IPAddress?, destination: IPAddress?, length: Int)
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

/// Up to four wrappings, outermost first, without an array for each packet.
public struct Wrappings: Sendable, Hashable, CustomStringConvertible {
    private var slots: (Wrapping?, Wrapping?, Wrapping?, Wrapping?) = (nil, nil, nil, nil)
    public private(set) var count = 0

    mutating func append(_ wrapping: Wrapping) {
        switch count {
        case 0: slots.0 = wrapping
        case 1: slots.1 = wrapping
        case 2: slots.2 = wrapping
        default: slots.3 = wrapping
        }
        count += 1
    }

    public var array: [Wrapping] { [slots.0, slots.1, slots.2, slots.3].compactMap { $0 } }

    func isEqual(to other: [Wrapping]) -> Bool {
        count == other.count && (other.count < 2 ? other.first == slots.0 : array == other)
    }

    public var description: String { count == 0 ? "in clear" : array.map(\.description).joined(separator: " / ") }

    public static func == (left: Self, right: Self) -> Bool { left.count == right.count && left.array == right.array }
    public func hash(into hasher: inout Hasher) { hasher.combine(array) }
}
