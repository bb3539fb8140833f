import Glibc
import Synchronization

/// A thread for work that changes what the kernel thinks of the calling thread, such as its namespaces; it ends with the work.
public enum DedicatedThread {
    /// Runs a closure on a thread made for it and returns its result; the caller waits, and its own thread never changes.
    ///
    /// Task-local values are not seen inside.
    ///
    /// - Throws: `NetlinkError` where no thread can be made, and whatever the closure throws.
    public static func run<T: Sendable>(_ body: @Sendable () throws -> T) throws -> T {
        try withoutActuallyEscaping(body) { body in
            let job = Job(body)
            pthread_join(try thread(for: job), nil)
            return try job.finish()
        }
    }

    /// The same, but only until the result is there: what is left to do is done while nobody waits.
    static func run<T: Sendable>(
        leaving body: @escaping @Sendable () throws -> (result: T, rest: @Sendable () -> Void)
    ) throws -> T {
        let handover = Handover<T>()
        try start {
            do {
                let (result, rest) = try body()
                handover.give(.success(result))
                rest()
            } catch {
                handover.give(.failure(error))
            }
        }
        return try handover.take().get()
    }

    /// Runs a closure on a thread made for it, which nobody waits for.
    ///
    /// - Throws: `NetlinkError` where no thread can be made; nothing is run then.
    public static func start(_ body: @escaping @Sendable () -> Void) throws(NetlinkError) {
        pthread_detach(try thread(for: Job(body)))
    }

    private static func thread(for job: AnyJob) throws(NetlinkError) -> pthread_t {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(job).toOpaque()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<AnyJob>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context)
        guard code == 0 else {
            Unmanaged<AnyJob>.fromOpaque(context).release()
            throw NetlinkError(errno: code, operation: "start a thread", object: "")
        }
        return thread
    }
}

/// What one thread gives to another, once.
private final class Handover<T: Sendable>: Sendable {
    private let value = Mutex<Result<T, any Error>?>(nil)
    private let isThere: UnsafeSendable

    private struct UnsafeSendable: @unchecked Sendable { let semaphore: UnsafeMutablePointer<sem_t> }

    init() {
        isThere = UnsafeSendable(semaphore: .allocate(capacity: 1))
        sem_init(isThere.semaphore, 0, 0)
    }

    deinit {
        sem_destroy(isThere.semaphore)
        isThere.semaphore.deallocate()
    }

    func give(_ result: Result<T, any Error>) {
        value.withLock { $0 = result }
        sem_post(isThere.semaphore)
    }

    /// Waits for it.
    func take() -> Result<T, any Error> {
        while sem_wait(isThere.semaphore) != 0 {}
        return value.withLock { $0 }
            ?? .failure(NetlinkError(errno: ECANCELED, operation: "run on a thread of its own", object: ""))
    }
}

/// Work for one thread. The creator reads its result only after joining the thread, so no lock is needed.
private class AnyJob {
    func run() {}
}

private final class Job<T: Sendable>: AnyJob {
    private var body: (@Sendable () throws -> T)?
    private var result: Result<T, any Error>?

    init(_ body: @escaping @Sendable () throws -> T) {
        self.body = body
    }

    override func run() {
        guard let body else { return }
        result = Result { try body() }
        self.body = nil
    }

    func finish() throws -> T {
        guard let result else {
            throw NetlinkError(errno: ECANCELED, operation: "run on a thread of its own", object: "")
        }
        return try result.get()
    }
}
