import Glibc

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
