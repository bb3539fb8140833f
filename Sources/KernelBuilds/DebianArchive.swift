import FoundationEssentials
import Glibc
import SystemPackage

/// Debian's archive, by apt-get(8) with lists, sources and a cache of netlab's own: what this system has of them stays untouched,
/// and nobody needs rights.
///
/// The mirror is the one that the system itself fetches Debian's packages from, with its proxy and time limits; what it sends is
/// verified with the keyring that Debian installs.
package struct DebianArchive {
    /// Where lists, sources and packages are kept: `CACHE/apt`.
    let directory: FilePath
    let tools: KernelBuildTools

    /// What to do where a package cannot be had.
    private let remedy: String

    package init(
        directory: FilePath, tools: KernelBuildTools,
        remedy: String =
            "Look at the network and at apt's sources, or name a tarball: netlab kernel build --source FILE."
    ) {
        self.directory = directory
        self.tools = tools
        self.remedy = remedy
    }

    /// A package as the archive has it now.
    struct Package: Sendable, Hashable {
        let name: String
        let version: String
        /// The `.deb`, in ``DebianArchive/directory``.
        let file: FilePath
    }

    static let keyring: FilePath = "/usr/share/keyrings/debian-archive-keyring.gpg"
    static let programs = ["apt-get", "apt-config", "dpkg-deb"]

    /// Fetches a package of a suite, such as `trixie-backports`: 160 MB for a kernel's source.
    ///
    /// One that is there already, of the version that the archive has now, is not fetched again.
    ///
    /// - Throws: `sourceUnusable`, with apt-get's own words, when there is no apt-get, no mirror, no network, or no such package.
    func fetch(_ package: String, from suite: String) async throws -> Package {
        let (place, settings) = try await prepare(for: package, suite, status: "/var/lib/dpkg/status")
        let packages = place.appending("packages")
        try await apt(["update", "-q"], settings, in: packages, package, suite)
        try await apt(["download", "-q", package], settings, in: packages, package, suite)
        return try await newest(package, in: packages, suite)
    }

    /// Fetches sets of packages of a suite, each with all that it depends on, as for a system that has nothing yet.
    ///
    /// What conflicts with a package of one set may stand in another.
    ///
    /// - Parameter archives: A directory with a `partial` in it, where the packages are left.
    /// - Throws: `sourceUnusable`, with apt-get's own words.
    package func fetch(_ sets: [[String]], from suite: String, into archives: FilePath) async throws {
        let subject = "what a system of its own needs"
        let status = directory.appending("nothing-installed")
        let (_, settings) = try await prepare(for: subject, suite, status: status.string)
        do {
            try Data().write(to: URL(filePath: status.string))
        } catch {
            throw SetupError(
                .directoryUnavailable, "cannot write \(status): \(error)",
                remedy: "Set XDG_CACHE_HOME to a directory that you can write to.")
        }
        try await apt(["update", "-q", "--error-on=any"], settings, in: archives, subject, suite)
        for set in sets {
            try await apt(
                [
                    "install", "-q", "-y", "--download-only", "--no-install-recommends",
                    "-o", "Dir::Cache::archives=\(archives)", "-o", "APT::Architectures::=amd64",
                ] + set, settings, in: archives, subject, suite)
        }
    }

    /// Makes ready what apt-get works with for a suite: its directories, its settings, the mirror.
    private func prepare(for package: String, _ suite: String, status: String) async throws -> (
        place: FilePath, settings: FilePath
    ) {
        for program in Self.programs where tools.find(program) == nil {
            throw unavailable(package, suite, "this system has no \(program)")
        }
        guard access(Self.keyring.string, R_OK) == 0 else {
            throw unavailable(package, suite, "\(Self.keyring), which its signature is verified with, is not there")
        }
        let mirror = try await mirror(for: package, suite)
        let place = directory.appending(suite)
        let settings = place.appending("apt.conf")
        do {
            for part in ["state/lists/partial", "cache/archives/partial", "packages"] {
                try FileManager.default.createDirectory(
                    atPath: place.string + "/" + part, withIntermediateDirectories: true)
            }
            let text = try await Self.configuration(in: place, status: status, systemAcquire: systemSettings())
            try Data(text.utf8).write(to: URL(filePath: settings.string))
            try Data("deb [signed-by=\(Self.keyring)] \(mirror) \(suite) main\n".utf8)
                .write(to: URL(filePath: place.appending("sources.list").string))
        } catch let error as SetupError {
            throw error
        } catch {
            throw SetupError(
                .directoryUnavailable, "cannot write in \(place): \(error)",
                remedy: "Set XDG_CACHE_HOME to a directory that you can write to, with room in it.")
        }
        return (place, settings)
    }

    /// Removes what was fetched of a package, and keeps the lists.
    static func discard(_ package: Package) {
        try? FileManager.default.removeItem(atPath: package.file.string)
    }

    /// The file that apt-get has left; older ones of the same package go.
    private func newest(_ package: String, in directory: FilePath, _ suite: String) async throws -> Package {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []
        let files = names.filter { $0.hasPrefix("\(package)_") && $0.hasSuffix(".deb") }
            .map { directory.appending($0) }
            .sorted { (try? Stat($0).st_mtim.tv_sec) ?? 0 < (try? Stat($1).st_mtim.tv_sec) ?? 0 }
        guard let file = files.last else { throw unavailable(package, suite, "apt-get has fetched no file") }
        for other in files.dropLast() { try? FileManager.default.removeItem(atPath: other.string) }
        let version = try await tools.output(
            "dpkg-deb", ["--field", file.string, "Version"], because: "ask \(file)'s version")
        return Package(name: package, version: version, file: file)
    }

    private func apt(
        _ arguments: [String], _ settings: FilePath, in directory: FilePath, _ package: String, _ suite: String
    ) async throws {
        do {
            try await tools.run(
                "apt-get", arguments, in: directory, variables: ["APT_CONFIG": settings.string],
                because: "ask Debian's archive")
        } catch let error as SetupError where error.code == .buildFailed {
            let words = tools.lastLines.filter { $0.hasPrefix("E: ") || $0.hasPrefix("W: Failed") }
            throw unavailable(package, suite, words.isEmpty ? error.message : words.joined(separator: " "))
        }
    }

    /// What apt-get is told, in the syntax of apt.conf(5): the system's own settings of how to fetch, and where everything is.
    static func configuration(in place: FilePath, status: String, systemAcquire: String) throws -> String {
        """
        \(systemAcquire)
        Dir::State "\(place)/state";
        Dir::State::lists "\(place)/state/lists";
        Dir::State::status "\(status)";
        Dir::Cache "\(place)/cache";
        Dir::Etc::sourcelist "\(place)/sources.list";
        Dir::Etc::sourceparts "/dev/null";
        Dir::Etc::main "/dev/null";
        Dir::Etc::parts "/dev/null";
        Dir::Etc::preferences "/dev/null";
        Dir::Etc::preferencesparts "/dev/null";
        Acquire::Languages "none";
        Acquire::Retries "2";
        Acquire::http::Timeout "20";
        APT::Sandbox::User "";

        """
    }

    /// The system's settings of how files are fetched: a proxy, for example.
    private func systemSettings() async throws -> String {
        try await tools.output("apt-config", ["dump", "Acquire"], because: "ask apt's settings")
    }

    // MARK: - The mirror

    private func mirror(for package: String, _ suite: String) async throws -> String {
        let text = try await tools.output(
            "apt-get", ["indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Identifier: Packages"],
            because: "ask where this system's packages are from")
        guard let mirror = Self.mirror(inTargets: text) else {
            throw unavailable(package, suite, "this system's packages are not Debian's (sources.list(5))")
        }
        return mirror
    }

    /// The mirror of Debian's main archive among lines `URI SUITE COMPONENT` of apt-get's index targets.
    static func mirror(inTargets text: String) -> String? {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if words.count == 3, words[2] == "main", releases.contains(words[1]) { return words[0] }
        }
        return nil
    }

    /// Names that only Debian's main archive has suites by.
    private static let releases: Set<String> = [
        "bookworm", "trixie", "forky", "duke", "sid", "oldstable", "stable", "testing", "unstable",
    ]

    private func unavailable(_ package: String, _ suite: String, _ reason: String) -> SetupError {
        SetupError(
            .sourceUnusable, "\(package) cannot be had from Debian's \(suite): \(reason)",
            remedy: remedy)
    }
}
