import FoundationEssentials
import Subprocess
import SystemPackage
import Testing

@testable import KernelBuilds

@Suite("The compiler for the kernel's sources")
struct KernelCompilerTests {
    /// A source's object by the compiler, in a tree whose headers of the kernel's are the given one and empty.
    private func object(of source: String, header: String, at path: String = "kernel/a.c", in tree: FilePath)
        async throws
        -> (symbols: String, isPrecompiled: Bool)
    {
        let headers = [
            "kconfig", "compiler_types", "module", "kernel", "sched", "mm", "fs", "slab", "interrupt", "seq_file",
            "netdevice", "skbuff",
        ]
        for directory in ["include/linux", "kernel", "lib"] {
            try FileManager.default.createDirectory(
                atPath: tree.appending(directory).string, withIntermediateDirectories: true)
        }
        for name in headers {
            try (name == "kernel" ? "#pragma once\n\(header)\n" : "#pragma once\n").write(
                toFile: tree.appending("include/linux/\(name).h").string, atomically: true, encoding: .utf8)
        }
        try source.write(toFile: tree.appending(path).string, atomically: true, encoding: .utf8)
        try KernelCompiler.install(in: tree)
        let compile = """
            cd '\(tree)' && .netlab/cc -Wp,-MMD,a.d -Iinclude -D__KERNEL__ -Os '-DKBUILD_MODNAME="mine"' -c -o kernel/a.o \(path) \
                && strings -n 3 kernel/a.o
            """
        let result = try await Subprocess.run(
            .path("/bin/sh"), arguments: ["-c", compile], output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20))
        try #require(result.terminationStatus == .exited(0), "\(result.standardError)")
        let isPrecompiled = FileManager.default.fileExists(atPath: tree.appending(".netlab/kernel.h.gch").string)
        return (result.standardOutput, isPrecompiled)
    }

    @Test
    func `A source is compiled with the header before it, and with its own module's name`() async throws {
        try await withTemporaryDirectory { tree in
            let (symbols, isPrecompiled) = try await object(
                of: "const char *a(void) { return from_header(); }\nconst char *b(void) { return KBUILD_MODNAME; }\n",
                header: "static inline const char *from_header(void) { return \"of the header\"; }", in: tree)
            #expect(isPrecompiled)
            #expect(symbols.contains("of the header") && symbols.contains("mine"))
        }
    }

    @Test
    func `What a source defines before its headers, they see`() async throws {
        try await withTemporaryDirectory { tree in
            let (symbols, _) = try await object(
                of:
                    "#define WORDS \"of the source\"\n#include <linux/kernel.h>\nconst char *a(void) { return WORDS_SEEN; }\n",
                header: "#ifdef WORDS\n#define WORDS_SEEN WORDS\n#else\n#define WORDS_SEEN \"none\"\n#endif", in: tree)
            #expect(symbols.contains("of the source"))
        }
    }

    @Test
    func `A source that does not take the header is compiled as it stands`() async throws {
        try await withTemporaryDirectory { tree in
            let (symbols, isPrecompiled) = try await object(
                of: "static int from_header;\nconst char *a(void) { return \"as it stands\"; }\n",
                header: "static inline const char *from_header(void) { return \"x\"; }", in: tree)
            #expect(isPrecompiled && symbols.contains("as it stands"))
        }
    }
}
