import AgentProtocol
import ArgumentParser
import CommandSupport
import Dispatch
import Glibc
import LabHost
import LabModel
import Reporting
import Watching

struct Watch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Watch a running lab on the whole terminal, and break and mend it by keys.",
        discussion: """
            Shows tunnels with what their ends send by the lab's clock, BGP sessions, paths, faults and alarms, and below them what has changed, \
            with the lab's time of the look that saw it: what changes and changes back between two looks is not seen.

            Keys: p pauses and resumes the clock; a and A advance it by 10s and 1m; f breaks something, as for `netlab fail`; h \
            heals a fault, H all; space looks again; q ends. What a key does, another command does as well: it is shown below. A \
            lab whose clock stands still is looked at when a key asks for it.
            """)

    @OptionGroup var target: LabArgument

    @Option(
        help: ArgumentHelp("How often to look, on the clock on the wall. (default: 1s)", valueName: "time"),
        transform: Clock.duration)
    var every = Duration.seconds(1)

    func validate() throws {
        guard every >= .milliseconds(100), every <= .seconds(3600) else {
            throw ValidationError("--every is a time from 100ms to 1h.")
        }
    }

    func run() async throws {
        let lab = try LabLocator.runningLab(target.lab)
        let topology = try LabLocator.topology(of: lab).topology
        let terminal = Terminal()
        guard terminal.size != nil else {
            throw CommandError(
                message: "watch needs a terminal for itself, at its input and its output.",
                remedy: "`netlab status \(lab.name)` prints the same once.")
        }
        let (events, sender) = AsyncStream.makeStream(of: Event.self)
        // Before the terminal is changed: no signal may end this process with the terminal as it is then.
        let signals = SignalWatch([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH]) { number in
            sender.yield(number == SIGWINCH ? .tick(isLook: false) : .signal(number))
        }
        let clock = Task {
            while !Task.isCancelled {
                try await Task.sleep(for: every)
                sender.yield(.tick(isLook: true))
            }
        }
        terminal.makeRaw()
        StandardStream.output.write(Screen.enter)
        let end: End
        do {
            defer {
                clock.cancel()
                StandardStream.output.write(Screen.leave)
                terminal.restore()
                signals.end()
            }
            Self.readKeys(into: sender)
            end = await Self.follow(lab, topology, events, sender)
        }
        switch end {
        case .quit: break
        case .signal(let number): throw ExitCode(128 + number)
        case .failure(let error): throw error
        }
    }

    // MARK: Following

    private enum Event: Sendable {
        case keys([UInt8])
        /// Time has passed, or the screen has another size.
        case tick(isLook: Bool)
        case signal(Int32)
        case status(Result<LabStatus, any Error>)
        case done(failure: String?)
        /// The terminal has gone.
        case gone
    }

    private enum End {
        case quit
        case signal(Int32)
        case failure(any Error)
    }

    /// Shows the lab and does what keys say until somebody or something ends it.
    private static func follow(
        _ lab: LabDirectory, _ topology: Topology, _ events: AsyncStream<Event>,
        _ sender: AsyncStream<Event>.Continuation
    ) async -> End {
        var panel = WatchPanel(lab: lab.name)
        let style = Style.standardOutput
        var isLooking = false
        func look() {
            guard !isLooking else { return }
            isLooking = true
            Task {
                do { sender.yield(.status(.success(try await LabClient(lab).ask(ShowStatus())))) } catch {
                    sender.yield(.status(.failure(error)))
                }
            }
        }
        look()
        for await event in events {
            switch event {
            case .tick(let isLook):
                if isLook, !panel.isStill { look() }
            case .status(.success(let status)):
                isLooking = false
                panel.show(status)
            case .status(.failure(let error)): return .failure(error)
            case .signal(let number): return .signal(number)
            case .gone: return .quit
            case .done(let failure):
                panel.end(failure: failure)
                look()
            case .keys(let bytes):
                for key in WatchKey.keys(in: bytes) {
                    switch panel.press(key) {
                    case nil: break
                    case .quit: return .quit
                    case .look: look()
                    case let action?:
                        panel.begin(action)
                        Task { sender.yield(.done(failure: await action.perform(on: lab, topology))) }
                    }
                }
            }
            if let size = Terminal().size {
                // A terminal that does not know its size has none.
                let (rows, columns) = size.rows == 0 || size.columns == 0 ? (24, 80) : (size.rows, size.columns)
                Screen.show(panel.lines(rows: Int(rows), columns: Int(columns), style: style))
            }
        }
        return .quit
    }

    /// Reads on a thread of its own, which ends with the terminal or with the process.
    private static func readKeys(into sender: AsyncStream<Event>.Continuation) {
        DispatchQueue(label: "keys").async {
            var buffer = [UInt8](repeating: 0, count: 1024)
            while true {
                let count = read(0, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                sender.yield(.keys(Array(buffer[..<count])))
            }
            sender.yield(.gone)
        }
    }
}

/// The terminal's other screen, as xterm's control sequences have it (ctlseqs): what was on it before comes back.
private enum Screen {
    static let enter = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[2J"
    static let leave = "\u{1B}[?25h\u{1B}[?1049l"

    /// Writes all lines at once, over those that were there.
    static func show(_ lines: [String]) {
        let text = lines.map { "\($0)\u{1B}[K" }.joined(separator: "\r\n")
        StandardStream.output.write("\u{1B}[H\(text)\u{1B}[J")
    }
}
