import CPcap
import Glibc
import NetworkTypes
import PacketFormats

/// libpcap's handle, for one thread at a time; `close()` has to be called.
struct Handle: @unchecked Sendable {
    // Sendable: libpcap binds no handle to a thread, and the owner lets only one at a time use it.
    private var pointer: OpaquePointer?
    private let interface: InterfaceName
    let linkType: LinkType
    let descriptor: Int32
    /// libpcap counts in 32 bits, which wrap around.
    private var counted = pcap_stat()
    private var received: UInt64 = 0
    private var dropped: UInt64 = 0

    /// Starts capturing in the calling thread's namespace.
    init(_ interface: InterfaceName, snapshotLength: Int, ringSize: Int) throws(CaptureError) {
        self.interface = interface
        var text = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
        guard let pointer = pcap_create(interface.description, &text) else {
            throw CaptureError(.failed, "The capture on \(interface) cannot be opened", cause: Self.string(text))
        }
        pcap_set_snaplen(pointer, Int32(clamping: max(1, snapshotLength)))
        pcap_set_buffer_size(pointer, Int32(clamping: max(1, ringSize)))
        pcap_set_immediate_mode(pointer, 1)
        pcap_set_tstamp_precision(pointer, PCAP_TSTAMP_PRECISION_NANO)
        do throws(CaptureError) {
            let code = pcap_activate(pointer)
            guard code >= 0 else { throw Self.refusal(code, interface, Self.string(pcap_geterr(pointer))) }
            guard pcap_get_tstamp_precision(pointer) == PCAP_TSTAMP_PRECISION_NANO else {
                throw CaptureError(
                    .failed, "The capture on \(interface) has no times in nanoseconds: use the lab kernel")
            }
            guard pcap_setnonblock(pointer, 1, &text) == 0 else {
                throw CaptureError(.failed, "The capture on \(interface) cannot be opened", cause: Self.string(text))
            }
        } catch {
            pcap_close(pointer)
            throw error
        }
        linkType = LinkType(libpcapNumber: pcap_datalink(pointer))
        descriptor = pcap_get_selectable_fd(pointer)
        self.pointer = pointer
    }

    private static func refusal(_ code: Int32, _ interface: InterfaceName, _ cause: String) -> CaptureError {
        switch code {
        case PCAP_ERROR_NO_SUCH_DEVICE:
            .noInterface(interface, cause: cause)
        case PCAP_ERROR_PERM_DENIED, PCAP_ERROR_PROMISC_PERM_DENIED:
            CaptureError(
                .notPermitted, "Capturing on \(interface) needs CAP_NET_RAW: use the lab kernel, or run as root",
                cause: cause)
        case PCAP_ERROR_IFACE_NOT_UP:
            CaptureError(.interfaceDown, "The interface \(interface) is down: set it up before capturing", cause: cause)
        default:
            CaptureError(.failed, "The capture on \(interface) cannot be opened", cause: cause)
        }
    }

    /// Captures only what passes.
    ///
    /// libpcap looks at a packet's direction only after it took a place in the ring, and filters with the keywords `inbound`
    /// and `outbound` lose the first packet (see `asksForMetadata`). So libpcap gets the filter and the direction, and the
    /// kernel besides a filter for both, which keeps the rest out of the ring. In cooked mode, whose filters libpcap rewrites
    /// for the kernel, libpcap's own has to do.
    func setFilter(_ filter: String, _ direction: PacketCapture.Direction) throws(CaptureError) {
        let pointer = try open
        if !filter.isEmpty {
            // So that a running capture takes what was taken before it began, and none of those keywords.
            try PacketCapture.validate(filter: filter, linkType: linkType)
            var program = try CompiledFilter.compile(filter, for: pointer, linkType)
            defer { pcap_freecode(&program) }
            guard pcap_setfilter(pointer, &program) == 0 else { throw failure("cannot use the filter “\(filter)”") }
        }
        guard direction != .both else { return }
        guard pcap_setdirection(pointer, direction == .inbound ? PCAP_D_IN : PCAP_D_OUT) == 0 else {
            throw failure("cannot tell directions apart")
        }
        guard linkType != .linuxCooked else { return }
        let keyword = direction == .inbound ? "inbound" : "outbound"
        let both = filter.isEmpty ? keyword : "\(keyword) and (\(filter))"
        var program = try CompiledFilter.compile(both, for: pointer, linkType)
        defer { pcap_freecode(&program) }
        guard netlab_attach_filter(descriptor, &program) == 0 else {
            throw CaptureError(
                .failed, "The capture on \(interface) cannot use the filter “\(both)”",
                cause: String(cString: strerror(errno)))
        }
    }

    func drain(_ body: (UInt64, Int, RawSpan) throws -> Void) throws -> Int {
        let pointer = try open
        return try withoutActuallyEscaping(body) { body in
            let sink = Sink(pointer, body)
            let result = pcap_dispatch(
                pointer, -1,
                { sink, header, bytes in
                    guard let sink, let header, let bytes else { return }
                    Unmanaged<Sink>.fromOpaque(sink).takeUnretainedValue().take(header.pointee, bytes)
                }, Unmanaged.passUnretained(sink).toOpaque().assumingMemoryBound(to: UInt8.self))
            // The sink outlives the call: it is used again here.
            if let error = sink.error { throw error }
            guard result >= 0 else { throw failure("cannot go on") }
            return sink.count
        }
    }

    mutating func readStatistics() throws(CaptureError) -> PacketCapture.Statistics {
        let pointer = try open
        var now = pcap_stat()
        guard pcap_stats(pointer, &now) == 0 else { throw failure("has no counts") }
        received += UInt64(now.ps_recv &- counted.ps_recv)
        dropped += UInt64(now.ps_drop &- counted.ps_drop)
        counted = now
        return PacketCapture.Statistics(received: received, dropped: dropped)
    }

    mutating func close() {
        if let pointer { pcap_close(pointer) }
        pointer = nil
    }

    private var open: OpaquePointer {
        get throws(CaptureError) {
            guard let pointer else { throw CaptureError(.closed, "The capture on \(interface) has been closed") }
            return pointer
        }
    }

    private func failure(_ what: String) -> CaptureError {
        CaptureError(
            .failed, "The capture on \(interface) \(what)", cause: pointer.map { Self.string(pcap_geterr($0)) })
    }

    private static func string(_ text: UnsafePointer<CChar>?) -> String {
        text.map { String(cString: $0) } ?? ""
    }
}

/// Takes the packets of one call from libpcap.
private final class Sink {
    private let pointer: OpaquePointer
    private let body: (UInt64, Int, RawSpan) throws -> Void
    /// The kernel stamps packets by CLOCK_REALTIME, which may be set at any time: found anew for every call with packets.
    private lazy var offset = ClockOffset.measured()
    private(set) var count = 0
    private(set) var error: (any Error)?

    init(_ pointer: OpaquePointer, _ body: @escaping (UInt64, Int, RawSpan) throws -> Void) {
        self.pointer = pointer
        self.body = body
    }

    func take(_ header: pcap_pkthdr, _ bytes: UnsafePointer<UInt8>) {
        guard error == nil else { return }
        // With this precision, the field for microseconds holds nanoseconds.
        let stamp = UInt64(clamping: header.ts.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: header.ts.tv_usec)
        count += 1
        do {
            let bytes = UnsafeRawBufferPointer(start: bytes, count: Int(header.caplen)).bytes
            try body(offset.monotonic(realtime: stamp), Int(header.len), bytes)
        } catch {
            self.error = error
            pcap_breakloop(pointer)
        }
    }
}
