import Expectations
import LabModel
import LabRecords
import NetworkTypes
import Predictions
import Recordings
import Reporting
import Shards
import Testing

@Suite struct MergedTestTests {
    private static let second: Int64 = 1_000_000_000

    /// A run with all that a report tells of: flows, judgements, checks, claims, alarms, traffic, a timeline.
    private static func run(_ scenario: String, lost: Int = 250, failures: [String] = []) -> TestRun {
        let record = FlowRecord(
            request: FlowRequest(
                name: "workload", source: "a", sourceAddress: nil, destination: IPAddress("10.2.0.2")!,
                interval: .milliseconds(100)),
            id: 1, identifier: 1, sentAtNanoseconds: (0..<600).map { Int64($0) * second / 10 },
            roundTripNanoseconds: (0..<600).map { (100..<100 + lost).contains($0) ? -1 : 3_000_000 }, duplicates: 0,
            reordered: 0, unsent: 0, localErrors: [])
        let flow = FlowResult(record, trace: nil)
        let judge = OutageJudge(
            incidents: [Incident(nanoseconds: 10 * second, begun: [.linkDown("wan")])], endedAt: 60 * second
        ) { incident, flow in
            Prediction(
                fault: incident.text, probe: flow.probe, effect: .outage(Window(.seconds(20), .seconds(31))),
                comeback: Window(.zero, .seconds(2)), before: .init(forth: ["main"], back: ["main"]), during: nil,
                reasons: ["hold timer 30 s"])
        }
        let verdict = Verdict(
            expectation: "main-bgp", kind: "bgp", outcome: .pass, expected: "up", rule: "lab.yaml:7",
            seen: "<up> & \"so\"",
            published: "up", evidence: [])
        let ends = [1000, 5000].map { packets in
            TrafficSample(
                nanoseconds: Int64(packets) * 10_000_000,
                ends: [
                    TrafficSample.End(
                        tunnel: "main", node: "a", sentPackets: UInt64(packets), sentBytes: UInt64(packets) * 100,
                        receivedPackets: 7, receivedBytes: 700)
                ])
        }
        return TestRun(
            lab: "lab", scenario: scenario, variant: "v", summary: "a cut", repetition: 1,
            length: .milliseconds(60_001),
            wallTime: .nanoseconds(1_234_567_891), checks: [.init(at: .seconds(5), verdict: verdict, mustHold: true)],
            flows: failures.isEmpty ? [flow] : [], judgements: failures.isEmpty ? judge.judgements(of: [flow]) : [],
            claims: [verdict],
            events: [LabEvent(nanoseconds: 15 * second, node: "a", kind: .alarm(monitor: "inside", isRaised: true))],
            traffic: ends, capture: "/there/lab/\(scenario)/capture.pcapng", publishedOutages: ["workload": "25 s"],
            failures: failures)
    }

    private static let names = ["lab/one", "lab/two", "lab/three"]
    private static let runs = [run("one"), run("two", lost: 20), run("three", failures: ["no lab"])]

    private static func record(
        _ number: Int, of count: Int = 2, _ own: [Int], selection: TestSelection = TestSelection(labs: []),
        runs names: [String] = names, kernel: String = "Linux 7", daemon: String = "BIRD 2", isPartial: Bool = false
    ) throws -> (name: String, record: ShardRecord) {
        let shard = try #require(Shard(number, of: count))
        let record = ShardRecord(
            shard: shard, selection: selection, runs: names,
            results: own.map { ShardRecord.Result(index: $0, run: runs[$0]) },
            testedWith: TestedWith(platform: ["netlab 1", kernel], daemons: [daemon], caveats: ["Note."]),
            isPartial: isPartial)
        // As it comes from a file.
        return ("part-\(number)", try ShardRecord(text: try record.text()))
    }

    @Test func `The parts' report is the whole's`() throws {
        let merged = try MergedTest([Self.record(2, [1]), Self.record(1, [0, 2])])
        let (whole, report) = (TestReport(runs: Self.runs), TestReport(runs: merged.results.map(\.run)))
        #expect(report.outcome == .broken && merged.results.map(\.index) == [0, 1, 2])
        #expect(merged.results.map(\.shard) == [1, 0, 1])
        #expect(try JSONText.of(report) == JSONText.of(whole))
        #expect(JUnitReport(report).text == JUnitReport(whole).text)
        #expect(report.text(style: .plain, isVerbose: true) == whole.text(style: .plain, isVerbose: true))
        #expect(merged.testedWith.lines == ["With netlab 1, Linux 7, BIRD 2.", "Note."] && !merged.isPartial)
    }

    @Test func `What any part was tested with is told`() throws {
        let merged = try MergedTest([
            Self.record(1, of: 3, [0], daemon: "libreswan 4"), Self.record(2, of: 3, [1]),
            Self.record(3, of: 3, [2], kernel: "Linux 6"),
        ])
        #expect(merged.testedWith.lines == ["With netlab 1, Linux 7, Linux 6, BIRD 2, libreswan 4.", "Note."])
    }

    private static func refusal(_ shards: [(name: String, record: ShardRecord)]) -> String? {
        do throws(ShardError) {
            _ = try MergedTest(shards)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `What does not make up a test is refused`() throws {
        let (one, two) = (try Self.record(1, [0, 2]), try Self.record(2, [1]))
        #expect(Self.refusal([one, two]) == nil)
        #expect(Self.refusal([]) == "There are no shards.")
        #expect(Self.refusal([one]) == "Shards are missing: 2/2.")
        #expect(Self.refusal([one, two, one]) == "Shard 1/2 is there twice: part-1 and part-1.")
        #expect(
            Self.refusal([one, try Self.record(2, of: 3, [1])])
                == "part-2 is shard 2/3, and part-1 is 1/2: these are parts of different tests.")
        let others = [
            try Self.record(2, [1], selection: TestSelection(labs: ["lab"])),
            try Self.record(2, [1], runs: Self.names.reversed()),
        ]
        for other in others {
            #expect(
                Self.refusal([one, other])
                    == "part-2 and part-1 are parts of different tests: what they play is not the same.")
        }
        #expect(
            Self.refusal([one, try Self.record(2, [1, 2])])
                == "lab/three was played twice, in part-1 and in part-2: the shards were dealt by different lengths.")
        #expect(
            Self.refusal([try Self.record(1, [0]), two])
                == "No shard has played lab/three: the shards were dealt by different lengths.")
        // What was broken off lacks runs, and says so.
        let broken = try MergedTest([Self.record(1, [0], isPartial: true), two])
        #expect(broken.isPartial && broken.results.count == 2)
    }

    @Test func `A file that is damaged is refused`() throws {
        let text = try Self.record(1, [0]).record.text()
        func refusal(_ text: String) -> String? {
            do throws(ShardError) {
                _ = try ShardRecord(text: text)
                return nil
            } catch {
                return error.description
            }
        }
        #expect(refusal(text) == nil)
        #expect(refusal(text.replacing("lab/one", with: "lab/0ne")) == "it is damaged, or not whole")
        #expect(refusal(String(text.prefix(text.count / 2))) == "it is damaged, or not whole")
        #expect(refusal("netlab shard 2 0\n{}\n") == "another version of netlab has written it")
        #expect(refusal("") == "it is no file of a shard" && refusal("{}\n") == "it is no file of a shard")
        // The largest that a number may be, and one more; a time of 19 years, and a longer one.
        let numbers = [
            ("\"beganAt\":0", "\"beganAt\":1152921504606846976", "\"beganAt\":1152921504606846977"),
            ("\"length\":[3,", "\"length\":[33554432,", "\"length\":[33554433,"),
        ]
        let body = String(text.drop { $0 != "\n" }.dropFirst().dropLast())
        for (number, most, more) in numbers {
            #expect(body.contains(number), "\(body.prefix(400))")
            #expect(refusal(ShardRecord.sealed(body.replacing(number, with: most))) == nil, "\(most)")
            #expect(
                refusal(ShardRecord.sealed(body.replacing(number, with: more)))
                    == "it has numbers in it that no test brings about", "\(more)")
        }
        #expect(refusal(ShardRecord.sealed("{}"))?.hasPrefix("it cannot be read") == true)
        for place in ["../lab", "/lab", "lab/../..", "", "a//b", "./a"] {
            let record = ShardRecord(
                shard: try #require(Shard("1/1")), selection: TestSelection(labs: []), runs: [place], results: [],
                testedWith: TestedWith(platform: [], daemons: [], caveats: []), isPartial: false)
            #expect(refusal(try record.text()) == "it does not fit together", "\(place)")
        }
    }
}
