import AgentProtocol
import LabPlan
import LabRecords
import NetworkTypes
import NodeRuntime
import Synchronization

/// Takes a script's steps at their times.
final class ScriptPerformance: Sendable {
    private let script: Script
    private let start: LabTime
    private let directory: String
    private let capture: CaptureSession?
    private let taken = Mutex<[ScriptRecord.StepRecord]>([])

    /// How often progress is told: this many times, but not more often than that.
    private static let reports = 50
    private static let shortestReport = Duration.milliseconds(100)

    private enum Ending {
        case completed, early
    }

    /// How long the script's capture gathers packets while a check moves files: at 0.5 Gbit/s some 4200 packets of ESP pass
    /// in this time, and its buffers hold more than 7000 beginnings of packets.
    private static let gatheringInChecks = Duration.milliseconds(100)

    /// - Parameters:
    ///   - directory: That of the lab's logs, or a file in it.
    ///   - capture: The script's own.
    init(_ script: Script, start: LabTime, directory file: String, capture: CaptureSession?) {
        self.capture = capture
        self.script = script
        self.start = start
        directory = String(file.prefix(through: file.lastIndex(of: "/") ?? file.startIndex))
    }

    /// Those begun so far, in order.
    var steps: [ScriptRecord.StepRecord] { taken.withLock { $0 } }

    /// Goes through the script.
    ///
    /// - Returns: Whether it was broken off, by its input or because the task was cancelled.
    func run(
        in lab: RunningLab, input: AsyncStream<ExecInput>, samples: RecordedSamples, traffic: RecordedTraffic,
        progress: @escaping @Sendable (LabTime) -> Void
    ) async -> Bool {
        await withTaskGroup(of: Ending?.self) { group in
            group.addTask { await self.takeSteps(in: lab) ? .completed : nil }
            group.addTask {
                for await item in input where item == .endOfFile { return .early }
                return nil
            }
            group.addTask {
                await self.every(self.reportInterval) { progress(LabClock.now) }
                return nil
            }
            if let interval = script.samplingInterval, interval > .zero {
                group.addTask {
                    await self.every(interval) { if let sample = try? await lab.sample() { samples.append(sample) } }
                    return nil
                }
            }
            if let interval = script.trafficInterval, interval > .zero {
                group.addTask {
                    let count: @Sendable () async -> Void = {
                        if let sample = try? await lab.traffic() { traffic.append(sample) }
                    }
                    guard await self.sleep(until: self.start) else { return nil }
                    await count()
                    await self.every(interval, count)
                    return nil
                }
            }
            var ending = Ending.early
            for await result in group {
                guard let result else { continue }
                ending = result
                break
            }
            group.cancelAll()
            return ending == .early
        }
    }

    private var reportInterval: Duration { max(Self.shortestReport, script.length / Self.reports) }

    /// Does something at regular times, the beginning and the end left out.
    private func every(_ interval: Duration, _ body: () async -> Void) async {
        var at = start + interval
        while at < start + script.length, await sleep(until: at) {
            await body()
            at = at + interval
        }
    }

    /// - Returns: Whether the script's end was reached.
    private func takeSteps(in lab: RunningLab) async -> Bool {
        for step in script.steps {
            guard await sleep(until: start + step.at) else { return false }
            let from = LabClock.now
            var observation: Observation?
            var command: CommandResult?
            var failure: String?
            do {
                (observation, command) = try await take(step.action, in: lab)
            } catch {
                // One that was broken off together with the script has not failed.
                failure = Task.isCancelled ? nil : "\(error)"
            }
            taken.withLock {
                $0.append(
                    ScriptRecord.StepRecord(
                        action: step.action, fromNanoseconds: from.nanoseconds,
                        toNanoseconds: LabClock.now.nanoseconds, observation: observation, command: command,
                        failure: failure))
            }
        }
        return await sleep(until: start + script.length)
    }

    private func take(
        _ action: Script.Action, in lab: RunningLab
    ) async throws -> (observation: Observation?, command: CommandResult?) {
        switch action {
        case .fail(let faults):
            _ = try await lab.fail(faults, for: nil)
            return (nil, nil)
        case .heal(let faults):
            _ = try await lab.heal(faults)
            return (nil, nil)
        case .observe(let request, let file):
            capture?.gather(for: Self.gatheringInChecks)
            defer { if let usual = script.capture?.gathering { capture?.gather(for: usual) } }
            return (try await lab.observe(request, file: directory + file), nil)
        case .exec(let command):
            return (nil, try await lab.run(command))
        }
    }

    /// - Returns: False if the task was cancelled meanwhile.
    private func sleep(until time: LabTime) async -> Bool {
        (try? await LabSleep.wait(until: time)) != nil
    }
}
