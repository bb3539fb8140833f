import Dispatch
import Glibc
import LabHost
import Reporting
import Synchronization

/// Ctrl-C and its kin, turned into the cancellation of a task.
package enum Interruption {
    /// How long a command may take to end by itself after the first signal.
    package static let grace = Duration.milliseconds(4500)
    /// How long a lab may take to hand over what it has measured by then.
    package static let handover = Duration.seconds(2)

    /// Runs `body`; SIGINT, SIGTERM and SIGHUP cancel it instead of ending the process.
    ///
    /// A second SIGINT, and the end of ``grace``, end the process with the labs that it has started, whatever these are doing.
    ///
    /// - Returns: The body's result, and whether it was interrupted.
    package static func guarding<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async -> (result: Swift.Result<Result, any Error>, wasInterrupted: Bool) {
        // Nothing begins before the signals are caught: what it had started would outlive a process that one of them ends.
        let flag = Flag()
        let watch = SignalWatch([SIGINT, SIGTERM, SIGHUP]) { number in
            guard flag.raise() else {
                if number == SIGINT { endAtOnce() }
                return
            }
            flag.cancel()
            DispatchQueue.global().asyncAfter(deadline: .now() + grace / .seconds(1)) {
                if !flag.isOver { endAtOnce() }
            }
        }
        let task = Task { try await body() }
        flag.guarding { task.cancel() }
        let result = await task.result
        // What comes after it, such as a report of what there is, has its time.
        flag.end()
        watch.end()
        // Whoever ends all at once is about to end this process, too.
        while isEnding.load(ordering: .acquiring) { pause() }
        return (result, flag.isRaised)
    }

    private static let isEnding = Atomic(false)

    /// Ends this process and the labs that it has started.
    private static func endAtOnce() -> Never {
        isEnding.store(true, ordering: .releasing)
        StandardStream.error.write("netlab: interrupted; what was under way has been ended at once.\n")
        LabLauncher.endAllAtOnce()
        _exit(ExitStatus.interrupted.rawValue)
    }

    private final class Flag: Sendable {
        private let raised = Atomic<Bool>(false)
        private let over = Atomic<Bool>(false)
        private let cancellation = Mutex<(@Sendable () -> Void)?>(nil)
        /// - Returns: Whether it was down.
        func raise() -> Bool { !raised.exchange(true, ordering: .relaxed) }
        /// Says what a signal cancels; at once where one has come already.
        func guarding(_ cancel: @escaping @Sendable () -> Void) {
            cancellation.withLock { $0 = cancel }
            if isRaised { cancel() }
        }
        func cancel() { cancellation.withLock(\.self)?() }
        var isRaised: Bool { raised.load(ordering: .relaxed) }
        func end() { over.store(true, ordering: .relaxed) }
        var isOver: Bool { over.load(ordering: .relaxed) }
    }
}
