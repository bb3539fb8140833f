import CaptureFile
import Foundation
import NetworkTypes
import Testing

@testable import Expectations
@testable import HeaderStacks
@testable import LabFiles
@testable import LabModel
@testable import LabRecords

/// IPv4 in IPv6 in IPv4, held against the ends' configuration, header by header.
@Suite("Headers of tunnels without encryption")
struct PlainTunnelVerdictTests {
    private static let gateway = "2001:db8:2::5efe:10.255.2.190"
    private static let router = "2001:db8:1::2"
    private static let inner = Packets.echo("10.255.1.10", "192.168.100.10")

    /// What the gateway makes of a packet.
    ///
    /// - Parameter limit: In the option; nil for no option.
    private static func wrapped(
        _ packet: [UInt8] = inner, from source: String = gateway, to destination: String = router, limit: UInt8? = 4,
        outer: (String, String) = ("10.255.2.190", "172.16.0.2")
    ) -> [UInt8] {
        let option: [UInt8] = limit.map { [4, 0, 4, 1, $0, 1, 1, 0] } ?? []
        let six = Packets.ip(source, destination, limit == nil ? 4 : 60, option + packet)
        return Packets.ethernet(Packets.ip(outer.0, outer.1, 41, six))
    }

    private static func topology(_ expectation: String) throws -> Topology {
        let file = URL(filePath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(
                path: "Labs/aws-ipip6/lab.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        let variants = try #require(text.firstRange(of: "\nexpect:\n"))
        let whole = "\(text[..<variants.lowerBound])\nexpect:\n  one: \(expectation)\n"
        return try LabFile(text: whole, file: "lab.yaml") { _ in "" }.resolve().topology
    }

    private static func verdict(
        _ packets: [[UInt8]], at place: String = "vpc:dx",
        expecting expectation: String = "{encapsulation: web-to-site, in: [isatap, ipip6], on: direct-connect}"
    ) throws -> Verdict {
        let topology = try topology(expectation)
        var capture = SyntheticCapture()
        for packet in packets { capture.add(packet, at: place) }
        let file = try capture.written()
        var examination = try CaptureExamination(
            topology: topology, expectations: topology.expectations, keepsPackets: true)
        try file.reading { try examination.read($0) }
        let judge = Judge(
            plan: CheckPlan(topology: topology, expectations: topology.expectations),
            observation: Observation(
                steps: [],
                capture: CaptureSummary(file: "", points: [], associations: [], ikeKeys: [], unusableIKE: 0)),
            transfers: nil, examination: examination, labFile: "lab.yaml")
        return try #require(judge.verdicts { _ in [:] }.first)
    }

    @Test func `The stack is shown byte for byte`() throws {
        // The router's answer comes without the option: what has most headers is shown.
        let answer = Self.wrapped(
            Packets.echo("192.168.100.10", "10.255.1.10", isRequest: false), from: Self.router, to: Self.gateway,
            limit: nil, outer: ("172.16.0.2", "10.255.2.190"))
        let verdict = try Self.verdict([answer, Self.wrapped()])
        #expect(verdict.outcome == .pass && verdict.seen == "2 packets of 144 to 152 bytes", "\(verdict)")
        let headers = try #require(verdict.headers)
        #expect(headers.map(\.name) == ["Ethernet", "IPv4", "IPv6", "IPv6 destination options", "IPv4"])
        #expect(headers[3].bytes == "04 00 04 01 04 01 01 00")
        #expect(headers[3].fields == "next header 4, tunnel encapsulation limit 4")
        #expect(headers[1].fields.hasPrefix("protocol 41, TTL 64"))
        #expect(headers[2].bytes.hasPrefix("60 00 00 00 00 5c 3c 40 20 01 0d b8"))
    }

    @Test(arguments: [
        (wrapped(limit: 3), "1 packets with another encapsulation limit"),
        (wrapped(limit: nil), "1 packets with another encapsulation limit, 1 packet of another length"),
        (wrapped(from: "2001:db8:2::5efe:10.255.2.191"), "between other addresses"),
        (wrapped(outer: ("10.255.2.190", "172.16.0.9")), "between other addresses"),
        (Packets.ethernet(inner), "in clear"),
        (Packets.ethernet(Packets.ip(gateway, router, 4, inner)), "wrapped otherwise"),
    ])
    func `Each slip is seen`(_ packet: [UInt8], _ what: String) throws {
        let verdict = try Self.verdict([Self.wrapped(), packet])
        #expect(verdict.outcome == .fail)
        for part in what.split(separator: ", ") {
            let words = part.replacing("1 packets ", with: "").replacing("1 packet ", with: "")
            #expect(verdict.seen.contains(words), "\(verdict.seen)")
        }
    }

    @Test func `Hop limits and lengths count`() throws {
        var tired = Self.wrapped()
        tired[14 + 20 + 7] = 65
        #expect(try Self.verdict([tired]).seen == "1 packet with another hop limit")
        var long = Self.wrapped()
        // The IPv6 header says two bytes fewer than there are.
        long[14 + 20 + 5] -= 2
        #expect(try Self.verdict([long]).outcome == .fail)
        var marked = Self.wrapped()
        marked[14 + 20] = 0x6F
        #expect(try Self.verdict([marked]).seen == "1 packet with another traffic class")
    }

    /// The arithmetic of lab files and that of `netlab mtu` are one.
    @Test func `Overheads agree`() throws {
        for tunnel in try Self.topology("{path: site-to-web, via: [router, ipip6, gateway, vpc]}").plainTunnels {
            for end in tunnel.ends {
                #expect(end.encapsulation(tunnel.kind).headerLength == end.overhead(tunnel.kind))
            }
        }
        let layers = [("isatap,ipip6", 1432), ("isatap,ipip6+no-encaplimit", 1440)]
        for (names, mtu) in layers {
            var request = HeaderStackRequest()
            request.layers = names
            #expect(try request.stack().mtu == mtu)
        }
    }
}
