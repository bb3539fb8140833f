import ConfigurationFormats
import LabModel

extension ConnectionFiles {
    /// Whether there are keys in the configuration itself.
    public var holdsSecrets: Bool {
        // What cannot be read may have some.
        guard let settings = try? StrongSwanSettings(configuration) else { return true }
        return settings[section: "secrets"] != nil
    }

    /// A swanctl.conf and its secrets with one parameter that does not fit any more.
    ///
    /// A section that stands again is the same one, and the later value of a key counts (strongswan.conf(5)): what is wrong is
    /// put behind what the user wrote.
    func mistakenSwanctl(_ parameter: Fault.Parameter, of end: TunnelEnd) -> ConnectionFiles {
        var files = self
        switch parameter {
        case .psk:
            files.configuration += Self.mistakenKeys(of: configuration)
            files.secrets = Secret(secrets.reveal() + Self.mistakenKeys(of: secrets.reveal()))
        // Faults' reader refuses them for files of the user's.
        case .certificate, .revoked: break
        case .ike:
            let other = Self.otherAlgorithms(than: end.own?.settings["proposals"])
            files.configuration += "\nconnections {\n\(end.connection) {\nproposals = \(other)\n}\n}\n"
        case .esp:
            let child = end.child
            let present = end.own?.settings["children.\(child).esp_proposals"]
            files.configuration +=
                "\nconnections {\n\(end.connection) {\nchildren {\n\(child) {\n"
                + "esp_proposals = \(Self.otherAlgorithms(than: present))\n}\n}\n}\n}\n"
        }
        return files
    }

    /// Algorithms that agree with those given in nothing; nil stands for strongSwan's defaults, which offer every length of key
    /// but none of these alone.
    private static func otherAlgorithms(than value: String?) -> String {
        value?.contains("192") ?? false ? "aes128-sha512-modp4096" : "aes192-sha512-modp4096"
    }

    /// Every key of a file again, with another value.
    private static func mistakenKeys(of text: String) -> String {
        guard let secrets = (try? StrongSwanSettings(text))?[section: "secrets"] else { return "" }
        let keys = secrets.sectionNames.compactMap { name in
            secrets[section: name]?.values["secret"].map { "\(name) {\nsecret = \"mistaken-\($0)\"\n}\n" }
        }
        return keys.isEmpty ? "" : "\nsecrets {\n\(keys.joined())}\n"
    }
}
