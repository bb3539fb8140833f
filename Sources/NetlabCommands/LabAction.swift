import AgentProtocol
import CommandSupport
import LabHost
import LabModel
import Watching

extension WatchPanel.Action {
    /// Does it.
    ///
    /// - Returns: What went wrong, in words; nil where nothing did.
    func perform(on lab: LabDirectory, _ topology: Topology) async -> String? {
        do {
            switch self {
            case .pause: _ = try await LabClient(lab).ask(SetClock(.paused))
            case .resume: _ = try await LabClient(lab).ask(SetClock(.paced))
            case .advance(let time): _ = try await LabClient(lab).ask(AdvanceClock(by: time))
            case .fail(let text): _ = try await LabClient(lab).ask(CauseFaults([Fault(text, in: topology)], for: nil))
            case .heal(let fault): _ = try await LabClient(lab).ask(HealFaults([fault]))
            case .healAll: _ = try await LabClient(lab).ask(HealFaults(nil))
            case .look, .quit: break
            }
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// The action that some words ask for, as they follow `netlab` and the lab's name: `pause`, `advance 10s`, `fail link wan down`,
    /// `heal --all`. Nil for what is none.
    init?(words text: String, in topology: Topology) {
        let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        let rest = words.dropFirst().joined(separator: " ")
        switch words.first {
        case "pause" where rest.isEmpty: self = .pause
        case "resume" where rest.isEmpty: self = .resume
        case "advance":
            guard let time = try? Clock.duration(rest) else { return nil }
            self = .advance(time)
        case "fail" where !rest.isEmpty: self = .fail(rest)
        case "heal" where rest == "--all": self = .healAll
        case "heal":
            guard let fault = try? Fault(rest, in: topology) else { return nil }
            self = .heal(fault)
        default: return nil
        }
    }
}
