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

    /// Keys come through a pipe to script(1), which types them; each waits for what the one before has brought about.
    @Test func `watch breaks and mends a lab by keys, and leaves the terminal as it was`() async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair())
            let watch =
                "stty rows 24 cols 100; echo before $(stty -g); \(Netlab.program) watch pair; echo code $?; echo after $(stty -g)"
            let text = """
                cd "$0" && mkfifo keys
                netlab="\(Netlab.program)"
                until_faults() { until $netlab faults pair --format json | tr -d ' \n' | grep -q "$1"; do sleep 0.05; done; }
                script -qec '\(watch)' /dev/null <keys >screen &
                exec 3>keys
                until grep -q 'q quit' screen; do sleep 0.05; done
                printf 'flink wire downx\\177\\r' >&3
                until_faults '"link_down"'
                until grep -q 'fault: link wire down' screen; do sleep 0.05; done
                # Without the dots that stand there while it is being done.
                until grep -qF $'fail pair link wire down\\e[K' screen; do sleep 0.05; done
                printf 'h' >&3
                until_faults '^\\[\\]$'
                until grep -qF $'heal pair link wire down\\e[K' screen; do sleep 0.05; done
                printf 'p' >&3
                until $netlab clock pair | grep -q paused; do sleep 0.05; done
                printf 'q' >&3
                wait
                cat screen
                """
            let result = try await home.netlab.execute("/bin/bash", ["-c", text, home.path.string])
            let words = result.output.split(whereSeparator: \.isWhitespace)
            let settings = words.indices.dropLast().filter { words[$0].hasSuffix("before") || words[$0] == "after" }
                .map { words[$0 + 1] }
            #expect(settings.count == 2 && settings.first == settings.last, result.account)
            #expect(result.output.contains("code 0"), result.account)
            for words in [
                "netlab fail pair link wire down", "netlab heal pair link wire down", "netlab clock pair pause",
            ] {
                #expect(result.output.contains(words), "\(words)")
            }
            // The other screen is left after it has been entered, and nothing is drawn on the first one.
            let (enter, leave) = ("\u{1B}[?1049h", "\u{1B}[?1049l")
            #expect(result.output.ranges(of: enter).count == 1 && result.output.ranges(of: leave).count == 1)
            #expect(result.output.split(separator: leave).last?.contains("\u{1B}[H") == false, result.account)
        }
    }

    @Test func `A signal ends watch, and the terminal is as it was`() async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair())
            let command = """
                echo before $(stty -g)
                timeout --foreground 1 \(Netlab.program) watch pair
                echo code $?; echo after $(stty -g)
                """
            // Keys that nobody presses: the end of them would end it.
            let text = "cd $0 && mkfifo keys && exec 3<>keys && script -qec \"$1\" /dev/null <keys"
            let result = try await home.netlab.execute("/bin/bash", ["-c", text, home.path.string, command])
            let words = result.output.split(whereSeparator: \.isWhitespace)
            let settings = words.indices.dropLast().filter { words[$0].hasSuffix("before") || words[$0] == "after" }
                .map { words[$0 + 1] }
            #expect(settings.count == 2 && settings.first == settings.last, result.account)
            #expect(result.output.contains("code 124"), result.account)
            #expect(
                result.output.ranges(of: "\u{1B}[?1049h").count == result.output.ranges(of: "\u{1B}[?1049l").count)
        }
    }

    @Test func `watch without a terminal says what does the same`() async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair())
            let result = try await home.netlab.run("watch", "pair")
            #expect(result.code == 2, result.account)
            #expect(result.error.contains("netlab status pair"), result.account)
        }
    }
}
