import AgentProtocol
import Daemons
import Glibc
import NodeRuntime

/// Empty NSS databases for pluto, which wants one even for pre-shared keys.
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

    public static func place(_ name: String, _ bytes: [UInt8], in sandbox: NodeSandbox, directory: String) throws {
        try sandbox.withMounts {
            try GuestSystem.createDirectory(directory)
            try GuestSystem.write(bytes, to: "\(directory)/\(name)", mode: 0o600)
        }
    }
}
