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
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
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

    private final class Flag: Sendable {
        private let value = Atomic<Bool>(false)
        func raise() { value.store(true, ordering: .relaxed) }
        var isRaised: Bool { value.load(ordering: .relaxed) }
    }
}
