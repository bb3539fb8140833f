import Foundation
import LabFiles
import LabRecords
import NetworkTypes
import Recordings
import Reporting
import Testing

@Suite struct TimelineReportTests {
    private static func timeline() throws -> Timeline {
        let text = """
            name: pair
            clouds: {aws: {title: AWS}, oci: {title: OCI}}
            nodes:
              a: {cloud: aws, role: router}
              b: {cloud: oci, role: router}
            links:
              wire: {ends: {a:eth0: 10.0.0.1/24, b:eth0: 10.0.0.2/24}}
            """
        let topology = try LabFile(text: text, file: "lab.yaml") { _ in "" }.resolve().topology
        let flow = FlowRecord(
            request: FlowRequest(
                name: "ping", source: "a", sourceAddress: nil, destination: IPAddress("10.0.0.2")!,
                interval: .seconds(1)),
            id: 1, identifier: 1, sentAtNanoseconds: (0..<60).map { $0 * 1_000_000_000 },
            roundTripNanoseconds: (0..<60).map { (10..<35).contains($0) ? -1 : 2_000_000 }, duplicates: 0, reordered: 0,
            unsent: 0, localErrors: [])
        let event = { (seconds: Double, node: String, kind: LabEvent.Kind) in
            LabEvent(nanoseconds: Int64(seconds * 1e9), node: node, kind: kind)
        }
        let events = [
            event(9.5, "", .fault(.blackHole(link: "wire", sender: nil), isActive: true)),
            event(33.618, "a", .session("main", .failed(.holdTimer, text: "Hold timer expired"))),
            event(34.1, "b", .session("main", .failed(.notification, text: "the peer says: Hold timer expired"))),
            event(50, "", .fault(.blackHole(link: "wire", sender: nil), isActive: false)),
        ]
        return Timeline(
            events: events, flows: [(flow, FlowResult(flow, trace: nil))], trace: nil, topology: topology,
            startedAt: 0, endedAt: 60_000_000_000)
    }

    @Test func `Two columns`() throws {
        let text = TimelineReport(try Self.timeline()).text(style: .plain)
        #expect(
            text == """
                blackhole wire at 9.500000000 s
                              aws                                                         oci
                    -0.498 s  a: ping, last answer
                   +24.118 s  a: BGP main: Hold timer expired
                   +24.600 s                                                              b: BGP main: the peer says: Hold timer expired
                   +25.502 s  a: ping, first answer after 25 lost, out for 24.000 s to 26.000 s

                healed: blackhole wire at 50.000000000 s
                              aws                                                         oci
                  nothing was noticed
                """, "\(text)")
    }

    @Test func `JSON for programs`() throws {
        let text = try JSONText.of(TimelineReport(Self.timeline()))
        let json = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let chapter = try #require((json["chapters"] as? [[String: Any]])?.first)
        let entries = try #require(chapter["entries"] as? [[String: Any]])
        #expect(entries.map { $0["kind"] as? String } == ["last_answer", "detection", "detection", "first_answer"])
        #expect(
            entries[1]["detection"] as? String == "bgp_hold_timer"
                && entries[1]["since_nanoseconds"] as? Int == 24_118_000_000)
        #expect(entries[2]["side"] as? String == "right" && entries[1]["source"] as? String == "log")
    }
}
