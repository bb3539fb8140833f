import FoundationEssentials
import Glibc
import SystemPackage

/// A lab kernel that is ready to boot.
public struct BuiltKernel: Sendable, Hashable {
    /// What a build wrote down about itself.
    public struct Metadata: Sendable, Hashable, Codable {
        /// Where the source came from: `linux-source-7.3 7.3.4-1~bpo13+1`, or a tarball's name and digest.
        public let source: String
        /// The kernel's own name for itself: `7.3.4-netlab`.
        public let release: String
        /// The compiler's first line of `--version`.
        public let compiler: String
        /// When the build ended, in seconds since 1970.
        public let builtAt: Double
        /// How long it took, in seconds.
        public let buildSeconds: Double
        /// The kernel's size in bytes.
        public let bytes: Int
        /// The series of Linux that it is of: `7.3`.
        public let series: String
        /// Whether netlab has been proved on it.
        public let isProved: Bool
        /// Why it is of this series, and not of a newer one that netlab has been proved on; nil where it is of the newest.
        public let obstacle: String?
    }

    /// The executable.
    public let path: FilePath
    /// Nil for a kernel that NETLAB_KERNEL names: nothing is known about it.
    public let metadata: Metadata?

    /// What it calls itself, or where its program is if nothing else is known about it.
    public var release: String { metadata?.release ?? path.string }

    public init(path: FilePath, metadata: Metadata?) {
        self.path = path
        self.metadata = metadata
    }
}

/// The built kernels on this machine, one directory each.
///
///     CACHE/kernels/KEY/linux          the kernel
///     CACHE/kernels/KEY/options        the settings it was built with
///     CACHE/kernels/KEY/metadata.json  source, release, compiler, time
///
/// KEY stands for configuration and source. A directory appears by one rename(2), complete. A kernel is looked up by its
/// options' text, so neither the source package nor any digest is needed to start a lab.
///
/// Kernels that a package has installed are found as if they were in it; nothing is written there.
public struct KernelCache: Sendable {
    /// The directory that holds a directory for each kernel.
    public let directory: FilePath
    /// Another directory of the same kind, which is only read; nil where no package has installed one.
    public let installed: FilePath?
    public let configuration: KernelConfiguration
    private let override: FilePath?

    static let kernelName: FilePath.Component = "linux"
    static let optionsName: FilePath.Component = "options"
    static let metadataName: FilePath.Component = "metadata.json"

    /// A cache in `directory`; `override` is a kernel to use in any case (tests, people who build their own).
    public init(
        directory: FilePath, installed: FilePath? = nil, configuration: KernelConfiguration = .lab,
        override: FilePath? = nil
    ) {
        self.directory = directory
        self.installed = installed
        self.configuration = configuration
        self.override = override
    }

    /// The user's cache, and what came with the program; NETLAB_KERNEL in `environment` names a kernel to use in its place.
    ///
    /// Throws `directoryUnavailable` when no cache directory can be named. Creates nothing.
    public init(environment: [String: String]) throws(SetupError) {
        let cache = try HostDirectories(environment: environment).path(.cache)
        let override = environment["NETLAB_KERNEL"].flatMap { $0.isEmpty ? nil : FilePath($0) }
        self.init(
            directory: cache.appending("kernels"), installed: Installation.current?.kernels, override: override)
    }

    /// The kernel that labs run on, or nil when none has been built with this configuration.
    ///
    /// Takes well under a millisecond: it reads two small files for each kernel in the cache. Throws `kernelUnusable` when
    /// NETLAB_KERNEL names something that cannot be executed.
    public func find() throws(SetupError) -> BuiltKernel? {
        if let override {
            guard access(override.string, X_OK) == 0 else {
                throw SetupError(
                    .kernelUnusable, "NETLAB_KERNEL names \(override), which cannot be executed",
                    remedy: "Name a User-Mode Linux kernel there, or unset NETLAB_KERNEL to use netlab's own.",
                    cause: Errno(rawValue: errno))
            }
            return BuiltKernel(path: override, metadata: nil)
        }
        // One whose metadata cannot be read is better than none.
        return chosen ?? built(of: (KernelSeries.proved + KernelSeries.known).map(\.name)).first
            ?? kernels().first { $0.metadata == nil }
    }

    /// Why ``find()`` returns the kernel that it does, as a sentence.
    public func reason(for kernel: BuiltKernel) -> String {
        guard let metadata = kernel.metadata else {
            return override == nil
                ? "It is the only one there; what it was built from is not known." : "NETLAB_KERNEL names it."
        }
        let proved = metadata.isProved ? "" : " netlab has not been proved on \(metadata.series)."
        if chosen == kernel { return "It was chosen by `netlab kernel build`.\(proved)" }
        if let obstacle = metadata.obstacle {
            return "Nothing newer was to be had when it was built: \(obstacle)"
        }
        let origin = installed.map(kernel.path.starts(with:)) == true ? " It came with netlab's package." : ""
        return metadata.series == KernelSeries.proved[0].name
            ? "\(metadata.series) is the newest series that netlab has been proved on.\(origin)"
            : "\(metadata.series) is the newest of the kernels here; `netlab kernel build --force` looks for \(KernelSeries.proved[0].name).\(origin)"
    }

    // MARK: - Choosing

    /// The file that names the directory of a kernel that somebody has chosen.
    private static let choiceName: FilePath.Component = "chosen"

    /// The kernel that somebody has chosen, if it is still there and has this configuration.
    private var chosen: BuiltKernel? {
        guard let bytes = Self.contents(directory.appending(Self.choiceName)) else { return nil }
        let key = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).first.map(String.init)
        guard let key, !key.hasPrefix("."), !key.contains("/") else { return nil }
        return kernel(key: key)
    }

    /// Writes down that labs are to run on a kernel of this cache, or with nil on the newest.
    ///
    /// - Throws: `directoryUnavailable` when it cannot be written down.
    func choose(_ kernel: BuiltKernel?) throws(SetupError) {
        let file = directory.appending(Self.choiceName)
        let key = kernel?.path.removingLastComponent().lastComponent?.string
        let current = Self.contents(file)
        guard let key else {
            guard current == nil || unlink(file.string) == 0 || errno == ENOENT else { throw cannotChoose(file) }
            return
        }
        let text = "\(key)\n"
        guard current != Array(text.utf8) else { return }
        let new = directory.appending(".chosen.\(getpid())")
        do {
            let descriptor = try FileDescriptor.open(
                new, .writeOnly, options: [.create, .truncate, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
            _ = try descriptor.closeAfter { try descriptor.writeAll(text.utf8) }
        } catch { throw cannotChoose(file) }
        guard rename(new.string, file.string) == 0 else { throw cannotChoose(file) }
    }

    private func cannotChoose(_ file: FilePath) -> SetupError {
        SetupError(
            .directoryUnavailable, "cannot write \(file)",
            remedy: "Set XDG_CACHE_HOME to a directory that you can write to.",
            cause: Errno(rawValue: errno))
    }

    /// The kernels of these series with this configuration: in the order of the series, and of one the newest first.
    func built(of series: [String]) -> [BuiltKernel] {
        let all = kernels()
        return series.flatMap { name in
            all.filter { $0.metadata?.series == name }
                .sorted { ($0.metadata?.builtAt ?? 0) > ($1.metadata?.builtAt ?? 0) }
        }
    }

    /// The kernel that a build left under `key`, here or in the package, if it is complete and has this configuration.
    func kernel(key: String) -> BuiltKernel? {
        places.lazy.compactMap { kernel(key: key, in: $0) }.first
    }

    private var places: [FilePath] { [directory] + (installed.map { [$0] } ?? []) }

    private func kernel(key: String, in directory: FilePath) -> BuiltKernel? {
        let home = directory.appending(key)
        let path = home.appending(Self.kernelName)
        guard let options = Self.contents(home.appending(Self.optionsName)),
            String(decoding: options, as: UTF8.self) == configuration.essentialText,
            access(path.string, X_OK) == 0
        else { return nil }
        let metadata = Self.contents(home.appending(Self.metadataName)).flatMap {
            try? JSONDecoder().decode(BuiltKernel.Metadata.self, from: Data($0))
        }
        return BuiltKernel(path: path, metadata: metadata)
    }

    /// Every complete kernel with this configuration. Names that begin with a dot are builds under way or broken off.
    private func kernels() -> [BuiltKernel] {
        places.flatMap { place in
            let names = (try? FileManager.default.contentsOfDirectory(atPath: place.string)) ?? []
            return names.filter { !$0.hasPrefix(".") }.compactMap { kernel(key: $0, in: place) }
        }
    }

    private static func contents(_ path: FilePath) -> [UInt8]? {
        guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return nil }
        return try? file.closeAfter {
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 32768)
            while true {
                let count = try chunk.withUnsafeMutableBytes { try file.read(into: $0) }
                if count == 0 { return bytes }
                bytes += chunk[..<count]
            }
        }
    }
}
