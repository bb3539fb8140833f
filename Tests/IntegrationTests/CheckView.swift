import Foundation
import SystemPackage
import Testing

/// What `netlab check --format json` says. Spelled out here, not imported: scripts rely on these names.
struct CheckView: Decodable {
    struct Verdict: Decodable {
        let expectation: String
        let kind: String
        let outcome: String
        let expected: String
        let rule: String
        let seen: String
        let isDerived: Bool
        let evidence: [Evidence]
    }

    struct Evidence: Decodable {
        let packet: Int
        let nanoseconds: Int64
        let interface: String
        let remark: String
        let line: String
    }

    let lab: String
    let outcome: String
    let capture: String?
    let verdicts: [Verdict]

    subscript(expectation: String) -> Verdict? { verdicts.first { $0.expectation == expectation } }

    /// The expectations with an outcome.
    func names(_ outcome: String) -> Set<String> {
        Set(verdicts.filter { $0.outcome == outcome }.map(\.expectation))
    }
}

/// A finished `netlab check`, and its report.
struct Check: Sendable {
    let result: Netlab.Result
    let report: CheckView

    var code: Int32 { result.code }
    var account: Comment { result.account }
}

extension RunningLab {
    /// Where the lab's logs and captures are.
    var logs: FilePath { home.state.appending("netlab/logs").appending(name) }

    /// Runs `netlab check` and reads its report; that there is none ends the test.
    func check(_ arguments: String...) async throws -> Check {
        // A file is examined without the lab, of which only its own file is read.
        let lab = arguments.contains("--capture") ? "\(home.path)/\(name)" : name
        let result = try await netlab.execute(Netlab.program, ["check", lab] + arguments + ["--format", "json"])
        let report = try? StatusView.decoder.decode(CheckView.self, from: Data(result.output.utf8))
        return Check(result: result, report: try #require(report, result.account))
    }

    /// Captures while `body` runs, and then ends the capture as Ctrl-C does.
    func capturing(_ arguments: String..., while body: () async throws -> Void) async throws -> Netlab.Result {
        try await whileCapturing(Netlab.program, ["capture", name] + arguments) { capture in
            try await body()
            kill(capture, SIGINT)
        }
    }

    /// Runs a program that captures, and calls `body` with the capture's process once it has begun.
    func whileCapturing(_ program: FilePath, _ arguments: [String], _ body: (pid_t) async throws -> Void) async throws
        -> Netlab.Result
    {
        async let result = netlab.execute(program, arguments)
        var capture: pid_t?
        try await eventually(within: .seconds(20), "the capture") {
            capture = spools.first { !Host.contents("\(logs)/\($0)").isEmpty }.flatMap { pid_t($0.filter(\.isNumber)) }
            return capture != nil
        }
        if let capture { try await body(capture) }
        return try await result
    }

    /// The files of captures under way.
    var spools: [String] { Host.files(below: logs).filter { $0.hasPrefix("capture-") } }
}

extension RunningLab {
    /// Runs `body` with replacements in the lab's file, which has to be a copy; each has to be there to be replaced.
    func editing<Result>(_ edits: [(String, String)], _ body: () async throws -> Result) async throws -> Result {
        guard !edits.isEmpty else { return try await body() }
        let file = "\(home.path)/\(name)/lab.yaml"
        let original = Host.contents(file)
        var text = original
        for (old, new) in edits {
            try #require(text.contains(old), "\(old)")
            text = text.replacing(old, with: new)
        }
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        defer { try? original.write(toFile: file, atomically: true, encoding: .utf8) }
        return try await body()
    }
}
