import LabModel
import YAMLReading

extension YAMLFields {
    /// `encryption:` and `integrity:`, which must go together.
    public func espAlgorithms() -> ESPAlgorithms? {
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
