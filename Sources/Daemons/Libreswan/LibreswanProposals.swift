import LabModel

extension ESPAlgorithms {
    /// Reads libreswan's `esp=` or `phase2alg=` (ipsec.conf(5)): `aes_gcm256;modp1536`, `aes256-sha2_256`.
    ///
    /// Nil for what offers several, leaves the key's size or the hash open, or is not known here. Which spellings there are
    /// was tried with `ipsec algparse` of libreswan 4.10-2+deb12u1.
    public init?(libreswan text: String) {
        guard let (encryption, hash) = Self.read(libreswan: text) else { return nil }
        guard encryption.isAuthenticated || hash != nil else { return nil }
        self.init(encryption: encryption, integrity: encryption.isAuthenticated ? nil : hash)
    }

    /// Cipher and hash of a proposal that leaves no choice.
    static func read(libreswan text: String) -> (encryption: EncryptionAlgorithm, hash: IntegrityAlgorithm?)? {
        guard !text.contains(","), let proposal = text.split(separator: ";").first, !proposal.contains("+") else {
            return nil
        }
        var words = proposal.lowercased().split(separator: "-").map(String.init)
        // `aes_gcm-256` is `aes_gcm256`.
        if words.count > 1, keyBits.contains(words[1]) { words[0] += words.remove(at: 1) }
        guard let encryption = words.first.flatMap(Self.encryption) else { return nil }
        guard words.count > 1, words[1] != "null" else { return (encryption, nil) }
        return hashes[words[1]].map { (encryption, $0) }
    }

    private static func encryption(libreswan name: String) -> EncryptionAlgorithm? {
        let letters = name.filter { $0 != "_" }
        let bits = keyBits.first { letters.hasSuffix($0) }
        guard let cipher = ciphers[String(letters.dropLast(bits?.count ?? 0))] else { return nil }
        return EncryptionAlgorithm.allCases.first { $0.cipher == cipher && $0.keyBits == bits.flatMap { Int($0) } }
    }

    private static let keyBits = ["128", "192", "256"]

    private static let ciphers: [String: Cipher] = [
        "aes": .aesCBC, "aescbc": .aesCBC, "aesctr": .aesCTR, "chacha20poly1305": .chacha20Poly1305, "null": .null,
        "aesgcm": .aesGCM16, "aesgcmc": .aesGCM16, "aesgcm16": .aesGCM16, "aesgcmb": .aesGCM12, "aesgcm12": .aesGCM12,
        "aesgcma": .aesGCM8, "aesgcm8": .aesGCM8,
        "aesccm": .aesCCM16, "aesccmc": .aesCCM16, "aesccm16": .aesCCM16, "aesccmb": .aesCCM12, "aesccm12": .aesCCM12,
        "aesccma": .aesCCM8, "aesccm8": .aesCCM8,
    ]

    private static let hashes: [String: IntegrityAlgorithm] = [
        "sha1": .sha1, "sha2": .sha2_256, "sha2_256": .sha2_256, "sha256": .sha2_256, "sha2_384": .sha2_384,
        "sha384": .sha2_384,
        "sha2_512": .sha2_512, "sha512": .sha2_512, "aes_xcbc": .aesXCBC,
    ]
}

extension IKEAlgorithms {
    /// Reads libreswan's `ike=` (ipsec.conf(5)): `aes_cbc256-sha2_384;modp1536`, `aes256-sha2_256-dh19`.
    ///
    /// Nil for what offers several, leaves something open, or is not known here.
    public init?(libreswan text: String) {
        guard let (encryption, hash) = ESPAlgorithms.read(libreswan: text), let hash,
            let word = text.lowercased().split(whereSeparator: { $0 == ";" || $0 == "-" }).last,
            let number = DiffieHellmanGroup.names.first(where: { $0.value == word })?.key,
            let group = DiffieHellmanGroup(number: number)
        else { return nil }
        self.init(encryption: encryption, hash: hash, group: group)
    }

    /// As pluto says it: `AES_CBC_256-HMAC_SHA2_384-DH20` (libreswan 4.10).
    public var plutoName: String {
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
            // Of the one length of key that it has pluto says even the bits.
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
