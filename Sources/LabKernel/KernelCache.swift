import FoundationEssentials
import Glibc
import SystemPackage

/// A lab kernel that is ready to boot.
public struct BuiltKernel: Sendable, Hashable {
    /// What a build wrote down about itself.
    public struct Metadata: Sendable, Hashable, Codable {
        /// Where the source came from: `linux-source-6.1 6.1.192-2`, or a tarball's name and digest.
        public let source: String
        /// The kernel's own name for itself: `6.1.192-netlab`.
        public let release: String
        /// The compiler's first line of `--version`.
        public let compiler: String
        /// When the build ended, in seconds since 1970.
        public let builtAt: Double
        /// How long it took, in seconds.
        public let buildSeconds: Double
        /// The kernel's size in bytes.
        public let bytes: Int
    }

    /// The executable.
    public let path: FilePath
    /// Nil for a kernel that NETLAB_KERNEL names: nothing is known about it.
    public let metadata: Metadata?

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
public struct KernelCache: Sendable {
    /// The directory that holds a directory for each kernel.
    public let directory: FilePath
    public let configuration: KernelConfiguration
    private let override: FilePath?

    static let kernelName: FilePath.Component = "linux"
    static let optionsName: FilePath.Component = "options"
    static let metadataName: FilePath.Component = "metadata.json"

    /// A cache in `directory`; `override` is a kernel to use in any case (tests, people who build their own).
    public init(directory: FilePath, configuration: KernelConfiguration = .lab, override: FilePath? = nil) {
        self.directory = directory
        self.configuration = configuration
        self.override = override
    }

    /// The user's cache; NETLAB_KERNEL in `environment` names a kernel to use in its place.
    ///
    /// Throws `directoryUnavailable` when no cache directory can be named. Creates nothing.
    public init(environment: [String: String]) throws(SetupError) {
        let cache = try HostDirectories(environment: environment).path(.cache)
        let override = environment["NETLAB_KERNEL"].flatMap { $0.isEmpty ? nil : FilePath($0) }
        self.init(directory: cache.appending("kernels"), override: override)
    }

    /// The newest kernel built with this configuration, or nil when none is.
    ///
    /// Takes well under a millisecond: it reads one small file for each kernel in the cache. Throws `kernelUnusable` when
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
        return kernels().max { ($0.metadata?.builtAt ?? 0) < ($1.metadata?.builtAt ?? 0) }
    }

    /// The kernel that a build left under `key`, if it is complete and has this configuration.
    func kernel(key: String) -> BuiltKernel? {
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
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []
        return names.filter { !$0.hasPrefix(".") }.compactMap { kernel(key: $0) }
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
