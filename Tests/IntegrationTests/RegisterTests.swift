import Foundation
import SystemPackage
import Testing

/// What a program in a lab has in its vector registers stays there, up to the widest that this machine's processor has.
@Suite("Registers")
struct RegisterTests {
    private static let source = Netlab.checkout.appending("Tests/IntegrationTests/Programs/registers.c")

    /// Compiles the program, runs it in a lab kernel, and has a look at what it said.
    private func run(_ arguments: String..., look: (Netlab.Result) -> Void) async throws {
        try await LabHome.with { home in
            // `kernel run` leaves the host's /tmp to be seen.
            let program = home.path.appending("registers").string
            let compiler = try await home.netlab.execute(
                "/usr/bin/gcc", ["-O2", "-Wall", "-Werror", "-static", "-o", program, Self.source.string])
            try #require(compiler.code == 0, compiler.account)
            look(try await home.netlab.execute(Netlab.program, ["kernel", "run", "--", program] + arguments))
        }
    }

    @Test
    func
        `Registers are kept across system calls, page faults, signals, switches, forks and other programs' beginnings`()
        async throws
    {
        let flags = Host.contents("/proc/cpuinfo")
        let widest = flags.contains(" avx512f ") ? "avx512" : flags.contains(" avx ") ? "avx" : "sse"
        try await run { result in
            #expect(result.code == 0, result.account)
            #expect(result.output == "kept: \(widest)\n", result.account)
        }
    }

    @Test
    func `A register that a signal's end does not bring back is found`() async throws {
        try await run("lose") { result in
            #expect(result.code == 1, result.account)
            #expect(result.output == "lost at a signal: vector register 3\n", result.account)
        }
    }
}
