import Expectations
import Foundation
import Futures
import LabModel
import LabRecords
import NetworkTypes
import Predictions
import Recordings
import Reporting
import Testing

@Suite struct FutureReportTests {
    private static let second: Int64 = 1_000_000_000
    private static let cut = Fault.blackHole(link: "wan", sender: nil)
    private static let other = Fault.blackHole(link: "backup", sender: nil)

    /// A flow of a hundred seconds that loses what it sends in so many tenths from the 10th second on, and from the 50th on.
    private static func run(
        lost: [Int], faults: [[Fault]] = [[cut]],
        effects: [Prediction.Effect] = [.outage(Window(.seconds(5), .seconds(9)))],
        failures: [String] = []
    ) -> TestRun {
        let gone = Set(zip([100, 500], lost).flatMap { $0..<($0 + $1) })
        let record = FlowRecord(
            request: FlowRequest(
                name: "workload", source: "a", sourceAddress: nil, destination: IPAddress("10.2.0.2")!,
                interval: .milliseconds(100)),
            id: 1, identifier: 1, sentAtNanoseconds: (0..<1000).map { Int64($0) * second / 10 },
            roundTripNanoseconds: (0..<1000).map { gone.contains($0) ? -1 : 3_000_000 }, duplicates: 0, reordered: 0,
            unsent: 0, localErrors: [])
        let flow = FlowResult(record, trace: nil)
        let incidents = faults.enumerated().map { place, faults in
            Incident(nanoseconds: Int64(10 + 40 * place) * second - 50_000_000, begun: faults)
        }
        let judge = OutageJudge(incidents: incidents, endedAt: 100 * second) { incident, flow in
            Prediction(
                fault: incident.text, probe: flow.probe,
                effect: effects[incidents.firstIndex(of: incident) ?? 0], comeback: nil,
                before: .init(forth: ["main"], back: ["main"]), during: nil, reasons: [])
        }
        return TestRun(
            lab: "lab", scenario: "future", variant: nil, repetition: 1, length: .seconds(100), wallTime: .seconds(1),
            flows: failures.isEmpty ? [flow] : [], judgements: failures.isEmpty ? judge.judgements(of: [flow]) : [],
            failures: failures)
    }

    private static func outcomes(_ lost: [Int], of plan: FuturePlan) -> [FutureOutcome] {
        lost.enumerated().map { place, lost in FutureOutcome(plan.future(place + 1), run(lost: [lost])) }
    }

    private static let plan = FuturePlan(courses: [[[cut]]], span: .seconds(60), seed: 7)

    private static func report(_ outcomes: [FutureOutcome], plan: FuturePlan = plan) -> FutureReport {
        var kept = KeptFutures()
        for outcome in outcomes { kept.take(outcome) }
        return FutureReport(
            lab: "lab", variant: nil, plan: plan, outcomes: outcomes,
            kept: kept.reasons.mapValues { ("/tmp/future", $0) }, again: "netlab explore lab")
    }

    @Test func `Figures are those of all futures, in any order`() throws {
        let outcomes = Self.outcomes([70, 60, 80, 50, 0], of: Self.plan)
        for some in [outcomes, outcomes.reversed()] {
            let report = Self.report(some)
            let trip = try #require(report.distributions.first { $0.key.direction == .roundTrip })
            // So many requests a tenth of a second apart: the next ones before and after them got through.
            #expect(trip.lengths.map(\.length.inMilliseconds) == ["5.100 s", "6.100 s", "7.100 s", "8.100 s"])
            #expect(trip.flows == 5 && trip.outages == 4 && trip.unended == 0)
            #expect(trip.shortest?.future == 4 && trip.longest?.future == 3)
            #expect(
                trip.length(percentile: 50) == .milliseconds(6100) && trip.length(percentile: 95) == .milliseconds(8100)
            )
            #expect(trip.window == Window(.seconds(5), .seconds(9)))
            // A flow that is to be out for 5 s at least, and lost nothing, fails.
            #expect(report.outcome == .fail && report.outcomes.map(\.outcome) == [.pass, .pass, .pass, .pass, .fail])
            #expect(Set(report.kept.keys) == [3, 4, 5])
            #expect(report.kept[5]?.reasons == ["failed"])
            #expect(report.kept[3]?.reasons == ["longest of workload (round trip)"])
        }
    }

    @Test func `The text`() {
        let text = Self.report(Self.outcomes([70, 60, 80, 50], of: Self.plan)).text(style: .plain)
        #expect(
            text == """
                lab: blackhole wan, 4 futures over 1m, seeds 7 to 10

                From the last packet that got through to the next
                     FLOW      DIRECTION   OUTAGES    MIN      MEDIAN   P95      MAX      PREDICTED
                  ✓  workload  round trip  4 of 4     5.100 s  6.100 s  8.100 s  8.100 s  5.000 s to 9.000 s
                               forth       none of 4  -        -        -        -
                               back        none of 4  -        -        -        -

                workload, round trip; predicted: 5.000 s to 9.000 s
                  5s to 5.5s  ████████████████████████████████████████ 1
                  5.5s to 6s
                  6s to 6.5s  ████████████████████████████████████████ 1
                  6.5s to 7s
                  7s to 7.5s  ████████████████████████████████████████ 1
                  7.5s to 8s
                  8s to 8.5s  ████████████████████████████████████████ 1
                  8.5s to 9s
                  9s to 9.5s

                Kept, with captures and logs, and played again by: netlab explore lab --future N
                  FUTURE  MOMENT    WHY
                  3       51.246 s  longest of workload (round trip)
                  4       28.328 s  shortest of workload (round trip)

                4 passed
                """, "\(text)")
    }

    @Test func `A future outside the window is told of`() {
        let text = Self.report(Self.outcomes([70, 95], of: Self.plan)).text(style: .plain)
        #expect(
            text.contains(
                """
                ✗ future 2: fail
                    workload, blackhole wan: out for 9.400 s to 9.600 s, 95 packets lost; expected: an outage of 5.000 s to 9.000 s
                """), "\(text)")
        #expect(text.hasSuffix("1 passed, 1 failed"))
    }

    @Test func `A lab that broke outweighs all else`() {
        let broken = FutureOutcome(Self.plan.future(2), Self.run(lost: [0], failures: ["no lab"]))
        let report = Self.report(Self.outcomes([95], of: Self.plan) + [broken])
        #expect(report.outcome == .broken && report.kept[2]?.reasons == ["broken"])
        #expect(report.text(style: .plain).contains("✗ future 2: broken\n    no lab"))
        #expect(
            FutureReport(lab: "lab", variant: nil, plan: Self.plan, outcomes: [], again: "").outcome == .inconclusive)
    }

    /// The second fault does nothing by itself, and after the first one it cuts all off.
    @Test func `What two faults do only together`() throws {
        let plan = FuturePlan(courses: FuturePlan.pairs(of: [Self.cut, Self.other]), span: .seconds(60), seed: 1)
        let window = Prediction.Effect.outage(Window(.seconds(5), .seconds(9)))
        let outcomes = [
            FutureOutcome(
                plan.future(1),
                Self.run(lost: [70, 500], faults: plan.future(1).groups, effects: [window, .untilHealed])),
            FutureOutcome(
                plan.future(2), Self.run(lost: [0, 70], faults: plan.future(2).groups, effects: [.none, window])),
        ]
        let report = FutureReport(
            lab: "lab", variant: nil, plan: plan, outcomes: outcomes, again: "",
            alone: [
                FutureReport.Lone(faults: [Self.cut], probe: "workload"): window,
                FutureReport.Lone(faults: [Self.other], probe: "workload"): .none,
            ])
        let text = report.text(style: .plain)
        #expect(
            text
                == """
                lab: 2 pairs of faults, 2 futures over 1m, seeds 1 to 2

                What the second fault does, from the last answered request to the next
                     FAULTS                                FLOW      OUTAGES                  MIN      MAX      PREDICTED           THE SECOND ALONE
                  ✓  blackhole wan, then blackhole backup  workload  1 of 1, 1 until the end  -        -        until it is mended  no packet lost      only together
                  ✓  blackhole backup, then blackhole wan  workload  1 of 1                   7.100 s  7.100 s  5.000 s to 9.000 s  5.000 s to 9.000 s

                2 passed
                """, "\(text)")
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(JSONText.of(report).utf8)) as? [String: Any])
        let distributions = try #require(json["distributions"] as? [[String: Any]])
        let together = distributions.filter { $0["is_only_together"] as? Bool == true }
        #expect(together.count == 1 && together.first?["predicted"] as? String == "until it is mended")
        #expect(together.first?["before"] as? [[String]] == [["blackhole wan"]])
    }

    @Test func `The JSON has each future`() throws {
        let report = Self.report(Self.outcomes([70, 60], of: Self.plan))
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(JSONText.of(report).utf8)) as? [String: Any])
        let futures = try #require(json["futures"] as? [[String: Any]])
        #expect(futures.map { $0["number"] as? Int } == [1, 2] && futures.map { $0["seed"] as? Int } == [7, 8])
        let outages = try #require(futures[0]["outages"] as? [[String: Any]])
        #expect(outages.count == 1 && outages[0]["at_least_nanoseconds"] as? Int == 6_900_000_000)
        #expect(outages[0]["fault_nanoseconds"] as? Int == 9_950_000_000)
        #expect((json["totals"] as? [String: Int])?["passed"] == 2)
    }
}
