import AgentProtocol
import LabModel
import LabRecords
import NetworkTypes
import NodeRuntime
import Probing

extension RunningLab {
    /// Does what a script says, from the next whole second of the lab's clock on.
    ///
    /// Faults that are active at its end stay.
    ///
    /// - Parameters:
    ///   - file: Where the script's capture goes, as the agent sees it; the captures of its steps go beside it.
    ///   - input: An end of file ends the script early; what has come of it by then is the result.
    ///   - progress: Called with the lab's time now and then.
    /// - Throws: ``LabFailure`` for a script that cannot be begun; `CancellationError`. A step that fails is part of the
    ///   record.
    func play(
        _ script: Script, file: String, input: AsyncStream<ExecInput>, progress: @escaping @Sendable (LabTime) -> Void
    ) async throws -> ScriptRecord {
        let flows = try script.flows.map { try EchoFlow($0, id: nextProbe(), in: sandbox($0.source)) }
        let run = try FlowRun(flows, answering: responders(for: script.flows))
        let recorder = try EventRecorder(topology, sandboxes: sandboxes, board: events)
        let samples = RecordedSamples()
        samples.append(try sample())
        let traffic = RecordedTraffic()
        var capture: CaptureSession?
        if let request = script.capture { capture = try await self.capture(request, file: file) { _ in } }

        let start = (LabClock.now + Self.margin).roundedUp(to: Self.grain)
        let end = start + script.length
        let sending = Task { try await offThread { run.run(from: start, until: end) } }
        let performance = ScriptPerformance(script, start: start, directory: file, capture: capture)
        let isPartial = await withTaskCancellationHandler {
            await performance.run(in: self, input: input, samples: samples, traffic: traffic, progress: progress)
        } onCancel: {
            run.abandon()
        }
        if Task.isCancelled {
            // Nobody waits for an answer to a request that was given up.
            await capture?.abandon()
            _ = try? await sending.value
            _ = try? await recorder.finish()
            throw CancellationError()
        }
        let endedAt = LabClock.now
        if isPartial { run.end() }
        try await sending.value
        samples.append(try sample())
        if script.trafficInterval != nil { traffic.append(try self.traffic()) }
        let summary = try await capture?.finish()
        return ScriptRecord(
            startedAtNanoseconds: start.nanoseconds, endedAtNanoseconds: endedAt.nanoseconds,
            realTimeOffsetNanoseconds: LabClock.realTimeOffset, steps: performance.steps, flows: run.records,
            events: try await recorder.finish(), samples: samples.all, traffic: traffic.all,
            capture: summary, isPartial: isPartial)
    }

    /// Runs a scenario's command in its node to its end, or to its limit.
    ///
    /// - Throws: ``LabFailure`` where it cannot be started; `CancellationError`.
    func run(_ command: Scenario.Command) async throws -> CommandResult {
        do {
            let (end, lines) = try await NodeProcess.run(
                command.arguments, in: sandbox(command.node), within: command.limit)
            return CommandResult(code: end, lastLines: lines)
        } catch let failure as LabFailure where failure.code == .noSuchProgram {
            // As a shell has it.
            return CommandResult(code: 127, lastLines: [failure.message])
        }
    }

    /// Who answers flows over UDP: one at each node that is asked, for either family of addresses.
    private func responders(for flows: [FlowRequest]) throws -> [EchoResponder] {
        struct Place: Hashable {
            let node: String
            let bits: Int
        }
        var places: Set<Place> = []
        return try flows.compactMap { flow in
            guard flow.transport != .icmp else { return nil }
            guard let node = topology.node(behind: flow.destination) else {
                throw LabFailure(
                    "\(flow.name): \(flow.destination) is no node of this lab, so nobody answers what goes over UDP.",
                    code: .wrongInput)
            }
            guard places.insert(Place(node: node, bits: flow.destination.bitWidth)).inserted else { return nil }
            return try EchoResponder(in: sandbox(node), for: flow.destination)
        }
    }

    /// Scripts begin at round times, so that two labs with one seed begin theirs at the same one however long the agent
    /// takes, but not so soon that somebody could come too late.
    private static let grain = Duration.seconds(1)
    private static let margin = Duration.milliseconds(1)
}

extension LabTime {
    /// The next multiple of a duration, this time included.
    func roundedUp(to grain: Duration) -> LabTime {
        let unit = grain.wholeNanoseconds
        return LabTime(nanoseconds: (nanoseconds + unit - 1) / unit * unit)
    }
}
