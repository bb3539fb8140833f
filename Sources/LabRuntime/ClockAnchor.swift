import AgentProtocol
import CLinux
import Glibc
import Netlink
import Synchronization

/// Holds the clock of a lab kernel, which jumps to the next timer as soon as nothing is left to run: a thread that is always ready to
/// run and goes behind everything else (SCHED_IDLE, sched(7)).
///
/// So whatever is ready to run does so at this very time; that the thread has had its turn means that all of that is done. The kernel
/// tells by the thread's class that the clock is held (`KernelAmendment.pollingInVainWaits`): between holds it is as any other.
final class ClockAnchor: Sendable {
    /// Written to when the thread has had its turn since the last ``hold()``.
    private let settled: Int32
    private let begin = netlab_eventfd()
    /// The number of the hold that is wanted, 0 for none, and that of the last one in which the thread has had its turn.
    private let wanted = Atomic(0)
    private let reached = Atomic(0)
    private let holds = Atomic(0)
    /// The thread, 0 before it runs.
    private let thread: Atomic<pid_t> = Atomic(0)

    /// - Parameter settled: An eventfd(2).
    init(settled: Int32) {
        self.settled = settled
    }

    /// - Throws: `NetlinkError` where no thread can be made; ``LabFailure`` where it could not be woken.
    func start() throws {
        guard begin >= 0 else { throw LabFailure("What wakes the thread that holds the clock cannot be made.") }
        try DedicatedThread.start { self.run() }
    }

    /// From now on the clock stands still.
    func hold() {
        wanted.store(holds.wrappingAdd(1, ordering: .relaxed).newValue, ordering: .sequentiallyConsistent)
        let thread = thread.load(ordering: .sequentiallyConsistent)
        if thread != 0 { _ = netlab_schedule_idle(thread) }
        var one: UInt64 = 1
        _ = write(begin, &one, 8)
    }

    /// From now on it does not.
    func release() {
        wanted.store(0, ordering: .releasing)
        let thread = thread.load(ordering: .acquiring)
        if thread != 0 { _ = netlab_schedule_normal(thread) }
    }

    /// Whether all has been done that was ready to run when the clock was held last.
    var isSettled: Bool { reached.load(ordering: .acquiring) == holds.load(ordering: .relaxed) }

    private func run() -> Never {
        // Whichever comes second of this and a hold sees the other.
        thread.store(netlab_thread(), ordering: .sequentiallyConsistent)
        if wanted.load(ordering: .sequentiallyConsistent) != 0 { _ = netlab_schedule_idle(0) }
        while true {
            _ = netlab_wait_readable([begin], 1, -1)
            var count: UInt64 = 0
            _ = read(begin, &count, 8)
            while true {
                let number = wanted.load(ordering: .acquiring)
                guard number != 0 else { break }
                if reached.exchange(number, ordering: .releasing) != number {
                    var one: UInt64 = 1
                    _ = write(settled, &one, 8)
                }
                sched_yield()
            }
        }
    }
}
