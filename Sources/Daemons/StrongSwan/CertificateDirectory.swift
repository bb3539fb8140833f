import DaemonProfiles
import LabModel

/// The directories that swanctl(8) reads certificates and keys from: `x509`, `x509ca`, `x509crl` and `private` below /etc/swanctl.
///
/// Source: swanctl.conf(5), `local.certs`, `remote.cacerts`; swanctl(8), FILES.
enum CertificateDirectory {
    private static let path = "/etc/swanctl"

    /// What a certificate's file is called: users' have the names that they have.
    static func fileName(_ name: String) -> String { name.contains(".") ? name : "\(name).pem" }

    /// The first of the user's has the name of its file, of which swanctl(8) reads the first certificate alone.
    static func authorityNames(of use: CertificateUse) -> [String] {
        // Before it has been made there is one.
        let names = (1...max(1, use.credential?.authorities.count ?? 1)).map { "ca-\($0)-of-\(fileName(use.name))" }
        guard case .files(_, _, let own) = use.origin else { return names }
        return [own] + names.dropFirst()
    }

    static func files(of ends: [TunnelEnd]) -> [ConfigurationFile] {
        var files: [ConfigurationFile] = []
        for use in ends.compactMap(\.certificate) {
            let credential = use.credential
            let made = "# made when the lab comes up\n"
            let authorities = credential?.authorities ?? [made]
            files += self.files(use.name, credential?.own ?? CertifiedKey(certificate: made, key: Secret(made)))
            for (shown, pair) in credential?.spares ?? [] { files += self.files(use.name(of: shown), pair) }
            files += (credential?.revocations ?? []).map {
                ConfigurationFile(path: "\(path)/x509crl/revoked.pem", contents: $0)
            }
            files += (credential?.intermediates ?? []).enumerated().map { index, text in
                ConfigurationFile(
                    path: "\(path)/x509ca/intermediate-\(index + 1)-of-\(fileName(use.name))", contents: text)
            }
            files += zip(authorityNames(of: use), authorities).map {
                ConfigurationFile(path: "\(path)/x509ca/\($0)", contents: $1)
            }
        }
        // A file of the user's may serve several tunnels.
        return files.reduce(into: []) { all, file in
            if !all.contains(where: { $0.path == file.path }) { all.append(file) }
        }
    }

    private static func files(_ name: String, _ pair: CertifiedKey) -> [ConfigurationFile] {
        [
            ConfigurationFile(path: "\(path)/x509/\(fileName(name))", contents: pair.certificate),
            ConfigurationFile(
                path: "\(path)/private/\(fileName(name))", contents: pair.key.reveal(), isSecret: true),
        ]
    }
}
