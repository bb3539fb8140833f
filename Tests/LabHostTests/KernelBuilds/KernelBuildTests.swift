import FoundationEssentials
import SystemPackage
import Testing

@testable import KernelBuilds

@Suite("KernelBuild")
struct KernelBuildTests {
    @Test
    func `Progress counts the steps in make's output, and nothing else`() {
        var counter = KernelBuild.StepCounter(total: 4)
        let output = """
            $ make ARCH=um -j2 linux
              WRAP    arch/x86/include/generated/uapi/asm/errno.h
              CC      init/main.o
            net/ipv4/tcp.c: In function 'CC':
              AR      init/built-in.a
              CCC     no such step
              LD      vmlinux
            """
        let counted = output.split(separator: "\n").map { counter.take($0) }
        #expect(counted == [false, false, true, false, true, false, true])
        #expect(counter.done == 3)
    }

    @Test
    func `A source with more files than expected does not pass 100 %`() {
        var counter = KernelBuild.StepCounter(total: 2)
        for _ in 0..<5 {
            let counted = counter.take("  CC      a.o")
            #expect(counted)
        }
        #expect(counter.done == 2)
    }

    @Test
    func `The fraction grows from stage to stage and stays within 0 and 1`() {
        let stages: [KernelBuild.Progress] = [
            .fetching("linux-source-7.3"), .unpacking, .configuring, .compiling(done: 0, total: 10),
            .compiling(done: 5, total: 10),
            .compiling(done: 10, total: 10), .installing,
        ]
        let fractions = stages.compactMap(\.fraction)
        #expect(fractions.count == stages.count)
        #expect(fractions == fractions.sorted())
        #expect(fractions.allSatisfy { (0...1).contains($0) })
        #expect(KernelBuild.Progress.waitingForAnotherBuild.fraction == nil)
        #expect(KernelBuild.Progress.compiling(done: 0, total: 0).fraction?.isFinite == true)
    }

    @Test
    func `Another processor is refused, naming the mode that is to come`() throws {
        try KernelBuild.checkArchitecture("x86_64")
        let error = #expect(throws: SetupError.self) { try KernelBuild.checkArchitecture("aarch64") }
        #expect(error?.code == .unsupportedArchitecture)
        #expect(error?.description.contains("aarch64") == true)
        #expect(error?.description.contains("--kernel host") == true)
    }

    @Test
    func `All missing tools are in one error, with one command that installs each package once`() throws {
        let binutils = KernelBuildTools.requirements.filter { $0.package == "binutils" }
        #expect(binutils.count == 2)
        let error = #expect(throws: SetupError.self) {
            try KernelBuildTools.check(missing: binutils, headers: false)
        }
        #expect(error?.code == .toolsMissing)
        #expect(error?.message.hasSuffix("ld, strip, the C library's headers") == true)
        #expect(error?.remedy == "Install: apt-get install binutils libc6-dev")
        try KernelBuildTools.check(missing: [], headers: true)
    }

    @Test
    func `A named source that is no readable file is refused before anything is built`() async throws {
        try await withTemporaryDirectory { directory in
            let build = KernelBuild(cache: KernelCache(directory: directory.appending("kernels")))
            let error = await #expect(throws: SetupError.self) {
                try await build.build(.tarball(directory.appending("absent.tar.xz"), series: nil)) { _ in }
            }
            #expect(error?.code == .sourceUnusable)
            let left = try names(in: directory)
            #expect(left == [])
        }
    }

    @Test
    func `A tarball that is none of Linux's source is refused before anything is built`() async throws {
        try await withTemporaryDirectory { directory in
            let tarball = directory.appending("linux.tar.xz")
            try write("not a tarball\n", to: tarball)
            let cache = KernelCache(directory: directory.appending("kernels"))
            let error = await #expect(throws: SetupError.self) {
                try await KernelBuild(cache: cache).build(.tarball(tarball, series: nil)) { _ in }
            }
            #expect(error?.code == .sourceUnusable)
            #expect(error?.message.contains("is not the source of Linux, or is broken off") == true)
            let left = try names(in: directory)
            #expect(left == ["linux.tar.xz"])
        }
    }

    /// A tarball with a Makefile of Linux's in it, and what else there is to be.
    private func source(_ version: String, in directory: FilePath, files: [String: String] = [:]) async throws
        -> FilePath
    {
        let words = version.split(separator: ".")
        let tree = directory.appending("linux")
        try makeDirectory(tree)
        try write("VERSION = \(words[0])\nPATCHLEVEL = \(words[1])\nSUBLEVEL = 1\n", to: tree.appending("Makefile"))
        for (name, text) in files {
            var place = tree
            for part in name.split(separator: "/").dropLast() { place.append(String(part)) }
            try makeDirectory(place)
            try write(text, to: tree.pushing(FilePath(name)))
        }
        let tarball = directory.appending("linux.tar")
        _ = try await KernelBuildTools(searchPath: nil, home: nil, log: nil)
            .output(
                "tar", ["--create", "--file", tarball.string, "--directory", directory.string, "linux"], because: "test"
            )
        return tarball
    }

    @Test
    func `A tarball of a series that netlab was not proved on needs to be named, and not by another name`() async throws
    {
        try await withTemporaryDirectory { directory in
            let tarball = try await source("9.4", in: directory)
            let cache = KernelCache(directory: directory.appending("kernels"))
            for (series, part) in [
                (nil, "9.4, which netlab has not been proved on"), ("9.5", "of Linux 9.4, not of 9.5"),
            ] {
                let error = await #expect(throws: SetupError.self) {
                    try await KernelBuild(cache: cache).build(.tarball(tarball, series: series)) { _ in }
                }
                #expect(error?.code == .sourceUnusable)
                #expect(error?.message.contains(part) == true)
                #expect(error?.remedy.contains("--series 9.4") == true)
            }
        }
    }

    @Test
    func `A source that an amendment does not fit is refused with the file's name, and no directory is left`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let tarball = try await source(
                "6.1", in: directory, files: ["arch/um/os-Linux/skas/process.c": "int main(void);\n"])
            let cache = KernelCache(directory: directory.appending("kernels"))
            let error = await #expect(throws: SetupError.self) {
                try await KernelBuild(cache: cache).build(.tarball(tarball, series: nil)) { _ in }
            }
            #expect(error?.code == .configurationUnmet)
            #expect(error?.message.contains("arch/um/os-Linux/skas/process.c") == true)
            let left = try names(in: cache.directory)
            #expect(left == [".lock", "build.log"])
        }
    }

    @Test
    func
        `A tarball that is broken off behind its Makefile: the error has tar's last words and the log; no directory is left`()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let whole = try await source(
                "6.1", in: directory, files: ["arch/um/a.c": String(repeating: "x\n", count: 30000)])
            let bytes = try Data(contentsOf: URL(filePath: whole.string))
            // Names come in the directory's order: cut where the larger file is, behind or before the Makefile.
            try bytes.prefix(40_000).write(to: URL(filePath: whole.string))
            let cache = KernelCache(directory: directory.appending("kernels"))
            let error = await #expect(throws: SetupError.self) {
                try await KernelBuild(cache: cache).build(.tarball(whole, series: nil)) { _ in }
            }
            let isBroken = error?.message.contains("tar: ") == true || error?.message.contains("broken off") == true
            #expect(isBroken, "\(String(describing: error))")
            let left = try names(in: directory).contains("kernels") ? names(in: cache.directory) : []
            #expect(left.allSatisfy { [".lock", "build.log"].contains($0) })
        }
    }

    @Test
    func `The next build removes what a broken-off one left`() async throws {
        try await withTemporaryDirectory { directory in
            let tarball = try await source("6.1", in: directory)
            let cache = KernelCache(directory: directory.appending("kernels"))
            try makeDirectory(cache.directory.appending(".build-1").appending("source"))
            try write("half a file", to: cache.directory.appending(".build-1").appending("source").appending("x.o"))
            let error = await #expect(throws: SetupError.self) {
                try await KernelBuild(cache: cache).build(.tarball(tarball, series: nil)) { _ in }
            }
            #expect(error?.code == .configurationUnmet)
            let left = try names(in: cache.directory)
            #expect(left == [".lock", "build.log"])
        }
    }

    @Test
    func `A series' name that is none is refused`() async throws {
        try await withTemporaryDirectory { directory in
            let cache = KernelCache(directory: directory.appending("kernels"))
            for name in ["", "seven", "7", "7.3.4", "../7.3"] {
                let error = await #expect(throws: SetupError.self) {
                    try await KernelBuild(cache: cache).build(.series(name)) { _ in }
                }
                #expect(error?.code == .sourceUnusable)
            }
        }
    }

    @Test
    func `An edit of the kernel's source is made at each of its places, and to no other source`() {
        let edit = KernelAmendment.Edit(file: "a.c", original: "OLD)", replacement: "NEW)", places: 2)
        #expect(edit.applied(to: "f(OLD);\ng(OLD);\nOLD;\n") == "f(NEW);\ng(NEW);\nOLD;\n")
        for other in ["", "f(OLD);", "OLD) OLD) OLD)"] { #expect(edit.applied(to: other) == nil) }
    }

    @Test(
        arguments: [
            ("# SPDX\nVERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 4\n", "7.3"), ("VERSION = 6\nPATCHLEVEL = 12", "6.12"),
            ("VERSION = 6\n", nil), ("all:\n\tmake\n", nil), ("", nil), ("VERSION = x\nPATCHLEVEL = 3\n", nil),
        ])
    func `A series is read from a Makefile of Linux`(makefile: String, name: String?) {
        #expect(KernelSeries.name(inMakefile: makefile) == name)
    }

    @Test
    func `The mirror is the one of the system's own sources for Debian's main archive; another distribution has none`()
    {
        let targets = """
            https://example.org/node/ nodistro main
            http://archive.example/debian-security/ bookworm-security main
            http://archive.example/debian/ bookworm contrib
            http://archive.example/debian/ bookworm main
            """
        #expect(DebianArchive.mirror(inTargets: targets) == "http://archive.example/debian/")
        #expect(DebianArchive.mirror(inTargets: "http://archive.example/ubuntu/ noble main\n") == nil)
        #expect(DebianArchive.mirror(inTargets: "") == nil)
    }

    @Test
    func `Of two builds in one cache, the second waits until the first gives up the lock`() async throws {
        try await withTemporaryDirectory { directory in
            let first = try await BuildLock.take(in: directory) { Issue.record("nobody to wait for") }
            let (waits, waiting) = AsyncStream.makeStream(of: Void.self)
            let second = Task {
                let lock = try await BuildLock.take(in: directory) { waiting.yield() }
                lock.release()
            }
            var iterator = waits.makeAsyncIterator()
            await iterator.next()
            first.release()
            try await second.value
        }
    }
}
