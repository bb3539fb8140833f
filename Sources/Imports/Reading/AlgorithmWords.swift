import LabModel

// Algorithms as clouds spell them: `AES256-GCM-16`, `AES_256_CBC`, `GCMAES256`, `HMAC_SHA2_256_128`, `SHA2-384`, `DHGroup14`, `PFS2048`, `ECP384`.

private func letters(_ word: String) -> String {
    String(word.lowercased().filter { $0.isLetter || $0.isNumber })
}

extension EncryptionAlgorithm {
    /// Nil for what netlab does not know, such as 3DES.
    init?(cloudWord word: String) {
        let word = letters(word)
        if word.contains("chacha20") {
            self = .chacha20Poly1305
            return
        }
        guard word.contains("aes") else { return nil }
        // The key's bits are those that stand nearest to `aes`: `aes128gcm16`, `gcmaes256`, `aesgcm256`.
        let places = ["128", "192", "256"].compactMap { bits in word.firstRange(of: bits).map { ($0.lowerBound, bits) }
        }
        let bits = places.min { $0.0 < $1.0 }?.1 ?? "128"
        guard let algorithm = Self(rawValue: "aes-\(bits)-\(word.contains("gcm") ? "gcm-16" : "cbc")") else {
            return nil
        }
        self = algorithm
    }
}

extension IntegrityAlgorithm {
    /// Nil for what netlab does not know, such as MD5, and for words that mean an AEAD.
    init?(cloudWord word: String) {
        let word = letters(word)
        guard word.contains("sha"), !word.contains("gcm") else { return nil }
        if word.contains("512") {
            self = .sha2_512
        } else if word.contains("384") {
            self = .sha2_384
        } else if word.contains("256") {
            self = .sha2_256
        } else {
            self = .sha1
        }
    }
}

extension DiffieHellmanGroup {
    /// Nil for what netlab does not know, such as groups 1 and 24, and for `None`.
    init?(cloudWord word: String) {
        let word = letters(word)
        if let number = ["ecp256": 19, "ecp384": 20, "ecp521": 21, "curve25519": 31][word] {
            self.init(number: number)
            return
        }
        guard let figure = Int(word.drop { !$0.isNumber }) else { return nil }
        let bits = [1024: 2, 1536: 5, 2048: 14, 3072: 15, 4096: 16, 6144: 17, 8192: 18]
        self.init(number: bits[figure] ?? figure)
    }
}
