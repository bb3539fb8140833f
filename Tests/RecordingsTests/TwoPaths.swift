import CaptureFile
import Glibc
import LabFiles
import LabModel
import LabRecords
import NetworkTypes
import PacketFormats
import Recordings
import Testing

/// A lab with two tunnels between two clouds, and what flows through it.
///
///     west ── gw1 ══ main ══ gw2 ── east
///              ╰════ backup ═══╯
enum TwoPaths {
    static func topology() throws -> Topology {
        let text = """
            name: two-paths
            clouds:
              one: {title: One}
              two: {title: Two}
            nodes:
              west: {cloud: one, routes: {0.0.0.0/0: 10.1.0.1}}
              gw1: {cloud: one, role: router}
              gw2: {cloud: two, role: router}
              east: {cloud: two, routes: {0.0.0.0/0: 10.2.0.1}}
            links:
              west-lan: {ends: {west:eth0: 10.1.0.2/24, gw1:lan: 10.1.0.1/24}}
              wire1: {ends: {gw1:wan1: 203.0.113.1/30, gw2:wan1: 203.0.113.2/30}}
              wire2: {ends: {gw1:wan2: 203.0.113.5/30, gw2:wan2: 203.0.113.6/30}}
              east-lan: {ends: {gw2:lan: 10.2.0.1/24, east:eth0: 10.2.0.2/24}}
            tunnels:
              main:
                psk: example-key-of-main
                ike: &ike {encryption: aes-256-cbc, integrity: sha2-384, group: 20, lifetime: 8h}
                esp: &esp {encryption: aes-256-cbc, integrity: sha2-256, lifetime: 1h}
                ends:
                  gw1: {address: 203.0.113.1, interface: vpn1, inside: 169.254.1.1/30, startup: listen}
                  gw2: {address: 203.0.113.2, interface: vpn1, inside: 169.254.1.2/30}
              backup:
                psk: example-key-of-backup
                ike: *ike
                esp: *esp
                ends:
                  gw1: {address: 203.0.113.5, interface: vpn2, inside: 169.254.2.1/30, startup: listen}
                  gw2: {address: 203.0.113.6, interface: vpn2, inside: 169.254.2.2/30}
            probes:
              there: {from: west, to: east}
              inside: {from: gw1, to: 169.254.2.2}
            """
        return try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().topology
    }

    static let second: Int64 = 1_000_000_000
    static let millisecond: Int64 = 1_000_000

    /// A tunnel's interface at both gateways.
    static func interface(_ tunnel: String) -> String { tunnel == "main" ? "vpn1" : "vpn2" }
}

/// A flow from west to east whose every packet a test may lose, and its capture.
struct FakeFlow {
    /// What becomes of a request.
    enum Fate {
        case answered(forth: String, back: String)
        case answeredLate(forth: String, back: String)
        /// The request enters this tunnel and is not seen again; nil for one that its source did not send.
        case lostForth(String?)
        /// The reply enters this tunnel and is not seen again; nil where there is no reply.
        case lostBack(forth: String, String?)
    }

    let interval: Int64
    let start: Int64
    let payload: Int
    let identifier: UInt16 = 7
    let id: UInt64 = 99
    private(set) var sentAt: [Int64] = []
    private(set) var roundTrips: [Int64] = []
    private(set) var capture = FakeCapture()
    var duplicates = 0

    static let roundTrip: Int64 = 2_000_000

    init(interval: Int64 = 100 * TwoPaths.millisecond, start: Int64 = 10 * TwoPaths.second, payload: Int = 56) {
        self.interval = interval
        self.start = start
        self.payload = payload
    }

    /// When the next request is sent.
    var now: Int64 { start + Int64(sentAt.count) * interval }

    mutating func send(_ fate: Fate, count: Int = 1) {
        for _ in 0..<count { sendOne(fate) }
    }

    /// Sends until a time.
    mutating func send(_ fate: Fate, until end: Int64) {
        while now < end { sendOne(fate) }
    }

    private mutating func sendOne(_ fate: Fate) {
        let (sent, step) = (now, TwoPaths.millisecond / 10)
        let sequence = UInt16(truncatingIfNeeded: sentAt.count + 1)
        let request = Packets.echo("10.1.0.2", "10.2.0.2", identifier, sequence, id: id, payload: payload)
        let reply = Packets.echo(
            "10.2.0.2", "10.1.0.2", identifier, sequence, isRequest: false, id: id, payload: payload)
        sentAt.append(sent)
        roundTrips.append(-1)
        func goForth(_ tunnel: String, arrives: Bool = true) {
            capture.add(Packets.ethernet(request), at: "west:eth0", sent)
            capture.add(request, at: "gw1:\(TwoPaths.interface(tunnel))", sent + step)
            if arrives { capture.add(Packets.ethernet(request), at: "gw2:lan", sent + 10 * step) }
        }
        func goBack(_ tunnel: String, arrives: Bool = true, late: Int64 = 0) {
            capture.add(Packets.ethernet(reply), at: "east:eth0", sent + 10 * step)
            capture.add(reply, at: "gw2:\(TwoPaths.interface(tunnel))", sent + 11 * step)
            if arrives { capture.add(Packets.ethernet(reply), at: "gw1:lan", sent + Self.roundTrip + late) }
        }
        switch fate {
        case .answered(let forth, let back):
            goForth(forth)
            goBack(back)
            roundTrips[roundTrips.count - 1] = Self.roundTrip
        case .answeredLate(let forth, let back):
            goForth(forth)
            goBack(back, late: 2 * TwoPaths.second)
        case .lostForth(let tunnel):
            if let tunnel { goForth(tunnel, arrives: false) }
        case .lostBack(let forth, let tunnel):
            goForth(forth)
            if let tunnel { goBack(tunnel, arrives: false) }
        }
    }

    mutating func change(_ edit: (inout FakeCapture) -> Void) { edit(&capture) }

    /// Another packet, so many nanoseconds after the flow's beginning.
    mutating func inject(
        _ bytes: [UInt8], at place: String, after nanoseconds: Int64, direction: CaptureDirection = .outbound
    ) {
        capture.add(bytes, at: place, start + nanoseconds, direction: direction)
    }

    var record: FlowRecord {
        FlowRecord(
            request: FlowRequest(
                name: "there", source: "west", sourceAddress: nil, destination: IPAddress("10.2.0.2")!,
                interval: .nanoseconds(interval), payload: payload),
            id: id, identifier: identifier, sentAtNanoseconds: sentAt, roundTripNanoseconds: roundTrips,
            duplicates: duplicates, reordered: 0, unsent: 0, localErrors: [])
    }

    func trace() throws -> FlowTrace { try capture.trace([record]) }
    func result() throws -> FlowResult { FlowResult(record, trace: try trace()) }
    var resultWithoutCapture: FlowResult { FlowResult(record, trace: nil) }
}

/// Packets by place and time, as a capture file.
struct FakeCapture {
    private var packets: [(bytes: [UInt8], place: String, nanoseconds: Int64, direction: CaptureDirection)] = []
    var dropped: UInt64 = 0
    var missingBytes = 0

    mutating func add(
        _ bytes: [UInt8], at place: String, _ nanoseconds: Int64, direction: CaptureDirection = .outbound
    ) {
        packets.append((bytes, place, nanoseconds, direction))
    }

    /// - Parameter topology: That of ``TwoPaths`` unless given.
    func trace(_ records: [FlowRecord], in topology: Topology? = nil) throws -> FlowTrace {
        var path = Array("/tmp/netlab-trace-XXXXXX".utf8CString)
        let file = mkstemp(&path)
        try #require(file >= 0)
        unlink(path)
        defer { close(file) }
        var writer = try CaptureFileWriter(descriptor: file)
        var numbers: [String: Int] = [:]
        for packet in packets.sorted(by: { $0.nanoseconds < $1.nanoseconds }) {
            let isInside = packet.place.contains(":vpn")
            let number =
                try numbers[packet.place]
                ?? writer.add(CaptureInterface(name: packet.place, linkType: isInside ? .raw : .ethernet))
            numbers[packet.place] = number
            try writer.write(
                packet.bytes.span.bytes, interface: number, timestamp: UInt64(packet.nanoseconds),
                direction: packet.direction)
        }
        for number in numbers.values {
            try writer.write(
                CaptureStatistics(received: 1, droppedBySystem: number == 0 ? dropped : 0), interface: number,
                timestamp: 0)
        }
        try writer.flush()
        try #require(ftruncate(file, lseek(file, 0, SEEK_END) - missingBytes) == 0)
        lseek(file, 0, SEEK_SET)
        return try FlowTrace(descriptor: file, flows: records, topology: topology ?? TwoPaths.topology())
    }
}

/// Packets written byte by byte; checksums are 0, which nobody here looks at.
enum Packets {
    private static func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    static func ip(
        _ source: String, _ destination: String, _ number: UInt8, _ payload: [UInt8], fragment: UInt16 = 0x4000
    ) -> [UInt8] {
        let addresses = [source, destination].flatMap { IPAddress($0)?.bytes ?? [] }
        return [0x45, 0] + bytes(UInt16(20 + payload.count)) + [0x12, 0x34] + bytes(fragment) + [64, number, 0, 0]
            + addresses + payload
    }

    /// - Parameter payload: Bytes behind the ICMP header; a marker leads them where it fits.
    static func echo(
        _ source: String, _ destination: String, _ identifier: UInt16, _ sequence: UInt16, isRequest: Bool = true,
        id: UInt64, payload: Int
    ) -> [UInt8] {
        let marker = payload >= ProbeMarker.length ? ProbeMarker.bytes(id: id) : []
        let rest = Array(repeating: 0x55 as UInt8, count: payload - marker.count)
        return ip(
            source, destination, 1,
            [isRequest ? 8 : 0, 0, 0, 0] + bytes(identifier) + bytes(sequence) + marker + rest)
    }

    /// A datagram of a flow's, of so many bytes behind the UDP header.
    static func datagram(
        _ source: String, _ destination: String, port: UInt16, _ sequence: UInt16, isRequest: Bool = true, id: UInt64,
        payload: Int = 56
    ) -> [UInt8] {
        let head = ProbeMarker.bytes(id: id) + bytes(sequence)
        let ports = isRequest ? [port, FlowRequest.echoPort] : [FlowRequest.echoPort, port]
        return ip(
            source, destination, 17,
            ports.flatMap { bytes($0) } + bytes(UInt16(8 + payload)) + [0, 0] + head
                + Array(repeating: 0x55 as UInt8, count: payload - head.count))
    }

    static func ethernet(_ packet: [UInt8]) -> [UInt8] {
        [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00] + packet
    }
}
