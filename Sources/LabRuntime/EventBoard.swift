import AgentProtocol
import LabRecords
import NodeRuntime
import Synchronization

/// Where the parts of a running lab tell what they do, for those who record it.
final class EventBoard: Sendable {
    private struct State {
        var listeners: [Int: @Sendable (LabEvent) -> Void] = [:]
        var last = 0
    }

    private let state = Mutex(State())

    /// Tells what happened at this very time.
    func post(_ kind: LabEvent.Kind, node: String) {
        let listeners = state.withLock { Array($0.listeners.values) }
        guard !listeners.isEmpty else { return }
        let event = LabEvent(nanoseconds: LabClock.now.nanoseconds, node: node, kind: kind)
        for listener in listeners { listener(event) }
    }

    /// - Returns: What ``remove(_:)`` takes.
    func add(_ listener: @escaping @Sendable (LabEvent) -> Void) -> Int {
        state.withLock { state in
            state.last += 1
            state.listeners[state.last] = listener
            return state.last
        }
    }

    func remove(_ number: Int) {
        _ = state.withLock { $0.listeners.removeValue(forKey: number) }
    }
}
