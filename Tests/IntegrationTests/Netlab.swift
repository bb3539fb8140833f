import Foundation
import Subprocess
import SystemPackage
import Testing

/// The `netlab` program, run as a user runs it: a process of its own, with arguments, streams and an exit code.
struct Netlab: Sendable {
    /// The root of the checkout, which is where its labs are.
    static let checkout = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()

    /// The program that was built together with these tests.
    static let program: FilePath = {
        let tests =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return FilePath(tests).removingLastComponent().appending("netlab")
    }()

    /// The program for a lab kernel's guest: with a sanitizer it would not start there (`scripts/test --sanitize`).
    static let guestProgram = ProcessInfo.processInfo.environment["NETLAB_GUEST"].map { FilePath($0) } ?? program

    /// A run that takes longer than this is killed, and its exit code says so; with a sanitizer all takes longer.
    static let patience = Duration.seconds(guestProgram == program ? 90 : 900)

    /// What is different from this process's own environment; nil takes a variable away.
    var environment: [String: String?] = [:]

    /// What a finished run left.
    struct Result: Sendable {
        /// As a shell reports it: 128 and the signal's number for a program that a signal ended.
        let code: Int32
        let output: String
        let error: String
        let took: Duration

        /// What there is to read in it, for a failed expectation.
        var account: Comment { "exit code \(code)\n\(output)\(error)" }
    }

    func settingVariables(_ variables: [String: String?]) -> Netlab {
        Netlab(environment: environment.merging(variables) { _, new in new })
    }

    /// Runs `netlab` to its end.
    @discardableResult
    func run(_ arguments: String..., input: [UInt8] = []) async throws -> Result {
        try await execute(Self.program, arguments, input: input)
    }

    /// Runs `netlab`, whose exit code has to be 0; else that is an issue of the running test.
    @discardableResult
    func succeed(
        _ arguments: String..., input: [UInt8] = [], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Result {
        let result = try await execute(Self.program, arguments, input: input)
        #expect(result.code == 0, result.account, sourceLocation: sourceLocation)
        return result
    }

    /// Runs any program in the environment that `netlab` gets.
    func execute(_ program: FilePath, _ arguments: [String], input: [UInt8] = []) async throws -> Result {
        let start = ContinuousClock.now
        var watchdog: Task<Void, any Error>?
        defer { watchdog?.cancel() }
        let limit = 16 << 20
        let result = try await Subprocess.run(
            configuration(program, arguments), input: .array(input), output: .string(limit: limit),
            error: .string(limit: limit)
        ) { execution in
            watchdog = Self.watchdog(execution)
        }
        return Result(
            code: Self.code(result.terminationStatus), output: result.standardOutput, error: result.standardError,
            took: .now - start)
    }

    /// Which of a program's streams to follow.
    enum Stream { case output, error }

    /// Runs `netlab`, or another program, and calls `react` with each line of a stream as it comes, and with the process's id.
    func follow(
        _ arguments: String..., program: FilePath = Self.program, stream: Stream,
        react: @escaping @Sendable (String, pid_t) async throws -> Void
    ) async throws -> Result {
        let start = ContinuousClock.now
        let result = try await Subprocess.run(
            configuration(program, arguments), input: .none, output: .sequence, error: .sequence
        ) { execution in
            let watchdog = Self.watchdog(execution)
            defer { watchdog.cancel() }
            let process = execution.processIdentifier.value
            async let output = Self.lines(execution.standardOutput) {
                if stream == .output { try await react($0, process) }
            }
            async let error = Self.lines(execution.standardError) {
                if stream == .error { try await react($0, process) }
            }
            return try await (output, error)
        }
        let (output, error) = result.closureResult
        return Result(code: Self.code(result.terminationStatus), output: output, error: error, took: .now - start)
    }

    private static func lines(
        _ sequence: SubprocessOutputSequence, _ react: @Sendable (String) async throws -> Void
    ) async throws -> String {
        var text = ""
        for try await line in sequence.strings() {
            text += line
            try await react(line)
        }
        return text
    }

    private func configuration(_ program: FilePath, _ arguments: [String]) -> Configuration {
        let variables = environment.map { (Subprocess.Environment.Key(stringLiteral: $0.key), $0.value) }
        return Configuration(
            executable: .path(program), arguments: Arguments(arguments),
            environment: .inherit.updating(Dictionary(uniqueKeysWithValues: variables)))
    }

    private static func watchdog<Input, Output, Failure>(_ execution: Execution<Input, Output, Failure>) -> Task<
        Void, any Error
    > {
        let process = execution.processIdentifier.value
        return Task {
            try await Task.sleep(for: patience)
            kill(process, SIGKILL)
        }
    }

    private static func code(_ status: TerminationStatus) -> Int32 {
        switch status {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        }
    }
}
