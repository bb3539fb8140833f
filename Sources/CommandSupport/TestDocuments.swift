import ArgumentParser
import LabModel
import Pages
import Reporting

/// A test's reports: what it prints, and what it leaves in its directory.
package struct TestDocuments {
    package enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json, junit
    }

    private let report: TestReport
    private let labs: [Topology]
    private let places: [String]
    private let testedWith: [String]

    /// - Parameters:
    ///   - labs: Of each run.
    ///   - places: Each run's directory, below the test's own.
    ///   - testedWith: Versions and what has to be said of them, a line each.
    package init(report: TestReport, labs: [Topology], places: [String], testedWith: [String]) {
        self.report = report
        self.labs = labs
        self.places = places
        self.testedWith = testedWith
    }

    /// Writes all of them; the runs' directories are made where they are missing.
    package func write(to directory: RunDirectory) throws {
        try directory.write(JSONText.of(report) + "\n", to: "report.json")
        try directory.write(JUnitReport(report).text, to: "junit.xml")
        let page = TestPage(report, labs: labs, testedWith: testedWith) { places[$0] }
        try directory.write(page.text, to: "report.html")
        try directory.write(TestSummary(report, labs: labs).text, to: "summary.md")
        for (place, run) in zip(places, report.runs) {
            let own = try directory.below(place)
            try own.write(report.text(of: run, .plain, isVerbose: true) + "\n", to: "report.txt")
            try own.write(run.traffic.csv, to: "traffic.csv")
        }
    }

    package func show(_ format: Format, isVerbose: Bool, in directory: RunDirectory) throws {
        switch format {
        case .table:
            print(report.text(style: .standardOutput, isVerbose: isVerbose))
            print("Reports, captures and logs: \(directory.path)")
            print("To look at: \(directory.path)/report.html")
        case .json: print(try JSONText.of(report))
        case .junit: print(JUnitReport(report).text, terminator: "")
        }
    }
}

extension ExitStatus {
    /// Ends with the exit code that a test's outcome stands for; returns where all passed.
    package static func check(_ outcome: TestRun.Outcome) throws {
        switch outcome {
        case .pass: break
        case .fail: throw ExitCode(expectationFailed.rawValue)
        case .inconclusive: throw ExitCode(inconclusive.rawValue)
        case .broken: throw ExitCode(labBroke.rawValue)
        }
    }
}
