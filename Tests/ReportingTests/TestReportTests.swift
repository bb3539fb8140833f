import Expectations
import Foundation
import LabRecords
import NetworkTypes
import Predictions
import Recordings
import Reporting
import Testing

@Suite struct TestReportTests {
    private static let second: Int64 = 1_000_000_000

    private static func verdict(_ name: String, _ outcome: Verdict.Outcome) -> Verdict {
        Verdict(
            expectation: name, kind: "bgp", outcome: outcome, expected: "up", rule: "lab.yaml:7",
            seen: "as \"seen\" <&>")
    }

    /// A flow that loses its requests 100 to 350 of 600.
    private static func record(lost: Range<Int> = 100..<350) -> FlowRecord {
        FlowRecord(
            request: FlowRequest(
                name: "workload", source: "a", sourceAddress: nil, destination: IPAddress("10.2.0.2")!,
                interval: .milliseconds(100)),
            id: 1, identifier: 1, sentAtNanoseconds: (0..<600).map { Int64($0) * second / 10 },
            roundTripNanoseconds: (0..<600).map { lost.contains($0) ? -1 : 3_000_000 }, duplicates: 2, reordered: 1,
            unsent: 0, localErrors: [])
    }

    private static func run(
        repetition: Int = 1, lost: Range<Int> = 100..<350, window: Window = Window(.seconds(20), .seconds(31)),
        checks: [TestRun.Check] = [], published: [String: String] = [:], failures: [String] = [],
        isPartial: Bool = false
    ) -> TestRun {
        let flow = FlowResult(record(lost: lost), trace: nil)
        let judge = OutageJudge(
            incidents: [Incident(nanoseconds: 10 * second, begun: [.linkDown("wan & <1>")])], endedAt: 60 * second,
            predict: { incident, flow in
                Prediction(
                    fault: incident.text, probe: flow.probe, effect: .outage(window), comeback: nil,
                    before: .init(forth: ["main"], back: ["main"]), during: nil, reasons: ["hold timer 30 s"])
            })
        return TestRun(
            lab: "aws-oci", scenario: "main-cut", variant: nil, repetition: repetition, length: .seconds(60),
            wallTime: .milliseconds(1300), beganAt: 0, checks: checks, flows: [flow],
            judgements: judge.judgements(of: [flow]), claims: [],
            events: [LabEvent(nanoseconds: 15 * second, node: "a", kind: .alarm(monitor: "inside", isRaised: true))],
            publishedOutages: published, failures: failures, isPartial: isPartial)
    }

    private static func check(_ outcome: Verdict.Outcome, mustHold: Bool = true) -> TestRun.Check {
        .init(at: .seconds(5), verdict: verdict("main-bgp", outcome), mustHold: mustHold)
    }

    @Test func `A run that passed`() {
        let text = TestReport(runs: [Self.run(checks: [Self.check(.pass)])]).text(style: .plain)
        #expect(
            text == """
                ✓ aws-oci main-cut  1m in 1.300 s of wall time
                     FLOW      AFTER                MEASURED                                        EXPECTED
                  ✓  workload  link wan & <1> down  out for 24.900 s to 25.100 s, 250 packets lost  an outage of 20.000 s to 31.000 s
                  ✓ 1 check as expected
                  alarm of inside raised at 15.000 s

                1 passed
                """, "\(text)")
    }

    /// Those of one probe that fared alike are one line, the longest outage's.
    @Test func `Flows of one probe are told together`() {
        let flows = (1...5).map { number in
            FlowResult(
                FlowRecord(
                    request: FlowRequest(
                        name: "app#\(number)", probe: "app", over: .udp(sourcePort: 61_000), source: "a",
                        sourceAddress: nil, destination: IPAddress("10.2.0.2")!, interval: .milliseconds(100)),
                    id: 1, identifier: 1, sentAtNanoseconds: (0..<600).map { Int64($0) * Self.second / 10 },
                    roundTripNanoseconds: (0..<600).map {
                        number <= 3 && (100..<(340 + number)).contains($0) ? -1 : 3_000_000
                    }, duplicates: 0, reordered: 0, unsent: 0, localErrors: []), trace: nil)
        }
        let judge = OutageJudge(
            incidents: [Incident(nanoseconds: 10 * Self.second, begun: [.linkDown("wan")])], endedAt: 60 * Self.second
        ) { incident, flow in
            let isOut = flow.outages(.roundTrip).isEmpty == false
            return Prediction(
                fault: incident.text, probe: flow.probe,
                effect: isOut ? .outage(Window(.seconds(20), .seconds(31))) : .none, comeback: nil,
                before: .init(forth: [isOut ? "main" : "backup"], back: ["backup"]), during: nil, reasons: [])
        }
        let run = TestRun(
            lab: "aws-oci", scenario: "cut", variant: nil, repetition: 1, length: .seconds(60), wallTime: .seconds(1),
            flows: flows, judgements: judge.judgements(of: flows))
        let lines = TestReport(runs: [run]).text(of: run, .plain, isVerbose: false).split(separator: "\n")
        #expect(lines.count == 4, "\(lines)")
        #expect(
            lines[2].contains("✓  app, 3 flows by main, back by backup  link wan down  out for 24.200 s"), "\(lines)")
        #expect(lines[3].contains("✓  app, 2 flows by backup                link wan down  no packet lost"), "\(lines)")
        #expect(TestReport(runs: [run]).distributions.map(\.outages) == [3])
    }

    @Test func `What failed is explained`() {
        let run = Self.run(window: Window(.seconds(1), .seconds(2)), checks: [Self.check(.fail)])
        let report = TestReport(runs: [run])
        let text = report.text(style: .plain)
        #expect(report.outcome == .fail)
        #expect(text.contains("✗  workload") && text.contains("predicted because\n    hold timer 30 s"))
        #expect(text.contains("✗ main-bgp at 5s\n      expected  up\n      rule      lab.yaml:7"))
        #expect(text.hasSuffix("1 failed"))
    }

    @Test func `Outcomes of checks`() {
        let outcomes = [Verdict.Outcome.pass, .fail, .inconclusive, .notApplicable]
        #expect(outcomes.map { Self.check($0).outcome } == [.pass, .fail, .inconclusive, .fail])
        #expect(
            outcomes.map { Self.check($0, mustHold: false).outcome } == [.fail, .pass, .inconclusive, .inconclusive])
    }

    @Test func `Outcomes of runs`() {
        #expect(Self.run().outcome == .pass)
        #expect(Self.run(isPartial: true).outcome == .inconclusive)
        #expect(Self.run(window: Window(.zero, .seconds(1)), isPartial: true).outcome == .fail)
        #expect(Self.run(failures: ["it broke"]).outcome == .broken)
        #expect(TestReport(runs: [Self.run()], isPartial: true).outcome == .inconclusive)
        #expect(TestReport(runs: []).outcome == .inconclusive)
        #expect(TestReport(runs: [Self.run(), Self.run(failures: ["it broke"])]).outcome == .broken)
        let nothing = TestRun(
            lab: "a", scenario: "b", variant: nil, repetition: 1, length: .zero, wallTime: .zero)
        #expect(nothing.outcome == .inconclusive)
    }

    @Test func `Repetitions have a distribution`() throws {
        let runs = (1...4).map { Self.run(repetition: $0, lost: 100..<(310 + 10 * $0)) }
        let report = TestReport(runs: runs)
        let one = try #require(report.distributions.first)
        #expect(report.distributions.count == 1 && one.runs == 4 && one.outages == 4)
        #expect(one.leastNanoseconds == 22_100_000_000 && one.mostNanoseconds == 25_100_000_000)
        #expect(one.medianNanoseconds == 23_100_000_000)
        #expect(report.text(style: .plain).contains("4 of 4   22.100 s  23.100 s  25.100 s  25.100 s"))
        #expect(TestReport(runs: [Self.run()]).distributions.isEmpty)
    }

    /// Nothing is held against what was published: the mark is the prediction's.
    @Test func `What was published stands beside`() throws {
        let looked = Verdict(
            expectation: "main-rtt", kind: "rtt", outcome: .fail, expected: "3 ms", rule: "lab.yaml:7", seen: "4 ms",
            published: "5 ms")
        let checks = [5, 9].map { TestRun.Check(at: .seconds($0), verdict: looked, mustHold: true) }
        let runs = [1, 2].map {
            Self.run(repetition: $0, checks: checks + [Self.check(.pass)], published: ["workload": "36.7 s"])
        }
        let report = TestReport(runs: runs)
        #expect(report.comparisons.map(\.subject) == ["main-rtt", "outage of workload"])
        #expect(report.comparisons.map(\.published) == ["5 ms", "36.7 s"])
        #expect(report.comparisons.map(\.outcome) == [.fail, .pass])
        let text = report.text(style: .plain)
        #expect(text.contains("✗  aws-oci main-cut  main-rtt            5 ms       3 ms"), "\(text)")
        #expect(try JSONText.of(report).contains("\"published\" : \"36.7 s\""))
        #expect(TestReport(runs: [Self.run()]).text(style: .plain).contains("published") == false)
    }

    @Test func `JSON for programs`() throws {
        let text = try JSONText.of(TestReport(runs: [Self.run(checks: [Self.check(.pass)])]))
        let json = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(json["outcome"] as? String == "pass" && json["is_partial"] as? Bool == false)
        #expect((json["totals"] as? [String: Int])?["passed"] == 1)
        let run = try #require((json["runs"] as? [[String: Any]])?.first)
        let judgement = try #require((run["judgements"] as? [[String: Any]])?.first)
        #expect(judgement["outcome"] as? String == "pass" && judgement["subject"] as? String == "outage")
        let predicted = try #require(judgement["predicted"] as? [String: Any])
        #expect((predicted["window"] as? [String: Int])?["latest_nanoseconds"] == 31_000_000_000)
        let outage = try #require((judgement["measured"] as? [[String: Any]])?.first)
        #expect(outage["at_least_nanoseconds"] as? Int == 24_900_000_000 && outage["lost"] as? Int == 250)
        let flow = try #require((run["flows"] as? [[String: Any]])?.first)
        #expect(flow["duplicates"] as? Int == 2 && flow["reordered"] as? Int == 1 && flow["lost"] as? Int == 250)
        #expect((run["alarms"] as? [[String: Any]])?.first?["monitor"] as? String == "inside")
    }

    @Test func `JUnit for Jenkins`() {
        let runs = [
            Self.run(checks: [Self.check(.pass), Self.check(.notApplicable, mustHold: false)]),
            Self.run(repetition: 2, window: Window(.seconds(1), .seconds(2)), failures: ["it \u{1} broke\n\"badly\""]),
        ]
        let text = JUnitReport(TestReport(runs: runs)).text
        #expect(
            text == """
                <?xml version="1.0" encoding="UTF-8"?>
                <testsuites name="netlab">
                  <testsuite name="aws-oci.main-cut" tests="5" failures="1" errors="2" skipped="0" time="120.000">
                    <properties>
                      <property name="predicted.outage.workload.link wan &amp; &lt;1&gt; down" value="20.000 s to 31.000 s"/>
                    </properties>
                    <testcase name="outage of workload after link wan &amp; &lt;1&gt; down" classname="aws-oci.main-cut" time="25.100"/>
                    <testcase name="main-bgp at 5s" classname="aws-oci.main-cut" time="0.000"/>
                    <testcase name="main-bgp fails at 5s" classname="aws-oci.main-cut" time="0.000">
                      <error message="as &quot;seen&quot; &lt;&amp;&gt;" type="inconclusive">expected: up
                rule: lab.yaml:7
                seen: as "seen" &lt;&amp;&gt;</error>
                    </testcase>
                    <testcase name="lab #2" classname="aws-oci.main-cut" time="0.000">
                      <error message="it \u{FFFD} broke&#10;&quot;badly&quot;" type="broken">it \u{FFFD} broke
                "badly"</error>
                    </testcase>
                    <testcase name="outage of workload after link wan &amp; &lt;1&gt; down #2" classname="aws-oci.main-cut" time="25.100">
                      <failure message="out for 24.900 s to 25.100 s, 250 packets lost" type="fail">expected: an outage of 1.000 s to 2.000 s
                rule: hold timer 30 s
                seen: out for 24.900 s to 25.100 s, 250 packets lost</failure>
                    </testcase>
                  </testsuite>
                </testsuites>

                """, "\(text)")
    }
}
