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

    /// The series of Linux whose sources netlab knows what to change in, where each comes from, and whether netlab has been proved on it.
    public static var knownSeries: [(series: String, place: String)] {
        KernelSeries.known.map {
            ($0.name, "\($0.isProved ? "proved" : "not proved yet")  \($0.package), from Debian's \($0.suite)")
        }
    }

    /// Where the output of the last build's tools is.
    public var log: FilePath { cache.directory.appending("build.log") }

    /// Which source a kernel is to be built from.
    public enum Origin: Sendable, Hashable {
        /// The newest series that netlab has been proved on and that Debian's archive, or this machine, has.
        case newest
        /// This series, from there.
        case series(String)
        /// A tarball of Linux's source; of a series that netlab has not been proved on only if it is named.
        case tarball(FilePath, series: String?)
    }

    /// Makes sure that the cache has a kernel of this configuration and origin, and returns it.
    ///
    /// A kernel that is there already is returned at once unless `anew`, which asks the archive for what it has today. Of the
    /// newest series, one whose source cannot be had or does not take netlab's changes gives way to the next; what stood in its way is in
    /// the kernel's metadata. Throws ``SetupError``, or CancellationError; either way nothing half-done is left in sight.
    public func build(
        _ origin: Origin = .newest, anew: Bool = false, progress: @escaping @Sendable (Progress) -> Void
    ) async throws -> BuiltKernel {
        try Self.checkArchitecture(Self.machineName)
        let tools = tools(log: nil)
        let candidates: [KernelSeries]
        var given: KernelSource?
        switch origin {
        case .newest: candidates = KernelSeries.proved
        case .series(let name):
            candidates = [try Self.series(name)]
        case .tarball(let path, let name):
            try tools.check()
            let source = try await KernelSource.tarball(path, series: name, tools)
            (given, candidates) = (source, [source.series])
        }
        if !anew, given == nil, let kernel = cache.built(of: candidates.map(\.name)).first {
            try choose(kernel, for: origin)
            return kernel
        }
        try tools.check()
        try createCacheDirectory()
        let lock = try await BuildLock.take(in: cache.directory) { progress(.waitingForAnotherBuild) }
        let kernel = try await buildAlone(candidates, given, anew: anew, progress: progress)
        try choose(kernel, for: origin)
        lock.release()
        return kernel
    }

    /// Builds the first of these series that can be, while nobody else builds in this cache.
    private func buildAlone(
        _ candidates: [KernelSeries], _ given: KernelSource?, anew: Bool,
        progress: @escaping @Sendable (Progress) -> Void
    ) async throws -> BuiltKernel {
        // Another build may have made it meanwhile.
        if !anew, given == nil, let kernel = cache.built(of: candidates.map(\.name)).first { return kernel }
        try removeLeftovers()
        try checkRoom()
        var obstacles: [String] = []
        for series in candidates {
            do {
                let source: KernelSource
                if let given {
                    source = given
                } else {
                    source = try await self.source(of: series, progress)
                }
                let key = try await key(for: source, tools(log: nil))
                let kernel: BuiltKernel
                if let built = cache.kernel(key: key) {
                    kernel = built
                } else {
                    kernel = try await make(
                        source, key: key, because: obstacles.joined(separator: "; "), progress: progress)
                }
                if let fetched = source.fetched { DebianArchive.discard(fetched) }
                return kernel
            } catch let error as SetupError
                where series != candidates.last && [.sourceUnusable, .configurationUnmet].contains(error.code)
            {
                obstacles.append(error.reason)
                progress(.passedOver(error.reason))
            } catch let error as SetupError where error.code == .sourceUnusable && !obstacles.isEmpty {
                throw SetupError(
                    .sourceUnusable, (obstacles + [error.reason]).joined(separator: "\n"), remedy: error.remedy)
            }
        }
        throw KernelSeries.unknown("")
    }

    static func series(_ name: String) throws(SetupError) -> KernelSeries {
        if let series = KernelSeries.known(name) { return series }
        guard name.wholeMatch(of: /[0-9]{1,2}\.[0-9]{1,3}/) != nil else { throw KernelSeries.unknown(name) }
        return .unproved(name)
    }

    /// A series' source: the package that is installed, or Debian's archive.
    private func source(
        of series: KernelSeries, _ progress: @escaping @Sendable (Progress) -> Void
    ) async throws -> KernelSource {
        if let source = try await KernelSource.installed(series, tools(log: nil)) { return source }
        progress(.fetching(series.package))
        let archive = DebianArchive(
            directory: cache.directory.removingLastComponent().appending("apt"), tools: tools(log: try BuildLog(log)))
        return try await KernelSource.fetched(series, archive)
    }

    /// Writes down which kernel labs run on from now, if somebody has asked for one.
    private func choose(_ kernel: BuiltKernel, for origin: Origin) throws {
        switch origin {
        case .newest: try cache.choose(nil)
        case .series, .tarball:
            // A kernel that a package has installed may be all that there is.
            try createCacheDirectory()
            try cache.choose(kernel)
        }
    }

    // MARK: - The steps

    private func make(
        _ source: KernelSource, key: String, because obstacle: String, progress: @escaping @Sendable (Progress) -> Void
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
        let tarball = try await unpackPackage(source, in: scratch, tools)
        try await tools.run(
            "tar", ["--extract", "--file", tarball.string, "--strip-components=1"] + Self.unusedSource,
            in: tree, because: "unpack \(tarball)")
        let recipe = KernelRecipe(source.series, configuration: cache.configuration)
        try recipe.apply(to: tree, identity: source.identity)

        progress(.configuring)
        try await configure(tree, recipe, tools)

        var steps = StepCounter(total: source.series.steps)
        progress(.compiling(done: 0, total: steps.total))
        try await tools.run(
            "make", Self.make(in: tree) + ["-j\(jobs)", "linux"], in: tree, because: "compile the kernel"
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
            bytes: (try? Int(Stat(kernel).size)) ?? 0, series: source.series.name,
            isProved: KernelSeries.proved(source.series.name) != nil, obstacle: obstacle.isEmpty ? nil : obstacle)
        try install(result, as: key, metadata)
        return BuiltKernel(path: cache.directory.appending(key).appending(KernelCache.kernelName), metadata: metadata)
    }

    /// The tarball of a source: for one that came as Debian's package, what is in that.
    private func unpackPackage(
        _ source: KernelSource, in scratch: FilePath, _ tools: KernelBuildTools
    ) async throws -> FilePath {
        guard source.fetched != nil else { return source.file }
        let place = scratch.appending("package")
        try createDirectories(place)
        try await tools.run(
            "dpkg-deb", ["--extract", source.file.string, place.string], in: scratch, because: "unpack \(source.file)")
        return place.appending("usr/src/\(source.series.package).tar.xz")
    }

    /// defconfig, with the lab's settings over it; then a check that each came out as asked.
    private func configure(_ tree: FilePath, _ recipe: KernelRecipe, _ tools: KernelBuildTools) async throws {
        let settings = KernelRecipe.settingsFile.string
        let because = "configure the kernel"
        try await tools.run("make", Self.make(in: tree) + ["defconfig"], in: tree, because: because)
        try await tools.run("scripts/kconfig/merge_config.sh", ["-m", ".config", settings], in: tree, because: because)
        try await tools.run("make", Self.make(in: tree) + ["olddefconfig"], in: tree, because: because)
        let finished = KernelConfiguration(try read(tree.appending(".config")))
        try Self.verify(recipe.settings, holdsIn: finished)
    }

    private static func make(in tree: FilePath) -> [String] { ["ARCH=um", "CC=\(tree.pushing(KernelCompiler.path))"] }

    /// Throws `configurationUnmet`, naming every setting that is not as asked for.
    static func verify(_ wanted: KernelConfiguration, holdsIn finished: KernelConfiguration) throws(SetupError) {
        let unmet = wanted.unmet(in: finished)
        guard !unmet.isEmpty else { return }
        let lines = unmet.map { "  \($0.name)=\($0.value ?? "n")" }.joined(separator: "\n")
        throw SetupError(
            .configurationUnmet,
            "this kernel source does not take \(unmet.count) of the lab kernel's settings:\n\(lines)",
            remedy:
                "Build a series that netlab has been proved on (\(KernelSeries.provedNames)), or correct lab-kernel.config."
        )
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

    /// Throws `unsupportedArchitecture` for anything but x86-64, the only one that User-Mode Linux runs on.
    public static func checkArchitecture(_ machine: String) throws(SetupError) {
        guard machine != "x86_64" else { return }
        throw SetupError(
            .unsupportedArchitecture, "the lab kernel runs on x86-64 processors only; this machine is \(machine)",
            remedy: "Run netlab on an x86-64 machine. Labs on the host's own kernel (`--kernel host`) are to come.")
    }

    /// The processor's name as uname(2) has it.
    public static var machineName: String {
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
        guard let free = HostDirectories.freeBytes(cache.directory), free < Self.roomNeeded else { return }
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

extension KernelSeries {
    static func unknown(_ name: String) -> SetupError {
        SetupError(
            .sourceUnusable, "there is no series \"\(name)\" of Linux",
            remedy: "A series is two numbers; netlab has been proved on \(provedNames).")
    }
}
