import DaemonProfiles
import LabModel

/// The directory that a key daemon of a node reads its connections from: the users' own files as they are, and netlab's beside them.
struct ConnectionDirectory {
    let path: String
    /// The users' files, each once however many tunnels it serves.
    let own: [ConfigurationFile]

    /// - Parameter holdsSecrets: Whether a user's file of connections has keys in it.
    init(_ path: String, of ends: [TunnelEnd], holdsSecrets: (ConnectionFiles) -> Bool = { _ in false }) {
        self.path = path
        var files: [ConfigurationFile] = []
        for case .own(let given) in ends.map(\.configuration) {
            let configuration = ConfigurationFile(
                path: "\(path)/\(given.configurationName)", contents: given.configuration,
                isSecret: holdsSecrets(given))
            let secrets = given.secretsName.map {
                ConfigurationFile(path: "\(path)/\($0)", contents: given.secrets.reveal(), isSecret: true)
            }
            files += [configuration, secrets].compactMap { $0 }.filter { file in
                !files.contains { $0.path == file.path }
            }
        }
        own = files
    }

    /// A tunnel's connection and its pre-shared key, where it has one, as netlab writes them, in files whose names no user's file has.
    func generated(for tunnel: Tunnel, connection: String, secrets: String?) -> [ConfigurationFile] {
        let names = Set(own.map(\.path))
        var stem = "\(path)/\(tunnel.name)"
        while names.contains("\(stem).conf") || names.contains("\(stem).secrets") { stem += "-generated" }
        return [
            ConfigurationFile(path: "\(stem).conf", contents: connection)
        ] + (secrets.map { [ConfigurationFile(path: "\(stem).secrets", contents: $0, isSecret: true)] } ?? [])
    }

    /// The lines that include users' files which the daemon's own pattern for their kind does not match.
    func includes(missing suffixes: String..., where isIncluded: (ConfigurationFile) -> Bool = { _ in true }) -> String
    {
        own.filter { file in isIncluded(file) && !suffixes.contains(where: file.path.hasSuffix) }
            .map { "include \($0.path)\n" }.joined()
    }
}
