import NetworkTypes

/// The keys that protect an IKEv2 security association's own messages, in both directions (RFC 7296 section 2.14).
public struct IKEKeys: Hashable, Sendable, Codable {
    public var initiatorSPI: UInt64
    public var responderSPI: UInt64
    /// SK_ei and SK_er, an AEAD's with its salt.
    public var encryption: Pair<Encryption>
    /// SK_ai and SK_ar; nil with an AEAD. Without all bytes of the keys, messages can still be decrypted: a daemon's log may
    /// have no more than 32 of each.
    public var integrity: Pair<Integrity>?

    public init(
        initiatorSPI: UInt64, responderSPI: UInt64, encryption: Pair<Encryption>, integrity: Pair<Integrity>? = nil
    ) {
        self.initiatorSPI = initiatorSPI
        self.responderSPI = responderSPI
        self.encryption = encryption
        self.integrity = integrity
    }

    /// An algorithm, and a key for each direction.
    public struct Pair<Algorithm: Hashable & Sendable & Codable>: Hashable, Sendable, Codable {
        public var algorithm: Algorithm
        /// For what the initiator sends.
        public var initiatorKey: KeyMaterial
        public var responderKey: KeyMaterial

        public init(_ algorithm: Algorithm, initiatorKey: KeyMaterial, responderKey: KeyMaterial) {
            self.algorithm = algorithm
            self.initiatorKey = initiatorKey
            self.responderKey = responderKey
        }
    }

    /// AES-CBC, or AES-GCM with so many bytes of ICV; the key's length tells the rest.
    public enum Encryption: String, Hashable, Sendable, Codable, CaseIterable {
        case cbc, gcm8, gcm12, gcm16

        /// As Wireshark 4.0 calls it with such a key.
        func wiresharkName(keyBits: Int) -> String {
            switch self {
            case .cbc: "AES-CBC-\(keyBits) [RFC3602]"
            case .gcm8, .gcm12, .gcm16: "AES-GCM-\(keyBits - 32) with \(rawValue.dropFirst(3)) octet ICV [RFC5282]"
            }
        }
    }

    /// HMAC with a hash function, as IKEv2 truncates it (RFC 4868 section 2.6, RFC 2404).
    public enum Integrity: String, Hashable, Sendable, Codable, CaseIterable {
        case sha1, sha256, sha384, sha512

        /// In bytes.
        public var keyLength: Int {
            switch self {
            case .sha1: 20
            case .sha256: 32
            case .sha384: 48
            case .sha512: 64
            }
        }

        /// As Wireshark 4.0 calls it.
        var wiresharkName: String {
            switch self {
            case .sha1: "HMAC_SHA1_96 [RFC2404]"
            case .sha256: "HMAC_SHA2_256_128 [RFC4868]"
            case .sha384: "HMAC_SHA2_384_192 [RFC4868]"
            case .sha512: "HMAC_SHA2_512_256 [RFC4868]"
            }
        }

        /// As it calls a value of the same length that is not verified.
        var uncheckedWiresharkName: String {
            let bits =
                switch self {
                case .sha1: 96
                case .sha256: 128
                case .sha384: 192
                case .sha512: 256
                }
            return "ANY \(bits)-bits of Authentication [No Checking]"
        }
    }
}

extension IKEKeys {
    /// Which IKE SA they are of.
    public var spis: [UInt64] { [initiatorSPI, responderSPI] }
}
