import Foundation
import LabFiles
import LabModel
import LabRecords
import NetworkTypes
import Reporting
import Testing

@Suite struct SoakReportTests {
    private static let second: Int64 = 1_000_000_000

    private static func topology() throws -> Topology {
        let text = """
            name: pair
            nodes:
              a: {role: router}
              b: {role: router}
            links:
              wire: {ends: {a:eth0: 10.0.0.1/24, b:eth0: 10.0.0.2/24}}
            """
        return try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().topology
    }

    /// Three hours of a ping each second, of which the one after 90 s is lost; pluto takes 10 MiB, and more at the end.
    private static func report(
        pluto: Int64 = 10, isPartial: Bool = false, firstSample: Int64 = 0, maximumLoss: Percentage? = nil
    ) throws -> SoakReport {
        let count = 3 * 3600
        let flow = FlowRecord(
            request: FlowRequest(
                name: "workload", source: "a", sourceAddress: nil, destination: IPAddress("10.0.0.2")!,
                interval: .seconds(1),
                payload: 1),
            id: 1, identifier: 1, sentAtNanoseconds: (0..<count).map { Int64($0) * second },
            roundTripNanoseconds: (0..<count).map { $0 == 90 ? -1 : 3_000_000 + Int64($0 % 60) }, duplicates: 0,
            reordered: 0,
            unsent: 0, localErrors: [])
        let samples = [(0, 10), (3600, 10), (10_800, pluto)].map { seconds, size in
            ResourceSample(
                nanoseconds: Int64(seconds) * second, kernelBytes: 100 << 20,
                daemonBytes: ["a/pluto": Int64(size) << 20],
                associations: ["a": 2])
        }
        let early = ResourceSample(
            nanoseconds: firstSample, kernelBytes: 100 << 20, daemonBytes: ["a/pluto": 10 << 20], associations: ["a": 2]
        )
        let record = ScriptRecord(
            startedAtNanoseconds: 0, endedAtNanoseconds: Int64(count) * second, realTimeOffsetNanoseconds: 0, steps: [],
            flows: [flow], events: [], samples: [early] + samples.dropFirst(), capture: nil, isPartial: isPartial)
        return SoakReport(
            topology: try topology(), record: record, wallTime: .seconds(2),
            references: ["workload": "none lost, 3 ms"],
            maximumLoss: maximumLoss)
    }

    /// Keys that last an hour and are renewed each second are a fault, whatever is left of them at the end.
    @Test(arguments: [(20, false), (3600, true)])
    func `Keys that are renewed again and again fail`(renewals: Int, isHurried: Bool) throws {
        let text = """
            name: pair
            nodes: {a: {role: router}, b: {role: router}}
            links: {wire: {ends: {a:eth0: 10.0.0.1/24, b:eth0: 10.0.0.2/24}}}
            tunnels:
              vpn:
                psk: an-example-key
                ike: {encryption: aes-256-cbc, integrity: sha2-256, group: 14}
                esp: {encryption: aes-256-cbc, integrity: sha2-256, lifetime: 1h}
                ends: {a: {address: 10.0.0.1, interface: v0}, b: {address: 10.0.0.2, interface: v0, startup: listen}}
            """
        let events = (1...renewals).map { number in
            LabEvent(
                nanoseconds: Int64(number) * Self.second, node: "a",
                kind: .association(tunnel: "vpn", spi: UInt32(number), isOutbound: false, .added))
        }
        let record = ScriptRecord(
            startedAtNanoseconds: 0, endedAtNanoseconds: 3600 * Self.second, realTimeOffsetNanoseconds: 0, steps: [],
            flows: [], events: events,
            samples: [0, 3600].map {
                ResourceSample(
                    nanoseconds: $0 * Self.second, kernelBytes: 100, daemonBytes: [:], associations: ["a": 2, "b": 2])
            }, capture: nil, isPartial: false)
        let report = SoakReport(
            topology: try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().topology, record: record,
            wallTime: .seconds(2))
        #expect(report.hurried.isEmpty != isHurried && (report.outcome == .fail) == isHurried, "\(report.hurried)")
        let words = "vpn: 3600 new child SAs in 1h, which last 1h: they are renewed again and again"
        #expect(report.text(style: .plain).contains(words) == isHurried)
    }

    @Test func `More lost pings than may be lost fail`() throws {
        #expect(try Self.report(maximumLoss: Percentage("0.01%")).outcome == .pass)
        let report = try Self.report(maximumLoss: Percentage("0.009%"))
        #expect(report.outcome == .fail)
        #expect(report.text(style: .plain).contains("\nworkload lost more than 0.009% (--max-loss)\n"))
        #expect(try Self.report(maximumLoss: .zero).outcome == .fail)
    }

    @Test func `The table`() throws {
        let text = try Self.report().text(style: .plain)
        #expect(
            text == """
                pair  3h in 2.000 s of wall time

                FLOW      SENT   LOST            MIN       MEAN      P50       P95       P99       MAX       MDEV      DUPLICATED  REORDERED
                workload  10800  1     0.0093 %  3.000 ms  3.000 ms  3.000 ms  3.000 ms  3.000 ms  3.000 ms  0.000 ms  0           0
                workload, for comparison: none lost, 3 ms

                HOLDS       FIRST    LAST     AT MOST
                lab kernel  105 MB   105 MB   115 MB
                a/pluto     10.5 MB  10.5 MB  14.7 MB
                SAs of a    2        2        2
                nothing leaks
                """, "\(text)")
    }

    @Test func `A leak fails`() throws {
        #expect(try Self.report().outcome == .pass)
        #expect(try Self.report(pluto: 15).outcome == .fail)
        #expect(try Self.report(pluto: 15).text(style: .plain).contains("14.7 MB  leak"))
        #expect(try Self.report(isPartial: true).outcome == .inconclusive)
    }

    @Test func `Series for plotting`() throws {
        let report = try Self.report()
        let minutes = report.flowSeries.components(separatedBy: "\r\n")
        #expect(minutes.count == 182 && minutes[0] == "flow,minute,sent,lost,mean_ms,max_ms")
        #expect(minutes[1] == "workload,0,60,0,3.000029,3.000059")
        #expect(minutes[2] == "workload,1,60,1,3.000029,3.000059")
        let samples = report.holdingSeries.components(separatedBy: "\r\n")
        #expect(samples[0] == "seconds,kernel_bytes,a/pluto_bytes,a_sas")
        #expect(samples[2] == "3600.000,104857600,10485760,2")
    }

    /// Taken while the lab waits for the script's first second.
    @Test(arguments: [(-742_000_000, "-0.742"), (-7_000_000, "-0.007"), (-1, "0.000"), (-1_500_000_000, "-1.500")])
    func `A sample before the beginning`(_ nanoseconds: Int64, _ cell: String) throws {
        let rows = try Self.report(firstSample: nanoseconds).holdingSeries.components(separatedBy: "\r\n")
        #expect(rows[1] == "\(cell),104857600,10485760,2")
    }

    @Test func `JSON for programs`() throws {
        let text = try JSONText.of(Self.report())
        let json = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(json["outcome"] as? String == "pass" && json["length_nanoseconds"] as? Int == 10_800_000_000_000)
        let line = try #require((json["flows"] as? [[String: Any]])?.first)
        #expect(
            (line["flow"] as? [String: Any])?["lost"] as? Int == 1 && line["reference"] as? String == "none lost, 3 ms")
        #expect((json["endurance"] as? [String: Any])?["has_leak"] as? Bool == false)
    }
}
