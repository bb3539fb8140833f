import Foundation
import SystemPackage
import Testing

/// A daemon that only the tests know: what it takes to add one, and that everything then knows of it.
@Suite(.timeLimit(.minutes(60)))
struct MumbleTests {
    private static let program = Netlab.program.removingLastComponent().appending("netlab-with-mumble")

    private static let lab = """
        name: mumbling
        nodes:
          a: {role: router, mumble: mumble.conf}
          b: {role: router}
        links:
          ab: {ends: {a:e0: 192.0.2.1/24, b:e0: 192.0.2.2/24}}
        probes:
          there: {from: b, to: a}

        """

    @Test
    func
        `A daemon of one folder, one driver and two lines runs in a lab, and status, doctor, predict and faults know it`()
        async throws
    {
        try await LabHome.with { home in
            let file = home.path.appending("mumbling.yaml")
            try Self.lab.write(toFile: file.string, atomically: true, encoding: .utf8)
            try "mumble, mumble\n".write(
                toFile: home.path.appending("mumble.conf").string, atomically: true, encoding: .utf8)
            func run(_ arguments: String...) async throws -> Netlab.Result {
                try await home.netlab.execute(Self.program, arguments)
            }
            func succeed(_ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation) async throws
                -> String
            {
                let result = try await home.netlab.execute(Self.program, arguments)
                #expect(result.code == 0, result.account, sourceLocation: sourceLocation)
                return result.output
            }
            let up = try await succeed("up", file.string, "--clock", "paused")
            #expect(up.contains("mumbling"))
            #expect(try await succeed("status", "mumbling", "--format", "json").contains("a/mumble"))
            #expect(try await succeed("logs", "mumbling", "a/mumble").contains("mumbles"))
            let asked = try await succeed(
                "exec", "mumbling", "a", "--", "perl", "-MIO::Socket::UNIX", "-e",
                "print IO::Socket::UNIX->new(Peer => '/run/mumble/mumble.ctl')->getlines")
            #expect(asked == "mumble, mumble\n")
            #expect(try await run("doctor").output.contains("perl"))
            let predicted = try await succeed("predict", file.string, "--fault", "daemon a/mumble killed")
            #expect(predicted.contains("Mumble 5.") && predicted.contains("which nobody minds"), "\(predicted)")
            _ = try await succeed("fail", "mumbling", "daemon a/mumble killed")
            #expect(try await succeed("status", "mumbling").contains("mumble"))
            _ = try await succeed("heal", "mumbling", "--all")
            _ = try await succeed("clock", "mumbling", "until", "daemon a/mumble up", "--within", "10s")
            _ = try await succeed("down", "mumbling")
            // netlab itself knows nothing of it.
            let own = try await home.netlab.run("validate", file.string)
            #expect(own.code == 2 && (own.output + own.error).contains("unknown key \"mumble\""), own.account)
        }
    }
}
