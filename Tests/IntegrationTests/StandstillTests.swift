import Foundation
import Glibc
import SystemPackage
import Testing

/// A lab that keeps somebody waiting for ever: what it does is said after twenty seconds, and signals end commands before.
///
/// These take wall time because what they are about is wall time.
@Suite("Standstill", .serialized)
struct StandstillTests {
    private func record(_ home: LabHome, _ lab: String) throws -> (supervisor: pid_t, kernel: pid_t) {
        struct Record: Decodable {
            let supervisor: pid_t
            let kernel: pid_t
        }
        let text = Host.contents(home.runtime.appending("netlab/labs/\(lab)/lab.json").string)
        let record = try JSONDecoder().decode(Record.self, from: Data(text.utf8))
        return (record.supervisor, record.kernel)
    }

    /// The lab of a command that keeps it to itself, once it has a kernel.
    private func ownLab(_ home: LabHome) async throws -> (supervisor: pid_t, kernel: pid_t) {
        let labs = home.runtime.appending("netlab/labs").string
        let end = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < end {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: labs)) ?? [] {
                if access("\(labs)/\(name)/socket", F_OK) == 0, let found = try? record(home, name) { return found }
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw Errno.timedOut
    }

    // MARK: Named after twenty seconds

    @Test(
        arguments: ["1 while 1", "1 while getppid"])
    func `A program that never pauses is named with its node, and ends what waits`(script: String) async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair(), "--clock", "paused")
            let result = try await home.netlab.run("exec", "pair", "left", "--", "perl", "-e", script)
            #expect(result.code == 4, result.account)
            #expect(result.error.contains("clock has stood still for 20s"), result.account)
            #expect(result.error.contains("left, process "), result.account)
            #expect(result.error.contains("perl -e \(script)"), result.account)
            #expect(result.took > .seconds(15) && result.took < .seconds(40), result.account)
            let down = try await home.netlab.succeed("down", "pair")
            #expect(down.took < .seconds(5))
        }
    }

    @Test
    func `An agent that crashes says so on its console, and nothing of what its registers held`() async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair(), "--clock", "paused")
            // The first of the lab's processes is the agent's parent, and has no other child. Swift's handler returns from a signal
            // that was sent, and the second one finds no handler.
            let kill = try await home.netlab.run(
                "exec", "pair", "left", "--", "sh", "-c",
                "agent=$(cat /proc/1/task/1/children); kill -SEGV $agent; sleep 10; kill -SEGV $agent")
            // The signal may have been sent and answered for before it is acted upon.
            let next = try await home.netlab.run("exec", "pair", "left", "--", "true")
            let down = try await home.netlab.run("down", "pair")
            #expect(next.code == 4, next.account)
            let accounts = [kill, next, down].map { $0.output + $0.error }.joined(separator: "\n")
            #expect(accounts.contains("on its console: the agent crashed: "), "\(accounts)")
            let console = Host.contents(home.state.appending("netlab/logs/pair/console.log").string)
            #expect(console.contains("Program crashed") && !console.contains("rax"), "\(console)")
        }
    }

    @Test
    func `An agent that does not answer is given up, with its lab`() async throws {
        try await LabHome.with { home in
            let result = try await home.netlab.run("kernel", "run", "--", "sh", "-c", "kill -STOP $PPID; sleep 1000")
            #expect(result.code == 4, result.account)
            #expect(result.error.contains("its agent has not answered for 20s"), result.account)
            #expect(result.took < .seconds(45), result.account)
            try await home.expectNothingLeft()
        }
    }

    @Test
    func `A kernel that somebody has stopped is named, and given up with its lab`() async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair(), "--clock", "paused")
            let kernel = try record(home, "pair").kernel
            async let advance = home.netlab.run("clock", "pair", "advance", "100000h")
            try await Task.sleep(for: .milliseconds(300))
            kill(kernel, SIGSTOP)
            let result = try await advance
            #expect(result.code == 4, result.account)
            #expect(result.error.contains("its kernel, process \(kernel), has been stopped"), result.account)
            #expect(result.took < .seconds(45), result.account)
        }
    }

    @Test
    func `A supervisor that somebody has stopped is named; down ends its lab`() async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair(), "--clock", "paused")
            let supervisor = try record(home, "pair").supervisor
            kill(supervisor, SIGSTOP)
            let result = try await home.netlab.run("status", "pair")
            #expect(result.code == 4, result.account)
            #expect(result.error.contains("process \(supervisor), has been stopped"), result.account)
            #expect(result.took > .seconds(15) && result.took < .seconds(40), result.account)
            let down = try await home.netlab.succeed("down", "pair")
            #expect(down.took < .seconds(5))
            try await home.expectNothingLeft()
        }
    }

    // MARK: Signals

    /// What keeps a lab from answering.
    enum Obstacle: String, CaseIterable {
        case kernel, supervisor
    }

    @Test(
        arguments: [SIGINT, SIGTERM], Obstacle.allCases)
    func `A signal ends commands within five seconds, with their labs, when a lab does not answer`(
        signal: Int32, obstacle: Obstacle
    ) async throws {
        try await LabHome.with { home in
            let file = try home.writePair()
            async let soak = home.netlab.follow(
                "soak", file, "--for", "720h", "--ping-interval", "10s", stream: .output
            ) { _, _ in }
            let lab = try await ownLab(home)
            try await Task.sleep(for: .milliseconds(500))
            let command = try #require(Host.parent(of: lab.supervisor))
            kill(obstacle == .kernel ? lab.kernel : lab.supervisor, SIGSTOP)
            let begin = ContinuousClock.now
            kill(command, signal)
            let result = try await soak
            #expect(.now - begin < .seconds(5.5), result.account)
            #expect(result.code == 130, result.account)
            try await home.expectNothingLeft()
        }
    }

    @Test
    func `A second Ctrl-C ends a command at once, with its lab`() async throws {
        try await LabHome.with { home in
            let file = try home.writePair()
            async let soak = home.netlab.follow(
                "soak", file, "--for", "720h", "--ping-interval", "10s", stream: .output
            ) { _, _ in }
            let lab = try await ownLab(home)
            try await Task.sleep(for: .milliseconds(500))
            let command = try #require(Host.parent(of: lab.supervisor))
            kill(lab.kernel, SIGSTOP)
            kill(command, SIGINT)
            try await Task.sleep(for: .milliseconds(200))
            let begin = ContinuousClock.now
            kill(command, SIGINT)
            let result = try await soak
            #expect(.now - begin < .seconds(1), result.account)
            #expect(result.code == 130, result.account)
            #expect(result.error.contains("ended at once"), result.account)
            try await home.expectNothingLeft()
        }
    }

    @Test(arguments: ["clock", "check", "exec"])
    func `A signal ends a command that waits for a running lab, and leaves the lab`(verb: String) async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair(), "--clock", "paused")
            let kernel = try record(home, "pair").kernel
            let arguments =
                switch verb {
                case "clock": ["clock", "pair", "advance", "100000h"]
                case "check": ["check", "pair"]
                default: ["exec", "pair", "left", "--", "sleep", "100000"]
                }
            kill(kernel, SIGSTOP)
            let program = Netlab.program
            async let command = home.netlab.execute(
                "/usr/bin/timeout", ["--signal=TERM", "1", program.string] + arguments)
            let result = try await command
            #expect(result.took < .seconds(6), result.account)
            kill(kernel, SIGCONT)
            let status = try await home.netlab.succeed("status", "pair")
            #expect(status.output.contains("pair"), status.account)
        }
    }
}
