import Foundation
import Testing

/// Labs that come and go, or are made to.
// Waiting for other labs counts, too.
@Suite(.serialized, .timeLimit(.minutes(60)))
struct LifetimeTests {
    // MARK: Down

    @Test func `Down leaves nothing but logs`() async throws {
        try await LabHome.with { home in
            let up = try await home.netlab.succeed("up", "aws-oci", "--clock", "paused")
            #expect(up.output.contains("netlab down aws-oci"))
            let kernel = try #require(try await Self.entry("aws-oci", in: home)?.kernelPid)
            #expect(Host.group(kernel).count > 6)
            try await home.netlab.succeed("down", "aws-oci")
            try await home.expectNothingLeft()
            #expect(Host.group(kernel) == [])
            #expect(Host.files(below: home.state).contains("netlab/logs/aws-oci/tgw.pluto.log"))
            let logs = try await home.netlab.succeed("logs", "aws-oci", "tgw/pluto")
            #expect(logs.output.contains("pluto"))
            let again = try await home.netlab.run("down", "aws-oci")
            #expect(again.code == 4, again.account)
            #expect(again.error.contains("not up"), again.account)
        }
    }

    @Test func `Two labs do not touch each other`() async throws {
        try await LabHome.with(labs: 2) { home in
            let (first, second) = try (home.writePair(named: "one"), home.writePair(named: "two"))
            try await home.netlab.succeed("up", first, "--clock", "paused")
            try await home.netlab.succeed("up", second, "--clock", "paused")
            let (one, two) = (RunningLab(home: home, name: "one"), RunningLab(home: home, name: "two"))
            let before = try await two.clock().time
            _ = try await one.clock("advance", "1h")
            try await one.change("left", "ip", "link", "set", "eth0", "down")
            #expect(try await two.clock().time == before)
            #expect(try await one.exec("left", "ping", "-c", "1", "-W", "1", "10.0.0.2").code != 0)
            #expect(try await two.ping("10.0.0.2", from: "left").isLossless)
            try await home.netlab.succeed("down", "one")
            #expect(try await two.ping("10.0.0.1", from: "right").isLossless)
            #expect(try await Self.entry("one", in: home) == nil)
            #expect(try await Self.entry("two", in: home)?.state == "up")
            try await home.netlab.succeed("down", "--all")
            try await home.expectNothingLeft()
        }
    }

    // MARK: Deaths

    enum Victim: String, CaseIterable { case supervisor, kernel }

    /// A lab killed in its sleep is found dead by whoever looks first, who says so and clears up.
    @Test(arguments: Victim.allCases, ["status", "list", "down"])
    func `A killed lab is noticed`(victim: Victim, verb: String) async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair(), "--clock", "paused")
            try await Self.kill(victim, of: "pair", in: home)
            let result =
                switch verb {
                case "list": try await home.netlab.run("list")
                default: try await home.netlab.run(verb, "pair")
                }
            #expect(result.code == (verb == "status" ? 4 : 0), result.account)
            let words = victim == .kernel ? "its kernel ended unexpectedly" : "its supervisor was gone"
            #expect((result.output + result.error).contains(words), result.account)
            try await home.expectNothingLeft()
            #expect(try await Self.entry("pair", in: home) == nil)
        }
    }

    /// The same with daemons in it, and then anew.
    @Test func `A killed lab can be brought up again`() async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", "aws-oci")
            try await Self.kill(.supervisor, of: "aws-oci", in: home)
            let up = try await home.netlab.succeed("up", "aws-oci", "--clock", "paused")
            #expect(up.output.contains(/tunnel +main +up/), up.account)
            try await home.netlab.succeed("down", "aws-oci")
            try await home.expectNothingLeft()
        }
    }

    /// A guest program is a process of the host's that its kernel holds on to. When nobody does any more it must not
    /// go on by itself.
    @Test(arguments: Victim.allCases) func `A killed lab takes its busy programs along`(victim: Victim) async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair(), "--clock", "paused")
            let kernel = try #require(try await Self.entry("pair", in: home)?.kernelPid)
            async let exec = home.netlab.run("exec", "pair", "left", "--", "sh", "-c", "while :; do :; done")
            var looks = 0
            try await eventually("a program that computes") {
                let isComputing = Host.group(kernel).contains { $0 != kernel && Host.isRunning($0) }
                looks = isComputing ? looks + 1 : 0
                return looks == 20
            }
            try await Self.kill(victim, of: "pair", in: home)
            #expect(try await exec.code == 4)
            #expect(try await home.netlab.run("status", "pair").code == 4)
            try await home.expectNothingLeft()
        }
    }

    /// When the kernel is killed, the host lets go of the processes that it traced. One whose next system call was then the
    /// host's would be out of the lab: none may live that long, whether a command looks or not.
    @Test func `Programs end with their kernel`() async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair(), "--clock", "paused")
            let kernel = try #require(try await Self.entry("pair", in: home)?.kernelPid)
            async let exec = home.netlab.run("exec", "pair", "left", "--", "sh", "-c", "while :; do :; done")
            // Besides the kernel there are the guest's first program, the agent, and the program.
            try await eventually("a program in the lab") { Host.group(kernel).count > 3 }
            Glibc.kill(kernel, SIGKILL)
            try await eventually(within: .seconds(2), "the end of all programs") { Host.group(kernel).isEmpty }
            _ = try await exec
        }
    }

    /// A machine that shuts down, or a CI system that gives up, sends SIGTERM to everybody.
    @Test func `A terminated supervisor takes its lab down`() async throws {
        try await LabHome.with { home in
            try await home.netlab.succeed("up", try home.writePair(), "--clock", "paused")
            let supervisor = try #require(await Self.entry("pair", in: home)?.supervisorPid)
            Glibc.kill(supervisor, SIGTERM)
            try await eventually("the end of the supervisor") { Host.group(supervisor).isEmpty }
            try await home.expectNothingLeft()
            #expect(try await Self.entry("pair", in: home) == nil)
        }
    }

    /// A lab that a command has to itself ends with it, logs and all.
    @Test func `A killed command takes its own lab along`() async throws {
        try await LabHome.with { home in
            let result = try await home.netlab.follow(
                "kernel", "run", "--", "sh", "-c", "echo there; exec sleep 100000000", stream: .output
            ) { line, process in
                if line.contains("there") { Glibc.kill(process, SIGKILL) }
            }
            #expect(result.code == 137, result.account)
            try await eventually("the end of its lab") { Host.processes(naming: home.path).isEmpty }
            try await home.expectNothingLeft()
            #expect(Host.names(in: home.state.appending("netlab/logs")) == [])
        }
    }

    /// `gc` removes what a dead lab left and says so; a running one it leaves alone.
    @Test func `Collection takes the dead and leaves the living`() async throws {
        try await LabHome.with(labs: 2) { home in
            try await home.netlab.succeed("up", try home.writePair(named: "dead"), "--clock", "paused")
            try await home.netlab.succeed("up", try home.writePair(named: "alive"), "--clock", "paused")
            try await Self.kill(.supervisor, of: "dead", in: home)
            let dry = try await home.netlab.succeed("gc", "--dry-run")
            #expect(dry.output.contains("its supervisor was gone"), dry.account)
            let wet = try await home.netlab.succeed("gc", "--format", "json")
            #expect(wet.output.contains(#""is_removed" : true"#), wet.account)
            #expect(Host.names(in: home.runtime.appending("netlab/labs")) == ["alive"])
            let again = try await home.netlab.succeed("gc")
            #expect(again.output == "Nothing is left of any lab that does not run.\n")
            #expect(try await Self.entry("alive", in: home)?.state == "up")
        }
    }

    private static func kill(_ victim: Victim, of lab: String, in home: LabHome) async throws {
        let entry = try #require(try await entry(lab, in: home))
        let (supervisor, kernel) = (try #require(entry.supervisorPid), try #require(entry.kernelPid))
        Glibc.kill(victim == .kernel ? kernel : supervisor, SIGKILL)
        // Neither lives without the other.
        try await eventually("the end of supervisor and kernel") {
            Host.group(supervisor).isEmpty && !Host.group(kernel).contains(kernel)
        }
    }

    // MARK: List

    struct Entry: Decodable {
        let name: String
        let state: String
        let supervisorPid: pid_t?
        let kernelPid: pid_t?
    }

    /// What `list` says of a lab; nil for one that is neither up nor has died.
    private static func entry(_ lab: String, in home: LabHome) async throws -> Entry? {
        let result = try await home.netlab.succeed("list", "--format", "json")
        let entries = try StatusView.decoder.decode([Entry].self, from: Data(result.output.utf8))
        return entries.first { $0.name == lab && $0.state != "-" }
    }
}
