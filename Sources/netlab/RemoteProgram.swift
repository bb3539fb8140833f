import AgentProtocol
import ArgumentParser
import CLinux
import Dispatch
import Glibc
import LabKernel
import Reporting
import Synchronization

/// A program in a lab that this terminal stands in for.
struct RemoteProgram {
    let lab: LabDirectory
    let node: String
    let arguments: [String]
    var environment: [String: String] = [:]

    /// Runs it to its end and ends with its exit code.
    ///
    /// - Throws: `ExitCode` with the program's own; ``LabFailure`` when it could not run.
    func run() async throws {
        let terminal = Terminal()
        var environment = environment
        if terminal.size != nil, let name = getenv("TERM") { environment["TERM"] = String(cString: name) }
        let (input, continuation) = AsyncStream.makeStream(of: ExecInput.self)
        let request = ExecRequest(node: node, arguments: arguments, environment: environment, terminal: terminal.size)
        let sources = watchSignals(terminal, continuation)
        readStandardInput(continuation)
        terminal.makeRaw()
        defer {
            terminal.restore()
            for source in sources { source.cancel() }
        }
        let answer = try await LabClient(lab).ask(.exec(request), input: input) { message in
            switch message {
            case .output(let output):
                (output.stream == .output ? StandardStream.output : .error).write(output.bytes.array)
            case .notice(let text): StandardStream.error.write("netlab: \(text)\(terminal.size == nil ? "\n" : "\r\n")")
            default: break
            }
        }
        guard case .exited(let code) = answer else { return }
        if code != 0 { throw ExitCode(code) }
    }

    /// With a terminal, keys reach the program by the terminal; without, signals are passed on.
    private func watchSignals(
        _ terminal: Terminal, _ input: AsyncStream<ExecInput>.Continuation
    ) -> [any DispatchSourceSignal] {
        let signals = SignalCount()
        let numbers = terminal.size == nil ? [SIGINT, SIGTERM, SIGHUP, SIGQUIT] : [SIGWINCH]
        return numbers.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler {
                if number == SIGWINCH {
                    if let size = Terminal().size { input.yield(.resize(size)) }
                } else {
                    input.yield(.signal(number))
                    giveUp(after: number, hadSignal: signals.add() > 1)
                }
            }
            source.resume()
            return source
        }
    }

    /// A program that does not heed a signal must not keep this process: a second Ctrl-C, or two seconds after any other
    /// signal, and the connection is closed, upon which the lab kills the program.
    private func giveUp(after number: Int32, hadSignal: Bool) {
        if hadSignal { exit(128 + number) }
        guard number != SIGINT else { return }
        DispatchQueue.global().asyncAfter(deadline: .now() + 2) { exit(128 + number) }
    }

    /// Reads on a thread of its own, which ends with the input or with the process.
    private func readStandardInput(_ input: AsyncStream<ExecInput>.Continuation) {
        let thread = DispatchQueue(label: "standard input")
        thread.async {
            var buffer = [UInt8](repeating: 0, count: 1 << 14)
            while true {
                let count = read(0, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                input.yield(.bytes(Bytes(Array(buffer[..<count]))))
            }
            input.yield(.endOfFile)
        }
    }
}

private final class SignalCount: Sendable {
    private let count = Atomic<Int>(0)
    func add() -> Int { count.add(1, ordering: .relaxed).newValue }
}

/// This process's terminal, if its input and output are one.
final class Terminal {
    let size: TerminalSize?
    private var saved: termios?

    init() {
        var rows: UInt16 = 0
        var columns: UInt16 = 0
        let isTerminal = isatty(0) == 1 && isatty(1) == 1 && netlab_get_window_size(0, &rows, &columns) == 0
        size = isTerminal ? TerminalSize(rows: rows, columns: columns) : nil
    }

    /// Lets every key through as it is; undone by ``restore()``.
    func makeRaw() {
        guard size != nil else { return }
        var settings = termios()
        guard tcgetattr(0, &settings) == 0 else { return }
        saved = settings
        cfmakeraw(&settings)
        tcsetattr(0, TCSANOW, &settings)
    }

    func restore() {
        guard var settings = saved else { return }
        tcsetattr(0, TCSADRAIN, &settings)
        saved = nil
    }
}
