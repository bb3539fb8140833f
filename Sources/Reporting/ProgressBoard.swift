import AgentProtocol
import NetworkTypes
import Synchronization

/// A line on a terminal that is written over as work goes on; elsewhere, nothing until the work is done.
public final class ProgressMeter: Sendable {
    private let stream: StandardStream
    private let isTerminal: Bool
    private let isSilent: Bool
    private let lastText = Mutex<String>("")

    /// - Parameter onlyOnTerminals: Shows nothing at all elsewhere.
    public init(_ stream: StandardStream, onlyOnTerminals: Bool = false) {
        self.stream = stream
        isTerminal = stream.isTerminal
        isSilent = onlyOnTerminals && !stream.isTerminal
    }

    /// Shows a text in place of the last one. Where it is no terminal, each new text is a line.
    public func show(_ text: String) {
        let isNew = lastText.withLock { last in
            defer { last = text }
            return last != text
        }
        guard isNew, !isSilent else { return }
        stream.write(isTerminal ? "\r\u{1B}[K\(text.prefix((stream.columns ?? 80) - 1))" : "\(text)\n")
    }

    /// Leaves a line that stays.
    public func note(_ text: String) {
        stream.write(isTerminal ? "\r\u{1B}[K\(text)\n" : "\(text)\n")
    }

    /// Takes the text away.
    public func clear() {
        if isTerminal { stream.write("\r\u{1B}[K") }
    }
}

/// The stages of a lab coming up, one line each, with what is happening now.
public final class ProgressBoard: Sendable {
    private struct State {
        var stage: String?
        var started = ContinuousClock.now
    }

    private let style: Style
    private let isTerminal = StandardStream.output.isTerminal
    private let state = Mutex(State())

    public init(title: String, style: Style = .standardOutput) {
        self.style = style
        write(style.strong(title) + "\n")
    }

    public func begin(_ name: String) {
        state.withLock { $0 = State(stage: name) }
        overwrite("  \(name)")
    }

    public func finish(_ name: String, _ detail: String = "") {
        let took = state.withLock { state in
            defer { state.stage = nil }
            return ContinuousClock.now - state.started
        }
        let line = "  \(style.good("✓")) \(name.padded(to: 12))\(detail.padded(to: 10))\(style.faint(took.shortText))"
        write((isTerminal ? "\r\u{1B}[K" : "") + line + "\n")
    }

    public func show(_ progress: Progress) {
        let name = progress.stage.rawValue
        if state.withLock({ $0.stage }) != name { begin(name) }
        if progress.done == progress.total {
            finish(name, "\(progress.total) steps")
        } else {
            let head = "  · \(name.padded(to: 12))\(progress.done)/\(progress.total)  "
            // A line that wraps could not be written over.
            let room = (StandardStream.output.columns ?? 80) - 1 - head.count
            overwrite(head + style.faint(String(progress.current.prefix(max(0, room)))))
        }
    }

    public func note(_ text: String) {
        write((isTerminal ? "\r\u{1B}[K" : "") + style.warning(text) + "\n")
    }

    /// Ends the board: the total, or nothing in place of a line that was not finished.
    public func end() {
        if isTerminal { write("\r\u{1B}[K") }
    }

    private func overwrite(_ text: String) {
        if isTerminal { write("\r\u{1B}[K\(text)") }
    }

    private func write(_ text: String) {
        StandardStream.output.write(text)
    }
}
