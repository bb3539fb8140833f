import CLibcrypto
import LabModel

/// What a text in PEM has between its lines of BEGIN and END (RFC 7468).
public enum PEMText {
    /// The bytes of the first block; nil where there is none.
    public static func bytes(of text: String) -> [UInt8]? {
        guard let memory = try? Memory(text) else { return nil }
        var name: UnsafeMutablePointer<CChar>?
        var header: UnsafeMutablePointer<CChar>?
        var data: UnsafeMutablePointer<UInt8>?
        var length = 0
        defer { ERR_clear_error() }
        guard PEM_read_bio(memory.pointer, &name, &header, &data, &length) == 1, let data else { return nil }
        defer {
            for pointer in [
                UnsafeMutableRawPointer(name), UnsafeMutableRawPointer(header), UnsafeMutableRawPointer(data),
            ] {
                CRYPTO_free(pointer, nil, 0)
            }
        }
        return Array(UnsafeBufferPointer(start: data, count: length))
    }
}

/// A certificate and its key in one, as NSS takes keys in (PKCS #12, RFC 7292).
public enum KeyBundle {
    /// Protected by the empty passphrase: it is for a file that nobody but its owner reads.
    ///
    /// - Parameter name: What the certificate is to be called where it is taken in.
    public static func bytes(of pair: CertifiedKey, name: String) throws(CertificateError) -> [UInt8] {
        guard let certificate = try Certificate.all(pem: pair.certificate).first else {
            throw CertificateError("there is no certificate")
        }
        let key = try PrivateKey(pem: pair.key)
        // 0: libcrypto's own choice of ciphers (PKCS12_create(3)).
        guard let bundle = PKCS12_create("", name, key.pointer, certificate.pointer, nil, 0, 0, 0, 0, 0) else {
            throw .last("key and certificate could not be put together")
        }
        defer { PKCS12_free(bundle) }
        let memory = try Memory()
        guard i2d_PKCS12_bio(memory.pointer, bundle) == 1 else { throw .last("there is no memory") }
        return memory.bytes
    }
}
