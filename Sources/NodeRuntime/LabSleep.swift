import AgentProtocol
import CLinux
import NetworkTypes
import Synchronization

/// Waiting on the lab's clock, in place of `Task.sleep`: exact, and it leaves libdispatch out, which once it has begun
/// wakes up every second for ever.
public final class LabSleep: Sendable {
    private enum State {
        case new, over
        case waiting(CheckedContinuation<Void, Never>)
    }

    private let state = Mutex(State.new)

    /// Waits for so long.
    ///
    /// - Throws: `CancellationError`, at once when the task is cancelled.
    public static func wait(for duration: Duration) async throws {
        try await wait(until: LabClock.now + duration)
    }

    /// Waits until a time; not at all if that has passed.
    ///
    /// - Throws: `CancellationError`, at once when the task is cancelled.
    public static func wait(until time: LabTime) async throws {
        try Task.checkCancellation()
        guard time > LabClock.now else { return }
        let sleep = LabSleep()
        await withTaskCancellationHandler {
            await withCheckedContinuation { sleep.begin(until: time, $0) }
        } onCancel: {
            sleep.end()
        }
        try Task.checkCancellation()
    }

    private func begin(until time: LabTime, _ continuation: CheckedContinuation<Void, Never>) {
        let isOver = state.withLock { state in
            guard case .new = state else { return true }
            state = .waiting(continuation)
            return false
        }
        if isOver { return continuation.resume() }
        netlab_call_at(
            time.nanoseconds,
            { context in
                guard let context else { return }
                Unmanaged<LabSleep>.fromOpaque(context).takeRetainedValue().end()
            }, Unmanaged.passRetained(self).toOpaque())
    }

    private func end() {
        let waiting: CheckedContinuation<Void, Never>? = state.withLock { state in
            defer { state = .over }
            return if case .waiting(let continuation) = state { continuation } else { nil }
        }
        waiting?.resume()
    }
}
