import CaptureFile
import Decryption
import PacketFormats

/// Packets of a capture file as text, those inside ESP too where there are keys.
public struct PacketLines {
    private var decryptors: [UInt32: ESPDecryptor] = [:]

    /// - Throws: `DecryptionError` for an association with algorithms that are not known.
    public init(associations: [TunnelAssociation] = []) throws {
        for one in associations { decryptors[one.association.spi] = try ESPDecryptor(one.association) }
    }

    /// A packet in one line.
    public mutating func line(of frame: RawSpan, linkType: LinkType) -> String {
        let line = PacketLine(frame, linkType: linkType).description
        guard !decryptors.isEmpty, let esp = WirePacket(frame, linkType: linkType).esp, decryptors[esp.spi] != nil,
            case .opened(let payload)? = decryptors[esp.spi]?.open(frame.extracting(esp.range))
        else { return line }
        return payload.withBytes { "\(line) (\(PacketLine(packet: $0, in: 0..<$0.byteCount)))" }
    }

    /// The packets of these numbers, each in one line.
    ///
    /// - Parameter descriptor: Open for reading, at the file's beginning.
    public mutating func read(_ descriptor: Int32, numbers: Set<Int>) throws(CaptureFileError) -> [Int: String] {
        var lines: [Int: String] = [:]
        guard let last = numbers.max() else { return lines }
        var reader = CaptureFileReader(descriptor: descriptor)
        while let packet = try reader.next(), packet.number <= last {
            guard numbers.contains(packet.number) else { continue }
            let linkType = reader.interfaces[packet.interface].linkType
            reader.withBytes { lines[packet.number] = line(of: $0, linkType: linkType) }
        }
        return lines
    }
}
