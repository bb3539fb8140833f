import CLibcrypto
import Synchronization

/// A cipher of libcrypto with its key, for messages in both directions and from any thread (EVP_EncryptInit(3)).
///
/// Messages of ciphers that work on blocks are whole blocks: nothing is padded here.
final class Cipher: Sendable {
    enum Algorithm: Sendable {
        case aesCBC, aesCTR, aesGCM, aesCCM, tripleDESCBC, chaChaPoly

        /// As libcrypto calls it (OSSL_PROVIDER-default(7)).
        func name(keyLength: Int) -> String {
            switch self {
            case .aesCBC: "AES-\(keyLength * 8)-CBC"
            case .aesCTR: "AES-\(keyLength * 8)-CTR"
            case .aesGCM: "AES-\(keyLength * 8)-GCM"
            case .aesCCM: "AES-\(keyLength * 8)-CCM"
            case .tripleDESCBC: "DES-EDE3-CBC"
            case .chaChaPoly: "ChaCha20-Poly1305"
            }
        }

        /// In bytes.
        var ivLength: Int {
            switch self {
            case .aesCBC, .aesCTR: 16
            case .aesGCM, .chaChaPoly: 12
            // 4 bytes are left for a message's length (RFC 4309 section 4).
            case .aesCCM: 11
            case .tripleDESCBC: 8
            }
        }
    }

    // Each works out its key's schedule once.
    private let opening: Mutex<CipherContext>
    private let sealing: Mutex<CipherContext>
    private let tagLength: Int

    /// - Parameter tagLength: The bytes of an AEAD's tag; 0 for ciphers that have none.
    /// - Throws: where libcrypto has no such cipher, or the key another length.
    init(_ algorithm: Algorithm, key: [UInt8], tagLength: Int = 0) throws {
        opening = Mutex(try CipherContext(algorithm, key: key, tagLength: tagLength, direction: .opening))
        sealing = Mutex(try CipherContext(algorithm, key: key, tagLength: tagLength, direction: .sealing))
        self.tagLength = tagLength
    }

    /// The plaintext; nil where the tag is not the right one.
    ///
    /// - Throws: where the message or the initialization vector has a length that the cipher does not take.
    func open(
        _ ciphertext: UnsafeRawBufferPointer, iv: [UInt8], authenticating additional: [UInt8] = [],
        tag: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) throws -> [UInt8]? {
        guard tag.count == tagLength else { throw LibcryptoError("a tag has \(tagLength) bytes, not \(tag.count)") }
        return try opening.withLock { context in
            try context.begin(iv: iv, additional: additional, tag: tag, messageLength: ciphertext.count)
            do {
                return try context.process(ciphertext)
            } catch {
                // With an AEAD, whose messages may have any length, a wrong tag is the only failure left.
                guard tag.isEmpty else { return nil }
                throw error
            }
        }
    }

    /// The ciphertext, and an AEAD's tag.
    ///
    /// - Throws: where the message or the initialization vector has a length that the cipher does not take.
    func seal(
        _ plaintext: [UInt8], iv: [UInt8], authenticating additional: [UInt8] = []
    ) throws -> (ciphertext: [UInt8], tag: [UInt8]) {
        try sealing.withLock { context in
            try context.begin(iv: iv, additional: additional, tag: nil, messageLength: plaintext.count)
            let ciphertext = try plaintext.withUnsafeBytes { try context.process($0) }
            return (ciphertext, tagLength == 0 ? [] : try context.tag(length: tagLength))
        }
    }
}

/// A hash function of libcrypto with a key (RFC 2104), for messages from any thread (EVP_MAC-HMAC(7)).
final class HMAC: Sendable {
    enum Digest: String, Sendable {
        case sha1 = "SHA1"
        case sha256 = "SHA2-256"
        case sha384 = "SHA2-384"
        case sha512 = "SHA2-512"
    }

    // The key has gone in; each message begins from there.
    private let keyed: Mutex<MACContext>

    /// - Throws: where libcrypto has no such hash function.
    init(_ digest: Digest, key: [UInt8]) throws {
        keyed = Mutex(try MACContext(digest, key: key))
    }

    /// The whole value of a message and what is appended to it.
    func value(of message: UnsafeRawBufferPointer, appendix: [UInt8] = []) throws -> [UInt8] {
        try keyed.withLock { context in try context.value(of: message, appendix: appendix) }
    }
}

/// What libcrypto refused.
struct LibcryptoError: Error, Hashable, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }

    /// With libcrypto's own words for the thread's last failure, which it forgets with that (ERR_get_error(3)).
    static func last(_ what: String) -> LibcryptoError {
        let code = ERR_peek_last_error()
        ERR_clear_error()
        let reason = ERR_reason_error_string(code).map { ": \(String(cString: $0))" } ?? ""
        return LibcryptoError("libcrypto \(what)\(reason)")
    }
}

// MARK: - What holds pointers

private enum Library {
    /// A context of our own: no configuration file takes algorithms away or adds some, OSSL_LIB_CTX(3). Nil, which stands for
    /// the process's own, where there is no memory.
    nonisolated(unsafe) static let context: OpaquePointer? = {
        // At exit, other threads may be decrypting still: nothing is to be taken from under them.
        let settings = OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT
        OPENSSL_init_crypto(UInt64(settings), nil)
        return OSSL_LIB_CTX_new()
    }()
}

/// One direction of a cipher with its key, for one thread at a time.
private final class CipherContext: @unchecked Sendable {
    // Sendable: libcrypto binds no context to a thread, and a `Mutex` lets only one at a time use it.
    private let algorithm: Cipher.Algorithm
    private let pointer: OpaquePointer

    enum Direction: CInt {
        case opening = 0
        case sealing = 1
    }

    init(_ algorithm: Cipher.Algorithm, key: [UInt8], tagLength: Int, direction: Direction) throws {
        let name = algorithm.name(keyLength: key.count)
        // Found once: a search takes longer than a packet.
        guard let cipher = EVP_CIPHER_fetch(Library.context, name, nil) else {
            throw LibcryptoError.last("has no \(name)")
        }
        defer { EVP_CIPHER_free(cipher) }
        guard EVP_CIPHER_get_key_length(cipher) == key.count else {
            throw LibcryptoError("a key for \(name) has \(EVP_CIPHER_get_key_length(cipher)) bytes, not \(key.count)")
        }
        guard let pointer = EVP_CIPHER_CTX_new() else { throw LibcryptoError.last("has no memory") }
        self.algorithm = algorithm
        self.pointer = pointer
        // CCM's lengths go into its first block, so they come before the key (EVP_EncryptInit(3)).
        let isReady =
            EVP_CipherInit_ex2(pointer, cipher, nil, nil, direction.rawValue, nil) == 1
            && (algorithm != .aesCCM
                || EVP_CIPHER_CTX_ctrl(pointer, EVP_CTRL_AEAD_SET_IVLEN, CInt(algorithm.ivLength), nil) == 1
                    && EVP_CIPHER_CTX_ctrl(pointer, EVP_CTRL_AEAD_SET_TAG, CInt(tagLength), nil) == 1)
            && EVP_CipherInit_ex2(pointer, nil, key, nil, direction.rawValue, nil) == 1
            && EVP_CIPHER_CTX_set_padding(pointer, 0) == 1
        guard isReady else { throw LibcryptoError.last("does not take this key for \(name)") }
    }

    deinit { EVP_CIPHER_CTX_free(pointer) }

    /// Begins a message, with an AEAD's tag where it is to be opened.
    func begin(
        iv: [UInt8], additional: [UInt8], tag: UnsafeRawBufferPointer?, messageLength: Int
    ) throws {
        guard iv.count == algorithm.ivLength else {
            throw LibcryptoError("an initialization vector has \(algorithm.ivLength) bytes, not \(iv.count)")
        }
        guard let length = CInt(exactly: messageLength) else {
            throw LibcryptoError("a message of \(messageLength) bytes is too long")
        }
        guard EVP_CipherInit_ex2(pointer, nil, nil, iv, -1, nil) == 1 else {
            throw LibcryptoError.last("does not take the vector")
        }
        if let tag, let start = tag.baseAddress, !tag.isEmpty {
            // It is only read.
            let bytes = UnsafeMutableRawPointer(mutating: start)
            guard EVP_CIPHER_CTX_ctrl(pointer, EVP_CTRL_AEAD_SET_TAG, CInt(tag.count), bytes) == 1 else {
                throw LibcryptoError.last("does not take the tag")
            }
        }
        guard !additional.isEmpty else { return }
        var count: CInt = 0
        // CCM wants the message's length first.
        guard algorithm != .aesCCM || EVP_CipherUpdate(pointer, nil, &count, nil, length) == 1,
            EVP_CipherUpdate(pointer, nil, &count, additional, CInt(additional.count)) == 1
        else { throw LibcryptoError.last("does not take what is authenticated besides") }
    }

    /// Encrypts or decrypts the message that was begun.
    func process(_ message: UnsafeRawBufferPointer) throws -> [UInt8] {
        var isDone = false
        // As long as the message, since nothing is padded; a byte more, since an empty one has an address, too.
        let result = [UInt8](unsafeUninitializedCapacity: message.count + 1) { output, written in
            guard let start = output.baseAddress else { return }
            let input = message.bindMemory(to: UInt8.self).baseAddress ?? UnsafePointer(start)
            guard algorithm != .aesCCM else {
                // It does all of a message at once.
                isDone = EVP_Cipher(pointer, start, input, CUnsignedInt(message.count)) == message.count
                written = isDone ? message.count : 0
                return
            }
            var (count, rest): (CInt, CInt) = (0, 0)
            isDone =
                EVP_CipherUpdate(pointer, start, &count, input, CInt(message.count)) == 1
                && EVP_CipherFinal_ex(pointer, start + Int(count), &rest) == 1
            written = isDone ? Int(count + rest) : 0
        }
        guard isDone else { throw LibcryptoError.last("does not take the message") }
        return result
    }

    /// The tag of what was sealed.
    func tag(length: Int) throws -> [UInt8] {
        var isDone = false
        let tag = [UInt8](unsafeUninitializedCapacity: length) { output, written in
            isDone = EVP_CIPHER_CTX_ctrl(pointer, EVP_CTRL_AEAD_GET_TAG, CInt(length), output.baseAddress) == 1
            written = isDone ? length : 0
        }
        guard isDone else { throw LibcryptoError.last("gives no tag") }
        return tag
    }
}

/// HMAC with its key, for one thread at a time.
private final class MACContext: @unchecked Sendable {
    // Sendable: as a cipher's.
    private let pointer: OpaquePointer

    init(_ digest: HMAC.Digest, key: [UInt8]) throws {
        guard let algorithm = EVP_MAC_fetch(Library.context, "HMAC", nil) else {
            throw LibcryptoError.last("has no HMAC")
        }
        defer { EVP_MAC_free(algorithm) }
        guard let pointer = EVP_MAC_CTX_new(algorithm) else { throw LibcryptoError.last("has no memory") }
        self.pointer = pointer
        guard netlab_hmac_init(pointer, digest.rawValue, key, key.count) == 1 else {
            throw LibcryptoError.last("has no HMAC with \(digest.rawValue)")
        }
    }

    deinit { EVP_MAC_CTX_free(pointer) }

    func value(of message: UnsafeRawBufferPointer, appendix: [UInt8]) throws -> [UInt8] {
        var isDone = false
        let value = [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { output, written in
            isDone =
                EVP_MAC_init(pointer, nil, 0, nil) == 1
                && EVP_MAC_update(pointer, message.bindMemory(to: UInt8.self).baseAddress, message.count) == 1
                && EVP_MAC_update(pointer, appendix, appendix.count) == 1
                && EVP_MAC_final(pointer, output.baseAddress, &written, output.count) == 1
            if !isDone { written = 0 }
        }
        guard isDone else { throw LibcryptoError.last("gives no HMAC") }
        return value
    }
}
