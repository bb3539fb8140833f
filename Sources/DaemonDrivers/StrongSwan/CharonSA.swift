import LabModel
import NetworkTypes

/// An IKE SA of charon's, established or on its way, with its child SAs.
///
/// Made from an event `list-sa` of vici. Source: src/libcharon/plugins/vici/README.md of strongSwan 5.9.8.
public struct CharonSA: Hashable, Sendable {
    public struct Child: Hashable, Sendable {
        public let name: String
        public let number: Int
        /// charon's name of the state, as `INSTALLED`, `REKEYED`.
        public let state: String
        public let inboundSPI: UInt32?
        public let outboundSPI: UInt32?
        /// When it is negotiated anew, and when it ends if that has not happened.
        public let rekeyIn: Duration?
        public let lifeLeft: Duration?

        public var isInstalled: Bool { state == "INSTALLED" }
    }

    /// The connection's name.
    public let name: String
    /// Only grows.
    public let number: Int
    /// charon's name of the state, as `ESTABLISHED`, `CONNECTING`.
    public let state: String
    public let initiatorSPI: String
    public let responderSPI: String
    /// Nil until they are agreed on, and for what netlab does not know.
    public let algorithms: IKEAlgorithms?
    public let rekeyIn: Duration?
    public let children: [Child]

    public var isEstablished: Bool { state == "ESTABLISHED" }

    /// - Parameter section: What the event's section of the connection's name has.
    public init?(name: String, _ section: ViciMessage) {
        guard let number = section["uniqueid"].flatMap({ Int($0) }), let state = section["state"] else { return nil }
        self.name = name
        self.number = number
        self.state = state
        initiatorSPI = section["initiator-spi"] ?? ""
        responderSPI = section["responder-spi"] ?? ""
        algorithms = IKEAlgorithms(
            charonCipher: section["encr-alg"] ?? "", keyBits: section["encr-keysize"].flatMap { Int($0) },
            prf: section["prf-alg"] ?? "", group: section["dh-group"] ?? "")
        rekeyIn = section["rekey-time"].flatMap(Self.seconds)
        children = section.section("child-sas")?.sections.compactMap { Child($0.section) } ?? []
    }

    static func seconds(_ text: String) -> Duration? { Int(text).map { .seconds($0) } }
}

extension CharonSA.Child {
    init?(_ section: ViciMessage) {
        guard let name = section["name"], let number = section["uniqueid"].flatMap({ Int($0) }),
            let state = section["state"]
        else { return nil }
        self.init(
            name: name, number: number, state: state,
            inboundSPI: section["spi-in"].flatMap { UInt32($0, radix: 16) },
            outboundSPI: section["spi-out"].flatMap { UInt32($0, radix: 16) },
            rekeyIn: section["rekey-time"].flatMap(CharonSA.seconds),
            lifeLeft: section["life-time"].flatMap(CharonSA.seconds))
    }
}

extension [CharonSA] {
    /// The newest established IKE SA of a connection.
    public func newest(_ connection: String) -> CharonSA? {
        filter { $0.name == connection && $0.isEstablished }.max { $0.number < $1.number }
    }

    /// The newest installed child SA of a connection, under whichever of its IKE SAs.
    public func newestChild(_ connection: String) -> CharonSA.Child? {
        filter { $0.name == connection }.flatMap(\.children).filter(\.isInstalled).max { $0.number < $1.number }
    }
}

extension IKEAlgorithms {
    /// As charon says it over vici: `AES_CBC` and 256, `PRF_HMAC_SHA2_256`, `MODP_1024` (the names of strongSwan's
    /// encryption_algorithm_names, pseudo_random_function_names and diffie_hellman_group_names).
    init?(charonCipher: String, keyBits: Int?, prf: String, group: String) {
        let ciphers: [String: Cipher] = [
            "AES_CBC": .aesCBC, "AES_CTR": .aesCTR, "AES_GCM_8": .aesGCM8, "AES_GCM_12": .aesGCM12,
            "AES_GCM_16": .aesGCM16, "AES_CCM_8": .aesCCM8, "AES_CCM_12": .aesCCM12, "AES_CCM_16": .aesCCM16,
            "CHACHA20_POLY1305": .chacha20Poly1305,
        ]
        let hashes: [String: IntegrityAlgorithm] = [
            "PRF_HMAC_SHA1": .sha1, "PRF_HMAC_SHA2_256": .sha2_256, "PRF_HMAC_SHA2_384": .sha2_384,
            "PRF_HMAC_SHA2_512": .sha2_512, "PRF_AES128_XCBC": .aesXCBC,
        ]
        let groups: [String: Int] = [
            "MODP_1024": 2, "MODP_1536": 5, "MODP_2048": 14, "MODP_3072": 15, "MODP_4096": 16, "MODP_6144": 17,
            "MODP_8192": 18, "ECP_256": 19, "ECP_384": 20, "ECP_521": 21, "CURVE_25519": 31,
        ]
        let encryption = EncryptionAlgorithm.allCases.first { algorithm in
            algorithm.cipher == ciphers[charonCipher] && (algorithm.keyBits == nil || algorithm.keyBits == keyBits)
        }
        guard let encryption, let hash = hashes[prf], let group = groups[group].flatMap(DiffieHellmanGroup.init)
        else { return nil }
        self.init(encryption: encryption, hash: hash, group: group)
    }
}
