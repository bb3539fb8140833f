import LabModel

/// How many bytes ESP's algorithms add to what they protect (RFC 4303, section 2).
///
/// An ESP packet is a header of 8 bytes, an initialization vector, the payload, padding, two bytes that give the
/// padding's length and the next header, and an integrity check value. Padding is as short as can be, which is what Linux
/// sends; traffic flow confidentiality padding is not counted. Key lengths do not matter, nor do extended sequence
/// numbers, whose upper half is never sent (RFC 4303, section 2.2.1).
public struct ESPOverhead: Hashable, Sendable {
    public let cipher: Cipher
    /// Nil where the cipher authenticates by itself.
    public let integrity: IntegrityAlgorithm?
    /// Bytes of the initialization vector in each packet.
    public let ivLength: Int
    /// Bytes of the integrity check value.
    public let icvLength: Int
    /// Payload, padding and the two bytes after it fill a multiple of this many bytes: the cipher's block, and never
    /// less than 4 (RFC 4303, section 2.4).
    public let alignment: Int

    /// Security parameters index and sequence number.
    @inlinable public static var headerLength: Int { 8 }
    /// The padding's length and the next header.
    @inlinable public static var trailerLength: Int { 2 }

    /// Throws for a cipher that authenticates with an integrity algorithm beside it, and for one that does not without.
    public init(cipher: Cipher, integrity: IntegrityAlgorithm?) throws(EncapsulationError) {
        switch (cipher.isAuthenticated, integrity) {
        case (true, let integrity?):
            throw EncapsulationError(
                message:
                    "\(cipher.rawValue) authenticates by itself and takes no integrity algorithm (\(integrity.rawValue)).",
                remedy: "Leave the integrity algorithm out.")
        case (false, nil):
            throw EncapsulationError(
                message: "\(cipher.rawValue) does not authenticate, and its integrity algorithm is not given.",
                remedy: "Add one, such as sha2-256, or take a cipher that authenticates, such as aes-gcm-16.")
        default:
            break
        }
        self.cipher = cipher
        self.integrity = integrity
        ivLength = cipher.ivLength
        icvLength = integrity?.icvLength ?? cipher.icvLength
        alignment = max(cipher.blockLength, 4)
    }

    /// The fewest bytes that fill up a payload of that many.
    public func paddingLength(payload: Int) -> Int {
        (alignment &- (payload &+ Self.trailerLength) & (alignment - 1)) & (alignment - 1)
    }

    /// The bytes of the whole ESP packet, from its security parameters index to the end of its integrity check value.
    public func espLength(payload: Int) -> Int {
        Self.headerLength &+ ivLength &+ payload &+ paddingLength(payload: payload) &+ Self.trailerLength &+ icvLength
    }

    /// The payloads whose ESP packet has exactly that many bytes: as many as the alignment, or fewer beside zero. Nil if
    /// no payload makes such a packet.
    public func payloads(espLength: Int) -> ClosedRange<Int>? {
        let (aligned, overflow) = espLength.subtractingReportingOverflow(Self.headerLength + ivLength + icvLength)
        guard !overflow, aligned >= alignment, aligned & (alignment - 1) == 0 else { return nil }
        let most = aligned - Self.trailerLength
        return max(0, most - (alignment - 1))...most
    }
}

extension Cipher {
    /// Bytes of the explicit initialization vector.
    fileprivate var ivLength: Int {
        switch self {
        case .aesCBC: 16  // RFC 3602, section 3
        case .aesCTR: 8  // RFC 3686, section 3.1
        case .aesGCM8, .aesGCM12, .aesGCM16: 8  // RFC 4106, section 3.1
        case .aesCCM8, .aesCCM12, .aesCCM16: 8  // RFC 4309, section 3.1
        case .chacha20Poly1305: 8  // RFC 7634, section 2
        case .null: 0  // RFC 2410, section 2.3
        }
    }

    /// Bytes of a block that has to be full; 1 for what encrypts as a stream.
    fileprivate var blockLength: Int { self == .aesCBC ? 16 : 1 }

    /// Bytes of its own integrity check value; 0 for a cipher that does not authenticate.
    fileprivate var icvLength: Int {
        switch self {
        case .aesCBC, .aesCTR, .null: 0
        case .aesGCM8, .aesCCM8: 8
        case .aesGCM12, .aesCCM12: 12
        case .aesGCM16, .aesCCM16: 16
        case .chacha20Poly1305: 16  // RFC 7634, section 2
        }
    }
}

extension IntegrityAlgorithm {
    /// Bytes of the integrity check value, which is cut to half the hash or to 96 bits.
    fileprivate var icvLength: Int {
        switch self {
        case .sha1: 12  // RFC 2404
        case .aesXCBC: 12  // RFC 3566
        case .sha2_256: 16  // RFC 4868, section 2.6
        case .sha2_384: 24
        case .sha2_512: 32
        }
    }
}
