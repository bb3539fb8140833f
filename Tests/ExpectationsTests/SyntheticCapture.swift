import CaptureFile
import Decryption
import Glibc
import NetworkTypes
import PacketFormats
import Testing

/// A capture in the making, whose packets a test may change before they are written.
struct SyntheticCapture {
    struct Record {
        let place: String
        var bytes: [UInt8]
        var originalLength: Int?
        var direction = CaptureDirection.outbound
        var nanoseconds: UInt64
    }

    private(set) var records: [Record] = []
    /// Packets that a place lacks because nobody fetched them in time.
    var dropped: [String: UInt64] = [:]
    /// How many bytes at the file's end are missing.
    var missingBytes = 0
    private var sequences: [UInt32: UInt64] = [:]
    private var clock: UInt64 = 0

    /// Of the next packet; all but the first are too late to have been under way when the capture began.
    var now: Int64 { Int64(clock) }

    mutating func add(_ bytes: [UInt8], at place: String, direction: CaptureDirection = .outbound) {
        records.append(Record(place: place, bytes: bytes, direction: direction, nanoseconds: clock))
        clock += clock == 0 ? 1_000_000_000 : 1_000_000
    }

    /// Sends a packet through a tunnel, past all places where it is seen.
    ///
    /// - Parameters:
    ///   - entered: What is seen entering; nil for nothing.
    ///   - isInUDP: Nil for what the tunnel has.
    mutating func send(
        _ packet: [UInt8], _ way: Way, entered: [UInt8]?, with association: ESPAssociation? = nil, isInUDP: Bool? = nil,
        sequence: UInt64? = nil, vlans: [UInt16] = []
    ) throws {
        if let entered { add(entered, at: way.entrance) }
        let esp = try seal(packet, association ?? way.association, sequence: sequence)
        for (place, source, destination) in way.crossings {
            add(
                Packets.ethernet(Self.wrap(esp, source, destination, isInUDP: isInUDP ?? !way.isPlain), vlans: vlans),
                at: place)
        }
    }

    mutating func send(_ packet: [UInt8], _ way: Way, with association: ESPAssociation? = nil, sequence: UInt64? = nil)
        throws
    {
        try send(packet, way, entered: packet, with: association, sequence: sequence)
    }

    /// The packet in ESP with the next number, or with one given.
    mutating func seal(_ packet: [UInt8], _ association: ESPAssociation, sequence: UInt64? = nil) throws -> [UInt8] {
        let number = sequence ?? sequences[association.spi, default: 0] + 1
        sequences[association.spi] = number
        let next: UInt8 = packet.first.map { $0 >> 4 } == 6 ? 41 : 4
        return try ESPSealer(association).seal(packet.span.bytes, nextHeader: next, sequence: number)
    }

    static func wrap(_ esp: [UInt8], _ source: String, _ destination: String, isInUDP: Bool) -> [UInt8] {
        isInUDP
            ? Packets.ip(source, destination, 17, Packets.udp(4500, 4500, esp))
            : Packets.ip(source, destination, 50, esp)
    }

    /// The number of the last packet at a place, as the file counts.
    func number(lastAt place: String) -> Int { (records.lastIndex { $0.place == place } ?? -1) + 1 }

    /// Changes the last packet at a place.
    mutating func change(lastAt place: String, _ edit: (inout Record) -> Void) {
        guard let position = records.lastIndex(where: { $0.place == place }) else { return }
        edit(&records[position])
    }

    func written() throws -> ScratchCapture {
        let file = try ScratchCapture()
        var writer = try CaptureFileWriter(descriptor: file.descriptor)
        var numbers: [String: Int] = [:]
        for record in records {
            let isInside = Way.allCases.contains { $0.entrance == record.place }
            let number =
                try numbers[record.place]
                ?? writer.add(CaptureInterface(name: record.place, linkType: isInside ? .raw : .ethernet))
            numbers[record.place] = number
            try writer.write(
                record.bytes.span.bytes, interface: number, timestamp: record.nanoseconds,
                originalLength: record.originalLength,
                direction: record.direction)
        }
        for (place, number) in numbers {
            try writer.write(
                CaptureStatistics(received: 1, droppedBySystem: dropped[place] ?? 0), interface: number,
                timestamp: clock)
        }
        try writer.flush()
        try file.cut(missingBytes)
        return file
    }

    /// All is as it should be: both tunnels in both directions, with key exchange and address resolution around them.
    static func ordinary() throws -> Self {
        var capture = Self()
        capture.add(Packets.arp, at: "gw1:wan")
        capture.add(
            Packets.ethernet(Packets.ip("203.0.113.1", "203.0.113.2", 17, Packets.udp(500, 500, Packets.ike))),
            at: "gw1:wan")
        let marked = Packets.udp(4500, 4500, [0, 0, 0, 0] + Packets.ike)
        capture.add(Packets.ethernet(Packets.ip("203.0.113.20", "192.0.2.2", 17, marked)), at: "igw:wan")
        capture.add(
            Packets.ethernet(Packets.ip("203.0.113.20", "192.0.2.2", 17, Packets.udp(4500, 4500, [0xFF]))),
            at: "igw:wan")
        for (number, length) in [60, 61, 62, 84, 576, 1400].enumerated() {
            let sequence = UInt16(number + 1)
            try capture.send(Packets.echo(west, east, sequence: sequence, length: length), .plainEast)
            try capture.send(Packets.echo(east, west, isRequest: false, sequence: sequence, length: length), .plainWest)
            try capture.send(Packets.echo("192.168.2.1", "192.168.2.2", sequence: sequence, length: length), .natEast)
            try capture.send(
                Packets.echo("192.168.2.2", "192.168.2.1", isRequest: false, sequence: sequence, length: length),
                .natWest)
        }
        try capture.send(Packets.ip(west, east, 6, Packets.tcp(40_000, 80, flags: 2, mss: 1398)), .plainEast)
        return capture
    }

    static let west = "10.1.0.2"
    static let east = "10.2.0.2"
}

/// A capture file without a name, gone with this object.
final class ScratchCapture {
    let descriptor: Int32

    init() throws {
        var path = Array("/tmp/netlab-examined-XXXXXX".utf8CString)
        descriptor = mkstemp(&path)
        try #require(descriptor >= 0)
        unlink(path)
    }

    deinit {
        close(descriptor)
    }

    /// Makes these bytes the file's contents, and goes to the beginning.
    func replace(_ bytes: [UInt8]) throws {
        try #require(ftruncate(descriptor, 0) == 0)
        try #require(pwrite(descriptor, bytes, bytes.count, 0) == bytes.count)
        rewind()
    }

    /// Takes bytes from the end, and goes to the beginning.
    func cut(_ bytes: Int) throws {
        let end = lseek(descriptor, 0, SEEK_END)
        try #require(ftruncate(descriptor, end - bytes) == 0)
        rewind()
    }

    func rewind() {
        lseek(descriptor, 0, SEEK_SET)
    }

    /// Reads from the beginning.
    func reading<Result>(_ body: (Int32) throws -> Result) rethrows -> Result {
        rewind()
        return try withExtendedLifetime(self) { try body(descriptor) }
    }
}
