/// Makes the packets of one association, for what needs known ones: fixtures, controls, benchmarks.
///
/// The caller chooses sequence numbers; a number used twice gives away plaintext in all counter modes.
public struct ESPSealer: Sendable {
    public let association: ESPAssociation
    private let transform: any ESPTransform

    /// The bytes of an initialization vector.
    public var ivLength: Int { transform.ivLength }

    /// - Throws: `DecryptionError`, where an algorithm is not known, or a length does not fit it.
    public init(_ association: ESPAssociation) throws {
        self.association = association
        transform = try association.transform()
    }

    /// Makes one packet, from the SPI to the end of the integrity check value, with as little padding as there can be.
    ///
    /// - Parameters:
    ///   - nextHeader: the payload's protocol number: 4 or 41 for a packet in tunnel mode.
    ///   - sequence: of which the packet carries the low half.
    ///   - iv: `ivLength` bytes; nil for the sequence number in counter modes, and for random ones in CBC mode.
    /// - Throws: `DecryptionError`, where the initialization vector has another length.
    public func seal(
        _ payload: RawSpan, nextHeader: UInt8, sequence: UInt64, iv: [UInt8]? = nil
    ) throws -> [UInt8] {
        let block = transform.blockLength
        let padLength = (block - (payload.byteCount + 2) % block) % block
        var plaintext: [UInt8] = []
        plaintext.reserveCapacity(payload.byteCount + padLength + 2)
        payload.withUnsafeBytes { plaintext.append(contentsOf: $0) }
        plaintext.append(contentsOf: (0..<padLength).map { UInt8($0 + 1) })
        plaintext += [UInt8(padLength), nextHeader]
        return try seal(plaintext: plaintext, sequence: sequence, iv: iv ?? defaultIV(for: sequence))
    }

    /// Makes one packet of a plaintext that has its trailer, whatever that may be.
    func seal(plaintext: [UInt8], sequence: UInt64, iv: [UInt8]) throws -> [UInt8] {
        guard iv.count == ivLength else {
            throw DecryptionError(
                code: .invalid,
                message:
                    "\(association.encryption.name) needs \(ivLength) bytes of initialization vector, not \(iv.count)")
        }
        let header = ExtendedESPHeader(
            spi: association.spi, sequence: sequence, hasExtendedSequence: association.hasExtendedSequence)
        let (ciphertext, icv) = try transform.seal(plaintext, header: header, iv: iv)
        return header.bytes + iv + ciphertext + icv
    }

    private func defaultIV(for sequence: UInt64) -> [UInt8] {
        guard !transform.takesCounters else { return Array(sequence.bigEndianBytes.prefix(ivLength)) }
        let random = (UInt64.random(in: 0 ... .max), UInt64.random(in: 0 ... .max))
        return Array((random.0.bigEndianBytes + random.1.bigEndianBytes).prefix(ivLength))
    }
}
