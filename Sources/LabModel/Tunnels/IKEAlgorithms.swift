/// What the IKE SA of a tunnel is protected with (RFC 7296, section 3.3.2).
public struct IKEAlgorithms: Hashable, Sendable, Codable, CustomStringConvertible {
    public var encryption: EncryptionAlgorithm
    /// Integrity algorithm and pseudo-random function; for an AEAD the latter alone.
    public let hash: IntegrityAlgorithm
    public let group: DiffieHellmanGroup

    public init(encryption: EncryptionAlgorithm, hash: IntegrityAlgorithm, group: DiffieHellmanGroup) {
        self.encryption = encryption
        self.hash = hash
        self.group = group
    }

    public var description: String { "\(encryption.rawValue), \(hash.rawValue), group \(group.number)" }

    /// In one word, as `netlab status` has it: `AES_CBC_256-HMAC_SHA2_384-DH20`.
    public var suite: String {
        let cipher =
            switch encryption.cipher {
            case .aesCBC: "AES_CBC"
            case .aesCTR: "AES_CTR"
            case .aesGCM8: "AES_GCM_8"
            case .aesGCM12: "AES_GCM_12"
            case .aesGCM16: "AES_GCM_16"
            case .aesCCM8: "AES_CCM_8"
            case .aesCCM12: "AES_CCM_12"
            case .aesCCM16: "AES_CCM_16"
            case .chacha20Poly1305: "CHACHA20_POLY1305_256"
            case .null: "NULL"
            }
        let digest =
            switch hash {
            case .sha1: "HMAC_SHA1"
            case .sha2_256: "HMAC_SHA2_256"
            case .sha2_384: "HMAC_SHA2_384"
            case .sha2_512: "HMAC_SHA2_512"
            case .aesXCBC: "AES_XCBC"
            }
        return ([cipher] + [encryption.keyBits.map(String.init)].compactMap { $0 }).joined(separator: "_")
            + "-\(digest)-\(group.name.uppercased())"
    }
}
