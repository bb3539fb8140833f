import CaptureFile
import Decryption
import LabRecords
import NetworkTypes
import PacketFormats

/// A packet of a capture file, for people (``line``) and for programs.
public struct PacketRecord: Hashable, Sendable, Encodable {
    /// From 1.
    public let number: Int
    /// On the lab's clock, in a capture of netlab's.
    public let nanoseconds: UInt64
    /// `NODE:INTERFACE` in a capture of netlab's.
    public let interface: String
    public let isInbound: Bool
    public let frameLength: Int
    /// How it is wrapped, outermost first: `esp`, `esp-in-udp`, `vlan 340`, …
    public let wrappings: [String]
    public let outer: Addresses?
    /// The innermost packet that could be read: inside ESP, where there was a key.
    public let inner: Addresses?
    /// The packet inside ESP, byte for byte; nil where it was not opened.
    public let opened: Bytes?
    public let line: String
    public let comments: [String]

    public struct Addresses: Hashable, Sendable, Encodable {
        public let source: IPAddress
        public let destination: IPAddress
        /// Of the IP packet, header included.
        public let length: Int
    }

    /// Bytes that are encoded as hexadecimal digits.
    public struct Bytes: Hashable, Sendable, Encodable {
        public let array: [UInt8]

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(array.hexadecimal)
        }
    }
}

/// Reads the packets of a capture file one after the other, opening ESP where there are keys.
public struct PacketRecordReader: ~Copyable {
    private var reader: CaptureFileReader
    private var decryptors: [UInt32: ESPDecryptor] = [:]

    /// - Parameter descriptor: Open for reading, at the file's beginning.
    /// - Throws: `DecryptionError` for an association that cannot be right; one with algorithms that are not known is left closed.
    public init(descriptor: Int32, associations: [TunnelAssociation] = []) throws {
        reader = CaptureFileReader(descriptor: descriptor)
        for one in associations {
            do { decryptors[one.association.spi] = try ESPDecryptor(one.association) } catch let error
                as DecryptionError
                where error.code == .unsupported
            {}
        }
    }

    /// Why there is no packet after the last one.
    public var ending: CaptureEnding? { reader.ending }

    /// The packets of these numbers, each in one line.
    ///
    /// - Throws: as ``init(descriptor:associations:)`` and ``next(among:)``.
    public static func lines(
        of numbers: Set<Int>, descriptor: Int32, associations: [TunnelAssociation] = []
    ) throws -> [Int: String] {
        var reader = try PacketRecordReader(descriptor: descriptor, associations: associations)
        var lines: [Int: String] = [:]
        while lines.count < numbers.count, let record = try reader.next(among: numbers) {
            lines[record.number] = record.line
        }
        return lines
    }

    /// The next packet, or the next of these numbers; nil at the end of what the file has now.
    ///
    /// - Throws: `CaptureFileError` for what is no capture file.
    public mutating func next(among numbers: Set<Int>? = nil) throws(CaptureFileError) -> PacketRecord? {
        while let packet = try reader.next() {
            if numbers?.contains(packet.number) ?? true { return record(of: packet) }
        }
        return nil
    }

    private mutating func record(of packet: CapturedPacket) -> PacketRecord {
        let interface = reader.interfaces[packet.interface]
        let comments = reader.comments
        var decryptors = decryptors
        let record = reader.withBytes { frame in
            var wire = WirePacket(frame, linkType: interface.linkType)
            var line = PacketLine(frame, linkType: interface.linkType).description
            var opened: PacketRecord.Bytes?
            if let esp = wire.esp, case .opened(let payload)? = decryptors[esp.spi]?.open(frame.extracting(esp.range)) {
                let (closed, mode) = (wire, decryptors[esp.spi]?.association.mode ?? .tunnel)
                payload.withPacket(mode, of: closed, in: frame) { bytes in
                    wire.open(bytes)
                    line += " (\(PacketLine(packet: bytes, in: 0..<bytes.byteCount)))"
                    opened = .init(array: bytes.withUnsafeBytes { Array($0) })
                }
            }
            let addresses = { (ip: IPSummary?) in
                ip.map { PacketRecord.Addresses(source: $0.source, destination: $0.destination, length: $0.length) }
            }
            return PacketRecord(
                number: packet.number, nanoseconds: packet.timestamp, interface: interface.name,
                isInbound: packet.direction == .inbound,
                frameLength: packet.originalLength, wrappings: wire.wrappings.array.map(\.description),
                outer: addresses(wire.outer),
                inner: addresses(wire.inner), opened: opened, line: line, comments: comments)
        }
        self.decryptors = decryptors
        return record
    }
}
