import LabRecords

/// Requests sent one after the other that fared alike: the same way there, the same way back, the same end.
///
/// Where the ways there and back differ, or one direction works and the other does not, a phase shows it.
public struct FlowPhase: Hashable, Sendable, Codable {
    public let fate: FlowFate
    /// The tunnels that the requests entered, and their replies; nil where none was seen.
    public let forth: [String]?
    public let back: [String]?
    /// `NODE:INTERFACE` that was the last to send what got lost, in clear; nil where nothing was lost.
    public let lastSeen: String?
    public let first: Outage.Mark
    public let last: Outage.Mark
    public let count: Int

    /// Whether requests and replies took tunnels that are not the same, or only one direction worked.
    public var isAsymmetric: Bool {
        switch fate {
        case .lostForth, .lost, .undecided: false
        case .lostBack: true
        case .answered, .late: forth.map(Set.init) != back.map(Set.init)
        }
    }

    static func all(of record: FlowRecord, _ sightings: FlowSightings, _ fates: [FlowFate]) -> [FlowPhase] {
        var phases: [FlowPhase] = []
        for (request, fate) in fates.enumerated() where fate != .undecided {
            let mark = Outage.Mark(request: request, nanoseconds: record.sentAtNanoseconds[request])
            let lastSeen: String? =
                switch fate {
                case .lostForth: sightings.lastForth(request)
                case .lostBack: sightings.lastBack(request) ?? sightings.lastForth(request)
                case .answered, .late, .lost, .undecided: nil
                }
            let phase = FlowPhase(
                fate: fate, forth: sightings.forth(request), back: sightings.back(request), lastSeen: lastSeen,
                first: mark, last: mark, count: 1)
            if let before = phases.last, before.continues(with: phase) {
                phases[phases.count - 1] = FlowPhase(
                    fate: fate, forth: phase.forth, back: phase.back, lastSeen: lastSeen, first: before.first,
                    last: mark,
                    count: before.count + 1)
            } else {
                phases.append(phase)
            }
        }
        return phases
    }

    private func continues(with next: FlowPhase) -> Bool {
        fate == next.fate && forth == next.forth && back == next.back && lastSeen == next.lastSeen
    }
}
