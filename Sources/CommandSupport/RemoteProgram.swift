import AgentProtocol
import ArgumentParser
import CLinux
import Dispatch
import Glibc
import LabHost
import Reporting
import Synchronization

/// A program in a lab that this terminal stands in for.
package struct RemoteProgram {
    package let lab: LabDirectory
    package let node: String
    package let arguments: [String]
    package let environment: [String: String]

    package init(lab: LabDirectory, node: String, arguments: [String], environment: [String: String] = [:]) {
        self.lab = lab
        self.node = node
        self.arguments = arguments
        self.environment = environment
    }

    /// Runs it to its end and ends with its exit code.
    ///
    /// - Throws: `ExitCode` with the program's own, or with 128 and the number of the signal that it did not heed;
    ///   ``LabFailure`` when it could not run.
    package func run() async throws {
        let terminal = Terminal()
        var environment = environment
        if terminal.size != nil, let name = getenv("TERM") { environment["TERM"] = String(cString: name) }
        let (input, continuation) = AsyncStream.makeStream(of: ExecInput.self)
        let request = ExecRequest(node: node, arguments: arguments, environment: environment, terminal: terminal.size)
        readStandardInput(continuation)
        terminal.makeRaw()
        let lineEnd = terminal.size == nil ? "\n" : "\r\n"
        let asking = Task {
            try await LabClient(lab).ask(request, input: input) { message in
                switch message {
                case .output(let output):
                    (output.stream == .output ? StandardStream.output : .error).write(output.bytes.array)
                case .notice(let text): StandardStream.error.write("netlab: \(text)\(lineEnd)")
                default: break
                }
            }
        }
        let signals = Signals()
        let watch = watch(signals, terminal, continuation) { asking.cancel() }
        defer {
            terminal.restore()
            watch.end()
        }
        let answer = await asking.result
        if let number = signals.unheeded { throw ExitCode(128 + number) }
        let code = try answer.get()
        if code != 0 { throw ExitCode(code) }
    }

    /// Passes signals on. With a terminal, keys make none here: it is raw, and they reach the program's own terminal as bytes.
    ///
    /// A program that does not heed a signal must not keep this process: a second Ctrl-C, or two seconds after any other
    /// signal, and the connection is closed, upon which the lab kills the program.
    private func watch(
        _ signals: Signals, _ terminal: Terminal, _ input: AsyncStream<ExecInput>.Continuation,
        giveUp: @escaping @Sendable () -> Void
    ) -> SignalWatch {
        let numbers = [SIGINT, SIGTERM, SIGHUP, SIGQUIT] + (terminal.size == nil ? [] : [SIGWINCH])
        return SignalWatch(numbers) { number in
            if number == SIGWINCH {
                if let size = Terminal().size { input.yield(.resize(size)) }
                return
            }
            input.yield(.signal(number))
            let isFirst = signals.add()
            guard !isFirst || number != SIGINT else { return }
            DispatchQueue.global().asyncAfter(deadline: .now() + (isFirst ? 2 : 0)) {
                signals.giveUp(number)
                giveUp()
            }
        }
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

/// Whether signals came, and the one that the program did not heed.
private final class Signals: Sendable {
    private let hasAny = Atomic<Bool>(false)
    private let unheededOne = Atomic<Int32>(0)

    /// - Returns: Whether it is the first.
    func add() -> Bool { !hasAny.exchange(true, ordering: .relaxed) }
    func giveUp(_ number: Int32) { unheededOne.store(number, ordering: .relaxed) }
    var unheeded: Int32? {
        let number = unheededOne.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }
}

/// This process's terminal, if its input and output are one.
package final class Terminal {
    package let size: TerminalSize?
    private var saved: termios?

    package init() {
        var rows: UInt16 = 0
        var columns: UInt16 = 0
        let isTerminal = isatty(0) == 1 && isatty(1) == 1 && netlab_get_window_size(0, &rows, &columns) == 0
        size = isTerminal ? TerminalSize(rows: rows, columns: columns) : nil
    }

    /// Lets every key through as it is; undone by ``restore()``.
    package func makeRaw() {
        guard size != nil else { return }
        var settings = termios()
        guard tcgetattr(0, &settings) == 0 else { return }
        saved = settings
        cfmakeraw(&settings)
        tcsetattr(0, TCSANOW, &settings)
    }

    package func restore() {
        guard var settings = saved else { return }
        tcsetattr(0, TCSADRAIN, &settings)
        saved = nil
    }
}
