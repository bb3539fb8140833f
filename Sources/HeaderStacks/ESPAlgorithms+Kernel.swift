import Decryption
import LabModel

/// A cipher or an integrity algorithm by the kernel's name for it (net/xfrm/xfrm_algo.c).
public struct KernelTransform: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case cipher, integrity
        /// An AEAD.
        case both
    }

    public let kind: Kind
    public let name: String
    /// The bits of the key itself.
    public let cipherBits: Int
    /// The bits of the ICV; 0 for a cipher.
    public let tagBits: Int

    /// The key as the kernel takes it, with the salt of counter modes at its end.
    public var keyBits: Int { cipherBits + Self.saltBits(of: name) }

    /// As `ip xfrm` and the documents have it: `cbc(aes) 256`, `hmac(sha256) 256/128`.
    var words: String { "\(name) \(cipherBits)" + (kind == .cipher ? "" : "/\(tagBits)") }

    /// RFC 4106, 7634, 3686; RFC 4309.
    static func saltBits(of name: String) -> Int {
        switch name {
        case "rfc4106(gcm(aes))", "rfc7539esp(chacha20,poly1305)", "rfc3686(ctr(aes))": 32
        case "rfc4309(ccm(aes))": 24
        default: 0
        }
    }
}

extension ESPAlgorithms {
    /// What the kernel is asked for.
    public var kernelTransforms: [KernelTransform] {
        let cipher =
            switch encryption.cipher {
            case .aesCBC: "cbc(aes)"
            case .aesCTR: "rfc3686(ctr(aes))"
            case .aesGCM8, .aesGCM12, .aesGCM16: "rfc4106(gcm(aes))"
            case .aesCCM8, .aesCCM12, .aesCCM16: "rfc4309(ccm(aes))"
            case .chacha20Poly1305: "rfc7539esp(chacha20,poly1305)"
            case .null: "ecb(cipher_null)"
            }
        let transform = try? ESPOverhead(cipher: encryption.cipher, integrity: integrity)
        let bits = encryption.keyBits ?? (encryption.cipher == .chacha20Poly1305 ? 256 : 0)
        let tag = (transform?.icvLength ?? 0) * 8
        guard let integrity else { return [KernelTransform(kind: .both, name: cipher, cipherBits: bits, tagBits: tag)] }
        let (hash, hashBits) =
            switch integrity {
            case .sha1: ("hmac(sha1)", 160)
            case .sha2_256: ("hmac(sha256)", 256)
            case .sha2_384: ("hmac(sha384)", 384)
            case .sha2_512: ("hmac(sha512)", 512)
            case .aesXCBC: ("xcbc(aes)", 128)
            }
        return [
            KernelTransform(kind: .cipher, name: cipher, cipherBits: bits, tagBits: 0),
            KernelTransform(kind: .integrity, name: hash, cipherBits: hashBits, tagBits: tag),
        ]
    }

    /// Their names, with the key's bits and those of the ICV.
    public var kernelNames: [String] { kernelTransforms.map(\.words) }
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
    /// The bits of the key itself, without a salt.
    var cipherBits: Int { key.bits - KernelTransform.saltBits(of: name) }
}
