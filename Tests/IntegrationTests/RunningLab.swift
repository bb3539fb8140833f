import Foundation
import Testing

/// A lab that is up, and what tests do with it.
struct RunningLab: Sendable {
    let home: LabHome
    let name: String

    /// The lab that the suite's trait has brought up.
    @TaskLocal static var shared: RunningLab?

    /// The suite's lab; that there is none is the suite's own mistake.
    static var current: RunningLab {
        get throws { try #require(shared, "the suite has no .lab trait") }
    }

    var netlab: Netlab { home.netlab }

    /// Runs a command in a node.
    func exec(_ node: String, _ command: String..., input: [UInt8] = []) async throws -> Netlab.Result {
        try await netlab.execute(Netlab.program, ["exec", name, node, "--"] + command, input: input)
    }

    /// Runs a command in a node that has to succeed.
    func change(_ node: String, _ command: String..., sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let result = try await netlab.execute(Netlab.program, ["exec", name, node, "--"] + command)
        try #require(result.code == 0, result.account, sourceLocation: sourceLocation)
    }

    /// Pings as a person does, a second apart.
    func ping(_ destination: String, from node: String, count: Int = 3) async throws -> PingSummary {
        let result = try await exec(node, "ping", "-n", "-c", "\(count)", "-W", "2", destination)
        return try #require(PingSummary(result.output), result.account)
    }

    func status() async throws -> StatusView {
        let result = try await netlab.run("status", name, "--format", "json")
        try #require(result.code == 0, result.account)
        return try StatusView(json: result.output)
    }

    func clock(_ arguments: String...) async throws -> StatusView.Clock {
        let result = try await netlab.execute(Netlab.program, ["clock", name] + arguments + ["--format", "json"])
        try #require(result.code == 0, result.account)
        return try StatusView.decoder.decode(StatusView.Clock.self, from: Data(result.output.utf8))
    }

    /// Lets the lab's time run until a condition holds.
    ///
    /// - Returns: How long that took on the lab's clock.
    func until(_ condition: String, within limit: Duration) async throws -> Duration {
        let before = try await clock().time
        let after = try await clock("until", condition, "--within", "\(limit.components.seconds)s").time
        return after - before
    }
}

/// What ping(8) says at its end.
struct PingSummary: Equatable {
    let sent: Int
    let received: Int
    /// In milliseconds; nil when nothing came back.
    let shortest: Double?
    let longest: Double?

    var isLossless: Bool { sent > 0 && received == sent }

    init?(_ text: String) {
        guard let counts = text.firstMatch(of: /(\d+) packets transmitted, (\d+) received/), let sent = Int(counts.1),
            let received = Int(counts.2)
        else { return nil }
        (self.sent, self.received) = (sent, received)
        let times = text.firstMatch(of: /min\/avg\/max\/mdev = ([\d.]+)\/[\d.]+\/([\d.]+)\//)
        shortest = times.flatMap { Double($0.1) }
        longest = times.flatMap { Double($0.2) }
    }
}

/// Brings a lab up for a whole suite, paused, and takes it down when the suite is over.
struct LabTrait: SuiteTrait, TestScoping {
    let name: String
    let variant: String?
    let edit: @Sendable (String) -> String

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await LabHome.with { home in
            let argument = try variant.map { try home.copy(of: name, as: $0, editing: edit) } ?? name
            let result = try await home.netlab.run("up", argument, "--clock", "paused")
            try #require(result.code == 0, result.account)
            try await RunningLab.$shared.withValue(RunningLab(home: home, name: variant ?? name)) {
                try await function()
            }
        }
    }
}

extension Trait where Self == LabTrait {
    /// A lab that comes with netlab.
    static func lab(_ name: String) -> LabTrait { LabTrait(name: name, variant: nil, edit: { $0 }) }

    /// A copy of one, changed.
    static func lab(_ name: String, as variant: String, editing edit: @escaping @Sendable (String) -> String)
        -> LabTrait
    {
        LabTrait(name: name, variant: variant, edit: edit)
    }
}
