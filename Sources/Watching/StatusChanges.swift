import AgentProtocol
import LabModel
import NetworkTypes

/// What has changed in a lab between two looks at it.
public struct StatusChange: Hashable, Sendable {
    /// When it was seen, on the lab's clock; nil where the lab does not say.
    public let seen: LabTime?
    public let text: String
    /// Whether something was lost; if not, something came, or changed.
    public let isLoss: Bool

    public init(seen: LabTime?, text: String, isLoss: Bool) {
        self.seen = seen
        self.text = text
        self.isLoss = isLoss
    }

    /// - Parameter earlier: Nil before the first look, of which nothing is news.
    public static func all(from earlier: LabStatus?, to now: LabStatus) -> [StatusChange] {
        guard let earlier else { return [] }
        let seen = now.clock?.time
        var changes: [StatusChange] = []
        func note(_ text: String, isLoss: Bool) {
            changes.append(StatusChange(seen: seen, text: text, isLoss: isLoss))
        }
        /// Parts that both looks have, by their names.
        func pairs<Part>(_ parts: KeyPath<LabStatus, [Part]>, _ name: KeyPath<Part, String>) -> [(old: Part, new: Part)]
        {
            let old = Dictionary(
                earlier[keyPath: parts].map { ($0[keyPath: name], $0) }, uniquingKeysWith: { first, _ in first })
            return now[keyPath: parts].compactMap { part in old[part[keyPath: name]].map { ($0, part) } }
        }
        for fault in now.faults.map(\.fault) where !earlier.faults.contains(where: { $0.fault == fault }) {
            note("fault: \(fault)", isLoss: true)
        }
        for fault in earlier.faults.map(\.fault) where !now.faults.contains(where: { $0.fault == fault }) {
            note("healed: \(fault)", isLoss: false)
        }
        for (old, new) in pairs(\.tunnels, \.name) where old.state != new.state {
            note("tunnel \(new.name) \(new.state.rawValue)", isLoss: new.state == .down)
        }
        for (old, new) in pairs(\.plainTunnels, \.name) where old.isUp != new.isUp {
            note("tunnel \(new.name) \(new.isUp ? "up" : "down")", isLoss: !new.isUp)
        }
        for (old, new) in pairs(\.sessions, \.name) {
            for (before, after) in zip(old.speakers, new.speakers) where before.state != after.state {
                let why = after.lastError.map { ": \($0)" } ?? ""
                note(
                    "bgp \(new.name) at \(after.node): \(after.state.rawValue)\(after.state == .established ? "" : why)",
                    isLoss: before.state == .established)
            }
            for (before, after) in zip(old.speakers, new.speakers) where before.imported != after.imported {
                let gone = before.imported.filter { !after.imported.contains($0) }
                let come = after.imported.filter { !before.imported.contains($0) }
                let words = gone.map { "-\($0)" } + come.map { "+\($0)" }
                if !words.isEmpty {
                    note(
                        "routes of \(new.name) at \(after.node): \(words.joined(separator: " "))", isLoss: !gone.isEmpty
                    )
                }
            }
        }
        for (old, new) in pairs(\.paths, \.probe) where old.tunnels != new.tunnels || old.broken != new.broken {
            let way = new.tunnels.isEmpty ? "through no tunnel" : "by \(new.tunnels.joined(separator: ", "))"
            note("path \(new.probe): \(new.broken ?? way)", isLoss: new.broken != nil)
        }
        for (old, new) in pairs(\.daemons, \.name) where old.isRunning != new.isRunning {
            note("daemon \(new.name) \(new.isRunning ? "runs" : "does not run")", isLoss: !new.isRunning)
        }
        for (old, new) in pairs(\.monitors, \.probe) where old.isAlarmed != new.isAlarmed {
            note("alarm of \(new.probe) \(new.isAlarmed ? "raised" : "cleared")", isLoss: new.isAlarmed)
        }
        return changes
    }
}
