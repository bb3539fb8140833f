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

    public var description: String {
        ([encryption.rawValue] + [integrity?.rawValue].compactMap { $0 }).joined(separator: " with ")
    }
}

extension Tunnel {
    /// The algorithms of its ESP packets, as configured; nil where the user's own files leave them open.
    public var algorithms: ESPAlgorithms? {
        if let esp = proposal?.esp { return ESPAlgorithms(encryption: esp.encryption, integrity: esp.integrity) }
        return ownParameters.lazy.compactMap { $0["phase2alg"] ?? $0["esp"] }.first.flatMap(
            ESPAlgorithms.init(libreswan:)) ?? ownConnections.lazy.compactMap(\.espAlgorithms).first
    }

    /// Whether its ESP rides in UDP: as soon as one end is behind NAT (RFC 7296, section 2.23), or when it is forced to.
    public var isUDPEncapsulated: Bool {
        ends.contains { $0.localAddress != $0.identity }
            || ownParameters.contains {
                ["yes", "on", "true"].contains($0["encapsulation"]) || $0["forceencaps"] == "yes"
            }
            || ownConnections.contains(where: \.forcesEncapsulation)
    }

    /// How long its IKE SA and its ESP associations last; nil where the user's own files leave that to the daemon.
    public var lifetimes: (ike: Duration, esp: Duration)? {
        if let proposal { return (proposal.ike.lifetime, proposal.esp.lifetime) }
        let swanctl = ownConnections.map(\.lifetimes)
        let longest = { (names: [String]) in
            self.ownParameters.compactMap { parameters in
                names.lazy.compactMap { parameters[$0] }.first.flatMap(Self.lifetime)
            }.max()
        }
        let ike = [longest(["ikelifetime"]), swanctl.map(\.ike).max()].compactMap { $0 }.max()
        let esp = [longest(["salifetime", "keylife", "lifetime"]), swanctl.map(\.esp).max()].compactMap { $0 }.max()
        guard let ike, let esp else { return nil }
        return (ike, esp)
    }

    /// A bare number is one of seconds.
    private static func lifetime(_ text: String) -> Duration? {
        Duration(text: text) ?? Duration(text: text + "s")
    }

    /// The connections of the ends that bring their own swanctl.conf.
    var ownConnections: [SwanctlConnection] { ends.compactMap(\.swanctlConnection) }

    /// The parameters of the ends that bring their own ipsec.conf.
    var ownParameters: [[String: String]] {
        ends.compactMap { end in
            guard case .own(let files) = end.configuration, end.daemon == .libreswan else { return nil }
            return IpsecConf(files.configuration)[connection: end.connection]
        }
    }
}

extension YAMLFields {
    /// `encryption:` and `integrity:`, which must go together.
    func espAlgorithms() -> ESPAlgorithms? {
        guard
            let encryption = required("encryption", "for example aes-256-gcm-16")?
                .choice(EncryptionAlgorithm.self, noun: "encryption algorithms")
        else { return nil }
        let integrity = self["integrity"]?.choice(IntegrityAlgorithm.self, noun: "integrity algorithms")
        if encryption.value.isAuthenticated, let integrity {
            owner.collector.error(
                integrity.line,
                "\(owner.path): \(encryption.value.rawValue) authenticates by itself and takes no integrity algorithm",
                "Remove `integrity:`.")
        } else if !encryption.value.isAuthenticated, self["integrity"] == nil {
            owner.collector.error(
                encryption.line, "\(owner.path): \(encryption.value.rawValue) does not authenticate",
                "Add `integrity: sha2-256`, or take an algorithm such as aes-256-gcm-16.")
        }
        return ESPAlgorithms(encryption: encryption.value, integrity: integrity?.value)
    }
}
