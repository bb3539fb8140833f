/// Opens the packets of one association: verifies each, decrypts it, and reads its trailer.
///
/// It is an observer, not a receiver: it opens what comes twice or late, too.
public struct ESPDecryptor: Sendable {
    public let association: ESPAssociation
    private let transform: any ESPTransform
    private var sequence: ExtendedSequence

    /// - Parameter highestSequence: the association's highest sequence number so far; where they are extended, the high
    ///   halves are worked out from it (RFC 4303 appendix A).
    /// - Throws: `DecryptionError`, where an algorithm is not known, or a length does not fit it.
    public init(_ association: ESPAssociation, highestSequence: UInt64 = 0) throws {
        self.association = association
        transform = try association.transform()
        sequence = ExtendedSequence(highest: highestSequence)
    }

    /// Opens one packet.
    ///
    /// - Parameters:
    ///   - packet: from the SPI to the end of the integrity check value; nothing after it, as an Ethernet trailer would be.
    ///   - highSequence: the high half of an extended sequence number; nil to work it out from what was opened before.
    ///     Of no meaning where they are not extended.
    public mutating func open(_ packet: RawSpan, highSequence: UInt32? = nil) -> ESPOpening {
        packet.withUnsafeBytes { open($0, highSequence: highSequence) }
    }

    private mutating func open(_ bytes: UnsafeRawBufferPointer, highSequence: UInt32?) -> ESPOpening {
        let overhead = ExtendedESPHeader.length + transform.ivLength + transform.icvLength
        guard bytes.count >= overhead + transform.blockLength else {
            return .malformed(.tooShort(length: bytes.count, minimum: overhead + transform.blockLength))
        }
        guard (bytes.count - overhead).isMultiple(of: transform.blockLength) else {
            return .malformed(.partialBlock(length: bytes.count - overhead, blockLength: transform.blockLength))
        }
        let spi = UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))
        guard spi == association.spi else { return .malformed(.otherSPI(spi)) }
        let low = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        let header = ExtendedESPHeader(
            spi: spi, sequence: extended(low, highSequence), hasExtendedSequence: association.hasExtendedSequence)
        let packet = ESPPacket(
            bytes, header: header, ivLength: transform.ivLength, icvLength: transform.icvLength)
        // What the library throws is about lengths, which were checked: a packet it refuses was not verified.
        guard let plaintext = try? transform.open(packet) else { return .icvMismatch }
        sequence.verified(header.sequence)
        do {
            return .opened(try ESPPayload(plaintext, sequence: header.sequence))
        } catch {
            return .malformed(error)
        }
    }

    private func extended(_ low: UInt32, _ high: UInt32?) -> UInt64 {
        guard association.hasExtendedSequence else { return UInt64(low) }
        return high.map { UInt64($0) << 32 | UInt64(low) } ?? sequence.extended(low)
    }
}
