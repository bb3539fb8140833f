import FoundationEssentials
import Glibc
import SystemPackage

/// Linux's source, and the name that tells one from another.
struct KernelSource: Sendable, Hashable {
    let series: KernelSeries
    /// A tarball, or a package of Debian's with a tarball in it.
    let file: FilePath
    /// A package and its version, or a file name and the digest of its contents.
    let identity: String
    /// The package that was fetched for it, which nobody needs when the kernel has been built.
    var fetched: DebianArchive.Package?

    /// The source that Debian's package has installed, or nil without it.
    static func installed(_ series: KernelSeries, _ tools: KernelBuildTools) async throws -> KernelSource? {
        let tarball = FilePath("/usr/src/\(series.package).tar.xz")
        guard access(tarball.string, R_OK) == 0, tools.find("dpkg-query") != nil,
            let version = try? await tools.output(
                "dpkg-query", ["--show", "--showformat=${Version}", series.package],
                because: "ask for \(series.package)'s version")
        else { return nil }
        return KernelSource(series: series, file: tarball, identity: "\(series.package) \(version)")
    }

    /// The source from Debian's archive.
    ///
    /// - Throws: `sourceUnusable` when it cannot be had.
    static func fetched(_ series: KernelSeries, _ archive: DebianArchive) async throws -> KernelSource {
        let package = try await archive.fetch(series.package, from: series.suite)
        return KernelSource(
            series: series, file: package.file, identity: "\(package.name) \(package.version)", fetched: package)
    }

    /// A tarball that the user names, with its series from its own Makefile, or as the user says.
    ///
    /// - Throws: `sourceUnusable` when it cannot be read, is no source of Linux, or is of a series that netlab was not proved on and
    ///   the user did not name.
    static func tarball(_ path: FilePath, series name: String?, _ tools: KernelBuildTools) async throws -> KernelSource
    {
        let status = try? Stat(path)
        guard status?.type == .regular, access(path.string, R_OK) == 0, let file = path.lastComponent else {
            throw SetupError(
                .sourceUnusable, "\(path) is not a file that can be read",
                remedy: "Name a tarball of Linux's source, or leave --source out to have it from Debian.")
        }
        let absolute = path.isAbsolute ? path : FilePath(workingDirectory).pushing(path)
        let digest = try await tools.output(
            "sha256sum", ["--binary", absolute.string], because: "compute the digest of \(path)")
        let makefile = try? await tools.output(
            "tar",
            [
                "--extract", "--to-stdout", "--occurrence=1", "--wildcards", "--no-wildcards-match-slash", "--file",
                absolute.string, "*/Makefile",
            ],
            because: "read \(path)")
        guard let found = makefile.flatMap(KernelSeries.name(inMakefile:)) else {
            throw SetupError(
                .sourceUnusable,
                "\(path) is not the source of Linux, or is broken off: it has no Makefile that says a version",
                remedy: "Name a tarball of Linux's source, or leave --source out to have it from Debian.")
        }
        if let name, name != found {
            throw SetupError(
                .sourceUnusable, "\(path) is of Linux \(found), not of \(name)",
                remedy: "Say --series \(found), or leave --series out.")
        }
        guard let series = KernelSeries.proved(found) ?? name.map(KernelSeries.unproved) else {
            throw SetupError(
                .sourceUnusable,
                "\(path) is of Linux \(found), which netlab has not been proved on (it has on \(KernelSeries.provedNames))",
                remedy: "To build it all the same, say so: --series \(found)")
        }
        return KernelSource(series: series, file: absolute, identity: "\(file) sha256:\(digest.prefix(16))")
    }

    private static var workingDirectory: String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }
}
