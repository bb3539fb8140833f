import Foundation
import Testing

/// What the security profile of a container may forbid: the system calls fail with EPERM (seccomp(2), SECCOMP_RET_ERRNO).
enum ContainerProfile: String, CaseIterable {
    /// seccomp(2) and prctl(2)'s PR_SET_SECCOMP.
    case noFilters
    case noTracing
    case neither

    /// What goes before a command: perl(1) installs the filter and becomes the command.
    var words: [String] {
        // A filter's instruction is a code, two ways to go, and a number (linux/filter.h): 0x20 loads, 0x15 compares, 6 ends.
        let ptrace = "pack('SCCL', 0x15, 0, 1, 101), $refusal,"
        let seccomp = """
            pack('SCCL', 0x15, 0, 1, 317), $refusal,
            pack('SCCL', 0x15, 0, 3, 157), pack('SCCL', 0x20, 0, 0, 16), pack('SCCL', 0x15, 0, 1, 22), $refusal,
            """
        let refused =
            switch self {
            case .noFilters: seccomp
            case .noTracing: ptrace
            case .neither: ptrace + seccomp
            }
        let script = """
            my $refusal = pack('SCCL', 6, 0, 0, 0x50001);
            my @filter = (pack('SCCL', 0x20, 0, 0, 0), \(refused) pack('SCCL', 6, 0, 0, 0x7fff0000));
            my $program = pack('Sx6P', scalar @filter, join('', @filter));
            syscall(157, 38, 1, 0, 0, 0) == 0 && syscall(157, 22, 2, $program) == 0 or die "no filter: $!";
            exec { $ARGV[0] } @ARGV;
            """
        return ["/usr/bin/perl", "-e", script]
    }
}

/// What netlab does where a container forbids what the lab kernel would use.
@Suite(.timeLimit(.minutes(60)))
struct ContainerProfileTests {
    @Test func `Without filters labs run by ptrace, and doctor says so`() async throws {
        try await LabHome.with { home in
            let netlab = home.netlab
            func run(_ arguments: String...) async throws -> Netlab.Result {
                try await netlab.execute(
                    "/usr/bin/env", ContainerProfile.noFilters.words + [Netlab.program.string] + arguments)
            }
            let doctor = try await run("doctor")
            #expect(doctor.output.contains("with ptrace: this machine gives no seccomp filters"), doctor.account)
            #expect(doctor.output.contains("in a mount namespace"), doctor.account)
            let lab = try home.writePair()
            let up = try await run("up", lab)
            #expect(up.code == 0, up.account)
            let node = try await run("exec", "pair", "left", "--", "echo", "from the lab")
            #expect(node.code == 0 && node.output == "from the lab\n", node.account)
            try await netlab.succeed("down", "pair")
        }
    }

    @Test func `Without tracing labs run by filters`() async throws {
        try await LabHome.with { home in
            let lab = try home.writePair()
            let up = try await home.netlab.execute(
                "/usr/bin/env", ContainerProfile.noTracing.words + [Netlab.program.string, "up", lab])
            #expect(up.code == 0, up.account)
            try await home.netlab.succeed("down", "pair")
        }
    }

    @Test func `Without both a command says what is forbidden and leaves nothing`() async throws {
        try await LabHome.with { home in
            let lab = try home.writePair()
            for command in [["up", lab], ["kernel", "run", "--", "true"], ["doctor"]] {
                let result = try await home.netlab.execute(
                    "/usr/bin/env", ContainerProfile.neither.words + [Netlab.program.string] + command)
                #expect(result.code == 3, result.account)
                #expect(
                    (result.output + result.error).contains("forbids ptrace(2) and seccomp filters"), result.account)
            }
            let list = try await home.netlab.succeed("list", "--format", "json")
            #expect(!list.output.contains("\"pair\""), list.account)
        }
    }
}
