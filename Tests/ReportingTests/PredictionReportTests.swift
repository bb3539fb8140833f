import Failover
import Reporting
import Testing

@Suite struct PredictionReportTests {
    private let main = Prediction.Way(forth: ["main"], back: ["main"])

    private func prediction(_ probe: String, _ effect: Prediction.Effect, reasons: [String]) -> Prediction {
        Prediction(
            fault: "f", probe: probe, effect: effect, comeback: Window(.zero, .seconds(16)), before: main,
            during: Prediction.Way(forth: ["main", "b"], back: []), reasons: reasons)
    }

    @Test func aTableAndTheReasons() {
        let report = PredictionReport(
            lab: "lab", faults: ["f"], versions: .measured,
            predictions: [
                prediction("a", .outage(Window(.milliseconds(12_500), .seconds(33))), reasons: ["one.", "two."]),
                prediction("b", .outage(Window(.milliseconds(12_500), .seconds(33))), reasons: ["one.", "two."]),
                prediction("c", .unpredictable("why not"), reasons: ["three."]),
            ])
        #expect(
            report.text(style: .plain) == """
                lab: f  (libreswan 4.10, BIRD 2.0.12)

                PROBE  EFFECT                  OUTAGE        COMEBACK   BEFORE  DURING
                a      outage                  12.5s to 33s  0s to 16s  main    main+b / no tunnel
                b      outage                  12.5s to 33s  0s to 16s  main    main+b / no tunnel
                c      unpredictable: why not  -             0s to 16s  main    main+b / no tunnel

                a, b
                  - one.
                  - two.

                c
                  - three.
                """)
    }

    @Test func aWindowThatSaysNothingIsWarnedOf() throws {
        let wide = prediction("a", .outage(Window(.zero, .seconds(100))), reasons: [])
        let report = PredictionReport(lab: "lab", faults: ["f"], versions: .measured, predictions: [wide])
        #expect(report.text(style: .plain).hasSuffix("The window of a is too wide to prove anything."))
        #expect(try JSONText.of(report).contains("\"say_nothing\" : [\n    \"a\"\n  ]"))
    }
}
