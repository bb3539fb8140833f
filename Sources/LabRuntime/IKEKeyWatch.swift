import DaemonDrivers
import Decryption

/// Gathers the keys of IKE SAs that are made while anyone wants them, from whatever its daemons tell them by.
///
/// They tell keys from the first ``begin(_:)`` to the last ``end()``. All of it is done one after the other and to its end, whether or
/// not the request that it is for is cancelled.
actor IKEKeyWatch {
    private var users = 0
    private var sources: [any IKEKeySource] = []
    private var last: Task<Void, Never>?

    /// Has the daemons tell keys, unless they do already.
    func begin(_ sources: @escaping @Sendable () -> [any IKEKeySource]) async {
        _ = try? await afterOthers { watch in
            watch.users += 1
            guard watch.users == 1 else { return }
            // What is complete goes first: what others tell of the same SA is left out.
            watch.sources = sources().sorted { type(of: $0).isComplete && !type(of: $1).isComplete }
            for source in watch.sources { await source.begin() }
        }
    }

    /// All that has been found since the watch began; the last user's call ends it.
    ///
    /// - Throws: ``LabFailure`` where keys may be left in a log, or still get there.
    func end() async throws -> (keys: [IKEKeys], unusable: Int) {
        try await afterOthers { watch in
            watch.users -= 1
            var (keys, unusable): ([IKEKeys], Int) = ([], 0)
            var failure: (any Error)?
            for source in watch.sources {
                do {
                    if watch.users == 0 { try await source.end() }
                    // Both ends of an SA tell the same.
                    let found = try await source.found(besides: keys)
                    keys += found.keys
                    unusable += found.unusable
                } catch {
                    failure = error
                }
            }
            if watch.users == 0 { watch.sources = [] }
            if let failure { throw failure }
            return (keys, unusable)
        }
    }

    private func afterOthers<Result: Sendable>(
        _ body: @escaping @Sendable (isolated IKEKeyWatch) async throws -> Result
    ) async throws -> Result {
        let previous = last
        let task = Task {
            await previous?.value
            return try await body(self)
        }
        last = Task { _ = try? await task.value }
        return try await task.value
    }
}
