/// A cipher of ESP in its mode of operation, by its usual name without the key's bits: `aes-cbc`, `aes-gcm-16`.
///
/// The number after `gcm` and `ccm` is the length of the integrity check value in bytes (RFC 4106, RFC 4309).
public enum Cipher: String, Hashable, Sendable, CaseIterable {
    case aesCBC = "aes-cbc"
    case aesCTR = "aes-ctr"
    case aesGCM8 = "aes-gcm-8"
    case aesGCM12 = "aes-gcm-12"
    case aesGCM16 = "aes-gcm-16"
    case aesCCM8 = "aes-ccm-8"
    case aesCCM12 = "aes-ccm-12"
    case aesCCM16 = "aes-ccm-16"
    case chacha20Poly1305 = "chacha20-poly1305"
    /// None, so that ESP only authenticates (RFC 2410).
    case null

    /// Whether it authenticates too, and so takes no integrity algorithm beside it (RFC 5116).
    public var isAuthenticated: Bool {
        switch self {
        case .aesGCM8, .aesGCM12, .aesGCM16, .aesCCM8, .aesCCM12, .aesCCM16, .chacha20Poly1305: true
        case .aesCBC, .aesCTR, .null: false
        }
    }

}

/// An encryption algorithm of IKE or ESP, by its usual name with the key's bits: `aes-256-cbc`, `aes-256-gcm-16`.
public enum EncryptionAlgorithm: String, Hashable, Sendable, Codable, CaseIterable {
    case aes128CBC = "aes-128-cbc"
    case aes192CBC = "aes-192-cbc"
    case aes256CBC = "aes-256-cbc"
    case aes128CTR = "aes-128-ctr"
    case aes192CTR = "aes-192-ctr"
    case aes256CTR = "aes-256-ctr"
    case aes128GCM8 = "aes-128-gcm-8"
    case aes192GCM8 = "aes-192-gcm-8"
    case aes256GCM8 = "aes-256-gcm-8"
    case aes128GCM12 = "aes-128-gcm-12"
    case aes192GCM12 = "aes-192-gcm-12"
    case aes256GCM12 = "aes-256-gcm-12"
    case aes128GCM16 = "aes-128-gcm-16"
    case aes192GCM16 = "aes-192-gcm-16"
    case aes256GCM16 = "aes-256-gcm-16"
    case aes128CCM8 = "aes-128-ccm-8"
    case aes192CCM8 = "aes-192-ccm-8"
    case aes256CCM8 = "aes-256-ccm-8"
    case aes128CCM12 = "aes-128-ccm-12"
    case aes192CCM12 = "aes-192-ccm-12"
    case aes256CCM12 = "aes-256-ccm-12"
    case aes128CCM16 = "aes-128-ccm-16"
    case aes192CCM16 = "aes-192-ccm-16"
    case aes256CCM16 = "aes-256-ccm-16"
    case chacha20Poly1305 = "chacha20-poly1305"
    case null

    public var cipher: Cipher {
        switch self {
        case .aes128CBC, .aes192CBC, .aes256CBC: .aesCBC
        case .aes128CTR, .aes192CTR, .aes256CTR: .aesCTR
        case .aes128GCM8, .aes192GCM8, .aes256GCM8: .aesGCM8
        case .aes128GCM12, .aes192GCM12, .aes256GCM12: .aesGCM12
        case .aes128GCM16, .aes192GCM16, .aes256GCM16: .aesGCM16
        case .aes128CCM8, .aes192CCM8, .aes256CCM8: .aesCCM8
        case .aes128CCM12, .aes192CCM12, .aes256CCM12: .aesCCM12
        case .aes128CCM16, .aes192CCM16, .aes256CCM16: .aesCCM16
        case .chacha20Poly1305: .chacha20Poly1305
        case .null: .null
        }
    }

    /// 128, 192 or 256; nil for a cipher with only one length of key, which its name leaves out.
    public var keyBits: Int? {
        cipher.rawValue == rawValue ? nil : rawValue.split(separator: "-").dropFirst().first.flatMap { Int($0) }
    }

    /// Whether it authenticates too, and so takes no integrity algorithm beside it (RFC 5116).
    public var isAuthenticated: Bool { cipher.isAuthenticated }
}

/// An integrity algorithm of ESP, and with it the pseudo-random function of IKE.
public enum IntegrityAlgorithm: String, Hashable, Sendable, Codable, CaseIterable {
    case sha1
    case sha2_256 = "sha2-256"
    case sha2_384 = "sha2-384"
    case sha2_512 = "sha2-512"
    case aesXCBC = "aes-xcbc"
}

/// A Diffie-Hellman group by IANA's number (Transform Type 4 of IKEv2).
public struct DiffieHellmanGroup: Hashable, Sendable, Codable {
    public let number: Int

    /// The groups the daemons know, by number, with their usual names.
    public static let names: [Int: String] = [
        2: "modp1024", 5: "modp1536", 14: "modp2048", 15: "modp3072", 16: "modp4096", 17: "modp6144", 18: "modp8192",
        19: "dh19", 20: "dh20", 21: "dh21", 31: "dh31",
    ]

    /// Nil for a group no daemon here knows.
    public init?(number: Int) {
        guard Self.names[number] != nil else { return nil }
        self.number = number
    }

    /// The name in daemons' configurations: `modp2048`, `dh20`.
    public var name: String { Self.names[number] ?? "dh\(number)" }
}
