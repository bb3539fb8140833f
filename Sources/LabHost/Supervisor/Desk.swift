import AgentProtocol
import LabModel
import LabRecords

/// Serves one connection of a command: one request, what comes with it, and its answer.
struct Desk {
    let supervisor: Supervisor
    /// What makes the nodes of a lab on the host's kernel known there; nil in a lab kernel.
    let names: NamespaceNames?
    let client: FrameChannel<ToSupervisor, FromSupervisor>

    func serve() async {
        let (input, continuation) = AsyncStream.makeStream(of: ExecInput.self)
        var work: Task<Void, Never>?
        tell(.hello(.current))
        for await (message, frame) in client.incoming {
            switch message {
            case .hello: break
            case .input(let item): continuation.yield(item)
            case .request(let name):
                guard work == nil else { break }
                work = Task { await client.finish(await answer(name, frame, input: input)) }
            }
        }
        // The command is gone, or has been answered: what it asked for has no purpose any more.
        continuation.finish()
        work?.cancel()
    }

    private func answer(_ name: String, _ frame: Frame, input: AsyncStream<ExecInput>) async -> Frame {
        do {
            guard let kind = DeskWorks.kinds[name] else {
                throw LabFailure("A supervisor does not know the request \(name).")
            }
            return try await answer(kind, frame, input: input)
        } catch let failure as LabFailure {
            return Self.frame(of: failure)
        } catch {
            return Self.frame(of: LabFailure("\(error)"))
        }
    }

    private func answer<Work: DeskWork>(
        _ kind: Work.Type, _ frame: Frame, input: AsyncStream<ExecInput>
    ) async throws -> Frame {
        let reply = try await frame.body(as: kind).work(at: self, input: input)
        do { return try Frame(FromSupervisor.reply, body: reply) } catch {
            throw LabFailure("The answer to \(Work.name) cannot be sent: \(error)")
        }
    }

    private static func frame(of failure: LabFailure) -> Frame {
        do { return try Frame(FromSupervisor.failed(failure)) } catch {
            // What is this long can only be its details.
            let short = LabFailure(
                String(failure.message.prefix(1000)), remedy: "What else there is to say was too long.")
            return (try? Frame(FromSupervisor.failed(short))) ?? .empty
        }
    }

    /// Says something ahead of the answer.
    private func tell(_ message: FromSupervisor) {
        do { try client.send(message) } catch { supervisor.log.error("\(error)") }
    }

    // MARK: The work

    /// Ends the lab: the supervisor cleans up and goes.
    fileprivate func end() async {
        await supervisor.end()
    }

    fileprivate func build(_ request: Build) async throws {
        do {
            let namespaces = try await follow(BuildNodes(request.topology), unbounded: true)
            if let names { try names.add(namespaces, of: supervisor.kernel.id) }
        } catch {
            if request.isKept {
                await supervisor.setMode(request.clock)
                throw error
            }
            // Half a lab is none. Why is said before the lab ends, which its supervisor does not outlive for long.
            await client.finish(Self.frame(of: error as? LabFailure ?? LabFailure("\(error)")))
            await end()
            throw error
        }
        await supervisor.setMode(request.clock)
    }

    /// Refuses to touch the clock of the host's own kernel.
    fileprivate func requireOwnClock() async throws {
        guard await supervisor.mode == .real else { return }
        throw LabFailure(
            "This lab runs on the host's own kernel, whose clock goes by itself: nobody can stop it or move it ahead.",
            remedy: "On the lab kernel it can be done: netlab up --kernel lab", code: .wrongInput)
    }

    fileprivate func advance(by duration: Duration) async throws {
        let desk = self
        try await supervisor.advance(by: duration) { desk.tell(.clockMoved($0)) }
    }

    /// Whether the clock stands still, where what takes time would take for ever.
    fileprivate var isPaused: Bool { get async { await supervisor.mode == .paused } }

    /// Passes on what comes with a request while the clock is moved for it, and returns its reply.
    fileprivate func drive<Request: LabRequest>(
        _ request: Request, length: Duration? = nil, input: AsyncStream<ExecInput>? = nil
    ) async throws -> Request.Reply {
        try await supervisor.drive { _ in
            try await self.follow(request, unbounded: true, length: length, input: input)
        }
    }

    /// Passes on what comes with a request, in both directions, and returns its reply.
    fileprivate func follow<Request: LabRequest>(
        _ request: Request, unbounded: Bool, length: Duration? = nil, input: AsyncStream<ExecInput>? = nil
    ) async throws -> Request.Reply {
        let (id, answers) = await supervisor.ask(request, unbounded: unbounded, length: length)
        let feeder = Task {
            guard let input else { return }
            for await item in input { await supervisor.tell(id, item) }
        }
        defer { feeder.cancel() }
        return try await withTaskCancellationHandler {
            for await (answer, frame) in answers {
                switch answer {
                case .progress(_, let progress): tell(.progress(progress))
                case .output(_, let output): tell(.output(output))
                case .grown(_, let bytes): tell(.grown(bytes: bytes))
                case .passed(_, let time): tell(.clockMoved(time))
                case .event(.daemonDied(let name, let reason, _), _): tell(.notice("\(name) \(reason)"))
                case .event(.spinning(let processes), _):
                    tell(
                        .notice(
                            "The lab's clock stands still; using the processor: \(processes.joined(separator: "; "))"))
                case .failed(_, let failure, _): throw failure
                case .reply: return try Supervisor.reply(in: frame, to: request)
                case .ready, .received, .opened, .held: break
                }
            }
            throw await supervisor.endedFailure
        } onCancel: {
            Task { await supervisor.cancel(id) }
        }
    }
}

/// A request that a supervisor knows.
private protocol DeskWork: LabRequest {
    func work(at desk: Desk, input: AsyncStream<ExecInput>) async throws -> Reply
}

private enum DeskWorks {
    /// By name.
    static let kinds = Dictionary(
        uniqueKeysWithValues: all.map { ($0.name, $0) })

    private static let all: [any DeskWork.Type] = [
        Build.self, ShutDown.self, ShowClock.self, SetClock.self, AdvanceClock.self, AdvanceClockUntil.self,
        ShowStatus.self, Explain.self,
        CountTraffic.self, ExecRequest.self, ProbeRequest.self, CapturePackets.self, Observe.self, CauseFaults.self,
        HealFaults.self,
        ListFaults.self, Play.self, Examine.self,
    ]
}

extension Build: DeskWork {
    fileprivate func work(at desk: Desk, input: AsyncStream<ExecInput>) async throws -> Done {
        try await desk.build(self)
        return Done()
    }
}

extension ShutDown: DeskWork {
    fileprivate func work(at desk: Desk, input: AsyncStream<ExecInput>) async throws -> Done {
        await desk.end()
        return Done()
    }
}

extension ShowClock: DeskWork {
    fileprivate func work(at desk: Desk, input: AsyncStream<ExecInput>) async throws -> ClockStatus {
        await desk.supervisor.status
    }
}

extension SetClock: DeskWork {
    fileprivate func work(at desk: Desk, input: AsyncStream<ExecInput>) async throws -> ClockStatus {
        try await desk.requireOwnClock()
        await desk.supervisor.setMode(mode)
        return await desk.supervisor.status
    }
}

extension AdvanceClock: DeskWork {
    fileprivate func work(at desk: Desk, input: AsyncStream<ExecInput>) async throws -> ClockStatus {
        try await desk.requireOwnClock()
        try await desk.advance(by: duration)
        return await desk.supervisor.status
    }
}

extension AdvanceClockUntil: DeskWork {
    fileprivate func work(at desk: Desk, input: AsyncStream<ExecInput>) async throws -> Reply {
        let wait = try await desk.drive(Await(condition, within: deadline))
        return Reply(wait: wait, clock: await desk.supervisor.status)
    }
}

extension ShowStatus: DeskWork {
    fileprivate func work(at desk: Desk, input: AsyncStream<ExecInput>) async throws -> LabStatus {
        let isPaused = await desk.isPaused
        var status = try await desk.follow(self, unbounded: asksProbes && isPaused)
        status.clock = await desk.supervisor.status
        return status
    }
}

extension CountTraffic: DeskWork {
    fileprivate func work(at desk: Desk, input: AsyncStream<ExecInput>) async throws -> TrafficSample {
        try await desk.follow(self, unbounded: false)
    }
}

extension ExecRequest: DeskWork {
    /// Where the clock stands still, the command would wait for ever: it runs free for as long as the command does.
    fileprivate func work(at desk: Desk, input: AsyncStream<ExecInput>) async throws -> Int32 {
        try await desk.follow(self, unbounded: desk.isPaused, input: input)
    }
}

extension ProbeRequest: DeskWork {
    /// On a clock that stands still, nothing would ever arrive.
    fileprivate func work(at desk: Desk, input: AsyncStream<ExecInput>) async throws -> ProbeResult {
        try await desk.follow(self, unbounded: desk.isPaused)
    }
}

extension Explain: DeskWork {
    fileprivate func work(at desk: Desk, input: AsyncStream<ExecInput>) async throws -> Explanation {
        try await desk.follow(self, unbounded: desk.isPaused)
    }
}

extension CapturePackets: DeskWork {
    /// A capture with an end would never come to it on a clock that stands still; one without lets others move the clock.
    fileprivate func work(at desk: Desk, input: AsyncStream<ExecInput>) async throws -> CaptureSummary {
        try await desk.follow(self, unbounded: desk.isPaused && request.duration != nil, input: input)
    }
}

extension Observe: DeskWork {
    fileprivate func work(at desk: Desk, input: AsyncStream<ExecInput>) async throws -> Observation {
        try await desk.drive(self)
    }
}

extension CauseFaults: DeskWork {
    fileprivate func work(at desk: Desk, input: AsyncStream<ExecInput>) async throws -> [ActiveFault] {
        try await desk.follow(self, unbounded: false)
    }
}

extension HealFaults: DeskWork {
    fileprivate func work(at desk: Desk, input: AsyncStream<ExecInput>) async throws -> [ActiveFault] {
        try await desk.follow(self, unbounded: false)
    }
}

extension ListFaults: DeskWork {
    fileprivate func work(at desk: Desk, input: AsyncStream<ExecInput>) async throws -> [ActiveFault] {
        try await desk.follow(self, unbounded: false)
    }
}

extension Play: DeskWork {
    fileprivate func work(at desk: Desk, input: AsyncStream<ExecInput>) async throws -> ScriptRecord {
        try await desk.drive(self, length: script.length, input: input)
    }
}

extension Examine: DeskWork {
    fileprivate func work(at desk: Desk, input: AsyncStream<ExecInput>) async throws -> [KernelFinding] {
        try await desk.follow(self, unbounded: true)
    }
}
