import FoundationEssentials

/// How long scenarios took in an earlier test, on the host's clock.
public struct RecordedLengths: Sendable {
    private struct Name: Hashable {
        let lab, scenario: String
        let variant: String?
    }

    private let lengths: [Name: Duration]

    /// The most bytes of a report.
    public static let mostBytes = 1 << 30

    private struct Report: Decodable {
        struct Run: Decodable {
            let lab, scenario: String
            let variant: String?
            let wallNanoseconds: Int64
        }

        let runs: [Run]
    }

    /// - Parameter json: The text of a test's report.json.
    /// - Throws: ``ShardError`` for what is none.
    public init(json: String) throws(ShardError) {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let report: Report
        do {
            report = try decoder.decode(Report.self, from: Data(json.utf8))
        } catch {
            throw ShardError("it is no report of a test")
        }
        lengths = Dictionary(grouping: report.runs) { Name(lab: $0.lab, scenario: $0.scenario, variant: $0.variant) }
            .mapValues { runs in
                runs.reduce(.zero) { $0 + .nanoseconds(max(0, $1.wallNanoseconds)) } / runs.count
            }
    }

    /// On average of all repetitions; nil for a scenario that was not played.
    public func length(of scenario: String, lab: String, variant: String?) -> Duration? {
        lengths[Name(lab: lab, scenario: scenario, variant: variant)]
    }
}
