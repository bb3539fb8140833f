import AgentProtocol
import Certificates
import DaemonProfiles
import Daemons
import Glibc
import NodeRuntime

/// NSS databases for pluto, which wants one even for pre-shared keys.
///
/// Making one takes certutil a tenth of a second; it is made once and copied.
public enum KeyStore {
    private static let workshop = "/run/netlab/key-store"

    /// Makes an empty database with certutil(1) and returns its files by name.
    public static func make() async throws -> [String: [UInt8]] {
        try GuestSystem.createDirectory(workshop, mode: 0o700)
        let (code, output) = try await NodeProcess.run(NSSDatabase.creationArguments(directory: workshop), in: nil)
        guard code == 0 else {
            throw LabFailure(
                "certutil could not make a key store (code \(code)).",
                remedy: "It comes with the package libnss3-tools.",
                details: output.split(whereSeparator: \.isNewline).suffix(4).map(String.init))
        }
        var files: [String: [UInt8]] = [:]
        for name in NSSDatabase.fileNames {
            guard let bytes = GuestSystem.readBytes("\(workshop)/\(name)", limit: 1 << 22) else {
                throw LabFailure("certutil made no \(name).")
            }
            files[name] = bytes
        }
        return files
    }

    /// Puts certificates with their keys, and the authorities that are trusted, into a node's database.
    ///
    /// The files that certutil(1) and pk12util(1) read are in the node's /etc for so long as they run, for its root only.
    public static func fill(_ contents: KeyStoreContents, in sandbox: NodeSandbox) async throws {
        var authorities: [String] = []
        for entry in contents.entries {
            let bundle: [UInt8]
            do {
                bundle = try KeyBundle.bytes(of: entry.pair, name: entry.name)
            } catch {
                throw LabFailure("The certificate \(entry.name) of \(sandbox.name) cannot be stored: \(error).")
            }
            try await take(bundle, in: sandbox, contents.directory) { file in
                NSSDatabase.importArguments(bundle: file, directory: contents.directory)
            }
            for authority in entry.authorities where !authorities.contains(authority) {
                authorities.append(authority)
                let name = "ca-\(authorities.count)"
                try await take(Array(authority.utf8), in: sandbox, contents.directory) { file in
                    NSSDatabase.trustArguments(certificate: file, name: name, directory: contents.directory)
                }
            }
        }
        for (index, intermediate) in contents.intermediates.enumerated() {
            try await take(Array(intermediate.utf8), in: sandbox, contents.directory) { file in
                NSSDatabase.intermediateArguments(
                    certificate: file, name: "intermediate-\(index + 1)", directory: contents.directory)
            }
        }
        for list in contents.revocations {
            guard let bytes = PEMText.bytes(of: list) else {
                throw LabFailure("What the lab's CA has revoked cannot be stored at \(sandbox.name): it is not in PEM.")
            }
            try await take(bytes, in: sandbox, contents.directory) { file in
                NSSDatabase.revocationArguments(list: file, directory: contents.directory)
            }
        }
    }

    private static func take(
        _ bytes: [UInt8], in sandbox: NodeSandbox, _ directory: String, by arguments: (String) -> [String]
    ) async throws {
        let name = "netlab-import"
        try place(name, bytes, in: sandbox, directory: directory)
        defer { try? sandbox.removeFile("\(directory)/\(name)") }
        let command = arguments("\(directory)/\(name)")
        let (code, output) = try await NodeProcess.run(command, in: sandbox)
        guard code == 0 else {
            throw LabFailure(
                "\(sandbox.name): \(command[0]) could not put a certificate into the key store (code \(code)).",
                remedy: "It comes with the package libnss3-tools.",
                details: output.split(whereSeparator: \.isNewline).suffix(4).map(String.init))
        }
    }

    public static func place(_ name: String, _ bytes: [UInt8], in sandbox: NodeSandbox, directory: String) throws {
        try sandbox.withMounts {
            try GuestSystem.createDirectory(directory)
            try GuestSystem.write(bytes, to: "\(directory)/\(name)", mode: 0o600)
        }
    }
}
