/// What the algorithms of an association do to a packet, in both directions.
///
/// Everything is composed of what libcrypto has; there is no cryptography of this project's own.
protocol ESPTransform: Sendable {
    /// The initialization vector that each packet carries, in bytes.
    var ivLength: Int { get }
    /// The integrity check value at a packet's end, in bytes.
    var icvLength: Int { get }
    /// What the encrypted part has to be a multiple of, in bytes: a cipher's block, or the 4 of RFC 4303 section 2.4.
    var blockLength: Int { get }
    /// Whether an initialization vector may be a number that counts, or has to be one that nobody can foresee.
    var takesCounters: Bool { get }

    /// The plaintext with its trailer; nil where the packet's integrity check value is not the right one.
    func open(_ packet: ESPPacket) throws -> [UInt8]?

    /// What to send for a plaintext with its trailer, whose length is a multiple of `blockLength`.
    func seal(_ plaintext: [UInt8], header: ExtendedESPHeader, iv: [UInt8]) throws -> (
        ciphertext: [UInt8], icv: [UInt8]
    )
}

extension ESPTransform {
    var takesCounters: Bool { true }
}

/// What stands before a packet's initialization vector, and the high half of its sequence number, which is not sent.
struct ExtendedESPHeader {
    var spi: UInt32
    var sequence: UInt64
    var hasExtendedSequence: Bool

    static let length = 8

    /// As it is sent.
    var bytes: [UInt8] {
        spi.bigEndianBytes + UInt32(truncatingIfNeeded: sequence).bigEndianBytes
    }

    /// What an AEAD authenticates besides the plaintext (RFC 4106 section 5, RFC 4309 section 5, RFC 7634 section 2.1).
    var additionalData: [UInt8] {
        spi.bigEndianBytes + (hasExtendedSequence ? sequence.bigEndianBytes : Array(sequence.bigEndianBytes[4...]))
    }

    /// What other integrity algorithms find appended to the packet (RFC 4303 section 2.2.1).
    var appendix: [UInt8] {
        hasExtendedSequence ? Array(sequence.bigEndianBytes[..<4]) : []
    }
}

/// The parts of a packet's bytes.
struct ESPPacket {
    let header: ExtendedESPHeader
    /// From the header to the end of the ciphertext.
    let authenticated: UnsafeRawBufferPointer
    let iv: UnsafeRawBufferPointer
    let ciphertext: UnsafeRawBufferPointer
    let icv: UnsafeRawBufferPointer

    /// - Precondition: there are at least the header's, the vector's and the value's bytes.
    init(_ bytes: UnsafeRawBufferPointer, header: ExtendedESPHeader, ivLength: Int, icvLength: Int) {
        let part = { (range: Range<Int>) in UnsafeRawBufferPointer(rebasing: bytes[range]) }
        let ivEnd = ExtendedESPHeader.length + ivLength
        let end = bytes.count - icvLength
        self.header = header
        authenticated = part(0..<end)
        iv = part(ExtendedESPHeader.length..<ivEnd)
        ciphertext = part(ivEnd..<end)
        icv = part(end..<bytes.count)
    }
}

extension FixedWidthInteger {
    /// The bytes in network order.
    var bigEndianBytes: [UInt8] {
        withUnsafeBytes(of: bigEndian) { Array($0) }
    }
}
