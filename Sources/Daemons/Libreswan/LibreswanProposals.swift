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
            // `dh14` is `modp2048`.
            let number = DiffieHellmanGroup.names.first(where: { $0.value == word })?.key
                ?? (word.hasPrefix("dh") ? Int(word.dropFirst(2)) : nil),
            let group = DiffieHellmanGroup(number: number)
        else { return nil }
        self.init(encryption: encryption, hash: hash, group: group)
    }
}
