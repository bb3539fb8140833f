import Dispatch
import Glibc
import Synchronization

/// Ctrl-C and its kin, turned into the cancellation of a task.
enum Interruption {
    /// Runs `body`; SIGINT, SIGTERM and SIGHUP cancel it instead of ending the process.
    ///
    /// - Returns: The body's result, and whether it was interrupted.
    static func guarding<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async -> (result: Swift.Result<Result, any Error>, wasInterrupted: Bool) {
        let task = Task { try await body() }
        let flag = Flag()
        let sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            let source = signalSource(number)
            source.setEventHandler {
                flag.raise()
                task.cancel()
            }
            source.resume()
            return source
        }
        let result = await task.result
        for source in sources { source.cancel() }
        return (result, flag.isRaised)
    }

    /// A source of a signal, which no longer ends this process.
    ///
    /// The first source of a signal has libdispatch put a handler in place; to ignore the signal anew would take that away, and
    /// no source would hear of it any more.
    static func signalSource(_ number: Int32) -> any DispatchSourceSignal {
        ignored.withLock { if $0.insert(number).inserted { signal(number, SIG_IGN) } }
        return DispatchSource.makeSignalSource(signal: number)
    }

    private static let ignored = Mutex<Set<Int32>>([])

    private final class Flag: Sendable {
        private let value = Atomic<Bool>(false)
        func raise() { value.store(true, ordering: .relaxed) }
        var isRaised: Bool { value.load(ordering: .relaxed) }
    }
}
