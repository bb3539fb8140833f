import LabModel
import NetworkTypes

/// A scenario's faults followed through time: what is active when, and that all of it ends.
struct ScenarioTimeline {
    enum Action {
        /// With a time after which the faults heal by themselves.
        case fail([Fault], for: Duration?)
        case heal([Fault])
        case healAll
        case check(pass: [String], fail: [String])
        case exec(Scenario.Command)
    }

    struct Entry {
        let at: Duration
        let line: Int
        let action: Action
    }

    let entries: [Entry]
    let reader: ScenarioReader

    private struct Active {
        let fault: Fault
        let line: Int
        let since: Duration
    }

    /// The steps by time, with those that heal faults by themselves; nil where they make no sense, which is reported.
    func steps(within length: Duration?) -> [Scenario.Step]? {
        var active: [Active] = []
        var steps: [Scenario.Step] = []
        var isSound = true
        /// What has been reported: what comes of it is no news.
        var confused: Set<Fault> = []
        func wrong(_ line: Int, _ message: String, _ remedy: String) {
            reader.collector.error(line, "\(reader.path): \(message)", remedy)
            isSound = false
        }
        for entry in entries {
            guard let length, case .fail(_, let duration?) = entry.action, entry.at + duration >= length else {
                continue
            }
            wrong(
                entry.line, "what begins at \(entry.at.shortText) for \(duration.shortText) outlasts the scenario",
                "It ends at \(length.shortText): make it last longer, or write less in `for:`.")
        }
        for entry in unfolded {
            let time = entry.at.shortText
            switch entry.action {
            case .fail(let faults, let duration):
                for fault in faults {
                    if let earlier = active.first(where: { $0.fault == fault }) {
                        let since = "since \(earlier.since.shortText), in line \(earlier.line)"
                        wrong(entry.line, "at \(time) \"\(fault)\" is there already, \(since)", "Heal it first.")
                        confused.insert(fault)
                    } else if !fault.isMomentary {
                        active.append(Active(fault: fault, line: entry.line, since: entry.at))
                    } else if duration != nil, faults.allSatisfy(\.isMomentary) {
                        wrong(entry.line, "\"\(fault)\" is over by itself", "Remove `for:`.")
                    }
                }
                steps.append(.init(at: entry.at, line: entry.line, action: .fail(faults)))
            case .heal(let faults):
                for fault in faults {
                    if let index = active.firstIndex(where: { $0.fault == fault }) {
                        active.remove(at: index)
                    } else if confused.contains(fault) {
                        continue
                    } else if fault.isMomentary {
                        wrong(
                            entry.line, "\"\(fault)\" is over by itself", "There is nothing to heal: remove the step."
                        )
                    } else {
                        let names = active.map { "\"\($0.fault)\"" }
                        wrong(
                            entry.line, "at \(time) \"\(fault)\" is not there to be healed",
                            names.isEmpty
                                ? "Nothing is broken then." : "What is broken then: \(names.joined(separator: ", ")).")
                    }
                }
                steps.append(.init(at: entry.at, line: entry.line, action: .heal(faults)))
            case .healAll:
                if active.isEmpty {
                    wrong(
                        entry.line, "at \(time) there is nothing to heal",
                        "Remove the step, or let something fail before it.")
                }
                steps.append(.init(at: entry.at, line: entry.line, action: .heal(active.map(\.fault))))
                active = []
            case .check(let pass, let fail):
                steps.append(.init(at: entry.at, line: entry.line, action: .check(pass: pass, fail: fail)))
            case .exec(let command):
                steps.append(.init(at: entry.at, line: entry.line, action: .exec(command)))
            }
        }
        for left in active {
            wrong(
                left.line, "\"\(left.fault)\" is never healed",
                "Add a step such as `{at: …, heal: \(left.fault)}` or `{at: …, heal: all}` before the end.")
        }
        return isSound ? steps : nil
    }

    /// The entries by time; at one time in the file's order, and what heals by itself before what else happens then.
    private var unfolded: [Entry] {
        let healing = entries.compactMap { entry -> Entry? in
            guard case .fail(let faults, let duration?) = entry.action else { return nil }
            let lasting = faults.filter { !$0.isMomentary }
            return lasting.isEmpty ? nil : Entry(at: entry.at + duration, line: entry.line, action: .heal(lasting))
        }
        let all = healing + entries
        return all.indices.sorted { (all[$0].at, $0) < (all[$1].at, $1) }.map { all[$0] }
    }
}
