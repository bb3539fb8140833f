import Foundation
import Testing

/// Labs that do not get up, are broken off, or get stuck.
// Waiting for other labs counts, too.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct TroubleTests {
    // MARK: Interrupted

    /// Ctrl-C as soon as `up` has said a word.
    @Test(arguments: ["aws-oci:", "✓ boot", "✓ nodes", "✓ tunnels", "✓ filters", "✓ daemons"])
    func `Interrupted up leaves nothing`(word: String) async throws {
        try await LabHome.with { home in
            let result = try await home.netlab.follow("up", "aws-oci", stream: .output) { line, process in
                if line.contains(word) { Glibc.kill(process, SIGINT) }
            }
            #expect(result.code == 130, result.account)
            #expect(!result.output.contains("Next:"))
            try await home.expectNothingLeft()
        }
    }

    @Test func `Up killed outright leaves nothing for long`() async throws {
        try await LabHome.with { home in
            let result = try await home.netlab.follow("up", "aws-oci", stream: .output) { line, process in
                if line.contains("✓ nodes") { Glibc.kill(process, SIGKILL) }
            }
            #expect(result.code == 137, result.account)
            // The supervisor finishes what it was told, or gives it up; either way the lab is there to be taken down.
            _ = try await home.netlab.run("down", "aws-oci")
            try await home.expectNothingLeft()
        }
    }

    // MARK: What cannot start

    @Test func `A missing temporary directory is said`() async throws {
        try await LabHome.with { home in
            let result = try await home.netlab.settingVariables(["TMPDIR": "/nonexistent"]).run("up", "aws-oci")
            #expect(result.code == 3, result.account)
            #expect(result.error.contains("/nonexistent"), result.account)
            #expect(result.error.contains("Set TMPDIR"), result.account)
            try await home.expectNothingLeft()
        }
    }

    @Test func `A temporary directory without execution is said`() async throws {
        try await LabHome.with { home in
            let directory = home.path.appending("noexec").string
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
            // In namespaces of its own anybody may mount.
            let result = try await home.netlab.settingVariables(["TMPDIR": directory]).execute(
                "/usr/bin/unshare",
                [
                    "--user", "--map-root-user", "--mount", "sh", "-c",
                    #"mount -t tmpfs -o noexec none "$TMPDIR" && exec "$@""#,
                    "sh", Netlab.program.string, "up", "aws-oci",
                ])
            #expect(result.code == 3, result.account)
            #expect(result.error.contains("noexec"), result.account)
            #expect(result.error.contains("Set TMPDIR"), result.account)
            try await home.expectNothingLeft()
        }
    }

    @Test func `A kernel that does not start is one clear error`() async throws {
        try await LabHome.with { home in
            let result = try await home.netlab.settingVariables(["NETLAB_KERNEL": "/bin/true"]).run("up", "aws-oci")
            #expect(result.code == 4, result.account)
            #expect(result.error.hasPrefix("netlab: The lab's kernel did not start.\n"), result.account)
            #expect(result.error.contains("netlab doctor"), result.account)
            try await home.expectNothingLeft()
        }
    }

    @Test func `A kernel that is no program names the variable`() async throws {
        try await LabHome.with { home in
            let result = try await home.netlab.settingVariables(["NETLAB_KERNEL": "/etc/passwd"]).run("up", "aws-oci")
            #expect(result.code == 3, result.account)
            #expect(result.error.contains("NETLAB_KERNEL names /etc/passwd"), result.account)
            try await home.expectNothingLeft()
        }
    }

    // MARK: Stuck

    @Test func `A busy loop is said and does not keep the lab up`() async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair(), "--clock", "paused")
            let result = try await home.netlab.follow(
                "exec", "pair", "left", "--", "sh", "-c", "while :; do :; done", stream: .error
            ) { line, _ in
                guard line.contains("clock stands still") else { return }
                #expect(line.contains("while :"))
                let down = try await home.netlab.succeed("down", "pair")
                #expect(down.took < .seconds(3))
            }
            #expect(result.error.contains("clock stands still"), result.account)
            #expect(result.code != 0)
            try await home.expectNothingLeft()
        }
    }

    @Test func `A signal reaches the program`() async throws {
        try await LabHome.with { home in
            // Paced, or a thousand seconds would be over at once.
            try await home.netlab.succeed("up", try home.writePair())
            let result = try await home.netlab.follow(
                "exec", "pair", "left", "--", "sh", "-c",
                "trap 'echo caught; exit 9' TERM; echo ready; sleep 1000 & wait",
                stream: .output
            ) { line, process in
                if line.contains("ready") { Glibc.kill(process, SIGTERM) }
            }
            #expect(result.code == 9, result.account)
            #expect(result.output.contains("caught"), result.account)
        }
    }

    /// `kernel run` passes signals on, too, and does not wait for a program that does not heed them.
    @Test(arguments: [
        ("trap 'echo caught; exit 9' TERM; echo ready; sleep 100000000 & wait", 9 as Int32),
        ("trap '' TERM; echo ready; sleep 1; while :; do :; done", 143),
    ])
    func `A signal ends a bare kernel`(script: String, code: Int32) async throws {
        try await LabHome.with { home in
            let result = try await home.netlab.follow("kernel", "run", "--", "sh", "-c", script, stream: .output) {
                line, process in
                if line.contains("ready") { Glibc.kill(process, SIGTERM) }
            }
            #expect(result.code == code, result.account)
            try await home.expectNothingLeft()
        }
    }
}
