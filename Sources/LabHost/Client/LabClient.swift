import AgentProtocol
import CLinux
import FoundationEssentials
import Glibc
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
    /// - Throws: ``LabFailure`` as told by the lab, when it ends meanwhile, or when it is of another version of netlab.
    public func ask<Request: LabRequest>(
        _ request: Request, input: AsyncStream<ExecInput>? = nil, follow: (FromSupervisor) -> Void = { _ in }
    ) async throws -> Request.Reply {
        let connection = connection
        do {
            try connection.send(.hello(.current))
            try connection.send(.request(Request.name), body: request)
        } catch {
            connection.close()
            throw LabFailure("\(lab.name) cannot be asked for \(Request.name): \(error)")
        }
        let feeder = Task {
            guard let input else { return }
            for await item in input { try connection.send(.input(item)) }
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
        var hasGreeted = false
        for await (message, frame) in connection.incoming {
            switch message {
            case .hello(let version):
                hasGreeted = true
                guard ProtocolVersion.current.understands(version) else {
                    throw Self.otherVersion(of: lab, "\(version)")
                }
            case .progress, .output, .grown, .notice, .clockMoved: follow(message)
            case .failed(let failure): throw failure
            case .reply:
                do { return try frame.body() } catch {
                    throw LabFailure("The answer of \(lab.name) to \(Request.name) cannot be understood: \(error)")
                }
            }
        }
        if let failure = standstill.withLock(\.self) { throw failure }
        if let reason = connection.misunderstanding.reason {
            guard hasGreeted else { throw Self.otherVersion(of: lab, "another netlab, which does not say which") }
            throw LabFailure("What \(lab.name) says cannot be understood: \(reason)")
        }
        if !hasGreeted {
            // One that was just ending is gone in a moment; one that does not understand stays.
            try? await Task.sleep(for: .milliseconds(300))
            if case .running = lab.state() {
                throw Self.otherVersion(of: lab, "another netlab, which hangs up on this one")
            }
        }
        throw LabFailure(
            "The lab ended before it answered.", remedy: "`netlab list` shows what is left of it; its logs say more.")
    }

    private static func otherVersion(of lab: LabDirectory, _ version: String) -> LabFailure {
        LabFailure(
            "\(lab.name) was brought up by \(version), and this is \(ProtocolVersion.current): they do not understand each other.",
            remedy: "Ask it with that netlab, or take it down, which works: netlab down \(lab.name)",
            code: .otherVersion)
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
