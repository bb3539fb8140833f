import Foundation
import SystemPackage
import Testing

/// What `netlab test --format json` says. Spelled out here, not imported: scripts rely on these names.
struct TestView: Decodable {
    struct Totals: Decodable, Equatable {
        let runs, passed, failed, inconclusive, broken: Int
    }

    struct Span: Decodable {
        let earliestNanoseconds: Int64
        let latestNanoseconds: Int64
    }

    struct Prediction: Decodable {
        let effect: String
        let window: Span?
        let comeback: Span?
        let reasons: [String]
    }

    struct Outage: Decodable {
        let lost: Int
        let atLeastNanoseconds: Int64
        let atMostNanoseconds: Int64?
    }

    struct Judgement: Decodable {
        let flow: String
        let fault: String
        let subject: String
        let outcome: String
        let seen: String
        let measured: [Outage]
        let predicted: Prediction?
    }

    struct Check: Decodable {
        let outcome: String
        let mustHold: Bool
        let verdict: CheckView.Verdict
    }

    struct Flow: Decodable {
        let name: String
        let sent: Int
        let lost: Int
    }

    struct Run: Decodable {
        let scenario: String
        let outcome: String
        let isPartial: Bool
        let checks: [Check]
        let claims: [CheckView.Verdict]
        let flows: [Flow]
        let judgements: [Judgement]
        let failures: [String]

        func judgement(_ flow: String, _ subject: String) -> Judgement? {
            judgements.first { $0.flow == flow && $0.subject == subject }
        }
    }

    let outcome: String
    let isPartial: Bool
    let totals: Totals
    let runs: [Run]

    init(json: String) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(Self.self, from: Data(json.utf8))
    }

    /// The report in a run's directory.
    init(in directory: FilePath) throws {
        try self.init(json: String(contentsOfFile: directory.appending("report.json").string, encoding: .utf8))
    }
}
