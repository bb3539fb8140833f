import Decryption
import LabModel

extension ESPAlgorithms {
    /// Cipher and integrity algorithm as the kernel names them, with the key's bits and those of the ICV (net/xfrm/xfrm_algo.c).
    var kernelNames: [String] {
        let cipher =
            switch encryption.cipher {
            case .aesCBC: "cbc(aes)"
            case .aesCTR: "rfc3686(ctr(aes))"
            case .aesGCM8, .aesGCM12, .aesGCM16: "rfc4106(gcm(aes))"
            case .aesCCM8, .aesCCM12, .aesCCM16: "rfc4309(ccm(aes))"
            case .chacha20Poly1305: "rfc7539esp(chacha20,poly1305)"
            case .null: "ecb(cipher_null)"
            }
        let transform = try? ESPTransform(cipher: encryption.cipher, integrity: integrity)
        let bits = encryption.keyBits ?? (encryption.cipher == .chacha20Poly1305 ? 256 : 0)
        let tag = (transform?.icvLength ?? 0) * 8
        guard let integrity else { return ["\(cipher) \(bits)/\(tag)"] }
        let (hash, hashBits) =
            switch integrity {
            case .sha1: ("hmac(sha1)", 160)
            case .sha2_256: ("hmac(sha256)", 256)
            case .sha2_384: ("hmac(sha384)", 384)
            case .sha2_512: ("hmac(sha512)", 512)
            case .aesXCBC: ("xcbc(aes)", 128)
            }
        return ["\(cipher) \(bits)", "\(hash) \(hashBits)/\(tag)"]
    }
}

extension ESPAssociation {
    /// Its algorithms with the bits of their keys and of the ICV: `cbc(aes) 256`, `hmac(sha256) 256/128`.
    public var algorithmNames: [String] {
        ([encryption] + [integrity].compactMap { $0 }).map {
            "\($0.name) \($0.cipherBits)" + ($0.tagBits > 0 ? "/\($0.tagBits)" : "")
        }
    }
}

extension ESPAssociation.Algorithm {
    /// The bits of the key itself: the kernel keeps the salt of counter modes at its end (RFC 4106, 4309, 7634, 3686).
    var cipherBits: Int {
        switch name {
        case "rfc4106(gcm(aes))", "rfc7539esp(chacha20,poly1305)", "rfc3686(ctr(aes))": key.bits - 32
        case "rfc4309(ccm(aes))": key.bits - 24
        default: key.bits
        }
    }
}
