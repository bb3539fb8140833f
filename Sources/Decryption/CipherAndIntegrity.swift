import Crypto
import CryptoExtras
import FoundationEssentials

/// A cipher, and an integrity algorithm over what it made (RFC 4303 section 3.3.2.1).
struct CipherAndIntegrity: ESPTransform {
    let cipher: ESPCipher
    let integrity: ESPIntegrity
    let icvLength: Int

    var ivLength: Int { cipher.ivLength }
    var blockLength: Int { cipher.blockLength }

    func open(_ packet: ESPPacket) throws -> Data? {
        let isRight = try integrity.withValue(of: packet.authenticated, appendix: packet.header.appendix) {
            $0.prefix(icvLength).elementsEqual(packet.icv)
        }
        return isRight ? try cipher.decrypt(packet.ciphertext, iv: packet.iv) : nil
    }

    func seal(_ plaintext: [UInt8], header: ESPHeader, iv: [UInt8]) throws -> (ciphertext: [UInt8], icv: [UInt8]) {
        let ciphertext = try cipher.encrypt(plaintext, iv: iv)
        let icv = try (header.bytes + iv + ciphertext).withUnsafeBytes {
            try integrity.withValue(of: $0, appendix: header.appendix) { Array($0.prefix(icvLength)) }
        }
        return (ciphertext, icv)
    }
}

/// A cipher with its key.
enum ESPCipher: Sendable {
    /// RFC 2410.
    case null
    /// RFC 3602.
    case cbc(SymmetricKey)
    /// RFC 3686; the salt is its nonce.
    case ctr(SymmetricKey, salt: [UInt8])

    var ivLength: Int {
        switch self {
        case .null: 0
        case .cbc: 16
        case .ctr: 8
        }
    }

    var blockLength: Int {
        switch self {
        case .null, .ctr: 4
        case .cbc: 16
        }
    }

    func decrypt(_ ciphertext: UnsafeRawBufferPointer, iv: UnsafeRawBufferPointer) throws -> Data {
        switch self {
        case .null: Data(ciphertext)
        case .cbc(let key):
            try AES._CBC.decrypt(ciphertext, using: key, iv: AES._CBC.IV(ivBytes: iv), noPadding: true)
        case .ctr(let key, let salt): try AES._CTR.decrypt(ciphertext, using: key, nonce: counter(salt, iv))
        }
    }

    func encrypt(_ plaintext: [UInt8], iv: [UInt8]) throws -> [UInt8] {
        switch self {
        case .null: plaintext
        case .cbc(let key):
            try Array(AES._CBC.encrypt(plaintext, using: key, iv: AES._CBC.IV(ivBytes: iv), noPadding: true))
        case .ctr(let key, let salt): try Array(AES._CTR.encrypt(plaintext, using: key, nonce: counter(salt, iv)))
        }
    }

    /// The first counter block (RFC 3686 section 4).
    private func counter(_ salt: [UInt8], _ iv: some Collection<UInt8>) throws -> AES._CTR.Nonce {
        try AES._CTR.Nonce(nonceBytes: salt + iv + UInt32(1).bigEndianBytes)
    }
}

/// An integrity algorithm with its key.
enum ESPIntegrity: Sendable {
    // Each is ready to take a message: the key has gone in.
    case sha1(HMAC<Insecure.SHA1>)
    case sha256(HMAC<SHA256>)
    case sha384(HMAC<SHA384>)
    case sha512(HMAC<SHA512>)
    case xcbc(XCBC)

    /// Calls `body` with the whole value of a message and what is appended to it.
    func withValue<Result>(
        of message: UnsafeRawBufferPointer, appendix: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        switch self {
        case .sha1(let keyed): try keyed.value(of: message, appendix).withUnsafeBytes(body)
        case .sha256(let keyed): try keyed.value(of: message, appendix).withUnsafeBytes(body)
        case .sha384(let keyed): try keyed.value(of: message, appendix).withUnsafeBytes(body)
        case .sha512(let keyed): try keyed.value(of: message, appendix).withUnsafeBytes(body)
        case .xcbc(let keyed): try keyed.value(of: message + appendix).withUnsafeBytes(body)
        }
    }
}

extension HMAC {
    fileprivate func value(of message: UnsafeRawBufferPointer, _ appendix: [UInt8]) -> MAC {
        var copy = self
        copy.update(data: message)
        if !appendix.isEmpty { copy.update(data: appendix) }
        return copy.finalize()
    }
}
