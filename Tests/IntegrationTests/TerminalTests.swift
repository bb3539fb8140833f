import Glibc
import SystemPackage
import Testing

/// Programs of a lab at a terminal, which script(1) makes: it ends with the program's exit code.
struct TerminalTests {
    private static let script: FilePath = "/usr/bin/script"

    @Test func `A program has a terminal of the same size`() async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair())
            let command = "stty rows 31 cols 97; \(Netlab.program) exec pair left -- sh -c 'stty size; exit 7'"
            let result = try await home.netlab.execute(Self.script, ["-qec", command, "/dev/null"])
            #expect(result.output.contains("31 97"), result.account)
            #expect(result.code == 7, result.account)
        }
    }

    @Test func `The terminal is as it was when a program does not heed a signal`() async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair())
            // timeout(1) in the foreground signals netlab alone, which has made the terminal raw.
            let program = "trap '' TERM; while :; do sleep 1000; done"
            let command = """
                echo before $(stty -g)
                timeout --foreground 1 \(Netlab.program) exec pair left -- sh -c "\(program)"
                echo code $?; echo after $(stty -g)
                """
            let result = try await home.netlab.execute(Self.script, ["-qec", command, "/dev/null"])
            let words = result.output.split(whereSeparator: \.isWhitespace)
            let settings = words.indices.dropLast().filter { words[$0].hasSuffix("before") || words[$0] == "after" }
                .map { words[$0 + 1] }
            #expect(settings.count == 2 && settings.first == settings.last, result.account)
            // 124: timeout(1) ended it, and 143 is its own code.
            #expect(result.output.contains("code 124"), result.account)
        }
    }

    @Test func `When the terminal goes so does a bare kernel`() async throws {
        try await LabHome.with { home in
            let command = "\(Netlab.program) kernel run -- sh -c 'echo ready; sleep 100000000'"
            let result = try await home.netlab.follow(
                "-qec", command, "/dev/null", program: Self.script, stream: .output
            ) { line, process in
                if line.contains("ready") { kill(process, SIGKILL) }
            }
            #expect(result.output.contains("ready"), result.account)
            try await home.expectNothingLeft()
        }
    }
}
