import AgentProtocol
import CLinux
import Glibc
import LabRecords
import NetworkTypes
import NodeRuntime
import Synchronization

/// Sends several flows' requests at their times, all from one thread.
///
/// The thread wakes up for sending only: replies wait in their sockets with the kernel's time of receipt, and whether one
/// came in time is seen from that. A second of a flow costs one wake-up, and flows of the same interval share it. Where
/// netlab itself answers, the same thread does that as the requests come.
public final class FlowRun: Sendable {
    private enum Stage: Int {
        case sending, ending, abandoned
    }

    private let flows: Mutex<[EchoFlow]>
    private let responders: [EchoResponder]
    private let timer: AlarmTimer
    private let stage = Atomic<Int>(Stage.sending.rawValue)

    /// Opens it.
    ///
    /// - Parameter responders: At the destinations of those that go over UDP.
    /// - Throws: ``LabFailure``, or a `NetlinkError` where the kernel refuses.
    public init(_ flows: [EchoFlow], answering responders: [EchoResponder] = []) throws {
        self.flows = Mutex(flows)
        self.responders = responders
        timer = try AlarmTimer()
    }

    /// Sends from one time until before another, then waits for the replies that may still come; returns after that.
    ///
    /// To be called once, on a thread that may be kept waiting.
    public func run(from start: LabTime, until end: LabTime) {
        // Flows of one interval are due together for ever: their timer need not be set again.
        let intervals = Set(flows.withLock { $0.map(\.request.interval) })
        let period = intervals.count == 1 ? intervals.first : nil
        if let period { timer.set(start, every: period) }
        while let next = nextDue(from: start), next < end, isSending {
            if period == nil { timer.set(next) }
            guard isSending else { break }
            awaitTimer()
            guard isSending else { break }
            let now = LabClock.now
            flows.withLock { flows in
                for index in flows.indices {
                    while flows[index].next(from: start) <= now { flows[index].send(at: now) }
                }
            }
        }
        awaitReplies()
    }

    /// Sends no more, but waits for replies.
    public func end() { leave(.ending) }

    /// Ends at once.
    public func abandon() { leave(.abandoned) }

    public var records: [FlowRecord] { flows.withLock { $0.map(\.record) } }

    private var isSending: Bool { stage.load(ordering: .acquiring) == Stage.sending.rawValue }

    private func leave(_ new: Stage) {
        stage.store(new.rawValue, ordering: .releasing)
        timer.fire()
    }

    private func nextDue(from start: LabTime) -> LabTime? {
        flows.withLock { $0.map { $0.next(from: start) }.min() }
    }

    private func awaitTimer() {
        while !responders.isEmpty, !timer.wait(orFor: responders.map(\.descriptor)) {
            for responder in responders { responder.answer() }
        }
        timer.wait()
    }

    private func awaitReplies() {
        let descriptors = flows.withLock { $0.map(\.channel.descriptor) } + responders.map(\.descriptor)
        while stage.load(ordering: .acquiring) != Stage.abandoned.rawValue {
            let now = LabClock.now
            let deadline = flows.withLock { flows in
                for index in flows.indices { flows[index].receive() }
                return flows.compactMap { $0.patience(at: now) }.max()
            }
            guard let deadline else { return }
            timer.set(deadline)
            guard stage.load(ordering: .acquiring) != Stage.abandoned.rawValue else { return }
            timer.wait(orFor: descriptors)
            for responder in responders { responder.answer() }
        }
    }
}

/// Wakes a thread at an exact time of the lab's clock, or when another thread says so (timerfd_create(2)).
public struct AlarmTimer: ~Copyable, Sendable {
    private let descriptor: Int32

    /// Opens it.
    ///
    /// - Throws: ``LabFailure``, or a `NetlinkError` where the kernel refuses.
    public init() throws {
        descriptor = netlab_timer()
        guard descriptor >= 0 else { throw LabFailure("There is no timer: \(String(cString: strerror(errno))).") }
    }

    deinit {
        close(descriptor)
    }

    public func set(_ time: LabTime, every period: Duration = .zero) {
        netlab_set_timer(descriptor, time.nanoseconds, period.wholeNanoseconds)
    }

    /// Wakes at once. Who waits must look, after each ``set(_:every:)``, whether this has come before it.
    public func fire() { set(LabTime(nanoseconds: 0)) }

    /// Waits for the time.
    func wait() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
    }

    /// Waits for the time, or until a descriptor is readable.
    ///
    /// - Returns: Whether the time has come.
    @discardableResult
    public func wait(orFor descriptors: [Int32]) -> Bool {
        var places = ([descriptor] + descriptors).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        poll(&places, nfds_t(places.count), -1)
        return places[0].revents != 0
    }
}
