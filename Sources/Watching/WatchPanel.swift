import AgentProtocol
import LabModel
import NetworkTypes
import Reporting

/// What a person who watches a lab sees and types: which key means what, and what came of it.
///
/// Keys and answers go in, ``Action`` comes out: each is a request that another command makes as well, and says which.
public struct WatchPanel: Sendable {
    /// What is to be done now.
    public enum Action: Hashable, Sendable {
        case pause, resume
        case advance(Duration)
        /// A fault as it was typed.
        case fail(String)
        case heal(Fault)
        case healAll
        /// Another look at the lab.
        case look
        case quit

        /// The command that does the same; nil where none is needed.
        public func command(for lab: String) -> String? {
            switch self {
            case .pause: "netlab clock \(lab) pause"
            case .resume: "netlab clock \(lab) resume"
            case .advance(let time): "netlab clock \(lab) advance \(time.shortText)"
            case .fail(let text): "netlab fail \(lab) \(text)"
            case .heal(let fault): "netlab heal \(lab) \(fault)"
            case .healAll: "netlab heal \(lab) --all"
            case .look, .quit: nil
            }
        }
    }

    enum Mode: Hashable, Sendable {
        case looking
        case typingFault(String)
        case choosingFault
    }

    /// So many changes are kept.
    private static let mostChanges = 200

    public let lab: String
    public private(set) var status: LabStatus?
    /// What went through the tunnels between the last two looks; nil where no time has passed.
    public private(set) var rates: LabRates?
    /// The latest last.
    public private(set) var changes: [StatusChange] = []
    private(set) var mode = Mode.looking
    /// What was done last, as the command that does the same, and what came of it.
    public private(set) var command: String?
    public private(set) var note: (text: String, isBad: Bool)?
    /// Whether something is being done; what else is asked for waits for its end.
    public private(set) var isBusy = false

    public init(lab: String) {
        self.lab = lab
    }

    /// Whether the lab's clock stands still, so that nothing changes by itself.
    public var isStill: Bool { status?.clock.map { $0.mode == .paused && !$0.isAdvancing } ?? false }

    // MARK: What comes in

    public mutating func show(_ status: LabStatus) {
        changes += StatusChange.all(from: self.status, to: status)
        rates = LabRates(from: self.status, to: status)
        changes.removeFirst(max(0, changes.count - Self.mostChanges))
        self.status = status
        // A fault that is gone cannot be chosen any more.
        if status.faults.isEmpty, mode == .choosingFault { mode = .looking }
    }

    /// That an action has begun.
    public mutating func begin(_ action: Action) {
        guard let text = action.command(for: lab) else { return }
        (command, note, isBusy) = (text, nil, true)
    }

    /// How it ended.
    ///
    /// - Parameter failure: What went wrong, in words; nil where nothing did.
    public mutating func end(failure: String?) {
        isBusy = false
        note = failure.map { ($0, true) }
    }

    /// - Returns: What to do; nil where the key only changes what is shown.
    public mutating func press(_ key: WatchKey) -> Action? {
        switch mode {
        case .looking: return pressLooking(key)
        case .choosingFault: return pressChoosing(key)
        case .typingFault(let text):
            switch key {
            case .end: return .quit
            case .escape: mode = .looking
            case .backspace: mode = .typingFault(String(text.dropLast()))
            case .character(let character): mode = .typingFault(text + String(character))
            case .enter:
                mode = .looking
                let words = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
                return words.isEmpty ? nil : doing(.fail(words))
            }
            return nil
        }
    }

    private mutating func pressLooking(_ key: WatchKey) -> Action? {
        switch key {
        case .end, .character("q"): return .quit
        case .character("p"):
            guard let mode = status?.clock?.mode else { return nil }
            guard mode != .real else {
                note = ("The clock of a lab on the host's kernel is the host's: nobody can hold it.", true)
                return nil
            }
            return doing(mode == .paused ? .resume : .pause)
        case .character("a"): return doing(.advance(.seconds(10)))
        case .character("A"): return doing(.advance(.seconds(60)))
        case .character("f"):
            mode = .typingFault("")
            return nil
        case .character("h"):
            let faults = status?.faults ?? []
            if faults.count == 1 { return doing(.heal(faults[0].fault)) }
            if faults.isEmpty { note = ("Nothing is broken on purpose.", false) } else { mode = .choosingFault }
            return nil
        case .character("H"): return doing(.healAll)
        case .character(" "), .enter: return .look
        case .character, .backspace, .escape: return nil
        }
    }

    private mutating func pressChoosing(_ key: WatchKey) -> Action? {
        switch key {
        case .end: return .quit
        case .character(let digit):
            let faults = status?.faults ?? []
            guard let number = digit.wholeNumberValue, faults.indices.contains(number - 1) else { return nil }
            mode = .looking
            return doing(.heal(faults[number - 1].fault))
        case .escape, .enter, .backspace:
            mode = .looking
            return nil
        }
    }

    /// Nil, with a note, while something else is being done.
    public mutating func doing(_ action: Action) -> Action? {
        guard !isBusy else {
            note = ("Wait: \(command ?? "something") is not done yet.", false)
            return nil
        }
        return action
    }
}
