/// An encryption algorithm of IKE or ESP, by its usual name with the key's bits: `aes-256-cbc`, `aes-256-gcm-16`.
///
/// The number after `gcm` and `ccm` is the length of the integrity check value in bytes (RFC 4106, RFC 4309).
public enum EncryptionAlgorithm: String, Hashable, Sendable, Codable, CaseIterable {
    case aes128CBC = "aes-128-cbc"
    case aes192CBC = "aes-192-cbc"
    case aes256CBC = "aes-256-cbc"
    case aes128CTR = "aes-128-ctr"
    case aes256CTR = "aes-256-ctr"
    case aes128GCM16 = "aes-128-gcm-16"
    case aes192GCM16 = "aes-192-gcm-16"
    case aes256GCM16 = "aes-256-gcm-16"
    case chacha20Poly1305 = "chacha20-poly1305"

    /// Whether it authenticates too, and so takes no integrity algorithm beside it (RFC 5116).
    public var isAuthenticated: Bool {
        switch self {
        case .aes128GCM16, .aes192GCM16, .aes256GCM16, .chacha20Poly1305: true
        case .aes128CBC, .aes192CBC, .aes256CBC, .aes128CTR, .aes256CTR: false
        }
    }
}

/// An integrity algorithm of ESP, and with it the pseudo-random function of IKE.
public enum IntegrityAlgorithm: String, Hashable, Sendable, Codable, CaseIterable {
    case sha1
    case sha2_256 = "sha2-256"
    case sha2_384 = "sha2-384"
    case sha2_512 = "sha2-512"
}

/// A Diffie-Hellman group by IANA's number (Transform Type 4 of IKEv2).
public struct DiffieHellmanGroup: Hashable, Sendable, Codable {
    public let number: Int

    /// The groups the daemons know, by number, with libreswan's names.
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
