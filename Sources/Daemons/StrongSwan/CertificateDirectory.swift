import LabModel

/// The directories that swanctl(8) reads certificates and keys from: `x509`, `x509ca` and `private` below /etc/swanctl.
///
/// Source: swanctl.conf(5), `local.certs`, `remote.cacerts`; swanctl(8), FILES.
enum CertificateDirectory {
    private static let path = "/etc/swanctl"

    /// What a certificate's file is called: users' have the names that they have.
    static func fileName(_ name: String) -> String { name.contains(".") ? name : "\(name).pem" }

    static func authorityNames(of use: CertificateUse) -> [String] {
        // Before it has been made there is one.
        (1...max(1, use.credential?.authorities.count ?? 1)).map { "ca-\($0)-of-\(fileName(use.name))" }
    }

    static func files(of ends: [TunnelEnd]) -> [ConfigurationFile] {
        var files: [ConfigurationFile] = []
        for use in ends.compactMap(\.certificate) {
            let made = "# made when the lab comes up\n"
            let credential = use.credential
            let authorities = credential?.authorities ?? [made]
            files += [
                ConfigurationFile(path: "\(path)/x509/\(fileName(use.name))", contents: credential?.certificate ?? made),
                ConfigurationFile(
                    path: "\(path)/private/\(fileName(use.name))", contents: credential?.key.reveal() ?? made, isSecret: true),
            ]
            files += zip(authorityNames(of: use), authorities).map {
                ConfigurationFile(path: "\(path)/x509ca/\($0)", contents: $1)
            }
            if let stranger = credential?.stranger {
                files.append(ConfigurationFile(path: "\(path)/x509/\(fileName(use.strangerName))", contents: stranger))
            }
        }
        // A file of the user's may serve several tunnels.
        return files.reduce(into: []) { all, file in
            if !all.contains(where: { $0.path == file.path }) { all.append(file) }
        }
    }
}
