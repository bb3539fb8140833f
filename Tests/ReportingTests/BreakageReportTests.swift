import NetworkTypes
import Predictions
import Testing

@testable import Reporting

@Suite struct BreakageReportTests {
    private static func row(_ during: Prediction.Way) throws -> BreakageReport.Row {
        let way = Prediction.Way(forth: ["fast"], back: ["fast"])
        let prediction = Prediction(
            fault: "cut fast", probe: "app", effect: .untilHealed, comeback: nil, before: way, during: during,
            reasons: [])
        let report = BreakageReport(predicted: [("tunnel fast cut", [prediction])])
        return try #require(report.rows.first)
    }

    @Test func `Ways that differ there and back are told apart`() throws {
        let same = try Self.row(Prediction.Way(forth: ["cheap"], back: ["cheap"]))
        #expect(same.instead == ["cheap"] && same.insteadForth == nil && same.insteadBack == nil)
        let other = try Self.row(Prediction.Way(forth: ["cheap"], back: ["leased"]))
        #expect(other.instead == ["cheap", "leased"])
        #expect(other.insteadForth == ["cheap"] && other.insteadBack == ["leased"])
        let prediction = Prediction(
            fault: "cut fast", probe: "app", effect: .untilHealed, comeback: nil,
            before: Prediction.Way(forth: ["fast"], back: ["fast"]),
            during: Prediction.Way(forth: ["cheap"], back: ["leased"]), reasons: [])
        let text = BreakageReport(predicted: [("tunnel fast cut", [prediction])]).text(style: .plain)
        #expect(text.contains("cheap / leased"), "\(text)")
    }
}
