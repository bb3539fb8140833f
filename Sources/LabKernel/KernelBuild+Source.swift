import Glibc
import SystemPackage

/// A tarball of Linux's source, and the name that tells one from another.
struct KernelSource: Sendable, Hashable {
    let tarball: FilePath
    /// A package and its version, or a file name and the digest of its contents.
    let identity: String

    static let package = "linux-source-6.1"
    private static let packageTarball: FilePath = "/usr/src/linux-source-6.1.tar.xz"

    /// The source that Debian's package has installed, or nil without it.
    static func debian(_ tools: KernelBuildTools) async throws -> KernelSource? {
        guard access(packageTarball.string, R_OK) == 0 else { return nil }
        guard tools.find("dpkg-query") != nil,
            let version = try? await tools.output(
                "dpkg-query", ["--show", "--showformat=${Version}", package], because: "ask for \(package)'s version")
        else { return try await tarball(packageTarball, tools) }
        return KernelSource(tarball: packageTarball, identity: "\(package) \(version)")
    }

    /// A tarball that the user names. Throws `sourceUnusable` when it cannot be read.
    static func tarball(_ path: FilePath, _ tools: KernelBuildTools) async throws -> KernelSource {
        let status = try? Stat(path)
        guard status?.type == .regular, access(path.string, R_OK) == 0, let name = path.lastComponent else {
            throw SetupError(
                .sourceUnusable, "\(path) is not a file that can be read",
                remedy: "Name a tarball of Linux 6.1's source, or leave --source out to use Debian's \(package).")
        }
        let absolute = path.isAbsolute ? path : FilePath(workingDirectory).pushing(path)
        let digest = try await tools.output(
            "sha256sum", ["--binary", absolute.string], because: "compute the digest of \(path)")
        return KernelSource(tarball: absolute, identity: "\(name) sha256:\(digest.prefix(16))")
    }

    static var missing: SetupError {
        SetupError(
            .sourceUnusable, "the kernel source is not installed: \(packageTarball) is not there",
            remedy: "Install it (apt-get install \(package)), or name a tarball: netlab kernel build --source FILE.")
    }

    private static var workingDirectory: String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }
}
