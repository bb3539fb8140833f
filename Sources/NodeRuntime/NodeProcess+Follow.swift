import AgentProtocol
import CLinux
import Glibc

// Programs that somebody follows: their streams go back and forth until they end.
extension NodeProcess {
    /// Runs a program for somebody else's terminal or streams.
    ///
    /// - Returns: Its exit code. A program that is given up (the task is cancelled) is killed.
    /// - Throws: ``LabFailure``.
    public static func follow(
        _ request: ExecRequest, in sandbox: NodeSandbox?, input: AsyncStream<ExecInput>,
        output: @escaping @Sendable (ExecOutput) -> Void
    ) async throws -> Int32 {
        if let size = request.terminal {
            try await followTerminal(request, size: size, in: sandbox, input: input, output: output)
        } else {
            try await followPipes(request, in: sandbox, input: input, output: output)
        }
    }

    private static func followPipes(
        _ request: ExecRequest, in sandbox: NodeSandbox?, input: AsyncStream<ExecInput>,
        output: @escaping @Sendable (ExecOutput) -> Void
    ) async throws -> Int32 {
        let (standardInput, standardOutput, standardError) = (try Pipe(), try Pipe(), try Pipe())
        let process: NodeProcess
        do {
            defer { for end in [standardInput.reader, standardOutput.writer, standardError.writer] { close(end) } }
            process = try NodeProcess(
                request.arguments, in: sandbox,
                streams: (standardInput.reader, standardOutput.writer, standardError.writer),
                environment: request.environment)
        }
        let feeder = Task {
            var isOpen = true
            for await item in input {
                switch item {
                case .bytes(let bytes) where isOpen: await write(bytes.array, to: standardInput.writer)
                case .endOfFile where isOpen:
                    isOpen = false
                    close(standardInput.writer)
                case .signal(let number): process.send(number)
                case .bytes, .endOfFile, .resize: break
                }
            }
            if isOpen { close(standardInput.writer) }
        }
        let readers = [(ExecOutput.Stream.output, standardOutput), (.error, standardError)].map { stream, pipe in
            Task { try await offThread { pipe.readToEnd { output(ExecOutput(stream: stream, bytes: Bytes($0))) } } }
        }
        return try await finish(process, feeder: feeder, readers: readers, output: output) {
            close(standardOutput.reader)
            close(standardError.reader)
        }
    }

    private static func followTerminal(
        _ request: ExecRequest, size: TerminalSize, in sandbox: NodeSandbox?, input: AsyncStream<ExecInput>,
        output: @escaping @Sendable (ExecOutput) -> Void
    ) async throws -> Int32 {
        var path = [CChar](repeating: 0, count: 64)
        let primary = netlab_open_terminal(&path, path.count)
        let secondary = primary < 0 ? -1 : open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard secondary >= 0 else {
            throw LabFailure("A terminal cannot be opened in the lab: \(String(cString: strerror(errno))).")
        }
        netlab_set_window_size(primary, size.rows, size.columns)
        let process: NodeProcess
        do {
            defer { close(secondary) }
            process = try NodeProcess(
                request.arguments, in: sandbox, streams: (secondary, secondary, secondary), hasTerminal: true,
                environment: request.environment)
        }
        let feeder = Task {
            for await item in input {
                switch item {
                case .bytes(let bytes): await write(bytes.array, to: primary)
                // Control-D: what a terminal has for the end of its input.
                case .endOfFile: await write([4], to: primary)
                case .resize(let size): netlab_set_window_size(primary, size.rows, size.columns)
                case .signal(let number): process.send(number)
                }
            }
        }
        let reader = Task {
            try await offThread { Pipe.readToEnd(primary) { output(ExecOutput(stream: .output, bytes: Bytes($0))) } }
        }
        return try await finish(process, feeder: feeder, readers: [reader], output: output) { close(primary) }
    }

    /// Waits for the program and for the last of its output.
    private static func finish(
        _ process: NodeProcess, feeder: Task<Void, Never>, readers: [Task<Void, any Error>],
        output: (ExecOutput) -> Void, cleanUp: () -> Void
    ) async throws -> Int32 {
        let end = try await withTaskCancellationHandler {
            try await process.end()
        } onCancel: {
            process.send(SIGKILL)
        }
        feeder.cancel()
        // What the program left running in the background may hold its output open; it goes with it.
        process.send(SIGHUP)
        for reader in readers { try await reader.value }
        cleanUp()
        if case .taken = end { output(ExecOutput(stream: .error, bytes: Bytes(Array("netlab: it \(end)\n".utf8)))) }
        return end.code
    }

    /// Writes all of it; a program that has stopped reading is none of our business.
    private static func write(_ bytes: [UInt8], to descriptor: Int32) async {
        _ = try? await offThread {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                guard count > 0 || errno == EINTR else { return }
                rest = rest.dropFirst(max(0, count))
            }
        }
    }
}
