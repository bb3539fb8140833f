import AgentProtocol
import Foundation
import Glibc
import SystemPackage
import Testing

@testable import KernelBuilds
@testable import LabHost

/// Labs of other versions of netlab, which an upgrade leaves running.
@Suite("LabClient", .serialized, .timeLimit(.minutes(60)))
struct LabClientTests {
    /// A lab's directory whose socket answers as `answer` does, and whose supervisor is a process that does nothing.
    private static func withLab(
        _ answer: @escaping @Sendable (StreamSocket) -> Void, _ body: (LabDirectory, Process) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let environment = [
                "XDG_RUNTIME_DIR": directory.appending("run").string,
                "XDG_STATE_HOME": directory.appending("state").string,
            ]
            for path in environment.values {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            }
            let directories = HostDirectories(environment: environment)
            let lab = try LabDirectory(name: "old", directories: directories)
            _ = try lab.claim(directories)
            let supervisor = Process()
            supervisor.executableURL = URL(fileURLWithPath: "/usr/bin/perl")
            // It hears signals, which the tests' threads do not.
            supervisor.arguments = [
                "-MPOSIX", "-e", "$| = 1; sigprocmask(SIG_SETMASK, POSIX::SigSet->new); print 1; sleep 600",
            ]
            let output = Pipe()
            supervisor.standardOutput = output
            try supervisor.run()
            _ = output.fileHandleForReading.readData(ofLength: 1)
            defer { kill(supervisor.processIdentifier, SIGKILL) }
            let id = supervisor.processIdentifier
            try lab.write(
                LabDirectory.Record(
                    lab: "old", source: "lab.yaml", variant: nil, supervisor: id,
                    supervisorStart: try #require(ProcessTable.startTime(of: id)), runsOn: .lab, startedAt: 0))
            try StreamSocket.listen(at: lab.socket.string, accept: answer)
            try await body(lab, supervisor)
        }
    }

    private static func greeting(_ version: ProtocolVersion) throws -> [UInt8] {
        try Frame(FromSupervisor.hello(version)).bytes
    }

    @Test
    func `A supervisor of another version is named as such, with its release`() async throws {
        let greeting = try Self.greeting(ProtocolVersion(number: 1, release: "0.0.9"))
        try await Self.withLab({ $0.send(greeting) }) { lab, _ in
            let failure = try await #require(throws: LabFailure.self) { _ = try await LabClient(lab).ask(ShowStatus()) }
            #expect(
                failure.message.contains("old was brought up by netlab 0.0.9 (protocol 1), and this is netlab 0.1.0"))
            #expect(failure.remedy?.contains("netlab down old") == true && failure.code == .otherVersion)
        }
    }

    /// So did those that had no versions yet.
    @Test
    func `One that hangs up without a greeting is another version, too`() async throws {
        try await Self.withLab({ $0.close() }) { lab, _ in
            let failure = try await #require(throws: LabFailure.self) { _ = try await LabClient(lab).ask(ShowStatus()) }
            #expect(failure.message.contains("another netlab, which hangs up on this one"))
        }
    }

    @Test
    func `A supervisor of this version may be of another release`() async throws {
        let greeting = try Self.greeting(ProtocolVersion(number: ProtocolVersion.current.number, release: "9.9"))
        let answer = greeting + (try Frame(FromSupervisor.reply, body: Done()).bytes)
        try await Self.withLab({ $0.send(answer) }) { lab, _ in
            let reply = try await LabClient(lab).ask(ShutDown())
            #expect(reply == Done())
        }
    }

    @Test
    func `An answer of another type is an error that says so`() async throws {
        let answer = try Self.greeting(.current) + Frame(FromSupervisor.reply, body: Done()).bytes
        try await Self.withLab({ $0.send(answer) }) { lab, _ in
            let failure = try await #require(throws: LabFailure.self) { _ = try await LabClient(lab).ask(ShowStatus()) }
            #expect(
                failure.message.hasPrefix(
                    "The answer of old to ShowStatus cannot be understood: what came is no LabStatus"))
        }
    }

    @Test(arguments: [true, false])
    func `Down ends a lab of another version`(greets: Bool) async throws {
        let greeting = try Self.greeting(ProtocolVersion(number: 1, release: "0.0.9"))
        try await Self.withLab({ greets ? $0.send(greeting) : $0.close() }) { lab, supervisor in
            try await LabLauncher.end(lab)
            supervisor.waitUntilExit()
            #expect(supervisor.terminationReason == .uncaughtSignal && supervisor.terminationStatus == SIGTERM)
            guard case .absent = lab.state() else {
                Issue.record("the lab is still there")
                return
            }
        }
    }
}
