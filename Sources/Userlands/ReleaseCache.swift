import Daemons
import FoundationEssentials
import Glibc
import KernelBuilds
import LabModel
import SystemPackage

/// The releases' programs in the user's cache, a directory each: `CACHE/systems/RELEASE`.
///
///     packages          the list of what was unpacked, `PACKAGE VERSION` a line
///     root/…            the release's programs and libraries, with what they have in /etc
///     NAME/…            packages that conflict with those, to be laid over them
///
/// Debian's packages are unpacked there and not installed: nothing of theirs is run, and nobody needs rights. A release is put in place
/// when all of it is there.
public struct ReleaseCache: Sendable {
    let directory: FilePath
    private let environment: [String: String]

    /// - Throws: `SetupError` where nobody says where the cache is.
    public init(environment: [String: String]) throws(SetupError) {
        directory = try HostDirectories(environment: environment).path(.cache).appending("systems")
        self.environment = environment
    }

    private static let manifest = "packages"

    /// A release that is there as a whole; nil where it is not.
    public func find(_ release: DebianRelease) -> Userland? {
        Self.userland(release, in: directory.appending(release.rawValue))
    }

    private static func userland(_ release: DebianRelease, in place: FilePath) -> Userland? {
        guard let text = try? TextFile.read(place.appending(manifest).string) else { return nil }
        let root = place.appending("root")
        let trees = DaemonRegistry.all.compactMap(\.tree)
        let needed =
            DaemonRegistry.all.filter { $0.tree == nil }.flatMap { daemon in
                daemon.files.map { root.pushing(FilePath($0)) }
            }
            + trees.flatMap { tree in tree.programs.map { place.appending(tree.name).pushing(FilePath($0)) } }
        guard needed.allSatisfy({ access($0.string, R_OK) == 0 }) else { return nil }
        return Userland(
            .release(release), root: root,
            overlays: Dictionary(trees.map { ($0.name, place.appending($0.name)) }) { first, _ in first },
            packages: packages(inManifest: text))
    }

    /// Versions by packages' names.
    static func packages(inManifest text: String) -> [String: String] {
        let pairs = text.split(separator: "\n").compactMap { line -> (String, String)? in
            let words = line.split(separator: " ")
            return words.count == 2 ? (String(words[0]), String(words[1])) : nil
        }
        return Dictionary(pairs) { first, _ in first }
    }

    // MARK: - Fetching

    /// What people and daemons' scripts call in a node, beside the daemons: Debian's names, which 12 and 13 share.
    private static let tools = [
        "base-files", "bash", "coreutils", "dash", "findutils", "grep", "hostname", "iproute2", "iputils-ping",
        "libc-bin",
        "mawk", "ncurses-base", "nftables", "procps", "sed", "sudo", "tcpdump", "traceroute", "util-linux",
    ]

    /// Links that the packages' own scripts make when they are installed: update-alternatives(1).
    private static let links = [
        ("usr/bin/awk", "mawk"), ("usr/bin/traceroute", "traceroute.db"), ("usr/sbin/iptables", "iptables-nft"),
        ("usr/sbin/ip6tables", "ip6tables-nft"),
    ]

    /// The release, fetched from Debian's archive where it is not there yet: 45 MB, some 170 MB unpacked.
    ///
    /// - Parameter say: Called with a line for people, before what takes long.
    /// - Throws: `SetupError` with apt-get's own words. What was fetched until then is removed.
    public func fetched(_ release: DebianRelease, say: (String) -> Void) async throws -> Userland {
        if let userland = find(release) { return userland }
        do {
            try HostDirectories(environment: environment).create(.cache)
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        } catch let error as SetupError {
            throw error
        } catch {
            throw SetupError(
                .directoryUnavailable, "cannot make \(directory): \(error)",
                remedy: "Set XDG_CACHE_HOME to a directory that you can write to.")
        }
        let lock = try await BuildLock.take(in: directory) {
            say("waiting: another netlab fetches a system's programs")
        }
        // Whoever had the lock may have made it.
        if let userland = find(release) { return userland }
        say(
            "fetching the programs of \(release.rawValue) from Debian's archive, once (45 MB; they are unpacked into \(directory), and not installed)"
        )
        let work = directory.appending(".new-\(release.rawValue)")
        let remove = { (path: FilePath) in try? FileManager.default.removeItem(atPath: path.string) }
        // What a fetch that was killed has left is nobody's: the lock is ours.
        remove(work)
        defer { remove(work) }
        try await make(release, in: work)
        guard Self.userland(release, in: work) != nil else {
            throw SetupError(
                .sourceUnusable, "Debian's packages of \(release.rawValue) have not the programs that netlab runs",
                remedy: "This is an error of netlab's. Give the node another `system:`, or none.")
        }
        let place = directory.appending(release.rawValue)
        // Only one that was found incomplete can be in the way.
        remove(place)
        guard rename(work.string, place.string) == 0, let userland = find(release) else {
            throw SetupError(
                .directoryUnavailable, "cannot write \(place)", remedy: "Look at its permissions and free space.",
                cause: Errno(rawValue: errno))
        }
        lock.release()
        return userland
    }

    private func make(_ release: DebianRelease, in work: FilePath) async throws {
        let archives = work.appending("archives")
        try FileManager.default.createDirectory(
            atPath: archives.string + "/partial", withIntermediateDirectories: true)
        let tools = KernelBuildTools(
            searchPath: LabSearchPath.text(environment["PATH"]), home: environment["HOME"],
            log: try BuildLog(work.appending("log")))
        let archive = DebianArchive(
            directory: directory.removingLastComponent().appending("apt"), tools: tools,
            remedy:
                "Look at the network and at apt's sources, or give the nodes no `system:`, or a root directory of your own."
        )
        let trees = DaemonRegistry.all.compactMap(\.tree)
        let daemons = DaemonRegistry.all.filter { $0.tree == nil }.flatMap(\.programs).map(\.package)
        // Those that conflict are fetched apart, and their libraries go with the others'.
        let sets = [Set(Self.tools + daemons).sorted()] + trees.map(\.packages)
        try await archive.fetch(sets, from: release.suite, into: archives)
        var list = ""
        let files = try FileManager.default.contentsOfDirectory(atPath: archives.string).filter { $0.hasSuffix(".deb") }
        for file in files.sorted() {
            let path = archives.appending(file).string
            let because = "unpack \(file)"
            let fields = try await tools.output(
                "dpkg-deb", ["--show", "--showformat=${Package} ${Version}", path], because: because)
            let name = fields.split(separator: " ").first.map(String.init) ?? file
            let place = trees.first { $0.packages.contains(name) }?.name ?? "root"
            list += fields + "\n"
            try await tools.run(
                "dpkg-deb", ["--extract", path, work.appending(place).string], in: work, because: because)
        }
        try await complete(work.appending("root"), tools)
        try FileManager.default.removeItem(atPath: archives.string)
        try FileManager.default.removeItem(atPath: work.appending("log").string)
        try TextFile.write(list, to: work.appending(Self.manifest).string)
    }

    /// Does what the packages' own scripts would, as far as programs need it to run.
    private func complete(_ root: FilePath, _ tools: KernelBuildTools) async throws {
        let files = FileManager.default
        // Debian 12's packages have files below /lib as well, which has been /usr/lib since Debian 12.
        for name in ["bin", "sbin", "lib", "lib64"] {
            let (path, merged) = (root.appending(name), root.pushing(FilePath("usr/\(name)")))
            if (try? Stat(path, followTargetSymlink: false).type) == .directory {
                try files.createDirectory(atPath: merged.string, withIntermediateDirectories: true)
                try await tools.run(
                    "cp", ["-a", "\(path)/.", merged.string], in: root, because: "put \(path) into \(merged)")
                try files.removeItem(atPath: path.string)
            }
            if (try? Stat(path, followTargetSymlink: false)) == nil {
                try files.createSymbolicLink(atPath: path.string, withDestinationPath: "usr/\(name)")
            }
        }
        for (link, target) in Self.links {
            let path = root.pushing(FilePath(link))
            let isThere = (try? Stat(path, followTargetSymlink: false)) != nil
            guard !isThere, access(path.removingLastComponent().appending(target).string, F_OK) == 0 else { continue }
            try files.createSymbolicLink(atPath: path.string, withDestinationPath: target)
        }
        // Without one of its own, a node would find the host's below it.
        try await tools.run("ldconfig", ["-r", root.string], in: root, because: "list the libraries of \(root)")
    }
}

/// Where programs are looked for that fetch and unpack: ldconfig(8) is none of a user's own path.
private enum LabSearchPath {
    static func text(_ path: String?) -> String { (path.map { "\($0):" } ?? "") + "/usr/sbin:/usr/bin:/sbin:/bin" }
}
