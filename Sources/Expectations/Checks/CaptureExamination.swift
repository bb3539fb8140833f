import CaptureFile
import Decryption
import LabModel
import LabRecords
import NetworkTypes
import PacketFormats

/// One pass over a capture file, in which every packet is read, opened where there are keys, and shown to all examiners.
///
/// Memory does not grow with the file, unless ``index`` is asked for.
public struct CaptureExamination {
    private(set) var places: WirePlaces
    private var decryptors: [UInt32: ESPDecryptor] = [:]
    private var encapsulation: [EncapsulationExaminer]
    private var confidentiality: [ConfidentialityExaminer]
    private var signature: [SignatureExaminer]
    /// The packets themselves, for expectations that ask for single ones.
    private(set) var index: PacketIndex?
    public private(set) var quality = CaptureQuality()
    /// Why ESP of a tunnel cannot be opened here, by the tunnel's name.
    private(set) var unopened: [String: String] = [:]

    /// - Parameters:
    ///   - associations: With their keys; empty where nothing can be opened.
    ///   - keepsPackets: Whether the packets are kept for ``index``.
    /// - Throws: ``DecryptionError`` for an association that cannot be right; one with algorithms that are not known is left closed.
    public init(
        topology: Topology, expectations: [Expectation], associations: [TunnelAssociation] = [], keepsPackets: Bool
    ) throws {
        places = WirePlaces(topology: topology, associations: associations)
        // Both ends have the same association, each with the addresses it sees.
        for one in associations where decryptors[one.association.spi] == nil {
            do { decryptors[one.association.spi] = try ESPDecryptor(one.association) } catch let error
                as DecryptionError
                where error.code == .unsupported
            { unopened[one.tunnel] = error.message }
        }
        let known = Dictionary(grouping: associations, by: \.tunnel).mapValues { Set($0.map(\.association.spi)) }
        encapsulation = try expectations.compactMap { expectation in
            guard case .encapsulation(let claim) = expectation.claim else { return nil }
            return try EncapsulationExaminer(
                claim, name: expectation.name, topology: topology, knownSPIs: associations.isEmpty ? nil : known)
        }
        confidentiality = expectations.compactMap { expectation in
            guard case .confidentiality(let claim) = expectation.claim else { return nil }
            return ConfidentialityExaminer(claim, name: expectation.name, topology: topology)
        }
        signature = expectations.compactMap { expectation in
            guard case .md5(let claim) = expectation.claim else { return nil }
            return SignatureExaminer(claim, name: expectation.name, topology: topology)
        }
        index = keepsPackets ? PacketIndex() : nil
    }

    /// Reads all packets of a capture file.
    ///
    /// - Parameter descriptor: Open for reading, at the file's beginning.
    /// - Throws: ``CaptureFileError`` for what is no capture file. One that breaks off is noted in ``quality``.
    public mutating func read(_ descriptor: Int32) throws {
        var reader = CaptureFileReader(descriptor: descriptor)
        while let captured = try reader.next() {
            if places.places.count < reader.interfaces.count { places.extend(with: reader.interfaces) }
            quality.packets += 1
            if captured.capturedLength < captured.originalLength { quality.shortened += 1 }
            let linkType = reader.interfaces[captured.interface].linkType
            reader.withBytes { take($0, captured, linkType) }
        }
        quality.end(reader)
    }

    private mutating func take(_ frame: RawSpan, _ captured: CapturedPacket, _ linkType: LinkType) {
        if quality.packets == 1 { quality.start = Int64(clamping: captured.timestamp) }
        var packet = WirePacket(frame, linkType: linkType)
        packet.number = captured.number
        packet.nanoseconds = Int64(clamping: captured.timestamp)
        packet.point = captured.interface
        packet.isInbound = captured.direction == .inbound
        packet.frameLength = captured.originalLength
        var hash: UInt64?
        if let esp = packet.esp {
            hash = open(esp, of: &packet, in: frame, isWhole: captured.capturedLength == captured.originalLength)
        } else if let place = places[packet.point], let whole = packet.outer, !decryptors.isEmpty {
            let range = whole.start..<(whole.start + whole.length)
            if place.tunnel != nil {
                hash = Self.hash(frame, range)
            } else if place.entrance(of: packet) != nil {
                hash = Self.hashBesideHops(frame, range)
            }
        }
        for position in encapsulation.indices {
            encapsulation[position].take(
                packet, frame: frame, linkType: linkType, hash: hash, at: places, since: quality.start)
        }
        for position in confidentiality.indices { confidentiality[position].take(packet, frame: frame, at: places) }
        for position in signature.indices { signature[position].take(packet, at: places) }
        index?.packets.append(packet)
    }

    /// Opens a packet's ESP where there is a key for it.
    ///
    /// - Returns: What tells the packet inside from others; nil where it stays closed.
    private mutating func open(
        _ esp: WirePacket.ESPSummary, of packet: inout WirePacket, in frame: RawSpan, isWhole: Bool
    ) -> UInt64? {
        guard isWhole, packet.outer?.isFragment == false, decryptors[esp.spi] != nil,
            let opening = decryptors[esp.spi]?.open(frame.extracting(esp.range))
        else { return nil }
        switch opening {
        case .opened(let payload):
            let isByPolicy =
                places.tunnel(of: packet).map { places.topology.tunnels[$0.tunnel].isEnteredByPolicy(at: $0.sender) }
                ?? false
            let mode = decryptors[esp.spi]?.association.mode ?? .tunnel
            let closed = packet
            return payload.withPacket(mode, of: closed, in: frame) { bytes in
                packet.open(bytes)
                let range = 0..<bytes.byteCount
                return isByPolicy ? Self.hashBesideHops(bytes, range) : Self.hash(bytes, range)
            } ?? nil
        case .icvMismatch: packet.esp?.state = .notAuthentic
        case .malformed: packet.esp?.state = .malformed
        }
        return nil
    }

    /// The same for a packet that a router has still to take a hop from: all bytes but the hops left and the checksum of IPv4's header.
    private static func hashBesideHops(_ bytes: RawSpan, _ range: Range<Int>) -> UInt64? {
        guard range.count >= 20, range.upperBound <= bytes.byteCount else { return nil }
        let isIPv4 = bytes.unsafeLoad(fromByteOffset: range.lowerBound, as: UInt8.self) >> 4 == 4
        let changing = isIPv4 ? [8, 10, 11] : [7]
        var copy = bytes.extracting(range).withUnsafeBytes { Array($0) }
        for position in changing { copy[position] = 0 }
        return hash(copy.span.bytes, 0..<copy.count)
    }

    /// What tells a packet from others, by all of its bytes; takes a fraction of `Hasher`'s time, which withstands attacks.
    private static func hash(_ bytes: RawSpan, _ range: Range<Int>) -> UInt64? {
        guard range.upperBound <= bytes.byteCount else { return nil }
        var hash = UInt64(range.count)
        var position = range.lowerBound
        while position + 8 <= range.upperBound {
            hash = mixed(hash ^ bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self))
            position += 8
        }
        while position < range.upperBound {
            hash = mixed(hash ^ UInt64(bytes.unsafeLoad(fromByteOffset: position, as: UInt8.self)))
            position += 1
        }
        return hash
    }

    /// A product's halves folded, in which each bit depends on all.
    private static func mixed(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }

    /// What the examiner of an expectation has found.
    func encapsulation(_ name: String) -> EncapsulationExaminer? { encapsulation.first { $0.name == name } }
    func confidentiality(_ name: String) -> ConfidentialityExaminer? { confidentiality.first { $0.name == name } }
    func signature(_ name: String) -> SignatureExaminer? { signature.first { $0.name == name } }
}

/// Whether a capture can prove anything.
public struct CaptureQuality: Sendable, Hashable {
    public internal(set) var packets = 0
    /// Packets that the file does not have because a buffer was full.
    public internal(set) var dropped: UInt64 = 0
    /// Packets that were kept in part.
    public internal(set) var shortened = 0
    public internal(set) var isTruncated = false
    /// The first packet's time.
    var start: Int64 = 0

    mutating func end(_ reader: borrowing CaptureFileReader) {
        if case .truncated = reader.ending { isTruncated = true }
        for interface in reader.interfaces {
            dropped += (interface.statistics?.droppedByInterface ?? 0) + (interface.statistics?.droppedBySystem ?? 0)
        }
    }

    /// Why nothing can be proved by what is not in it; nil where all is.
    public var doubt: String? {
        if isTruncated { return "the capture file breaks off after \(packets) packets" }
        if dropped > 0 { return "\(dropped) packets are missing from the capture" }
        if shortened > 0 { return "\(shortened) of \(packets) packets are not whole in the capture" }
        return nil
    }
}

/// The packets of a capture, and by their markers those of each probe.
struct PacketIndex: Sendable {
    var packets: [WirePacket] = []

    func packets(from start: Int64, to end: Int64) -> some Sequence<WirePacket> {
        packets.lazy.filter { $0.nanoseconds >= start && $0.nanoseconds <= end }
    }

    func packets(marked marker: UInt64) -> [WirePacket] {
        packets.filter { $0.marker == marker }
    }
}
