import AgentProtocol
import CLinux
import Glibc
import Subprocess
import Synchronization
import SystemPackage

/// Runs programs inside nodes.
enum NodeProcess {
    /// What a program of a lab finds in its environment unless told otherwise.
    static let environment: [String: String] = [
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8",
    ]

    static func configuration(
        _ arguments: [String], in sandbox: NodeSandbox?, prefix: [String] = [], environment extra: [String: String] = [:],
        teardown: [TeardownStep] = []
    ) throws -> Subprocess.Configuration {
        let words = (sandbox?.prefix ?? []) + prefix + arguments
        guard let program = words.first else { throw LabFailure("There is no command to run.") }
        var options = PlatformOptions()
        options.teardownSequence = teardown
        let all = environment.merging(extra) { $1 }
        return Subprocess.Configuration(
            executable: .path(try FilePath(locate(program))), arguments: Arguments(Array(words.dropFirst())),
            environment: .custom(Dictionary(uniqueKeysWithValues: all.map { (Environment.Key(rawValue: $0) ?? "_", $1) })),
            workingDirectory: "/", platformOptions: options)
    }

    /// The first file of that name on the lab's own PATH.
    private static func locate(_ program: String) throws -> String {
        if program.contains("/") { return program }
        for directory in (environment["PATH"] ?? "").split(separator: ":") {
            let path = "\(directory)/\(program)"
            if access(path, X_OK) == 0 { return path }
        }
        throw LabFailure(
            "The program \(program) is not on this machine.", remedy: "`netlab doctor` says which package has it.")
    }

    /// Runs a program to its end.
    ///
    /// - Returns: Its exit code (128 and the signal's number if a signal ended it) and the first mebibyte it printed.
    static func run(_ arguments: [String], in sandbox: NodeSandbox?) async throws -> (code: Int32, output: String) {
        let result = try await Subprocess.run(
            try configuration(arguments, in: sandbox), output: .string(limit: 1 << 20), error: .combinedWithOutput)
        return (exitCode(result.terminationStatus), result.standardOutput)
    }

    static func exitCode(_ status: TerminationStatus) -> Int32 {
        switch status {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        }
    }

    /// Runs a program for somebody who follows it: streams go back and forth until it ends.
    static func follow(
        _ request: ExecRequest, in sandbox: NodeSandbox?, input: AsyncStream<ExecInput>,
        output: @escaping @Sendable (ExecOutput) -> Void
    ) async throws -> Int32 {
        guard let size = request.terminal else {
            return try await followPipes(request, in: sandbox, input: input, output: output)
        }
        return try await followTerminal(request, size: size, in: sandbox, input: input, output: output)
    }

    private static func followPipes(
        _ request: ExecRequest, in sandbox: NodeSandbox?, input: AsyncStream<ExecInput>,
        output: @escaping @Sendable (ExecOutput) -> Void
    ) async throws -> Int32 {
        let configuration = try configuration(request.arguments, in: sandbox, environment: request.environment)
        let result = try await Subprocess.run(configuration, input: .inputWriter, output: .sequence, error: .sequence) { execution in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for try await buffer in execution.standardOutput {
                        output(ExecOutput(stream: .output, bytes: Bytes(buffer.withUnsafeBytes { Array($0) })))
                    }
                }
                group.addTask {
                    for try await buffer in execution.standardError {
                        output(ExecOutput(stream: .error, bytes: Bytes(buffer.withUnsafeBytes { Array($0) })))
                    }
                }
                let feeder = Task {
                    for await item in input {
                        switch item {
                        // A program that has stopped reading is none of our business.
                        case .bytes(let bytes): _ = try? await execution.standardInputWriter.write(bytes.array)
                        case .endOfFile: try? await execution.standardInputWriter.finish()
                        case .signal(let number): try? execution.send(signal: Signal(rawValue: number))
                        case .resize: break
                        }
                    }
                }
                defer { feeder.cancel() }
                try await group.waitForAll()
            }
        }
        return exitCode(result.terminationStatus)
    }

    private static func followTerminal(
        _ request: ExecRequest, size: TerminalSize, in sandbox: NodeSandbox?, input: AsyncStream<ExecInput>,
        output: @escaping @Sendable (ExecOutput) -> Void
    ) async throws -> Int32 {
        var path = [CChar](repeating: 0, count: 64)
        let primary = netlab_open_terminal(&path, path.count)
        guard primary >= 0 else {
            throw LabFailure("A terminal cannot be opened in the lab: \(String(cString: strerror(errno))).")
        }
        defer { close(primary) }
        netlab_set_window_size(primary, size.rows, size.columns)
        let opened = Glibc.open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard opened >= 0 else { throw LabFailure("A terminal cannot be opened in the lab: \(String(cString: strerror(errno))).") }
        let secondary = FileDescriptor(rawValue: opened)
        // setsid(1) makes the terminal the program's own, so that ^C and job control work.
        let configuration = try configuration(
            request.arguments, in: sandbox, prefix: ["setsid", "--ctty", "--wait"], environment: request.environment)
        let feeder = Task {
            for await item in input {
                switch item {
                case .bytes(let bytes): _ = bytes.array.withUnsafeBytes { Glibc.write(primary, $0.baseAddress, $0.count) }
                case .endOfFile: _ = [UInt8(4)].withUnsafeBytes { Glibc.write(primary, $0.baseAddress, 1) }
                case .resize(let size): netlab_set_window_size(primary, size.rows, size.columns)
                case .signal: break
                }
            }
        }
        defer { feeder.cancel() }
        async let reading: Void = offThread {
            var buffer = [UInt8](repeating: 0, count: 1 << 14)
            // The read fails with EIO when the last process has let go of the terminal.
            while true {
                let count = Glibc.read(primary, &buffer, buffer.count)
                guard count > 0 else { return }
                output(ExecOutput(stream: .output, bytes: Bytes(Array(buffer[..<count]))))
            }
        }
        let result = try await Subprocess.run(
            configuration, input: .fileDescriptor(secondary, closeAfterSpawningProcess: false),
            output: .fileDescriptor(secondary, closeAfterSpawningProcess: false),
            error: .fileDescriptor(secondary, closeAfterSpawningProcess: false))
        try secondary.close()
        try await reading
        return exitCode(result.terminationStatus)
    }
}

/// Runs blocking work on a thread of its own, so that the few threads of Swift's concurrency stay free.
func offThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Result, any Error>) in
        let box = ThreadBody { continuation.resume(with: Swift.Result(catching: body)) }
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        defer { pthread_attr_destroy(&attributes) }
        var thread = pthread_t()
        let pointer = Unmanaged.passRetained(box).toOpaque()
        let code = pthread_create(&thread, &attributes, { pointer in
            guard let pointer else { return nil }
            Unmanaged<ThreadBody>.fromOpaque(pointer).takeRetainedValue().body()
            return nil
        }, pointer)
        if code != 0 {
            Unmanaged<ThreadBody>.fromOpaque(pointer).release()
            continuation.resume(throwing: LabFailure("A thread cannot be started: \(String(cString: strerror(code)))."))
        }
    }
}

private final class ThreadBody: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}
