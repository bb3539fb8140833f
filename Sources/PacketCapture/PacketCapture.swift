import CPcap
import Glibc
import Netlink
import NetworkTypes
import PacketFormats
import Synchronization

/// A running capture of one interface's packets (libpcap on packet(7)).
///
/// A sender's capture sees a packet when it leaves the interface's queue, so after netem's delay; a lost one is never seen. On
/// a link between two interfaces, `outbound` at both ends sees each packet exactly once.
///
/// When the interface goes down, the capture goes on; packets come again when it is up.
public final class PacketCapture: Sendable {
    /// Which packets are captured, as seen from the interface.
    public enum Direction: Hashable, Sendable {
        case both
        case inbound
        case outbound
    }

    /// What was counted since the capture was opened.
    public struct Statistics: Hashable, Sendable {
        /// Packets that passed direction and filter, with those dropped.
        public let received: UInt64
        /// Packets lost because the ring was full.
        public let dropped: UInt64

        public init(received: UInt64, dropped: UInt64) {
            self.received = received
            self.dropped = dropped
        }
    }

    public let interface: InterfaceName
    /// What each packet begins with.
    public let linkType: LinkType
    /// How many bytes of a packet are kept.
    public let snapshotLength: Int
    /// Readable (poll(2)) while packets wait, and when the interface went down; to be waited for only.
    public let descriptor: Int32
    private let handle: Mutex<Handle>

    /// Opens a capture; packets are kept in its ring from now on.
    ///
    /// Promiscuous mode stays off: a virtual link brings all packets anyhow. Needs CAP_NET_RAW in the namespace.
    ///
    /// - Parameters:
    ///   - interface: must be up.
    ///   - filter: an expression of pcap-filter(7); all packets where it is empty. Names in it are looked up: prefer numbers.
    ///   - snapshotLength: nil for whole packets of the interface's present MTU.
    ///   - ringSize: bytes of the kernel's buffer. Every packet takes `snapshotLength` and some hundred bytes of it, whatever
    ///     its own length: 2 MiB hold 1310 packets for an MTU of 1500, and 32 for a length of 65535. The memory is up to
    ///     twice as much, as packets do not lie across pages.
    /// - Throws: `CaptureError`; `NetlinkError` where the namespace cannot be entered.
    public init(
        on interface: InterfaceName, in namespace: NetworkNamespace, direction: Direction = .both, filter: String = "",
        snapshotLength: Int? = nil, ringSize: Int = 2 << 20
    ) throws {
        let length = try snapshotLength ?? Self.wholePacket(on: interface, in: namespace)
        let handle = try namespace.perform {
            var handle = try Handle(interface, snapshotLength: length, ringSize: ringSize)
            do throws(CaptureError) {
                try handle.setFilter(filter, direction)
            } catch {
                handle.close()
                throw error
            }
            return handle
        }
        self.interface = interface
        self.snapshotLength = length
        linkType = handle.linkType
        descriptor = handle.descriptor
        self.handle = Mutex(handle)
    }

    deinit {
        close()
    }

    /// Ends the capture and frees its ring; what waited in it is lost. May be called again.
    public func close() {
        handle.withLock { $0.close() }
    }

    /// Hands over every packet that waits, in order; does not wait for any.
    ///
    /// - Parameter body: gets the time in nanoseconds of the lab's clock (CLOCK_MONOTONIC), the length on the wire, and the
    ///   bytes kept. What it throws ends the call: the rest waits for the next. It must not use this capture.
    /// - Returns: How many packets there were.
    /// - Throws: `CaptureError`, also where the interface is gone; and what the body throws.
    @discardableResult
    public func drain(_ body: (_ timestamp: UInt64, _ originalLength: Int, _ bytes: RawSpan) throws -> Void) throws
        -> Int
    {
        try handle.withLock { try $0.drain(body) }
    }

    /// Reads the counts; may be called at any time until the capture is closed.
    public func statistics() throws(CaptureError) -> Statistics {
        try handle.withLock { handle throws(CaptureError) in try handle.readStatistics() }
    }

    /// Finds out whether a filter is one, without an interface.
    ///
    /// - Throws: `CaptureError` with `badFilter`; also for `inbound` and `outbound`, for which captures have `Direction`, and
    ///   for `ifindex`.
    public static func validate(filter: String, linkType: LinkType) throws(CaptureError) {
        guard let pointer = pcap_open_dead(linkType.libpcapNumber, 65535) else {
            throw CaptureError(.failed, "The filter “\(filter)” cannot be checked: memory has run out")
        }
        defer { pcap_close(pointer) }
        var program = try CompiledFilter.compile(filter, for: pointer, linkType)
        defer { pcap_freecode(&program) }
        guard !CompiledFilter.asksForMetadata(program) else {
            throw CaptureError(
                .badFilter,
                "The filter “\(filter)” asks for what no packet holds: leave out “inbound”, “outbound”, “ifindex”")
        }
    }

    /// The MTU, and an Ethernet header with a VLAN's tag.
    private static func wholePacket(on interface: InterfaceName, in namespace: NetworkNamespace) throws -> Int {
        do {
            return try NetlinkSocket(in: namespace).link(named: interface).mtu + 18
        } catch let error as NetlinkError where error.errno == ENODEV {
            throw CaptureError.noInterface(interface, cause: "\(error)")
        }
    }
}
