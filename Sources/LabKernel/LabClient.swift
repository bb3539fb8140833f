import AgentProtocol
import CLinux
import FoundationEssentials
import Glibc
import LabModel
import LabPlan
import NetworkTypes
import Synchronization
import SystemPackage

/// A command's connection to a running lab.
public struct LabClient: Sendable {
    private let connection: FrameChannel<FromSupervisor, ToSupervisor>
    private let lab: LabDirectory

    /// How long a supervisor may keep somebody waiting that a signal has stopped.
    private static let limit = Duration.seconds(20)

    /// Connects to a lab's supervisor.
    ///
    /// - Throws: ``LabFailure`` when nobody answers there.
    public init(_ lab: LabDirectory) async throws {
        self.lab = lab
        do {
            connection = try .connecting(to: lab.socket.string)
        } catch {
            throw LabFailure(
                "The supervisor of \(lab.name) does not answer: \(error)",
                remedy: "`netlab down \(lab.name)` cleans up after it.")
        }
    }

    /// Sends a request and calls `follow` for what comes before its answer.
    ///
    /// - Parameter input: What goes along with the request, for a program that runs in the lab.
    /// - Returns: The answer.
    /// - Throws: ``LabFailure`` as told by the lab, or when it ends meanwhile.
    public func ask(
        _ request: ToSupervisor, input: AsyncStream<ExecInput>? = nil, follow: (FromSupervisor) -> Void = { _ in }
    ) async throws -> FromSupervisor {
        connection.send(request)
        let connection = connection
        let feeder = Task {
            guard let input else { return }
            for await item in input { connection.send(.input(item)) }
        }
        let standstill = Mutex<LabFailure?>(nil)
        let watch = Task { [lab] in
            guard let failure = try await Self.standstill(of: lab) else { return }
            standstill.withLock { $0 = failure }
            connection.close()
        }
        defer {
            watch.cancel()
            feeder.cancel()
            connection.close()
        }
        for await message in connection.incoming {
            switch message {
            case .progress, .output, .grown, .notice, .clockMoved: follow(message)
            case .failed(let failure): throw failure
            case .done, .status, .traffic, .clock, .waited, .exited, .probed, .captured, .observed, .faults, .played,
                .examined:
                return message
            }
        }
        if let failure = standstill.withLock(\.self) { throw failure }
        throw LabFailure(
            "The lab ended before it answered.", remedy: "`netlab list` shows what is left of it; its logs say more.")
    }

    /// Waits until a lab's supervisor has been stopped (SIGSTOP) for too long; nil when it is gone.
    private static func standstill(of lab: LabDirectory) async throws -> LabFailure? {
        guard case .running(let record) = lab.state() else { return nil }
        var since: ContinuousClock.Instant?
        while true {
            try await Task.sleep(for: .seconds(1))
            guard let state = ProcessTable.state(of: record.supervisor) else { return nil }
            guard state == "T" || state == "t" else {
                since = nil
                continue
            }
            let begin = since ?? .now
            since = begin
            guard .now - begin >= limit - .seconds(1) else { continue }
            return LabFailure(
                "The supervisor of \(lab.name), process \(record.supervisor), has been stopped by a signal or a debugger.",
                remedy: "Let it go on (kill -CONT \(record.supervisor)), or take the lab down: netlab down \(lab.name)")
        }
    }
}
