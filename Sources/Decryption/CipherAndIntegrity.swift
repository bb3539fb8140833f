/// A cipher, and an integrity algorithm over what it made (RFC 4303 section 3.3.2.1).
struct CipherAndIntegrity: ESPTransform {
    let cipher: ESPCipher
    let integrity: ESPIntegrity
    let icvLength: Int

    var ivLength: Int { cipher.ivLength }
    var blockLength: Int { cipher.blockLength }
    var takesCounters: Bool { cipher.takesCounters }

    func open(_ packet: ESPPacket) throws -> [UInt8]? {
        let value = try integrity.value(of: packet.authenticated, appendix: packet.header.appendix)
        guard value.prefix(icvLength).elementsEqual(packet.icv) else { return nil }
        return try cipher.decrypt(packet.ciphertext, iv: packet.iv)
    }

    func seal(_ plaintext: [UInt8], header: ExtendedESPHeader, iv: [UInt8]) throws -> (
        ciphertext: [UInt8], icv: [UInt8]
    ) {
        let ciphertext = try cipher.encrypt(plaintext, iv: iv)
        let icv = try (header.bytes + iv + ciphertext).withUnsafeBytes {
            try integrity.value(of: $0, appendix: header.appendix).prefix(icvLength)
        }
        return (ciphertext, Array(icv))
    }
}

/// A cipher with its key.
enum ESPCipher: Sendable {
    /// RFC 2410.
    case null
    /// AES (RFC 3602) or triple DES (RFC 2451), whose blocks have other lengths.
    case cbc(Cipher, blockLength: Int)
    /// RFC 3686; the salt is its nonce.
    case ctr(Cipher, salt: [UInt8])

    var ivLength: Int {
        switch self {
        case .null: 0
        case .cbc(_, let blockLength): blockLength
        case .ctr: 8
        }
    }

    var blockLength: Int {
        switch self {
        case .null, .ctr: 4
        case .cbc(_, let blockLength): blockLength
        }
    }

    /// Whether an initialization vector may be a number that counts; CBC mode's may not be foreseen (RFC 3602 section 3).
    var takesCounters: Bool {
        switch self {
        case .null, .ctr: true
        case .cbc: false
        }
    }

    func decrypt(_ ciphertext: UnsafeRawBufferPointer, iv: UnsafeRawBufferPointer) throws -> [UInt8]? {
        switch self {
        case .null: Array(ciphertext)
        case .cbc(let cipher, _): try cipher.open(ciphertext, iv: Array(iv))
        case .ctr(let cipher, let salt): try cipher.open(ciphertext, iv: counter(salt, iv))
        }
    }

    func encrypt(_ plaintext: [UInt8], iv: [UInt8]) throws -> [UInt8] {
        switch self {
        case .null: plaintext
        case .cbc(let cipher, _): try cipher.seal(plaintext, iv: iv).ciphertext
        case .ctr(let cipher, let salt): try cipher.seal(plaintext, iv: counter(salt, iv)).ciphertext
        }
    }

    /// The first counter block (RFC 3686 section 4).
    private func counter(_ salt: [UInt8], _ iv: some Collection<UInt8>) -> [UInt8] {
        salt + iv + UInt32(1).bigEndianBytes
    }
}

/// An integrity algorithm with its key.
enum ESPIntegrity: Sendable {
    case hmac(HMAC)
    case xcbc(XCBC)

    /// The whole value of a message and what is appended to it.
    func value(of message: UnsafeRawBufferPointer, appendix: [UInt8]) throws -> [UInt8] {
        switch self {
        case .hmac(let keyed): try keyed.value(of: message, appendix: appendix)
        case .xcbc(let keyed): try keyed.value(of: message + appendix)
        }
    }
}
