import CLibcrypto

/// What keeps a certificate or a key from being read or made.
public struct CertificateError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }

    static let locked = CertificateError("the key is protected by a passphrase")

    /// With libcrypto's own words for the thread's last failure, which it forgets with that (ERR_get_error(3)).
    static func last(_ what: String) -> CertificateError {
        let code = ERR_peek_last_error()
        ERR_clear_error()
        let reason = ERR_reason_error_string(code).map { " (libcrypto: \(String(cString: $0)))" } ?? ""
        return CertificateError(what + reason)
    }
}

/// What OpenSSL does in a process before anything else: no configuration file takes algorithms away or adds some, and at exit nothing is
/// taken from under threads that go on (OPENSSL_init_crypto(3)).
enum Libcrypto {
    static let isReady: Bool =
        OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT), nil) == 1
}

/// Bytes in memory that libcrypto reads or writes (BIO_s_mem(3)).
final class Memory {
    let pointer: OpaquePointer

    init() throws(CertificateError) {
        _ = Libcrypto.isReady
        guard let pointer = BIO_new(BIO_s_mem()) else { throw .last("there is no memory") }
        self.pointer = pointer
    }

    convenience init(_ text: String) throws(CertificateError) {
        try self.init()
        let bytes = Array(text.utf8)
        guard bytes.isEmpty || BIO_write(pointer, bytes, CInt(clamping: bytes.count)) == bytes.count else {
            throw .last("there is no memory")
        }
    }

    deinit { BIO_free(pointer) }

    /// What has been written so far.
    var bytes: [UInt8] {
        var start: UnsafeMutablePointer<CChar>?
        let count = netlab_written(pointer, &start)
        guard let start, count > 0 else { return [] }
        return UnsafeRawBufferPointer(start: start, count: count).map(\.self)
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }
}
