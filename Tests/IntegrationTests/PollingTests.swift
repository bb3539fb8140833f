import Foundation
import SystemPackage
import Testing

/// Time passes in a lab for programs that ask without waiting whether something is ready, as the daemons of FRR do before each timer.
@Suite("Polling")
struct PollingTests {
    private static let source = Netlab.checkout.appending("Tests/IntegrationTests/Programs/polling.c")

    private struct Outcome {
        let calls: Int
        let microseconds: Int
        let isReadable: Bool
    }

    /// Compiles the program, runs it in a lab kernel, and reads what it said.
    private func run(_ arguments: String..., look: (Outcome) -> Void) async throws {
        try await LabHome.with { home in
            let program = home.path.appending("polling").string
            let compiler = try await home.netlab.execute(
                "/usr/bin/gcc", ["-O2", "-Wall", "-Werror", "-static", "-o", program, Self.source.string])
            try #require(compiler.code == 0, compiler.account)
            let result = try await home.netlab.execute(Netlab.program, ["kernel", "run", "--", program] + arguments)
            let found = try #require(
                result.output.wholeMatch(of: /(\d+) calls, (\d+) us, (readable|nothing)\n/), result.account)
            look(
                Outcome(
                    calls: try #require(Int(found.1)), microseconds: try #require(Int(found.2)),
                    isReadable: found.3 == "readable"))
        }
    }

    @Test func `A program that polls in vain needs a call for each fifty microseconds, and no more`() async throws {
        try await run { outcome in
            #expect(!outcome.isReadable)
            #expect((1_000_000...1_000_100).contains(outcome.microseconds), "\(outcome)")
            #expect((18_000...22_000).contains(outcome.calls), "\(outcome)")
        }
    }

    @Test func `What becomes ready meanwhile is seen at once`() async throws {
        try await run("5300") { outcome in
            #expect(outcome.isReadable)
            // The child's sleep is up to 50 us longer than asked for (prctl(2), PR_SET_TIMERSLACK).
            #expect((5_200...5_400).contains(outcome.microseconds), "\(outcome)")
            #expect(outcome.calls < 500, "\(outcome)")
        }
    }
}
