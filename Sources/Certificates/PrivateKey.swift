import CLibcrypto
import LabModel

/// A private key (RFC 5958), which shows nothing of itself.
public final class PrivateKey {
    let pointer: OpaquePointer

    /// Reads the first key of a PEM file (RFC 7468), without asking anybody for a passphrase.
    public init(pem: Secret) throws(CertificateError) {
        let text = pem.reveal()
        let memory = try Memory(text)
        // Without a passphrase and without a function to ask for one, libcrypto would ask at the terminal (PEM_read_bio_PrivateKey(3)).
        var none: CChar = 0
        let pointer = withUnsafeMutablePointer(to: &none) {
            PEM_read_bio_PrivateKey(memory.pointer, nil, nil, $0)
        }
        guard let pointer else {
            guard !text.contains("ENCRYPTED") else {
                ERR_clear_error()
                throw CertificateError.locked
            }
            throw .last("it has no private key in PEM")
        }
        self.pointer = pointer
    }

    /// Makes a key, by libcrypto's random numbers (RAND_bytes(3)).
    public init(_ type: CertificateKeyType) throws(CertificateError) {
        _ = Libcrypto.isReady
        let made =
            switch type {
            case .ecdsa256: netlab_make_ec("P-256")
            case .ecdsa384: netlab_make_ec("P-384")
            case .rsa2048: netlab_make_rsa(2048)
            case .rsa3072: netlab_make_rsa(3072)
            case .rsa4096: netlab_make_rsa(4096)
            case .ed25519: netlab_make_ed25519()
            }
        guard let made else { throw .last("no key of type \(type.rawValue) could be made") }
        pointer = made
    }

    deinit { EVP_PKEY_free(pointer) }

    /// In PKCS #8, which every daemon reads.
    public func pem() throws(CertificateError) -> Secret {
        let memory = try Memory()
        guard PEM_write_bio_PKCS8PrivateKey(memory.pointer, pointer, nil, nil, 0, nil, nil) == 1 else {
            throw .last("the key could not be written")
        }
        return Secret(memory.text)
    }
}
