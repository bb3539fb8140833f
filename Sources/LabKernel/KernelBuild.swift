import FoundationEssentials
import Glibc
import Subprocess
import SystemPackage

/// Builds the lab kernel from source and puts it in the cache.
///
/// Needs some 700 MB in the cache's file system while it runs, and no rights. Only one build runs at a time; another
/// waits, and then takes what the first has made. A build that is broken off leaves a hidden directory, which the next one removes.
public struct KernelBuild: Sendable {
    public let cache: KernelCache
    /// How many compilers run at once.
    public let jobs: Int
    private let environment: [String: String]

    public init(
        cache: KernelCache, jobs: Int = ProcessInfo.processInfo.activeProcessorCount,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        self.cache = cache
        self.jobs = max(jobs, 1)
        self.environment = environment
    }

    /// Where the output of the last build's tools is.
    public var log: FilePath { cache.directory.appending("build.log") }

    /// Makes sure that the cache has a kernel of this configuration and source, and returns it.
    ///
    /// `source` is a tarball of Linux 6.1's source; nil means Debian's linux-source-6.1 package. A kernel that is there
    /// already is returned at once; without `source`, one built from an earlier version of the package is replaced if the
    /// package is installed. Throws ``SetupError``, or CancellationError; either way nothing half-done is left in sight.
    public func build(
        source: FilePath? = nil, progress: @escaping @Sendable (Progress) -> Void
    ) async throws -> BuiltKernel {
        try Self.checkArchitecture(Self.machineName)
        let tools = tools(log: nil)
        let debian = source == nil ? try await KernelSource.debian(tools) : nil
        if source == nil, let kernel = try cache.find(), debian == nil || kernel.isBuilt(from: debian) {
            return kernel
        }
        try tools.check(sourceGiven: source != nil)
        let origin: KernelSource
        if let source {
            origin = try await KernelSource.tarball(source, tools)
        } else if let debian {
            origin = debian
        } else {
            throw KernelSource.missing
        }
        let key = try await key(for: origin, tools)

        try createCacheDirectory()
        let lock = try await BuildLock.take(in: cache.directory) { progress(.waitingForAnotherBuild) }
        if let kernel = cache.kernel(key: key) {
            return kernel
        }
        try removeLeftovers()
        try checkRoom()
        let kernel = try await make(origin, key: key, progress: progress)
        lock.release()
        return kernel
    }

    // MARK: - The steps

    private func make(
        _ source: KernelSource, key: String, progress: @escaping @Sendable (Progress) -> Void
    ) async throws -> BuiltKernel {
        let start = ContinuousClock.now
        let scratch = cache.directory.appending("\(Self.scratchPrefix)\(getpid())")
        defer { try? FileManager.default.removeItem(atPath: scratch.string) }
        let tree = scratch.appending("source")
        let result = scratch.appending("kernel")
        try createDirectories(tree, result)
        let log = try BuildLog(log)
        let tools = tools(log: log)

        progress(.unpacking)
        try await tools.run(
            "tar", ["--extract", "--file", source.tarball.string, "--strip-components=1"] + Self.unusedSource,
            in: tree, because: "unpack \(source.tarball)")
        for amendment in KernelAmendment.all {
            let file = tree.appending(amendment.file)
            try write(try amendment.applied(to: read(file)), to: file)
        }

        progress(.configuring)
        try await configure(tree, tools)

        var steps = StepCounter()
        progress(.compiling(done: 0, total: steps.total))
        try await tools.run(
            "make", ["ARCH=um", "-j\(jobs)", "linux"], in: tree, because: "compile the kernel"
        ) { line in
            if steps.take(line) {
                progress(.compiling(done: steps.done, total: steps.total))
            }
        }

        progress(.installing)
        let kernel = result.appending(KernelCache.kernelName)
        try await tools.run("strip", ["-o", kernel.string, "linux"], in: tree, because: "strip the kernel")
        let release = try await releaseOf(kernel, tools)
        let compiler = try await tools.output("gcc", ["--version"], because: "ask the compiler's version")
        let elapsed = ContinuousClock.now - start
        let metadata = BuiltKernel.Metadata(
            source: source.identity, release: release,
            compiler: compiler.split(separator: "\n").first.map(String.init) ?? "",
            builtAt: Date().timeIntervalSince1970.rounded(),
            buildSeconds: (elapsed / .seconds(1)).rounded(),
            bytes: (try? Int(Stat(kernel).size)) ?? 0)
        try install(result, as: key, metadata)
        return BuiltKernel(path: cache.directory.appending(key).appending(KernelCache.kernelName), metadata: metadata)
    }

    /// defconfig, with the lab's settings over it; then a check that each came out as asked.
    private func configure(_ tree: FilePath, _ tools: KernelBuildTools) async throws {
        let settings = "lab-kernel.config"
        try write(cache.configuration.essentialText, to: tree.appending(settings))
        let because = "configure the kernel"
        try await tools.run("make", ["ARCH=um", "defconfig"], in: tree, because: because)
        try await tools.run("scripts/kconfig/merge_config.sh", ["-m", ".config", settings], in: tree, because: because)
        try await tools.run("make", ["ARCH=um", "olddefconfig"], in: tree, because: because)
        let finished = KernelConfiguration(try read(tree.appending(".config")))
        try Self.verify(cache.configuration, holdsIn: finished)
    }

    /// Throws `configurationUnmet`, naming every setting that is not as asked for.
    static func verify(_ wanted: KernelConfiguration, holdsIn finished: KernelConfiguration) throws(SetupError) {
        let unmet = wanted.unmet(in: finished)
        guard !unmet.isEmpty else { return }
        let lines = unmet.map { "  \($0.name)=\($0.value ?? "n")" }.joined(separator: "\n")
        throw SetupError(
            .configurationUnmet,
            "this kernel source does not take \(unmet.count) of the lab kernel's settings:\n\(lines)",
            remedy: "Use the source of Linux 6.1 (Debian's linux-source-6.1), or correct lab-kernel.config.")
    }

    /// Runs the new kernel far enough to say its release: it can be executed here, and is ours.
    private func releaseOf(_ kernel: FilePath, _ tools: KernelBuildTools) async throws -> String {
        let because = "run the new kernel (if \(cache.directory) is mounted noexec, set XDG_CACHE_HOME)"
        let text = try await tools.output(kernel.string, ["--version"], because: because)
        let release = text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
        guard release.hasSuffix("-netlab") else {
            throw SetupError(
                .kernelUnusable, "the new kernel calls itself “\(release)”, not a netlab kernel",
                remedy: "Look into \(log), and build again.")
        }
        return release
    }

    /// One rename makes the kernel appear, after everything in it is on disk.
    private func install(_ result: FilePath, as key: String, _ metadata: BuiltKernel.Metadata) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let text = String(decoding: try encoder.encode(metadata), as: UTF8.self) + "\n"
        try write(text, to: result.appending(KernelCache.metadataName))
        try write(cache.configuration.essentialText, to: result.appending(KernelCache.optionsName))
        let destination = cache.directory.appending(key)
        do {
            try synchronize(result.appending(KernelCache.kernelName))
            try synchronize(result)
            // Only a directory that was found incomplete can be in the way.
            try? FileManager.default.removeItem(atPath: destination.string)
            guard rename(result.string, destination.string) == 0 else { throw Errno(rawValue: errno) }
            try synchronize(cache.directory)
        } catch let error as Errno {
            throw unwritable(destination, error)
        }
    }

    // MARK: - Before a build

    /// Throws `unsupportedArchitecture` for anything but x86-64, the only one that User-Mode Linux 6.1 runs on.
    static func checkArchitecture(_ machine: String) throws(SetupError) {
        guard machine != "x86_64" else { return }
        throw SetupError(
            .unsupportedArchitecture, "the lab kernel runs on x86-64 processors only; this machine is \(machine)",
            remedy: "Run netlab on an x86-64 machine. Labs on the host's own kernel (`--kernel host`) are to come.")
    }

    /// The processor's name as uname(2) has it.
    static var machineName: String {
        var names = utsname()
        guard uname(&names) == 0 else { return "unknown" }
        return withUnsafeBytes(of: &names.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// Parts of the source that User-Mode Linux never compiles: leaving them out saves time and 800 MB.
    private static let unusedSource = [
        "*/drivers/gpu/*.[ch]", "*/drivers/net/ethernet/*.[ch]", "*/drivers/net/wireless/*.[ch]",
        "*/drivers/media/*.[ch]", "*/drivers/staging/*.[ch]", "*/drivers/infiniband/*.[ch]",
        "*/drivers/scsi/*.[ch]", "*/sound/*.[ch]",
        "*/arch/*/boot/dts/*", "*/tools/testing/*", "*/Documentation/*.rst", "*/Documentation/*.yaml",
    ].map { "--exclude=\($0)" }

    private static let scratchPrefix = ".build-"
    static let roomNeeded = 700_000_000

    /// A digest of what makes a kernel what it is, as 16 hexadecimal digits.
    private func key(for source: KernelSource, _ tools: KernelBuildTools) async throws -> String {
        let text = "\(source.identity)\n\(cache.configuration.essentialText)"
        let digest = try await tools.output(
            "sha256sum", ["--binary"], input: text, because: "name the kernel in the cache")
        return String(digest.prefix(16))
    }

    private func createCacheDirectory() throws(SetupError) {
        do {
            try FileManager.default.createDirectory(
                atPath: cache.directory.string, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw SetupError(
                .directoryUnavailable, "cannot make \(cache.directory): \(error)",
                remedy: "Set XDG_CACHE_HOME to a directory that you can write to.")
        }
        // make(1) takes neither in a path.
        guard !cache.directory.string.contains(where: { $0.isWhitespace || $0 == ":" }) else {
            throw SetupError(
                .directoryUnavailable, "the kernel cannot be built in \(cache.directory): a space or colon in the path",
                remedy: "Set XDG_CACHE_HOME to a directory without one, for this and later commands.")
        }
    }

    /// Removes what broken-off builds left. Safe only with the lock held: then no other build is under way.
    private func removeLeftovers() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: cache.directory.string)
        where name.hasPrefix(Self.scratchPrefix) {
            try FileManager.default.removeItem(atPath: cache.directory.appending(name).string)
        }
    }

    private func checkRoom() throws(SetupError) {
        guard let free = Doctor.freeBytes(cache.directory), free < Self.roomNeeded else { return }
        throw SetupError(
            .diskFull,
            "\(cache.directory) has \(free / 1_000_000) MB left; the kernel's build takes \(Self.roomNeeded / 1_000_000) MB",
            remedy: "Make room, or set XDG_CACHE_HOME to a directory on another file system.")
    }

    // MARK: - Tools and files

    private func tools(log: BuildLog?) -> KernelBuildTools {
        KernelBuildTools(searchPath: environment["PATH"], home: environment["HOME"], log: log)
    }

    private func createDirectories(_ paths: FilePath...) throws(SetupError) {
        for path in paths {
            do {
                try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
            } catch {
                throw SetupError(.directoryUnavailable, "cannot make \(path): \(error)", remedy: Self.cacheRemedy)
            }
        }
    }

    private func write(_ text: String, to path: FilePath) throws(SetupError) {
        do {
            let file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
            try file.closeAfter {
                try file.writeAll(text.utf8)
                guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
            }
        } catch {
            throw unwritable(path, error as? Errno)
        }
    }

    private func read(_ path: FilePath) throws(SetupError) -> String {
        do {
            return String(decoding: try Data(contentsOf: URL(filePath: path.string)), as: UTF8.self)
        } catch {
            throw SetupError(.buildFailed, "cannot read \(path): \(error)", remedy: "Build again.")
        }
    }

    /// fsync(2) of a file or directory.
    private func synchronize(_ path: FilePath) throws(Errno) {
        let descriptor = open(path.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw Errno(rawValue: errno) }
    }

    private static let cacheRemedy = "Set XDG_CACHE_HOME to a directory that you can write to, with room in it."

    private func unwritable(_ path: FilePath, _ error: Errno?) -> SetupError {
        SetupError(.directoryUnavailable, "cannot write \(path)", remedy: Self.cacheRemedy, cause: error)
    }
}

extension BuiltKernel {
    /// Whether this kernel came from `source`; one that NETLAB_KERNEL names is taken as it is.
    fileprivate func isBuilt(from source: KernelSource?) -> Bool {
        metadata.map { $0.source == source?.identity } ?? true
    }
}
