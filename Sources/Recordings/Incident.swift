import LabModel
import LabRecords

/// A moment at which faults began or were healed.
public struct Incident: Hashable, Sendable {
    /// On the lab's clock.
    public let nanoseconds: Int64
    public let begun: [Fault]
    public let healed: [Fault]
    /// Faults that had begun before and go on.
    public let ongoing: [Fault]

    public init(nanoseconds: Int64, begun: [Fault], healed: [Fault] = [], ongoing: [Fault] = []) {
        self.nanoseconds = nanoseconds
        self.begun = begun
        self.healed = healed
        self.ongoing = ongoing
    }

    /// `link aws-vpn-1 down`, or `healed: link aws-vpn-1 down`.
    public var text: String {
        let parts = [
            begun.text, healed.isEmpty ? "" : "healed: \(healed.text)",
        ]
        return parts.filter { !$0.isEmpty }.joined(separator: "; ")
    }

    /// Faults that a script's step causes together begin one after the other, some with programs that must run for it.
    static let spread: Int64 = 100_000_000

    /// The incidents that events tell of, by time.
    public static func all(in events: [LabEvent]) -> [Incident] {
        var incidents: [Incident] = []
        var active: [Fault] = []
        for event in events.sorted(by: { $0.nanoseconds < $1.nanoseconds }) {
            guard case .fault(let fault, let isActive) = event.kind else { continue }
            // A reboot is over when it is over: nobody has mended anything.
            if !isActive, fault.isMomentary {
                active.removeAll { $0 == fault }
                continue
            }
            let (begun, healed) = isActive ? ([fault], []) : ([], [fault])
            if let last = incidents.last, event.nanoseconds - last.nanoseconds <= spread {
                incidents[incidents.count - 1] = Incident(
                    nanoseconds: last.nanoseconds, begun: last.begun + begun, healed: last.healed + healed,
                    ongoing: last.ongoing.filter { !healed.contains($0) })
            } else {
                incidents.append(
                    Incident(
                        nanoseconds: event.nanoseconds, begun: begun, healed: healed,
                        ongoing: active.filter { !healed.contains($0) }))
            }
            active = active.filter { $0 != fault } + begun.filter { !$0.isMomentary || $0.rebooted != nil }
        }
        return incidents
    }
}

extension [Incident] {
    /// The incident that an outage is laid to: the last one before the answer to its first lost packet was due.
    ///
    /// A packet that was on its way when the fault began was sent before it.
    ///
    /// - Parameter travel: How long a packet and its answer are under way, in nanoseconds.
    public func cause(of outage: Outage, travel: Int64) -> Incident? {
        last { $0.nanoseconds <= outage.firstLost.nanoseconds + travel }
    }
}

extension [Fault] {
    /// All of them, as they are typed, joined by `+`.
    public var text: String { map(\.description).joined(separator: " + ") }
}
