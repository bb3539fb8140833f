/// What came of opening a packet.
public enum ESPOpening: Sendable {
    /// It is authentic, and this is what it carries.
    case opened(ESPPayload)
    /// The integrity check value is not the right one: other keys, another sequence number, or a changed packet.
    case icvMismatch
    case malformed(ESPMalformation)
}

/// What an authentic packet carries.
public struct ESPPayload: Sendable {
    /// Plaintext with its trailer.
    private let plaintext: [UInt8]
    /// How many of these bytes are the payload.
    public let length: Int
    public let padLength: UInt8
    /// The protocol number of the payload: 4 or 41 in tunnel mode, 59 for a dummy packet (RFC 4303 section 2.6).
    public let nextHeader: UInt8
    /// With the high half that was used to verify it.
    public let sequence: UInt64

    /// Reads a plaintext's trailer (RFC 4303 section 2.4): padding 1, 2, 3…, its length, the next header.
    init(_ plaintext: [UInt8], sequence: UInt64) throws(ESPMalformation) {
        let (length, padLength, nextHeader) = try Self.readTrailer(plaintext.span.bytes)
        self.plaintext = plaintext
        self.length = length
        self.padLength = padLength
        self.nextHeader = nextHeader
        self.sequence = sequence
    }

    private static func readTrailer(
        _ plaintext: RawSpan
    ) throws(ESPMalformation) -> (length: Int, padLength: UInt8, nextHeader: UInt8) {
        let end = plaintext.byteCount - 2
        guard end >= 0 else { throw .tooShort(length: plaintext.byteCount, minimum: 2) }
        let padLength = plaintext.unsafeLoad(fromByteOffset: end, as: UInt8.self)
        let length = end - Int(padLength)
        guard length >= 0 else { throw .padLength(padLength, available: end) }
        for index in 0..<Int(padLength)
        where plaintext.unsafeLoad(fromByteOffset: length + index, as: UInt8.self) != UInt8(index + 1) {
            throw .padding
        }
        return (length, padLength, plaintext.unsafeLoad(fromByteOffset: end + 1, as: UInt8.self))
    }

    /// Calls `body` with the payload: without padding, and with traffic flow confidentiality padding if there is any
    /// (RFC 4303 section 2.7).
    public func withBytes<Result, Failure: Error>(_ body: (RawSpan) throws(Failure) -> Result) throws(Failure) -> Result
    {
        try body(plaintext.span.bytes.extracting(first: length))
    }
}

/// How a packet is not ESP as it has to be.
public enum ESPMalformation: Error, Hashable, Sendable, CustomStringConvertible {
    /// In bytes: fewer than header, initialization vector, one block and integrity check value.
    case tooShort(length: Int, minimum: Int)
    /// In bytes: the encrypted part is not whole blocks, or does not end where 32 bits end (RFC 4303 section 2.4).
    case partialBlock(length: Int, blockLength: Int)
    /// The packet is another association's.
    case otherSPI(UInt32)
    /// There is more padding than there are bytes.
    case padLength(UInt8, available: Int)
    /// Padding that is not 1, 2, 3… (RFC 4303 section 2.4).
    case padding

    public var description: String {
        switch self {
        case .tooShort(let length, let minimum): "\(length) bytes, where its algorithms need \(minimum)"
        case .partialBlock(let length, let block): "\(length) encrypted bytes, not a multiple of \(block)"
        case .otherSPI(let spi): "another association's: SPI 0x\(spi.bigEndianBytes.hexadecimal)"
        case .padLength(let length, let available): "pad length \(length), with \(available) bytes before it"
        case .padding: "padding that is not 1, 2, 3…"
        }
    }
}
