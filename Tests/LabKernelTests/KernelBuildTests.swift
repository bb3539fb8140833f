import Testing

@testable import LabKernel

@Suite("KernelBuild")
struct KernelBuildTests {
    @Test("Progress counts the steps in make's output, and nothing else")
    func stepCounter() {
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

    @Test("A source with more files than expected does not pass 100 %")
    func stepCounterLimit() {
        var counter = KernelBuild.StepCounter(total: 2)
        for _ in 0..<5 {
            let counted = counter.take("  CC      a.o")
            #expect(counted)
        }
        #expect(counter.done == 2)
    }

    @Test("The fraction grows from stage to stage and stays within 0 and 1")
    func fraction() {
        let stages: [KernelBuild.Progress] = [
            .unpacking, .configuring, .compiling(done: 0, total: 10), .compiling(done: 5, total: 10),
            .compiling(done: 10, total: 10), .installing,
        ]
        let fractions = stages.compactMap(\.fraction)
        #expect(fractions.count == stages.count)
        #expect(fractions == fractions.sorted())
        #expect(fractions.allSatisfy { (0...1).contains($0) })
        #expect(KernelBuild.Progress.waitingForAnotherBuild.fraction == nil)
        #expect(KernelBuild.Progress.compiling(done: 0, total: 0).fraction?.isFinite == true)
    }

    @Test("Another processor is refused, naming the mode that is to come")
    func architecture() throws {
        try KernelBuild.checkArchitecture("x86_64")
        let error = #expect(throws: SetupError.self) { try KernelBuild.checkArchitecture("aarch64") }
        #expect(error?.code == .unsupportedArchitecture)
        #expect(error?.description.contains("aarch64") == true)
        #expect(error?.description.contains("--kernel host") == true)
    }

    @Test("All missing tools are in one error, with one command that installs each package once")
    func missingTools() throws {
        let binutils = KernelBuildTools.requirements.filter { $0.package == "binutils" }
        #expect(binutils.count == 2)
        let error = #expect(throws: SetupError.self) {
            try KernelBuildTools.check(missing: binutils, headers: false, source: false)
        }
        #expect(error?.code == .toolsMissing)
        #expect(error?.message.hasSuffix("ld, strip, the C library's headers, the kernel source") == true)
        #expect(error?.remedy == "Install: apt-get install binutils libc6-dev linux-source-6.1")
        try KernelBuildTools.check(missing: [], headers: true, source: true)
    }

    @Test("A named source that is no readable file is refused before anything is built")
    func unreadableSource() async throws {
        try await withTemporaryDirectory { directory in
            let build = KernelBuild(cache: KernelCache(directory: directory.appending("kernels")))
            let error = await #expect(throws: SetupError.self) {
                try await build.build(source: directory.appending("absent.tar.xz")) { _ in }
            }
            #expect(error?.code == .sourceUnusable)
            let left = try names(in: directory)
            #expect(left == [])
        }
    }

    @Test("A tarball that cannot be unpacked: the error has the tool's last words and the log; no directory is left")
    func brokenSource() async throws {
        try await withTemporaryDirectory { directory in
            let tarball = directory.appending("linux.tar.xz")
            try write("not a tarball\n", to: tarball)
            let cache = KernelCache(directory: directory.appending("kernels"))
            let error = await #expect(throws: SetupError.self) {
                try await KernelBuild(cache: cache).build(source: tarball) { _ in }
            }
            #expect(error?.code == .buildFailed)
            #expect(error?.message.contains("unpack") == true)
            #expect(error?.message.contains("tar: ") == true)
            #expect(error?.remedy.contains("kernels/build.log") == true)
            let left = try names(in: cache.directory)
            #expect(left == [".lock", "build.log"])
        }
    }

    @Test("The next build removes what a broken-off one left")
    func leftovers() async throws {
        try await withTemporaryDirectory { directory in
            let tarball = directory.appending("linux.tar.xz")
            try write("not a tarball\n", to: tarball)
            let cache = KernelCache(directory: directory.appending("kernels"))
            try makeDirectory(cache.directory.appending(".build-1").appending("source"))
            try write("half a file", to: cache.directory.appending(".build-1").appending("source").appending("x.o"))
            let error = await #expect(throws: SetupError.self) {
                try await KernelBuild(cache: cache).build(source: tarball) { _ in }
            }
            #expect(error?.code == .buildFailed)
            let left = try names(in: cache.directory)
            #expect(left == [".lock", "build.log"])
        }
    }

    @Test("A change to the kernel's source is made at each of its places, and to no other source")
    func amendment() throws {
        let change = KernelAmendment(file: "a.c", original: "OLD)", replacement: "NEW)", places: 2)
        let changed = try change.applied(to: "f(OLD);\ng(OLD);\nOLD;\n")
        #expect(changed == "f(NEW);\ng(NEW);\nOLD;\n")
        for other in ["", "f(OLD);", "OLD) OLD) OLD)"] {
            let error = #expect(throws: SetupError.self) { try change.applied(to: other) }
            #expect(error?.code == .configurationUnmet)
            #expect(error?.message.contains("a.c") == true)
        }
    }

    @Test("Of two builds in one cache, the second waits until the first gives up the lock")
    func lock() async throws {
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
