import AgentProtocol
import Glibc
import LabRecords
import Logging
import NetworkTypes
import SystemPackage

/// Owns a running lab: its kernel process, its clock, and the requests under way.
///
/// The kernel runs only while the clock may move or somebody waits for an answer; otherwise it is stopped (SIGSTOP) and
/// costs nothing. That is sound because a guest that has reached its clock's limit has nothing left to do.
actor Supervisor {
    private struct Request {
        let answers: AsyncStream<(FromAgent, Frame)>.Continuation
        let isUnbounded: Bool
        /// When the lab's clock must not have passed before the answer: something is wrong with it then. Nil for never.
        let deadline: LabTime?
    }

    let log: Logger
    let kernel: KernelProcess
    private let ending: Ending
    private let line: FrameChannel<FromAgent, ToAgent>
    private var outgoing: Outgoing
    private var requests: [UInt32: Request] = [:]
    private var lastID: UInt32 = 0

    // The clock.
    private(set) var mode: ClockMode
    /// Where the clock stands still, or last stood still.
    private(set) var time = LabTime(nanoseconds: 0)
    private var isHeld = false
    private var isStopped = false
    /// How many are driving the clock ahead themselves, so that pacing must keep its hands off.
    private var drivers = 0
    /// A pair of moments on both clocks that pacing measures from.
    private var anchor = (lab: LabTime(nanoseconds: 0), wall: ContinuousClock.now)
    private var holdWaiters: [CheckedContinuation<LabTime, Never>] = []
    private var lastWord = ContinuousClock.now
    private var question: ContinuousClock.Instant?
    /// Since when questions have gone without an answer; nil while there is none.
    private var unanswered: ContinuousClock.Instant?
    private var standstill = Standstill()
    private var ended: String?
    /// Why what waited for the clock to move waits no longer.
    private var obstacle: LabFailure?
    private var readyWaiter: CheckedContinuation<Bool, Never>?
    private var isReady = false
    private var idleWaiter: CheckedContinuation<Void, Never>?

    /// How often a paced lab catches up with the wall clock while somebody watches, and while nobody does.
    private static let tick = Duration.milliseconds(10)
    private static let idleTick = Duration.milliseconds(100)
    /// A paced lab further behind than this does not try to catch up.
    private static let patience = Duration.seconds(1)
    /// A guest that has said nothing for this long, although its clock may move, is asked what it does.
    private static let silence = Duration.seconds(5)
    /// How long taking a lab back may take on the host's kernel, where daemons end in their own time.
    private static let tearDownLimit = Duration.seconds(30)
    /// How long it may take to answer.
    private static let courtesy = Duration.seconds(1)
    /// How long a guest may keep somebody waiting that does not answer, or whose clock stands still.
    static let limit = Duration.seconds(20)
    /// How far the clock may pass the end of what is played before that is taken for an error: what is measured at the end takes its time.
    private static let overrun = Duration.seconds(600)

    /// - Parameter letterbox: Where messages go that are too long for the line; nil for a line that takes any.
    init(
        kernel: KernelProcess, line: FrameChannel<FromAgent, ToAgent>, letterbox: FilePath?, ending: Ending, log: Logger
    ) {
        self.kernel = kernel
        outgoing = Outgoing(line: line, letterbox: letterbox, log: log)
        mode = kernel.kind == .host ? .real : .paused
        self.ending = ending
        self.line = line
        self.log = log
    }

    // MARK: Listening to the agent

    /// Follows the control line until it closes.
    func listen() async {
        for await (message, frame) in line.incoming {
            lastWord = .now
            unanswered = nil
            switch message {
            case .ready(let version, _):
                guard version == .current else {
                    ending.blame("its agent is \(version), and its supervisor \(ProtocolVersion.current)")
                    kernel.end()
                    continue
                }
                isReady = true
                readyWaiter?.resume(returning: true)
                readyWaiter = nil
            case .received(let count):
                outgoing.wasRead(count)
            case .opened(let letter):
                outgoing.wasOpened(letter)
            case .held(let at):
                held(at: at)
            case .passed(let id, let at):
                requests[id]?.answers.yield((message, frame))
                checkDeadlines(at)
            case .progress(let id, _), .output(let id, _), .grown(let id, _):
                requests[id]?.answers.yield((message, frame))
            case .reply(let id, let at), .failed(let id, _, let at):
                time = max(time, at)
                if let request = requests.removeValue(forKey: id) {
                    request.answers.yield((message, frame))
                    request.answers.finish()
                }
                settle()
            case .event(let event, let at):
                noticed(event, at: at)
            }
        }
        if let reason = line.misunderstanding.reason {
            log.error("what the agent says cannot be understood: \(reason)")
            ending.blame("what its agent says cannot be understood: \(reason)")
            kernel.end()
        }
    }

    /// Waits for the agent's first word.
    func untilReady() async -> Bool {
        if isReady { return true }
        if ended != nil { return false }
        return await withCheckedContinuation { readyWaiter = $0 }
    }

    private func noticed(_ event: AgentEvent, at: LabTime) {
        switch event {
        case .daemonDied(let name, let reason, let logEnd):
            log.error("\(name) \(reason)", metadata: ["time": "\(at)", "log": "\(logEnd.suffix(3))"])
        case .spinning(let processes):
            checkDeadlines(at)
            switch standstill.take(processes, at: at) {
            case .moves: return
            case .stands:
                log.error("the clock stands still because of \(processes.joined(separator: "; "))")
            case .stuck(let culprits):
                let what = culprits.joined(separator: "; ")
                log.error("the clock has stood still for \(Self.limit.shortText) because of \(what)")
                release(
                    LabFailure(
                        "The lab's clock has stood still for \(Self.limit.shortText): \(what) never pauses.",
                        remedy: "End that program, or take the lab down: what waited has been given up."))
                return
            }
        }
        for request in requests.values { request.answers.yield((.event(event, at: at), .empty)) }
    }

    /// Ends all that waits for the guest: requests fail, and whoever moves the clock goes no further.
    private func release(_ failure: LabFailure) {
        for id in requests.keys { fail(id, failure, at: time) }
        guard !holdWaiters.isEmpty else { return }
        obstacle = failure
        let waiters = holdWaiters
        holdWaiters = []
        for waiter in waiters { waiter.resume(returning: time) }
    }

    /// Gives up a request whose end the lab's clock has passed by far.
    private func checkDeadlines(_ at: LabTime) {
        for (id, request) in requests {
            guard let deadline = request.deadline, at > deadline else { continue }
            log.error("the clock is at \(at), past \(deadline), and what is played has not ended")
            let failure = LabFailure(
                "The lab's clock is at \(at), and what was to be over by \(deadline) has not ended.",
                remedy: "This is an error of netlab's or of the lab kernel's; the lab's logs say more.")
            fail(id, failure, at: at)
        }
    }

    /// Gives a request up.
    private func fail(_ id: UInt32, _ failure: LabFailure, at: LabTime) {
        guard let request = requests.removeValue(forKey: id) else { return }
        request.answers.yield((.failed(id: id, failure, at: at), .empty))
        request.answers.finish()
        transmit(.cancel(id: id))
    }

    /// Ends a lab whose agent does not answer: nothing can be asked of it any more, and its clock is nobody's.
    private func giveUp() {
        // Many daemons at work can keep the agent from its line for longer than that, and come to an end.
        guard !kernel.runsPrograms else { return }
        let what = kernel.activity
        let reason = "its agent has not answered for \(Self.limit.shortText): \(what)"
        log.error("\(reason)")
        ending.blame(reason)
        kernel.end()
    }

    /// The kernel's process is gone: nobody will be answered any more.
    func kernelEnded(_ how: String) {
        ended = how
        wakeTicking()
        readyWaiter?.resume(returning: false)
        readyWaiter = nil
        for request in requests.values { request.answers.finish() }
        requests = [:]
        for waiter in holdWaiters { waiter.resume(returning: time) }
        holdWaiters = []
    }

    /// Ends the lab, as somebody wants it.
    ///
    /// A lab kernel has all of it to itself. On the host's, every step is taken back, the last one first, before what may be
    /// left goes with the namespaces.
    ///
    /// - Returns: What could not be taken back.
    @discardableResult
    func end() async -> [String] {
        ending.want()
        var failures: [String] = []
        if kernel.kind == .host, ended == nil {
            let end = Task { try await reply(to: TearDown(), unbounded: true) }
            let limit = Task {
                try await Task.sleep(for: Self.tearDownLimit)
                kernel.end()
            }
            do { _ = try await end.value } catch let failure as LabFailure { failures = failure.details } catch {}
            limit.cancel()
            for failure in failures { log.error("not taken back: \(failure)") }
        }
        kernel.end()
        return failures
    }

    /// Ends the lab if nobody asks anything of it for so long: the command that started it has died.
    func endUnlessAsked(within patience: Duration) async {
        let before = lastID
        try? await Task.sleep(for: patience)
        guard lastID == before, ended == nil else { return }
        log.error("nobody asked for anything: the command that started this has died")
        await end()
    }

    // MARK: Asking the agent

    private func transmit(_ message: ToAgent) {
        do { try outgoing.send(Frame(message)) } catch { log.error("\(error)") }
    }

    /// Sends a request; its answers end with the reply, or early when the kernel dies.
    ///
    /// - Parameters:
    ///   - unbounded: Lets the clock run as fast as it goes until the reply, and no further.
    ///   - length: How long it takes on the lab's clock; nil where nobody knows.
    func ask<Work: LabRequest>(
        _ request: Work, unbounded: Bool, length: Duration? = nil
    ) -> (id: UInt32, answers: AsyncStream<(FromAgent, Frame)>) {
        let (answers, continuation) = AsyncStream.makeStream(of: (FromAgent, Frame).self)
        guard ended == nil else {
            continuation.finish()
            return (0, answers)
        }
        lastID += 1
        if requests.isEmpty { standstill = Standstill() }
        requests[lastID] = Request(
            answers: continuation, isUnbounded: unbounded, deadline: length.map { time + $0 + Self.overrun })
        if unbounded { isHeld = false }
        wakeTicking()
        resume()
        do {
            try outgoing.send(Frame(ToAgent.request(id: lastID, name: Work.name, unbounded: unbounded), body: request))
        } catch {
            fail(lastID, LabFailure("The agent cannot be asked for \(Work.name): \(error)"), at: time)
        }
        pace()
        return (lastID, answers)
    }

    /// Sends a request and waits for its reply.
    @discardableResult
    func reply<Work: LabRequest>(to request: Work, unbounded: Bool) async throws -> Work.Reply {
        for await (answer, frame) in ask(request, unbounded: unbounded).answers {
            switch answer {
            case .failed(_, let failure, _): throw failure
            case .reply: return try Self.reply(in: frame, to: request)
            default: break
            }
        }
        throw endedFailure
    }

    static func reply<Work: LabRequest>(in frame: Frame, to request: Work) throws -> Work.Reply {
        do { return try frame.body() } catch {
            throw LabFailure("The agent's answer to \(Work.name) cannot be understood: \(error)")
        }
    }

    func tell(_ id: UInt32, _ input: ExecInput) {
        resume()
        transmit(.input(id: id, input))
        pace()
    }

    func cancel(_ id: UInt32) {
        guard requests[id] != nil else { return }
        resume()
        transmit(.cancel(id: id))
        pace()
    }

    var endedFailure: LabFailure {
        if let reason = ending.reason {
            return LabFailure(
                "The lab has been given up: \(reason).",
                remedy: "The lab is gone; `netlab up` starts it anew. Its console is kept in the lab's logs.")
        }
        return LabFailure(
            "The lab's kernel ended unexpectedly (\(ended ?? "its control line closed")).",
            remedy: "The lab is gone; `netlab up` starts it anew. Its console is kept in the lab's logs.")
    }

    // MARK: The clock

    /// Sets how the clock moves; the host kernel's is what it is.
    func setMode(_ new: ClockMode) {
        guard mode != .real else { return }
        mode = new
        wakeTicking()
        anchorHere()
        settle()
    }

    var status: ClockStatus { ClockStatus(mode: mode, isAdvancing: drivers > 0, time: time) }

    /// Keeps pacing away while `body` drives the clock.
    func drive<Result: Sendable>(_ body: @Sendable (isolated Supervisor) async throws -> Result) async rethrows
        -> Result
    {
        drivers += 1
        wakeTicking()
        defer {
            drivers -= 1
            anchorHere()
            settle()
        }
        return try await body(self)
    }

    /// Moves the clock ahead as fast as it goes.
    ///
    /// In slices, so that somebody can follow and stop it.
    func advance(by duration: Duration, report: @Sendable (LabTime) -> Void) async throws {
        try await drive { supervisor in
            let start = await supervisor.hold()
            let end = start + duration
            let slice = max(.seconds(1), duration / 50)
            var at = start
            while at < end {
                try Task.checkCancellation()
                at = await supervisor.run(until: min(at + slice, end))
                if let obstacle = supervisor.obstacle {
                    supervisor.obstacle = nil
                    throw obstacle
                }
                if let ended = supervisor.ended { throw LabFailure("The lab's kernel ended: \(ended).") }
                report(at)
            }
        }
    }

    /// Waits until the clock stands still where it is allowed to run to now.
    private func hold() async -> LabTime {
        if isHeld || ended != nil { return time }
        return await withCheckedContinuation { holdWaiters.append($0) }
    }

    private func run(until limit: LabTime) async -> LabTime {
        guard ended == nil else { return time }
        isHeld = false
        resume()
        transmit(.run(until: limit))
        return await withCheckedContinuation { holdWaiters.append($0) }
    }

    private func held(at: LabTime) {
        time = max(time, at)
        isHeld = true
        let waiters = holdWaiters
        holdWaiters = []
        for waiter in waiters { waiter.resume(returning: at) }
        settle()
    }

    /// Stops the kernel where nothing needs it.
    private func settle() {
        guard isHeld, holdWaiters.isEmpty, outgoing.isEmpty else { return }
        // A paced guest that has reached its limit has done all it can at this time, whoever waits for it.
        if requests.isEmpty || (mode == .paced && drivers == 0 && !requests.values.contains(where: \.isUnbounded)) {
            guard !isStopped else { return }
            isStopped = true
            kernel.stop()
        }
    }

    private func resume() {
        guard isStopped else { return }
        isStopped = false
        kernel.resume()
    }

    private func anchorHere() {
        anchor = (time, .now)
    }

    /// Lets a paced clock catch up with the wall.
    private func pace() {
        guard mode == .paced, drivers == 0, isHeld, ended == nil, !requests.values.contains(where: \.isUnbounded) else {
            return
        }
        let wall = ContinuousClock.now - anchor.wall
        var limit = anchor.lab + wall
        if limit - time > Self.patience || limit < time {
            anchorHere()
            limit = time + Self.tick
        }
        guard limit > time else { return }
        isHeld = false
        resume()
        transmit(.run(until: limit))
    }

    /// Paces the clock and watches for a guest that is stuck, until the kernel ends.
    func tickForEver() async {
        while ended == nil, mode != .real {
            if mode == .paused, requests.isEmpty, drivers == 0 {
                // Nothing will happen by itself: this costs nothing until somebody asks.
                await withCheckedContinuation { idleWaiter = $0 }
            }
            try? await Task.sleep(for: requests.isEmpty ? Self.idleTick : Self.tick)
            pace()
            watch()
        }
    }

    private func wakeTicking() {
        idleWaiter?.resume()
        idleWaiter = nil
    }

    private func watch() {
        guard !isStopped, !isHeld || !requests.isEmpty else {
            question = nil
            unanswered = nil
            return
        }
        let now = ContinuousClock.now
        if let asked = question, asked > lastWord {
            // No answer: a program that never enters its kernel keeps the kernel from reading the question.
            guard now - asked > Self.courtesy else { return }
            question = now
            if let since = unanswered, now - since > Self.limit - Self.silence { return giveUp() }
            unanswered = unanswered ?? asked
            kernel.interruptRunningProgram()
        } else if now - lastWord > Self.silence {
            question = now
            transmit(.explain)
        }
    }
}
