import LabModel

/// Proposals of `ike=`, `esp=` and `phase2alg=`: `aes128-sha1;modp1024`, `aes256gcm16-sha512-modp4096,aes128-sha1-modp2048!`.
enum DeviceSuites {
    /// - Parameter isExact: Whether a suite without a group means none, as in the older format of the two that ipsec.conf(5) has.
    static func phase(_ setting: Sourced<String>?, lifetime: Sourced<Int>?, isExact: Bool) -> PhaseFacts {
        var phases = (setting?.value ?? "").split(separator: ",").map { text in
            var phase = suite(String(text.last == "!" ? text.dropLast() : text), setting?.origin)
            phase.hasNoGroup = isExact && phase.groups.isEmpty
            return phase
        }.filter { !$0.encryption.isEmpty }
        var first = phases.isEmpty ? PhaseFacts() : phases.removeFirst()
        first.alternatives = phases
        first.lifetime = lifetime
        return first
    }

    /// One proposal; `+` joins algorithms of one kind.
    private static func suite(_ text: String, _ origin: Origin?) -> PhaseFacts {
        var phase = PhaseFacts()
        guard let origin else { return phase }
        var words: [String] = []
        for word in text.lowercased().split(whereSeparator: { "-;".contains($0) || $0.isWhitespace }) {
            // `aes_gcm-256` is one word.
            if word.allSatisfy(\.isNumber), let last = words.popLast() {
                words.append(last + word)
            } else {
                words.append(String(word))
            }
        }
        for (place, word) in words.flatMap({ $0.split(separator: "+").map(String.init) }).enumerated() {
            let isGroup = ["modp", "ecp", "dh", "25519", "curve"].contains { word.contains($0) }
            let isIntegrity = ["sha", "md5", "xcbc", "cmac"].contains { word.contains($0) }
            if word.hasPrefix("prf") || word == "null" || word == "none" || word == "esn" || word == "noesn" {
                // The function that IKE derives keys with follows the integrity; AEADs have no other integrity.
                continue
            } else if isGroup {
                phase.groups.append(Sourced(word.contains("25519") ? "curve25519" : word, origin))
            } else if isIntegrity {
                phase.integrity.append(Sourced(word == "sha2" ? "sha2_256" : word, origin))
            } else if place == 0 || phase.integrity.isEmpty {
                phase.encryption.append(Sourced(word, origin))
            }
        }
        return phase
    }
}
