import CaptureFile
import Foundation
import NetworkTypes
import Testing

@testable import Expectations
@testable import LabFiles
@testable import LabModel
@testable import LabRecords

/// WireGuard's messages, which nothing opens, held against what entered its interfaces.
@Suite("WireGuard on the wire")
struct WireGuardVerdictTests {
    private static let wire = "{encapsulation: app, in: wide, on: a-wan}"
    private static let secrecy = "{confidentiality: app, on: a-wan, allow: arp}"

    private static let packet = Packets.echo("10.1.0.10", "10.2.0.10")

    /// A message with a packet of that many bytes inside, once padded.
    private static func message(
        _ length: Int, type: UInt8 = 4, from source: String = "203.0.113.2", to destination: String = "198.51.100.2",
        port: UInt16 = 51820
    ) -> [UInt8] {
        let padded = (length + 15) / 16 * 16
        let content: [UInt8] =
            [type, 0, 0, 0, 1, 2, 3, 4, 9, 0, 0, 0, 0, 0, 0, 0]
            + Array(repeating: 0xA5, count: (type == 4 ? padded + 16 : type == 1 ? 132 : 76))
        return Packets.ethernet(Packets.ip(source, destination, 17, Packets.udp(port, port, content), fragment: 0))
    }

    private static func topology(_ expectation: String) throws -> Topology {
        let file = URL(filePath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(
                path: "Labs/wireguard/lab.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        let end = try #require(text.firstRange(of: "\nexpect:\n"))
        let whole = "\(text[..<end.lowerBound])\nexpect:\n  one: \(expectation)\n"
        return try LabFile(text: whole, file: "lab.yaml") { _ in "" }.resolve().topology
    }

    /// Of a packet within, nothing is seen between the ends: neither MTUs nor times of the links there are counted.
    @Test func `A way through WireGuard is sealed`() throws {
        let topology = try Self.topology(Self.wire)
        var places = WirePlaces(topology: topology)
        places.extend(with: ["a-gw:wg0", "b-gw:lan"].map { CaptureInterface(name: $0, linkType: .ethernet) })
        let bytes = Packets.ethernet(Self.packet)
        let packets = (0..<2).map { point in
            var packet = WirePacket(bytes.span.bytes, linkType: .ethernet)
            packet.point = point
            return packet
        }
        let trail = Trail(packets, at: places)
        #expect(trail.sealing(in: topology) == "wide" && Trail([packets[1]], at: places).sealing(in: topology) == nil)
        let mtu = try #require(trail.mtu(in: topology))
        #expect(mtu.bytes == 1420 && mtu.limit == "MTU of a-gw:wg0", "\(mtu)")
    }

    private static func verdict(_ expectation: String, _ fill: (inout SyntheticCapture) -> Void) throws -> Verdict {
        let topology = try topology(expectation)
        var capture = SyntheticCapture()
        capture.add(Packets.arp, at: "a-gw:eth0")
        fill(&capture)
        var examination = try CaptureExamination(
            topology: topology, expectations: topology.expectations, keepsPackets: true)
        let written = try capture.written()
        try written.reading { try examination.read($0) }
        let judge = Judge(
            plan: CheckPlan(topology: topology, expectations: topology.expectations),
            observation: Observation(
                steps: [],
                capture: CaptureSummary(file: "", points: [], associations: [], ikeKeys: [], unusableIKE: 0)),
            transfers: nil, examination: examination, labFile: "lab.yaml")
        return try #require(judge.verdicts { _ in [:] }.first)
    }

    @Test func `Messages as long as what entered pass, and are said to stay closed`() throws {
        let verdict = try Self.verdict(Self.wire) { capture in
            capture.add(Self.message(0, type: 1), at: "a-gw:eth0")
            capture.add(Packets.ethernet(Self.packet), at: "a-gw:wg0")
            capture.add(Self.message(Self.packet.count), at: "a-gw:eth0")
            // A keepalive.
            capture.add(Self.message(0), at: "a-gw:eth0")
        }
        #expect(verdict.outcome == .pass, "\(verdict)")
        #expect(
            verdict.seen.contains("3 packets of 60 to ") && verdict.seen.contains(", 1 as long as packets that entered")
        )
        #expect(verdict.seen.contains("not known"))
    }

    @Test func `A length that nothing accounts for is not known to be right`() throws {
        let verdict = try Self.verdict(Self.wire) { capture in
            capture.add(Packets.ethernet(Self.packet), at: "a-gw:wg0")
            capture.add(Self.message(Self.packet.count), at: "a-gw:eth0")
            capture.add(Self.message(Self.packet.count + 16), at: "a-gw:eth0")
        }
        #expect(verdict.outcome == .inconclusive && verdict.seen.contains("1 of 2 messages"), "\(verdict)")
    }

    @Test func `A packet in clear fails, and so does silence`() throws {
        let clear = try Self.verdict(Self.wire) { capture in
            capture.add(Packets.ethernet(Self.packet), at: "a-gw:wg0")
            capture.add(Self.message(Self.packet.count), at: "a-gw:eth0")
            capture.add(Packets.ethernet(Self.packet), at: "a-gw:eth0")
        }
        #expect(clear.outcome == .fail && clear.seen.contains("in clear"), "\(clear)")
        let silence = try Self.verdict(Self.wire) { $0.add(Self.message(0), at: "a-gw:eth0") }
        #expect(silence.outcome == .fail && silence.seen.contains("no packet of app"), "\(silence)")
        // What entered and was not seen outside.
        let lost = try Self.verdict(Self.wire) { capture in
            capture.add(Packets.ethernet(Self.packet), at: "a-gw:wg0")
            capture.add(Self.message(0, type: 1), at: "a-gw:eth0")
            capture.add(Self.message(0), at: "a-gw:eth0")
        }
        #expect(lost.outcome == .fail && lost.seen.contains("no packet crossed"), "\(lost)")
    }

    @Test(arguments: [
        (message(100), Verdict.Outcome.pass), (message(0, type: 1), .pass),
        (message(100, to: "198.51.100.9"), .fail), (message(100, port: 51829), .fail),
        (message(100, port: 4000), .fail),
        (Packets.ethernet(packet), .fail),
    ])
    func `Only messages between a tunnel's ends are secret`(_ frame: [UInt8], _ outcome: Verdict.Outcome) throws {
        let verdict = try Self.verdict(Self.secrecy) { capture in
            capture.add(Self.message(100), at: "a-gw:eth0")
            capture.add(frame, at: "a-gw:eth0")
        }
        #expect(verdict.outcome == outcome, "\(verdict)")
        if outcome == .pass { #expect(verdict.seen.hasPrefix("2 messages of WireGuard"), "\(verdict.seen)") }
    }
}
