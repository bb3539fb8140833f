import NetworkTypes

extension ESPAssociation {
    /// The algorithms this module knows, by the kernel's names.
    public enum EncryptionName: String, CaseIterable, Sendable {
        case null = "ecb(cipher_null)"
        case cbc = "cbc(aes)"
        case tripleDESCBC = "cbc(des3_ede)"
        case ctr = "rfc3686(ctr(aes))"
        case gcm = "rfc4106(gcm(aes))"
        case ccm = "rfc4309(ccm(aes))"
        case chachaPoly = "rfc7539esp(chacha20,poly1305)"

        /// Whether it needs no integrity algorithm beside it.
        public var isAEAD: Bool {
            switch self {
            case .null, .cbc, .tripleDESCBC, .ctr: false
            case .gcm, .ccm, .chachaPoly: true
            }
        }

        /// The bytes of the salt at the key's end.
        var saltLength: Int {
            switch self {
            case .null, .cbc, .tripleDESCBC: 0
            case .ccm: 3
            case .ctr, .gcm, .chachaPoly: 4
            }
        }

        /// The lengths of a key without its salt, in bytes.
        var keyLengths: [Int] {
            switch self {
            case .null: [0]
            case .cbc, .ctr, .gcm, .ccm: [16, 24, 32]
            // Three keys of 8 bytes, each with its parity bits.
            case .tripleDESCBC: [24]
            case .chachaPoly: [32]
            }
        }

        /// The lengths of an AEAD's ICV, in bits.
        var tagBits: [Int] {
            switch self {
            case .null, .cbc, .tripleDESCBC, .ctr: []
            case .gcm, .ccm: [64, 96, 128]
            case .chachaPoly: [128]
            }
        }
    }

    /// The integrity algorithms this module knows, by the kernel's names.
    public enum IntegrityName: String, CaseIterable, Sendable {
        case sha1 = "hmac(sha1)"
        case sha256 = "hmac(sha256)"
        case sha384 = "hmac(sha384)"
        case sha512 = "hmac(sha512)"
        case xcbc = "xcbc(aes)"

        /// The whole value's length; packets may carry any part of it from 64 bits up.
        var bits: Int {
            switch self {
            case .sha1: 160
            case .sha256: 256
            case .sha384: 384
            case .sha512: 512
            case .xcbc: 128
            }
        }
    }

    /// What its algorithms do to packets.
    ///
    /// - Throws: `DecryptionError`, where an algorithm is not known, or a length does not fit it.
    func transform() throws -> any ESPTransform {
        do {
            return try keyedTransform()
        } catch let error as LibcryptoError {
            // Known here, but not to this system's library.
            throw DecryptionError(code: .unsupported, message: "\(title) cannot be decrypted here: \(error)")
        }
    }

    private func keyedTransform() throws -> any ESPTransform {
        let (name, key, salt) = try encryptionParts()
        guard name.isAEAD else { return try separateTransform(name, key, salt: salt) }
        guard integrity == nil else {
            throw invalid("\(name.rawValue) needs no integrity algorithm beside it: leave out \(integrity?.name ?? "")")
        }
        guard name.tagBits.contains(encryption.tagBits) else {
            throw unsupported(
                "\(name.rawValue) with an ICV of \(encryption.tagBits) bits", name.tagBits.map(String.init))
        }
        let algorithm: Cipher.Algorithm =
            switch name {
            case .gcm: .aesGCM
            case .ccm: .aesCCM
            default: .chaChaPoly
            }
        return try AEADTransform(algorithm, key: key, salt: salt, icvLength: encryption.tagBits / 8)
    }

    /// What the encryption algorithm is, and its key, parted from its salt.
    private func encryptionParts() throws -> (EncryptionName, key: [UInt8], salt: [UInt8]) {
        guard let name = EncryptionName(rawValue: encryption.name) else {
            throw unsupported("encryption \(encryption.name)", EncryptionName.allCases.map(\.rawValue))
        }
        let bytes = encryption.key.bytes
        guard name.keyLengths.contains(bytes.count - name.saltLength) else {
            let bits = name.keyLengths.map { String(($0 + name.saltLength) * 8) }
            throw invalid(
                "a key for \(name.rawValue) has \(bits.joined(separator: " or ")) bits, salt included, not \(bytes.count * 8)"
            )
        }
        return (name, Array(bytes.dropLast(name.saltLength)), Array(bytes.suffix(name.saltLength)))
    }

    private func separateTransform(
        _ name: EncryptionName, _ key: [UInt8], salt: [UInt8]
    ) throws -> CipherAndIntegrity {
        guard let integrity else {
            throw invalid(
                "\(name.rawValue) alone proves nothing of what a packet is: give the integrity algorithm beside it")
        }
        guard let check = IntegrityName(rawValue: integrity.name) else {
            throw unsupported("integrity \(integrity.name)", IntegrityName.allCases.map(\.rawValue))
        }
        guard integrity.tagBits.isMultiple(of: 8), (64...check.bits).contains(integrity.tagBits) else {
            throw invalid("\(check.rawValue) sends 64 to \(check.bits) bits, whole bytes, not \(integrity.tagBits)")
        }
        let cipher: ESPCipher =
            switch name {
            case .cbc: .cbc(try Cipher(.aesCBC, key: key), blockLength: 16)
            case .tripleDESCBC: .cbc(try Cipher(.tripleDESCBC, key: key), blockLength: 8)
            case .ctr: .ctr(try Cipher(.aesCTR, key: key), salt: salt)
            default: .null
            }
        return CipherAndIntegrity(
            cipher: cipher, integrity: try integrityCheck(check, key: integrity.key), icvLength: integrity.tagBits / 8)
    }

    private func integrityCheck(_ name: IntegrityName, key: KeyMaterial) throws -> ESPIntegrity {
        switch name {
        case .sha1: return .hmac(try HMAC(.sha1, key: key.bytes))
        case .sha256: return .hmac(try HMAC(.sha256, key: key.bytes))
        case .sha384: return .hmac(try HMAC(.sha384, key: key.bytes))
        case .sha512: return .hmac(try HMAC(.sha512, key: key.bytes))
        case .xcbc:
            guard key.bits == 128 else { throw invalid("a key for \(name.rawValue) has 128 bits, not \(key.bits)") }
            return .xcbc(try XCBC(key: key.bytes))
        }
    }

    /// The association, as messages name it.
    private var title: String {
        "the association \(source) → \(destination), SPI \([UInt8](spi.bigEndianBytes).hexadecimal)"
    }

    private func unsupported(_ what: String, _ known: [String]) -> DecryptionError {
        DecryptionError(
            code: .unsupported,
            message:
                "\(title) uses \(what), which cannot be decrypted here: supported are \(known.joined(separator: ", "))")
    }

    private func invalid(_ what: String) -> DecryptionError {
        DecryptionError(code: .invalid, message: "\(title) cannot be right: \(what)")
    }
}
