import NetworkTypes

/// How an end of a tunnel proves to its peer who it is (RFC 7296, section 2.15), and its peer to it.
public enum Authentication: Hashable, Sendable, Codable {
    case presharedKey(Secret)
    case certificate(CertificateUse)
}

/// A certificate (RFC 5280) that an end of a tunnel signs with, and what it takes its peer's by.
public struct CertificateUse: Hashable, Sendable, Codable {
    /// Where it comes from.
    public enum Origin: Hashable, Sendable, Codable {
        /// The lab's own CA, when the lab comes up.
        case made(CertificateKeyType)
        /// Files of the user's, by their names beside the lab file.
        case files(certificate: String, key: String, authorities: String)
    }

    /// Which certificate an end shows.
    public enum Shown: String, Hashable, Sendable, Codable, CaseIterable {
        case own
        /// Of the same names, by an authority that nobody knows.
        case stranger
        /// Of the same names but the subject, by the lab's own authority, which has revoked it.
        case revoked
    }

    public let origin: Origin
    public let family: CertificateKeyFamily
    /// The distinguished name that it is for, as ``IKEIdentity/distinguishedName(_:)`` has it.
    public let subject: String
    /// What the end calls itself: its certificate's subject, or one of the alternative names in it.
    public let identity: IKEIdentity
    /// What the node's daemon knows it by; no two certificates of a node have the same.
    public let name: String
    /// Nil until it has been made.
    public var credential: Credential?
    public var shown = Shown.own
    /// How long one that the lab's own authority signs is valid, from the lab's beginning; nil for ten years.
    public var lifetime: Duration?
    /// Whether an intermediate authority signs it, which the lab's own authority has certified and which the end shows with it.
    public var hasIntermediate = false

    public init(
        origin: Origin, family: CertificateKeyFamily, subject: String, identity: IKEIdentity, name: String,
        credential: Credential?
    ) {
        self.origin = origin
        self.family = family
        self.subject = subject
        self.identity = identity
        self.name = name
        self.credential = credential
    }

    /// What the node's daemon knows a certificate by that the end may show.
    public func name(of shown: Shown) -> String { shown == .own ? name : "\(shown.rawValue)-\(name)" }
}

/// A certificate and its private key, both in PEM (RFC 7468).
public struct CertifiedKey: Hashable, Sendable, Codable {
    public let certificate: String
    public let key: Secret

    public init(certificate: String, key: Secret) {
        self.certificate = certificate
        self.key = key
    }
}

/// What an end signs with and trusts.
public struct Credential: Hashable, Sendable, Codable {
    public let own: CertifiedKey
    /// The certificates in PEM of those that may sign its peer's.
    public let authorities: [String]
    /// By an authority that nobody knows; nil until it has been made. Its key is another: an IKE daemon takes a key that it has once
    /// seen certified.
    public var stranger: CertifiedKey?
    /// By the lab's own authority, which has revoked it; nil for an end that calls itself by its certificate's subject.
    public var revoked: CertifiedKey?
    /// What the authorities have revoked, in PEM (RFC 5280, section 5).
    public var revocations: [String] = []
    /// The certificates in PEM that lead from ``own`` to an authority, and that the end shows with it (RFC 7296, section 3.6).
    public var intermediates: [String] = []

    public init(own: CertifiedKey, authorities: [String]) {
        self.own = own
        self.authorities = authorities
    }

    /// Those that faults have the end show, by what they are.
    public var spares: [(shown: CertificateUse.Shown, pair: CertifiedKey)] {
        [(.stranger, stranger), (.revoked, revoked)].compactMap { shown, pair in pair.map { (shown, $0) } }
    }
}

/// A kind of key that netlab makes certificates for.
public enum CertificateKeyType: String, Hashable, Sendable, Codable, CaseIterable {
    case ecdsa256 = "ecdsa-256"
    case ecdsa384 = "ecdsa-384"
    case rsa2048 = "rsa-2048"
    case rsa3072 = "rsa-3072"
    case rsa4096 = "rsa-4096"
    case ed25519

    public var family: CertificateKeyFamily {
        switch self {
        case .ecdsa256, .ecdsa384: .ecdsa
        case .rsa2048, .rsa3072, .rsa4096: .rsa
        case .ed25519: .ed25519
        }
    }
}

/// A signature's algorithm, which a daemon may lack (RFC 7427, RFC 8420).
public enum CertificateKeyFamily: String, Hashable, Sendable, Codable, CaseIterable {
    case rsa = "RSA"
    case ecdsa = "ECDSA"
    case ed25519 = "Ed25519"
}

/// What an end calls itself in IKE (RFC 7296, section 3.5).
public enum IKEIdentity: Hashable, Sendable, Codable, CustomStringConvertible {
    case address(IPAddress)
    /// A DNS name, ID_FQDN.
    case name(String)
    /// ID_DER_ASN1_DN, as `O=lab, OU=tunnel, CN=node`: in the certificate's order, and with nothing in it that a daemon would have to be
    /// told in another way.
    case distinguishedName(String)

    public var description: String {
        switch self {
        case .address(let address): "\(address)"
        case .name(let name), .distinguishedName(let name): name
        }
    }

    /// The attributes of a distinguished name that daemons read from text.
    public static let attributes = ["C", "ST", "L", "O", "OU", "CN", "DC"]

    /// Whether a text is labels of letters, digits and hyphens (RFC 1123, section 2.1), in small letters: daemons differ in how they compare
    /// others.
    public static func isHostName(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return text.utf8.count <= 253 && IPAddress(text) == nil
            && labels.allSatisfy { label in
                (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                    && label.utf8.allSatisfy {
                        (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
                    }
            }
    }

    /// Whether a distinguished name has only attributes and characters that every daemon reads alike.
    public static func isPlain(_ name: String) -> Bool {
        let parts = name.split(separator: ",", omittingEmptySubsequences: false)
        return parts.allSatisfy { part in
            let sides = part.split(separator: "=", maxSplits: 1).map(String.init)
            return sides.count == 2 && attributes.contains(sides[0].filter { $0 != " " })
                && sides[1].utf8.allSatisfy { byte in
                    (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte)
                        || " -.:/'()".utf8.contains(byte)
                }
        }
    }
}

extension TunnelEnd {
    /// The certificate that it signs with, as far as the lab file says; nil for one that does not.
    public var certificate: CertificateUse? {
        if case .certificate(let use) = proposal?.authentication { return use }
        if case .own(let files) = configuration { return files.certificate }
        return nil
    }

    /// What it calls itself, as far as the lab file says.
    public var ikeIdentity: IKEIdentity {
        certificate?.identity ?? name.map { .name($0) } ?? .address(identity)
    }
}
