import SystemPackage
import Testing

@testable import KernelBuilds

@Suite("KernelCache")
struct KernelCacheTests {
    private static let configuration = KernelConfiguration("# Recipe 1\nCONFIG_NET=y\n")

    /// A directory as a build leaves it, with a file for a kernel.
    private func install(
        _ key: String, in cache: KernelCache, options: String = configuration.essentialText, builtAt: Int = 1,
        series: String = "6.1", obstacle: String? = nil, inPackage: Bool = false
    ) throws {
        let home = (inPackage ? cache.installed ?? cache.directory : cache.directory).appending(key)
        try makeDirectory(home)
        try write("#!/bin/true\n", to: home.appending("linux"), executable: true)
        try write(options, to: home.appending("options"))
        try write(
            """
            {"source": "s \(key)", "release": "6.1-netlab", "compiler": "c", "builtAt": \(builtAt),
             "buildSeconds": 150, "bytes": 12, "series": "\(series)", "isProved": true\(obstacle.map { ", \"obstacle\": \"\($0)\"" } ?? "")}
            """, to: home.appending("metadata.json"))
    }

    private func withCache(_ body: (KernelCache) async throws -> Void) async throws {
        try await withTemporaryDirectory { directory in
            try await body(
                KernelCache(
                    directory: directory.appending("kernels"), installed: directory.appending("package"),
                    configuration: Self.configuration))
        }
    }

    @Test
    func `Without a cache directory there is no kernel, and none is made`() async throws {
        try await withTemporaryDirectory { directory in
            let kernel = try KernelCache(directory: directory.appending("kernels")).find()
            #expect(kernel == nil)
            let left = try names(in: directory)
            #expect(left == [])
        }
    }

    @Test
    func `A kernel with this configuration is found, with what is known about it`() async throws {
        try await withCache { cache in
            try install("one", in: cache)
            let kernel = try #require(try cache.find())
            #expect(kernel.path == cache.directory.appending("one").appending("linux"))
            #expect(kernel.metadata?.source == "s one")
            #expect(kernel.metadata?.release == "6.1-netlab")
        }
    }

    @Test
    func `Of several sources, the newest build is taken`() async throws {
        try await withCache { cache in
            try install("old", in: cache, builtAt: 5)
            try install("new", in: cache, builtAt: 9)
            try install("older", in: cache, builtAt: 1)
            let kernel = try cache.find()
            #expect(kernel?.metadata?.source == "s new")
        }
    }

    @Test
    func `Of several series, the newest that netlab was proved on is taken, until another is chosen; it says why`()
        async throws
    {
        try await withCache { cache in
            let series = KernelSeries.proved[0].name
            try install("old", in: cache, builtAt: 9, series: "6.1")
            let only = try #require(try cache.find())
            #expect(
                cache.reason(for: only)
                    == "6.1 is the newest of the kernels here; `netlab kernel build --force` looks for \(series).")
            try install("late", in: cache, builtAt: 3, series: series)
            try install("early", in: cache, builtAt: 1, series: series)
            try install("unknown", in: cache, builtAt: 8, series: "9.9")
            let newest = try #require(try cache.find())
            #expect(newest.metadata?.source == "s late")
            #expect(cache.reason(for: newest) == "\(series) is the newest series that netlab has been proved on.")

            let old = try #require(cache.kernel(key: "old"))
            try cache.choose(old)
            let chosen = try #require(try cache.find())
            #expect(chosen == old)
            #expect(cache.reason(for: chosen) == "It was chosen by `netlab kernel build`.")

            try cache.choose(nil)
            let again = try cache.find()
            #expect(again == newest)
        }
    }

    @Test(arguments: ["gone", "../elsewhere", ".build-1", ""])
    func `A choice that leads nowhere, or out of the cache, is none`(key: String) async throws {
        try await withCache { cache in
            try install("there", in: cache, series: "6.1")
            try write("\(key)\n", to: cache.directory.appending("chosen"))
            let kernel = try cache.find()
            #expect(kernel?.metadata?.source == "s there")
        }
    }

    @Test
    func `A kernel of an older series says why there is none of a newer one`() async throws {
        try await withCache { cache in
            try install("old", in: cache, series: "6.1", obstacle: "7.3 is not to be had: no network")
            let kernel = try #require(try cache.find())
            #expect(cache.reason(for: kernel).contains("7.3 is not to be had: no network"))
        }
    }

    @Test
    func
        `A package's kernel is found as the user's own: the newest is taken, or what was chosen; it says where it is from`()
        async throws
    {
        try await withCache { cache in
            try install("theirs", in: cache, builtAt: 5, series: "6.1", inPackage: true)
            let theirs = try #require(try cache.find())
            #expect(theirs.path == cache.installed?.appending("theirs").appending("linux"))
            #expect(cache.reason(for: theirs).hasSuffix("It came with netlab's package."))

            try install("old", in: cache, builtAt: 1, series: "6.1")
            let still = try cache.find()
            #expect(still == theirs)
            try install("new", in: cache, builtAt: 9, series: "6.1")
            let own = try #require(try cache.find())
            #expect(own.metadata?.source == "s new")
            #expect(!cache.reason(for: own).contains("package"))

            for key in ["old", "theirs"] {
                let kernel = try #require(cache.kernel(key: key))
                try cache.choose(kernel)
                let chosen = try cache.find()
                #expect(chosen == kernel)
            }
            let package = try names(in: try #require(cache.installed))
            #expect(package == ["theirs"])
        }
    }

    @Test
    func `A kernel with another configuration or recipe is not taken`() async throws {
        try await withCache { cache in
            try install("settings", in: cache, options: "# Recipe 1\nCONFIG_NET=m\n")
            try install("recipe", in: cache, options: "# Recipe 2\nCONFIG_NET=y\n")
            let kernel = try cache.find()
            #expect(kernel == nil)
        }
    }

    @Test
    func `A build under way, and a directory without a kernel, are passed over`() async throws {
        try await withCache { cache in
            try install(".build-7", in: cache)
            let home = cache.directory.appending("empty")
            try makeDirectory(home)
            try write(Self.configuration.essentialText, to: home.appending("options"))
            let kernel = try cache.find()
            #expect(kernel == nil)
        }
    }

    @Test
    func `Metadata that cannot be read does not hide a kernel`() async throws {
        try await withCache { cache in
            try install("one", in: cache)
            try write("{", to: cache.directory.appending("one").appending("metadata.json"))
            let kernel = try #require(try cache.find())
            #expect(kernel.metadata == nil)
        }
    }

    @Test
    func `NETLAB_KERNEL is used as it is; one that cannot be executed is an error, not a reason to use another`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let kernel = directory.appending("linux")
            let environment = ["XDG_CACHE_HOME": directory.string, "NETLAB_KERNEL": kernel.string]
            let error = #expect(throws: SetupError.self) { try KernelCache(environment: environment).find() }
            #expect(error?.code == .kernelUnusable)
            try write("#!/bin/true\n", to: kernel, executable: true)
            let found = try KernelCache(environment: environment).find()
            #expect(found == BuiltKernel(path: kernel, metadata: nil))
        }
    }
}
