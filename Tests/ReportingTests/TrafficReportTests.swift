import Foundation
import LabRecords
import Reporting
import Testing

@Suite("How much went through tunnels over time")
struct TrafficReportTests {
    private static let second: Int64 = 1_000_000_000

    /// One end that has sent and received so many packets of 100 bytes by each second from 5 s on.
    private static func samples(_ counts: [(sent: UInt64, received: UInt64)], others: [UInt64] = []) -> [TrafficSample]
    {
        counts.enumerated().map { number, count in
            var ends = [
                TrafficSample.End(
                    tunnel: "zone-a", node: "gw", sentPackets: count.sent, sentBytes: count.sent * 100,
                    receivedPackets: count.received, receivedBytes: count.received * 100)
            ]
            if others.indices.contains(number) {
                ends.append(
                    TrafficSample.End(
                        tunnel: "zone-b", node: "gw", sentPackets: others[number], sentBytes: 0, receivedPackets: 0,
                        receivedBytes: 0))
            }
            return TrafficSample(nanoseconds: (5 + Int64(number)) * second, ends: ends)
        }
    }

    @Test func `Rates are differences`() throws {
        let report = TrafficReport(Self.samples([(10, 0), (30, 5), (30, 5)]), since: 5 * Self.second)
        let points = try #require(report.series.first).points
        #expect(points.map(\.sentPacketsPerSecond) == [20, 0])
        #expect(points.map(\.receivedPacketsPerSecond) == [5, 0])
        #expect(points.map(\.sentBitsPerSecond) == [16_000, 0])
        #expect(points.map(\.fromNanoseconds) == [0, Self.second])
        #expect(points.map(\.toNanoseconds) == [Self.second, 2 * Self.second])
    }

    @Test func `An interface made anew counts from zero`() throws {
        let report = TrafficReport(Self.samples([(1000, 1000), (7, 3)]), since: 0)
        #expect(report.series.first?.points.map(\.sentPacketsPerSecond) == [7])
    }

    @Test func `One sample is no series`() {
        #expect(TrafficReport(Self.samples([(10, 0)]), since: 0).series.first?.points.isEmpty == true)
        #expect(TrafficReport([], since: 0).series.isEmpty)
        #expect(TrafficReport([], since: 0).text(style: .plain, indent: "").isEmpty)
    }

    @Test func `Graph`() {
        let counts: [(sent: UInt64, received: UInt64)] = [(0, 0), (20, 20), (40, 40), (40, 41), (40, 41), (50, 51)]
        let text = TrafficReport(Self.samples(counts, others: [0, 0, 0, 20, 40, 50]), since: 0).text(
            style: .plain, indent: "  ")
        #expect(
            text == """
                  TUNNEL  NODE  SENT OVER TIME  MOST SENT  MOST RECEIVED
                  zone-a  gw    ██··▅           20/s       20/s
                  zone-b  gw    ··██▅           20/s       0/s
                """, "\(text)")
    }

    /// What is beyond the scale is drawn as high as the scale is.
    @Test func `A transfer does not flatten the rest`() throws {
        var sent: UInt64 = 0
        let counts = (0..<42).map { number -> (sent: UInt64, received: UInt64) in
            sent += number == 20 ? 5000 : 20
            return (sent, 0)
        }
        let text = TrafficReport(Self.samples(counts), since: 0).text(style: .plain, indent: "")
        #expect(text.contains(String(repeating: "█", count: 41)) && text.contains("5000/s"), "\(text)")
    }

    @Test func `CSV`() {
        let lines = TrafficReport(Self.samples([(10, 0), (30, 5)]), since: 4 * Self.second).csv.split(separator: "\r\n")
        #expect(
            lines == [
                "seconds,tunnel,node,sent_packets_per_s,received_packets_per_s,sent_bits_per_s,received_bits_per_s",
                "2.000,zone-a,gw,20,5,16000,4000",
            ])
    }

    @Test func `Moments of a watch`() throws {
        let samples = Self.samples([(10, 0), (30, 5)])
        let moment = TrafficMoment(from: samples[0], to: samples[1])
        #expect(
            moment.text(withHeading: true) == """
                packets a second, sent / received
                at                zone-a at gw
                6.000000000 s     20 / 5
                """)
        let json = try JSONSerialization.jsonObject(with: Data(moment.line().utf8)) as? [String: Any]
        let end = (json?["ends"] as? [[String: Any]])?.first
        #expect(end?["sent_packets_per_second"] as? Double == 20 && end?["tunnel"] as? String == "zone-a")
        #expect(try !moment.line().contains("\n"))
    }
}
