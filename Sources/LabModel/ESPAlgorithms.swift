import NetworkTypes

/// What ESP packets are protected with.
public struct ESPAlgorithms: Hashable, Sendable, Codable, CustomStringConvertible {
    public let encryption: EncryptionAlgorithm
    /// Nil for encryption that authenticates by itself.
    public let integrity: IntegrityAlgorithm?

    public init(encryption: EncryptionAlgorithm, integrity: IntegrityAlgorithm?) {
        self.encryption = encryption
        self.integrity = integrity
    }

    /// Reads libreswan's `esp=` or `phase2alg=` (ipsec.conf(5)): `aes_gcm256;modp1536`, `aes256-sha2_256`.
    ///
    /// Nil for what offers several, leaves the key's size open, or is not known here.
    public init?(libreswan text: String) {
        guard !text.contains(","), let proposal = text.split(whereSeparator: { $0 == ";" || $0 == "+" }).first else { return nil }
        let words = proposal.lowercased().split(separator: "-").map(String.init)
        guard let cipher = words.first, let encryption = Self.ciphers[cipher.filter { $0 != "_" }] else { return nil }
        if encryption.isAuthenticated {
            self.init(encryption: encryption, integrity: nil)
        } else {
            guard words.count > 1, let integrity = Self.hashes[words[1]] else { return nil }
            self.init(encryption: encryption, integrity: integrity)
        }
    }

    private static let ciphers: [String: EncryptionAlgorithm] = [
        "aes128": .aes128CBC, "aes192": .aes192CBC, "aes256": .aes256CBC, "aescbc128": .aes128CBC, "aescbc192": .aes192CBC,
        "aescbc256": .aes256CBC, "aesctr128": .aes128CTR, "aesctr256": .aes256CTR, "aesgcm128": .aes128GCM16,
        "aesgcm192": .aes192GCM16, "aesgcm256": .aes256GCM16, "aesgcmc128": .aes128GCM16, "aesgcmc192": .aes192GCM16,
        "aesgcmc256": .aes256GCM16, "chacha20poly1305": .chacha20Poly1305,
    ]

    private static let hashes: [String: IntegrityAlgorithm] = [
        "sha1": .sha1, "sha2": .sha2_256, "sha2_256": .sha2_256, "sha256": .sha2_256, "sha2_384": .sha2_384, "sha384": .sha2_384,
        "sha2_512": .sha2_512, "sha512": .sha2_512,
    ]

    public var description: String {
        ([encryption.rawValue] + [integrity?.rawValue].compactMap { $0 }).joined(separator: " with ")
    }
}

extension Tunnel {
    /// The algorithms of its ESP packets, as configured; nil where the user's own files leave them open.
    public var algorithms: ESPAlgorithms? {
        if let esp = proposal?.esp { return ESPAlgorithms(encryption: esp.encryption, integrity: esp.integrity) }
        return ownParameters.lazy.compactMap { $0["phase2alg"] ?? $0["esp"] }.first.flatMap(ESPAlgorithms.init(libreswan:))
    }

    /// Whether its ESP rides in UDP: as soon as one end is behind NAT (RFC 7296, section 2.23), or when it is forced to.
    public var isUDPEncapsulated: Bool {
        ends.contains { $0.localAddress != $0.identity }
            || ownParameters.contains { ["yes", "on", "true"].contains($0["encapsulation"]) || $0["forceencaps"] == "yes" }
    }

    /// How long its IKE SA and its ESP associations last; nil where the user's own files leave that to the daemon.
    public var lifetimes: (ike: Duration, esp: Duration)? {
        if let proposal { return (proposal.ike.lifetime, proposal.esp.lifetime) }
        let longest = { (names: [String]) in
            self.ownParameters.compactMap { parameters in names.lazy.compactMap { parameters[$0] }.first.flatMap { Duration(text: $0) } }.max()
        }
        guard let ike = longest(["ikelifetime"]), let esp = longest(["salifetime", "keylife", "lifetime"]) else { return nil }
        return (ike, esp)
    }

    /// The parameters of the ends that bring their own configuration.
    private var ownParameters: [[String: String]] {
        ends.compactMap { end in
            guard case .own(let files) = end.configuration else { return nil }
            return IpsecConf(files.configuration).connections[end.connection]
        }
    }
}
