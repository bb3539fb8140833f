import AgentProtocol
import CLinux
import Glibc
import LabModel
import NetworkTypes
import NodeRuntime
import Probing
import Synchronization

/// The lab's monitors: probes that ask once in a while for as long as the lab is there, as `ping -c 1` from a timer would.
///
/// One thread asks for all of them; it wakes up for each question and for its answer, or for the end of waiting for that.
final class MonitorBoard: Sendable {
    private let monitors: Mutex<[Monitor]>
    private let timer: AlarmTimer
    private let isStopped = Atomic<Bool>(false)
    private let thread = Mutex<Task<Void, any Error>?>(nil)

    /// Begins with a question of each at once; nil where no probe is a monitor.
    ///
    /// - Throws: ``LabFailure`` where there are no sockets to be had.
    init?(_ probes: [(probe: Probe, node: NodeSandbox, id: UInt64)], events: EventBoard) throws {
        let now = LabClock.now
        let monitors = try probes.compactMap { try Monitor($0.probe, id: $0.id, in: $0.node, from: now) }
        guard !monitors.isEmpty else { return nil }
        self.monitors = Mutex(monitors)
        timer = try AlarmTimer()
        thread.withLock { $0 = Task { try await offThread { self.run(events) } } }
    }

    var statuses: [MonitorStatus] { monitors.withLock { $0.map(\.status) } }

    /// Ends all of it; returns when it has ended.
    func stop() async {
        isStopped.store(true, ordering: .releasing)
        timer.fire()
        try? await thread.withLock { $0 }?.value
    }

    private func run(_ events: EventBoard) {
        let descriptors = monitors.withLock { $0.map(\.socket.descriptor) }
        while !isStopped.load(ordering: .acquiring) {
            let now = LabClock.now
            var changes: [(monitor: Probe, isRaised: Bool)] = []
            let next = monitors.withLock { monitors in
                for index in monitors.indices {
                    if let isRaised = monitors[index].turn(at: now) {
                        changes.append((monitors[index].probe, isRaised))
                    }
                }
                return monitors.map(\.next).min()
            }
            for (probe, isRaised) in changes {
                events.post(.alarm(monitor: probe.name, isRaised: isRaised), node: probe.source)
            }
            guard let next else { return }
            timer.set(next)
            guard !isStopped.load(ordering: .acquiring) else { return }
            timer.wait(orFor: descriptors)
        }
    }
}

/// One monitor's state between its questions.
private struct Monitor {
    let probe: Probe
    let socket: EchoSocket
    private let interval: Duration
    private let rule: AlarmRule
    private var sequence: UInt16 = 0
    private var askAt: LabTime
    /// Until when an answer to the last question counts; nil while there is nothing to wait for.
    private var deadline: LabTime?
    private var askedAt: LabTime?
    private var exitCode: Int?
    private var failures = 0
    private var isAlarmed = false
    private var since: LabTime?

    /// What ping(8) sends.
    private static let payload = 56
    /// What a lab file leaves out.
    private static let defaultRule = AlarmRule(failures: 1, timeout: .seconds(1))

    init?(_ probe: Probe, id: UInt64, in node: NodeSandbox, from start: LabTime) throws {
        guard let interval = probe.interval, interval > .zero else { return nil }
        self.probe = probe
        self.interval = interval
        rule = probe.alarm ?? Self.defaultRule
        askAt = start
        socket = try EchoSocket(
            in: node, to: probe.destination, from: probe.sourceAddress, id: id, payload: Self.payload)
    }

    /// When something is to be done next.
    var next: LabTime { deadline.map { min($0, askAt) } ?? askAt }

    var status: MonitorStatus {
        MonitorStatus(
            probe: probe.name, exitCode: exitCode, askedAt: askedAt, failures: failures, isAlarmed: isAlarmed,
            since: since)
    }

    /// Does what is due.
    ///
    /// - Returns: Whether the alarm was raised or cleared; nil where neither.
    mutating func turn(at now: LabTime) -> Bool? {
        let wasAlarmed = isAlarmed
        var isAnswered = false
        socket.receive { [deadline, sequence] answered, time in
            if let deadline, answered == sequence, time <= deadline { isAnswered = true }
        }
        if isAnswered {
            settle(exitCode: 0, at: now)
        } else if let deadline, deadline <= now {
            settle(exitCode: 1, at: now)
        }
        if askAt <= now {
            // A question that takes longer than the interval gives way to the next.
            if deadline != nil { settle(exitCode: 1, at: now) }
            sequence &+= 1
            askedAt = now
            deadline = now + rule.timeout
            // Whatever the kernel has against sending it is no answer either.
            if socket.send(sequence: sequence) != nil { settle(exitCode: 1, at: now) }
            // After a clock that ran ahead of this thread, one question is enough.
            while askAt <= now { askAt = askAt + interval }
        }
        return isAlarmed == wasAlarmed ? nil : isAlarmed
    }

    private mutating func settle(exitCode code: Int, at now: LabTime) {
        deadline = nil
        exitCode = code
        failures = code == 0 ? 0 : failures + 1
        let isBad = failures >= rule.failures
        if code == 0 ? isAlarmed : isBad && !isAlarmed {
            isAlarmed.toggle()
            since = now
        }
    }
}

extension RunningLab {
    /// The probes that go on asking, each with a number of its own.
    func monitoredProbes() throws -> [(probe: Probe, node: NodeSandbox, id: UInt64)] {
        try topology.probes.filter { $0.interval != nil }.map { ($0, try sandbox($0.source), nextProbe()) }
    }
}
