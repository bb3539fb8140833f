import AgentProtocol
import Expectations
import LabModel
import LabPlan

/// Serves one connection of a command: one request, what comes with it, and its answer.
struct Desk {
    let supervisor: Supervisor
    /// What makes the nodes of a lab on the host's kernel known there; nil in a lab kernel.
    let names: NamespaceNames?
    let client: FrameChannel<ToSupervisor, FromSupervisor>

    func serve() async {
        let (input, continuation) = AsyncStream.makeStream(of: ExecInput.self)
        var work: Task<Void, Never>?
        for await message in client.incoming {
            switch message {
            case .input(let item): continuation.yield(item)
            default:
                guard work == nil else { break }
                work = Task {
                    let answer: FromSupervisor
                    do {
                        answer = try await self.answer(message, input: input)
                    } catch let failure as LabFailure {
                        answer = .failed(failure)
                    } catch {
                        answer = .failed(LabFailure("\(error)"))
                    }
                    await client.finish(answer)
                }
            }
        }
        // The command is gone, or has been answered: what it asked for has no purpose any more.
        continuation.finish()
        work?.cancel()
    }

    private func answer(_ request: ToSupervisor, input: AsyncStream<ExecInput>) async throws -> FromSupervisor {
        switch request {
        case .build(let topology, let mode): try await build(topology, mode)
        case .status: try await status()
        case .traffic(let interval): try await traffic(every: interval)
        case .clock(let command): try await clock(command)
        case .exec(let request): try await exec(request, input: input)
        case .input: .done
        case .probe(let request): try await probe(request)
        case .capture(let request, let file): try await capture(request, file: file, input: input)
        case .observe(let request, let file): try await observe(request, file: file)
        case .fail(let broken, let duration): try await faults(.fail(broken, for: duration))
        case .heal(let healed): try await faults(.heal(healed))
        case .faults: try await faults(.faults)
        case .play(let script, let file): try await play(script, file: file, input: input)
        case .examine(let features): try await examine(features)
        case .shutDown:
            // The kernel's end is the lab's: the supervisor cleans up and goes.
            await end(with: .done)
        }
    }

    private func end(with answer: FromSupervisor) async -> FromSupervisor {
        await supervisor.end()
        return answer
    }

    private func build(_ topology: Topology, _ mode: ClockMode) async throws -> FromSupervisor {
        do {
            guard case .built(let namespaces) = try await follow(.build(topology), unbounded: true) else {
                throw unexpected
            }
            if let names { try names.add(namespaces, of: supervisor.kernel.id) }
        } catch {
            // Half a lab is none.
            return await end(with: .failed(error as? LabFailure ?? LabFailure("\(error)")))
        }
        await supervisor.setMode(mode)
        return .done
    }

    private func status() async throws -> FromSupervisor {
        guard case .status(var status) = try await follow(.status, unbounded: false) else { throw unexpected }
        status.clock = await supervisor.status
        return .status(status)
    }

    private func traffic(every interval: Duration) async throws -> FromSupervisor {
        guard case .traffic(let sample) = try await follow(.traffic(every: interval), unbounded: false) else {
            throw unexpected
        }
        return .traffic(sample)
    }

    private func clock(_ command: ClockCommand) async throws -> FromSupervisor {
        let isReal = await supervisor.mode == .real
        switch command {
        case .show: break
        case .set where isReal, .advance where isReal:
            throw LabFailure(
                "This lab runs on the host's own kernel, whose clock goes by itself: nobody can stop it or move it ahead.",
                remedy: "On the lab kernel it can be done: netlab up --kernel lab", exitCode: 2)
        case .set(let mode): await supervisor.setMode(mode)
        case .advance(let duration):
            let client = client
            try await supervisor.advance(by: duration) { client.send(.clockMoved($0)) }
        case .until(let condition, let deadline):
            let reply = try await supervisor.drive { _ in
                try await self.follow(.wait(condition, within: deadline), unbounded: true)
            }
            guard case .waited(let holds, let seen) = reply else { throw unexpected }
            return .waited(holds, lastSeen: seen, await supervisor.status)
        }
        return .clock(await supervisor.status)
    }

    private func exec(_ request: ExecRequest, input: AsyncStream<ExecInput>) async throws -> FromSupervisor {
        // Where the clock stands still, the command would wait for ever: it runs free for as long as the command does.
        let isPaused = await supervisor.mode == .paused
        guard case .exited(let code) = try await follow(.exec(request), unbounded: isPaused, input: input) else {
            throw unexpected
        }
        return .exited(code: code)
    }

    private func probe(_ request: ProbeRequest) async throws -> FromSupervisor {
        // As for a command: on a clock that stands still, nothing would ever arrive.
        let isPaused = await supervisor.mode == .paused
        guard case .probed(let result) = try await follow(.probe(request), unbounded: isPaused) else {
            throw unexpected
        }
        return .probed(result)
    }

    private func capture(_ request: CaptureRequest, file: String, input: AsyncStream<ExecInput>) async throws
        -> FromSupervisor
    {
        // One with an end would never come to it on a clock that stands still; one without lets others move the clock.
        let isPaused = await supervisor.mode == .paused
        let reply = try await follow(
            .capture(request, file: file), unbounded: isPaused && request.duration != nil, input: input)
        guard case .captured(let summary) = reply else { throw unexpected }
        return .captured(summary)
    }

    private func observe(_ request: ObservationRequest, file: String) async throws -> FromSupervisor {
        let reply = try await supervisor.drive { _ in
            try await self.follow(.observe(request, file: file), unbounded: true)
        }
        guard case .observed(let observation) = reply else { throw unexpected }
        return .observed(observation)
    }

    private func faults(_ request: AgentRequest) async throws -> FromSupervisor {
        guard case .faults(let active) = try await follow(request, unbounded: false) else { throw unexpected }
        return .faults(active)
    }

    /// The end of `input` as a message ends the script early; what has been measured by then is the answer.
    private func play(_ script: Script, file: String, input: AsyncStream<ExecInput>) async throws -> FromSupervisor {
        let reply = try await supervisor.drive { _ in
            try await self.follow(.play(script, file: file), unbounded: true, length: script.length, input: input)
        }
        guard case .played(let record) = reply else { throw unexpected }
        return .played(record)
    }

    private func examine(_ features: [KernelFeature]) async throws -> FromSupervisor {
        guard case .examined(let findings) = try await follow(.examine(features), unbounded: true) else {
            throw unexpected
        }
        return .examined(findings)
    }

    /// Passes on what comes with a request, in both directions, and returns its reply.
    private func follow(
        _ request: AgentRequest, unbounded: Bool, length: Duration? = nil, input: AsyncStream<ExecInput>? = nil
    ) async throws -> AgentReply {
        let (id, answers) = await supervisor.ask(request, unbounded: unbounded, length: length)
        let feeder = Task {
            guard let input else { return }
            for await item in input { await supervisor.tell(id, item) }
        }
        defer { feeder.cancel() }
        return try await withTaskCancellationHandler {
            for await answer in answers {
                switch answer {
                case .progress(_, let progress): client.send(.progress(progress))
                case .output(_, let output): client.send(.output(output))
                case .grown(_, let bytes): client.send(.grown(bytes: bytes))
                case .passed(_, let time): client.send(.clockMoved(time))
                case .event(.daemonDied(let name, let reason, _), _): client.send(.notice("\(name) \(reason)"))
                case .event(.spinning(let processes), _):
                    client.send(
                        .notice(
                            "The lab's clock stands still; using the processor: \(processes.joined(separator: "; "))"))
                case .reply(_, .failed(let failure), _): throw failure
                case .reply(_, let reply, _): return reply
                case .ready, .received, .opened, .held: break
                }
            }
            throw await supervisor.endedFailure
        } onCancel: {
            Task { await supervisor.cancel(id) }
        }
    }

    private var unexpected: LabFailure { LabFailure("The agent answered something that was not asked.") }
}
