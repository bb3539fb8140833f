/// What the IKE SA of a tunnel is protected with (RFC 7296, section 3.3.2).
public struct IKEAlgorithms: Hashable, Sendable, CustomStringConvertible {
    public let encryption: EncryptionAlgorithm
    /// Integrity algorithm and pseudo-random function; for an AEAD the latter alone.
    public let hash: IntegrityAlgorithm
    public let group: DiffieHellmanGroup

    public init(encryption: EncryptionAlgorithm, hash: IntegrityAlgorithm, group: DiffieHellmanGroup) {
        self.encryption = encryption
        self.hash = hash
        self.group = group
    }

    /// Reads libreswan's `ike=` (ipsec.conf(5)): `aes_cbc256-sha2_384;modp1536`, `aes256-sha2_256-dh19`.
    ///
    /// Nil for what offers several, leaves something open, or is not known here.
    init?(libreswan text: String) {
        guard let (encryption, hash) = ESPAlgorithms.read(libreswan: text), let hash,
            let word = text.lowercased().split(whereSeparator: { $0 == ";" || $0 == "-" }).last,
            let number = DiffieHellmanGroup.names.first(where: { $0.value == word })?.key,
            let group = DiffieHellmanGroup(number: number)
        else { return nil }
        self.init(encryption: encryption, hash: hash, group: group)
    }

    public var description: String { "\(encryption.rawValue), \(hash.rawValue), group \(group.number)" }

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

extension Tunnel {
    /// The algorithms of its IKE SA, as configured; nil where the user's own files leave them open.
    public var ikeAlgorithms: IKEAlgorithms? {
        if let ike = proposal?.ike {
            return IKEAlgorithms(encryption: ike.encryption, hash: ike.integrity, group: ike.group)
        }
        return ownParameters.lazy.compactMap { $0["ike"] }.first.flatMap(IKEAlgorithms.init(libreswan:))
            ?? ownConnections.lazy.compactMap(\.ikeAlgorithms).first
    }
}
