import AgentProtocol
import CLinux
import Glibc
import NetworkTypes

/// A program that runs in a node, or outside of all nodes.
///
/// Started by netlab's own few lines of C, not by swift-subprocess: that would need nsenter(1) as a second program to get
/// into the node, which takes longer in a lab kernel than most programs do, and it wakes up once a second for every
/// program that runs, which over a virtual day is most of what a lab's processor would do.
public struct NodeProcess: Sendable {
    let id: pid_t

    /// What a program of a lab finds in its environment unless told otherwise.
    static let environment: [String: String] = [
        "PATH": LabPrograms.path, "HOME": "/root", "LANG": "C.UTF-8",
        // Logs are dated by it, and read again by netlab.
        "TZ": "UTC",
    ]

    /// Starts a program; returns when it has been executed.
    ///
    /// - Parameters:
    ///   - sandbox: The node; nil for outside of all.
    ///   - streams: Its standard input, output and error; the caller closes its own copies.
    ///   - hasTerminal: The streams are a terminal, which becomes the program's own.
    /// - Throws: ``LabFailure`` when there is no such program, or it cannot be executed.
    init(
        _ arguments: [String], in sandbox: NodeSandbox?, streams: (input: Int32, output: Int32, error: Int32),
        hasTerminal: Bool = false, environment extra: [String: String] = [:]
    ) throws {
        guard let name = arguments.first else { throw LabFailure("There is no command to run.") }
        let program = try Self.locate(name, in: sandbox)
        let environment = Self.environment.merging(extra) { $1 }.map { "\($0)=\($1)" }
        let namespaces = sandbox?.namespaces ?? []
        id = withCStrings(arguments) { arguments in
            withCStrings(environment) { environment in
                netlab_spawn(
                    program, arguments, environment, [streams.input, streams.output, streams.error], namespaces,
                    Int32(namespaces.count), hasTerminal ? Int32(netlab_controlling_terminal) : 0, nil)
            }
        }
        guard id > 0 else {
            throw LabFailure("\(name) cannot be started: \(String(cString: strerror(errno))).")
        }
    }

    /// The first file of that name on the lab's own PATH, as the node sees it.
    private static func locate(_ program: String, in sandbox: NodeSandbox?) throws -> String {
        if program.contains("/") { return program }
        let paths = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(program)" }
        let first: @Sendable () -> String? = { paths.first { access($0, X_OK) == 0 } }
        if let sandbox, sandbox.hasOwnSystem {
            if let path = try sandbox.withMounts(first) { return path }
            throw LabFailure(
                "The program \(program) is not in the system of \(sandbox.name).",
                remedy: "The node has the programs of the `system:` that its lab file names, and no others.",
                code: .noSuchProgram)
        }
        // A node has every program of the host, and may have more.
        if let path = try first() ?? sandbox?.withMounts(first) { return path }
        throw LabFailure(
            "The program \(program) is not on this machine.",
            remedy: "A lab's nodes have the host's programs: install it there.",
            code: .noSuchProgram)
    }

    /// How a program ended.
    enum End: Sendable, CustomStringConvertible {
        case exited(Int32)
        case signalled(Int32)
        /// By the kernel, for want of memory.
        case taken

        /// As a shell reports it.
        var code: Int32 {
            switch self {
            case .exited(let code): code
            case .signalled(let signal): 128 + signal
            case .taken: 128 + SIGKILL
            }
        }

        var description: String {
            switch self {
            case .exited(let code): "ended with code \(code)"
            case .signalled(let signal): "was ended by signal \(signal)"
            case .taken: "was killed by the kernel, because the lab's memory was full"
            }
        }
    }

    /// Waits, on a thread of its own, until the program has ended.
    func end() async throws -> End {
        let id = id
        return try await offThread {
            var status: Int32 = 0
            while waitpid(id, &status, 0) < 0, errno == EINTR {}
            let signal = status & 0x7F
            if signal == 0 { return .exited(status >> 8 & 0xFF) }
            return signal == SIGKILL && MemoryShortage.took(id) ? .taken : .signalled(signal)
        }
    }

    /// Signals the program and what it has started: it leads a session and a process group.
    func send(_ signal: Int32) {
        kill(-id, signal)
    }

    /// Runs a program to its end.
    ///
    /// - Returns: Its exit code, and the first mebibyte of what it printed on either stream.
    /// - Throws: ``LabFailure``.
    public static func run(_ arguments: [String], in sandbox: NodeSandbox?) async throws -> (
        code: Int32, output: String
    ) {
        let null = try openNull()
        let pipe = try Pipe()
        let process: NodeProcess
        do {
            defer {
                close(null)
                close(pipe.writer)
            }
            process = try NodeProcess(arguments, in: sandbox, streams: (null, pipe.writer, pipe.writer))
        }
        let output = try await offThread {
            defer { close(pipe.reader) }
            var bytes: [UInt8] = []
            pipe.readToEnd { if bytes.count < 1 << 20 { bytes += $0 } }
            return String(decoding: bytes, as: UTF8.self)
        }
        return (try await process.end().code, output)
    }

    static func openNull() throws -> Int32 {
        let descriptor = open("/dev/null", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw LabFailure("/dev/null cannot be opened: \(String(cString: strerror(errno))).")
        }
        return descriptor
    }
}

/// A pipe(2).
struct Pipe: Sendable {
    let reader: Int32
    let writer: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        guard netlab_pipe(&ends) == 0 else {
            throw LabFailure("A pipe cannot be made: \(String(cString: strerror(errno))).")
        }
        (reader, writer) = (ends[0], ends[1])
    }

    /// Reads, on the calling thread, until the other side is closed.
    func readToEnd(_ take: ([UInt8]) -> Void) {
        Self.readToEnd(reader, take)
    }

    static func readToEnd(_ descriptor: Int32, _ take: ([UInt8]) -> Void) {
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            // A terminal's reads fail with EIO when the last program has let go of it.
            guard count > 0 else { return }
            take(Array(buffer[..<count]))
        }
    }
}

extension NodeProcess {
    /// Runs a program to its end, which has to be a good one.
    ///
    /// - Throws: ``LabFailure`` with the last lines of what it said.
    public static func succeed(_ command: [String], at node: String, in sandbox: NodeSandbox? = nil) async throws {
        let (code, output) = try await run(command, in: sandbox)
        guard code == 0 else {
            throw LabFailure(
                "\(node): \(command.joined(separator: " ")) ended with code \(code).",
                details: output.split(whereSeparator: \.isNewline).suffix(8).map(String.init))
        }
    }
}

/// Runs blocking work on a thread of its own, so that the few threads of Swift's concurrency stay free.
///
/// - Throws: ``LabFailure``.
public func offThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Result, any Error>) in
        let box = ThreadBody { continuation.resume(with: Swift.Result(catching: body)) }
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        defer { pthread_attr_destroy(&attributes) }
        var thread = pthread_t()
        let pointer = Unmanaged.passRetained(box).toOpaque()
        let code = pthread_create(
            &thread, &attributes,
            { pointer in
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
