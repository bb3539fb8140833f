import AgentProtocol
import Daemons
import Expectations
import Foundation
import LabFiles
import LabModel
import LabRecords
import NetworkTypes
import Predictions
import Recordings
import Reporting
import Testing
import Watching

@testable import Pages

/// The pages of `check`, `soak` and `predict`: what is on them, and that nothing in a lab becomes markup.
@Suite("Pages of check, soak and predict")
struct OtherPageTests {
    private static let second: Int64 = 1_000_000_000
    private static let hostile = "\"><script>alert('1')</script>&amp;\u{0}\u{1B}[31m]]>"

    private static func lab(_ words: String) throws -> Topology {
        struct NoFile: Error {}
        let text = """
            name: pair
            nodes:
              west: {role: router}
              east: {role: router}
            links:
              one: {ends: {west:e0: 192.0.2.1/30, east:e0: 192.0.2.2/30}}
            tunnels:
              through: {kind: ipip, ends: {west: {address: 192.0.2.1, interface: t0, inside: 10.9.0.1/30}, east: {address: 192.0.2.2, interface: t0, inside: 10.9.0.2/30}}}
            """
        let lab = try LabFile(text: text, file: "lab.yaml", companion: { _ in throw NoFile() }).resolve().topology
        var topology = Topology(
            name: lab.name, title: words, summary: words, deviations: [words], clouds: [], nodes: lab.nodes,
            links: lab.links, tunnels: lab.tunnels, sessions: [])
        topology.plainTunnels = lab.plainTunnels
        return topology
    }

    // MARK: check

    private static func check(_ words: String) throws -> String {
        let line =
            "192.0.2.1 > 192.0.2.2 ESP spi 0x1 seq 2, 136 bytes (10.2.0.1 > 10.3.0.1 ICMP echo request, 64 bytes)"
        let verdicts = [
            Verdict(
                expectation: "nothing-in-clear", kind: "confidentiality", outcome: .fail, expected: words, rule: words,
                seen: words, published: words,
                evidence: [Evidence(packet: 7, nanoseconds: 1, interface: "west:e0", remark: words, line: line)],
                headers: [HeaderBytes(name: "IPv4", fields: words, bytes: "45 00")]),
            Verdict(
                expectation: "main-path", kind: "path", outcome: .pass, expected: words, rule: words,
                seen: "west > through > east \(words)"),
            Verdict(
                expectation: "later", kind: "rtt", outcome: .notApplicable, expected: words, rule: words, seen: words,
                isDerived: true),
        ]
        let report = VerdictReport(lab: "pair", capture: words, verdicts: verdicts, deviations: [words])
        return CheckPage(report, of: try lab(words), testedWith: [words]).text
    }

    @Test func `A check's page has what failed with its packet, the lab, the ways, and all verdicts`() throws {
        let page = try Self.check("wan")
        for words in [
            "netlab check: pair", "✗ not as expected", "1 passed, 1 failed, 1 not applicable", "<details open>",
            "packet 7 from west:e0", "carries 10.2.0.1 &gt; 10.3.0.1 ICMP echo request, 64 bytes</pre>",
            ">45 00</span>", "Ways that packets took", "west &gt; through &gt; east wan",
            "departs from what it reproduces",
            "class=\"node\"", "derived</span>",
        ] {
            #expect(page.contains(words), "\(words)")
        }
        Self.expectAlone(page)
    }

    @Test(arguments: [
        ("a > b ESP, 10 bytes (c > d ICMP, 5 bytes)", ["a > b ESP, 10 bytes", "  carries c > d ICMP, 5 bytes"]),
        (
            "a > b UDP, 9 bytes (c > d ESP (e > f TCP, 2 bytes))",
            ["a > b UDP, 9 bytes", "  carries c > d ESP", "    carries e > f TCP, 2 bytes"]
        ),
        (
            "a > b ICMP frag-needed (c > d TCP …), 556 bytes",
            ["a > b ICMP frag-needed, 556 bytes", "  carries c > d TCP …"]
        ),
        ("a > b TCP (cut off) (c > d", ["a > b TCP (cut off) (c > d"]),
        ("a > b TCP (cut off)", ["a > b TCP (cut off)"]), ("", [""]), (")", [")"]), ("()", ["()"]),
        ("(a > b)", ["(a > b)"]),
    ])
    func `A packet's contents stand below it`(line: String, lines: [String]) {
        let indented = LabParts.layers(of: line)
        #expect(indented.map { $0.drop { $0 == " " } } == lines.map { $0.drop { $0 == " " } })
        #expect(indented.count == lines.count)
    }

    // MARK: soak

    private static func soak(_ words: String, lost: Range<Int> = 100..<130, length: Int64 = 600) throws -> String {
        let flow = FlowRecord(
            request: FlowRequest(
                name: words, source: "west", sourceAddress: nil, destination: IPAddress("192.0.2.2")!,
                interval: .seconds(1)),
            id: 1, identifier: 1, sentAtNanoseconds: (0..<Int(length)).map { Int64($0) * second },
            roundTripNanoseconds: (0..<Int(length)).map { lost.contains($0) ? -1 : 3_000_000 }, duplicates: 0,
            reordered: 0, unsent: 1, localErrors: [words])
        let record = ScriptRecord(
            startedAtNanoseconds: 0, endedAtNanoseconds: length * second, realTimeOffsetNanoseconds: 0, steps: [],
            flows: [flow], events: [], samples: [], capture: nil, isPartial: false)
        let report = SoakReport(
            topology: try lab(words), record: record, wallTime: .seconds(2), references: [words: words])
        return SoakPage(report, of: try lab(words), testedWith: [words]).text
    }

    @Test func `A soak's page has the pings, their round trips over time, and what is not known`() throws {
        let page = try Self.soak("app")
        for words in [
            "netlab soak: pair", "10m of the lab&#39;s time in 2.000 s", "figure\">600</span>",
            "<span class=\"bad\">30</span>", "3.000 ms",
            "Round trips, minute by minute", "minute 1: 20 of 60 lost", "minute 2: 10 of 60 lost",
            "Memory was not counted twice", "href=\"pings.csv\"", "app, published: app",
        ] {
            #expect(page.contains(words), "\(words)")
        }
        #expect(page.matches(of: #/class="lost"/#).count == 2)
        Self.expectAlone(page)
    }

    @Test func `A day's figures have no more points than can be told apart`() throws {
        let page = try Self.soak("app", lost: 0..<0, length: 86_400)
        let line = try #require(page.firstMatch(of: #/<polyline class="sent" points="([^"]*)"/#)?.1)
        #expect((200...500).contains(line.split(separator: " ").count))
        #expect(page.utf8.count < 100_000)
    }

    // MARK: predict

    private static func predict(_ words: String) throws -> String {
        let prediction = Prediction(
            fault: words, probe: "app", effect: .outage(Window(.seconds(20), .seconds(31))), comeback: nil,
            before: .init(forth: ["main"], back: ["main"]), during: .init(forth: ["backup"], back: ["main"]),
            reasons: [words])
        let other = Prediction(
            fault: words, probe: "web", effect: .unpredictable(words), comeback: nil,
            before: .init(forth: [], back: []), during: nil, reasons: [words])
        let topology = try lab(words)
        let report = PredictionReport(
            of: topology, faults: [.linkDown(words)], versions: DaemonVersions([:]), predictions: [prediction, other])
        return PredictionPage(report, of: topology, testedWith: [words]).text
    }

    @Test func `A prediction's page has the windows, the ways and the reasons`() throws {
        let page = try Self.predict("wan")
        for words in [
            "netlab predict: pair", "link wan down", "20s to 31s", "class=\"band\"", "backup / main",
            "unpredictable: wan",
            "no tunnel", "<li>wan</li>",
        ] {
            #expect(page.contains(words), "\(words)")
        }
        Self.expectAlone(page)
    }

    @Test func `A page of all that may break has a row for each`() throws {
        let prediction = Prediction(
            fault: "f", probe: "app", effect: .outage(Window(.seconds(20), .seconds(31))), comeback: nil,
            before: .init(forth: ["main"], back: ["main"]), during: .init(forth: ["backup"], back: ["backup"]),
            reasons: [])
        let doubtful = Prediction(
            fault: "f", probe: "app", effect: .unpredictable("nobody knows"), comeback: nil,
            before: .init(forth: [], back: []), during: nil, reasons: [])
        let report = BreakageReport(predicted: [("tunnel main cut", [prediction]), ("gateway tgw down", [doubtful])])
        let page = PredictionPage(report, of: try Self.lab("t"), testedWith: []).text
        for words in [
            "<td>tunnel main cut</td>", "<td>20s to 31s</td>", "<td>backup</td>", "not known, for nobody knows",
        ] {
            #expect(page.contains(words), "\(words)")
        }
    }

    // MARK: All of them

    @Test func `Nothing in a lab becomes markup or script`() throws {
        for make in [Self.check, { try Self.soak($0) }, Self.predict] {
            let (page, plain) = (try make(Self.hostile), try make("plain"))
            #expect(!page.contains("<script") && !page.contains("\u{0}") && !page.contains("\u{1B}"))
            #expect(page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;"))
            let tags = { (text: String) in
                text.matches(of: #/<[a-z\/!][^>]*>/#).map { String($0.0.prefix { !$0.isWhitespace }) }
            }
            #expect(tags(page) == tags(plain))
        }
    }

    /// That a page asks nobody for anything.
    private static func expectAlone(_ page: String, sourceLocation: SourceLocation = #_sourceLocation) {
        for request in ["http://", "https://", "src=", "@import", "url(", "<script"] {
            #expect(!page.contains(request), "\(request)", sourceLocation: sourceLocation)
        }
        #expect(page.contains("default-src 'none'"), sourceLocation: sourceLocation)
    }

    // MARK: serve

    private static func status(_ words: String, at seconds: Int64, sent: UInt64, isUp: Bool) throws -> LabStatus {
        let end = { (node: String, sent: UInt64) in
            PlainTunnelStatus.End(
                node: node, interface: InterfaceName("t0")!, isUp: isUp, local: IPAddress("192.0.2.1")!, remote: nil,
                mtu: 1480, options: "", receivedBytes: 0, sentBytes: sent)
        }
        return LabStatus(
            lab: words, title: words,
            clock: ClockStatus(mode: .paced, isAdvancing: false, time: LabTime(nanoseconds: seconds * second)),
            tunnels: [], sessions: [],
            paths: [
                PathStatus(probe: words, source: "west", destination: IPAddress("192.0.2.2")!, hops: [], broken: words)
            ],
            daemons: [DaemonStatus(name: "west/\(words)", isRunning: isUp, detail: words)], nodes: [],
            faults: [ActiveFault(fault: .linkDown(words), since: LabTime(nanoseconds: 0), until: nil)],
            plainTunnels: [
                PlainTunnelStatus(name: "through", kind: .ipip, ends: [end("west", sent), end("east", 0)])
            ])
    }

    @Test func `A live page shows what is down and what tunnels carry, and nothing of a lab becomes markup`() throws {
        let page = LivePage(try Self.lab(Self.hostile))
        #expect(!page.text.contains("<script>") && !page.text.contains("'1'"))
        #expect(page.text.contains("script-src 'self'; connect-src 'self'"))
        var panel = WatchPanel(lab: Self.hostile)
        #expect(page.state(panel).contains("is being asked"))
        panel.show(try Self.status(Self.hostile, at: 10, sent: 1000, isUp: true))
        panel.show(try Self.status(Self.hostile, at: 12, sent: 501_000, isUp: true))
        let carrying = page.state(panel)
        #expect(carrying.contains("through: west 2.0 Mbit/s, east 0.0 kbit/s"))
        #expect(carrying.contains("12s, paced") && !carrying.contains("tunnel plain down"))
        panel.show(try Self.status(Self.hostile, at: 13, sent: 501_000, isUp: false))
        panel.begin(.fail(Self.hostile))
        panel.end(failure: Self.hostile)
        let state = page.state(panel)
        #expect(state.contains("tunnel plain down") && state.contains("tunnel through down"))
        #expect(!state.contains("<script") && !state.contains("'1'") && !state.contains("\u{1B}"))
        #expect(state.contains("data-do=\"heal link &quot;&gt;&lt;script&gt;"))
    }

    @Test func `Rates are by the lab's clock, and not known where a counter began anew or no time has passed`() throws {
        let at = { (seconds: Int64, sent: UInt64) in try Self.status("x", at: seconds, sent: sent, isUp: true) }
        #expect(LabRates(from: nil, to: try at(1, 0)) == nil)
        #expect(LabRates(from: try at(1, 0), to: try at(1, 500)) == nil)
        #expect(
            LabRates(from: try at(1, 500), to: try at(3, 750))?.text(of: "through")
                == "west 1.0 kbit/s, east 0.0 kbit/s")
        #expect(LabRates(from: try at(1, 500), to: try at(3, 100))?.text(of: "through") == "west ?, east 0.0 kbit/s")
        #expect(LabRates(from: try at(1, 500), to: try at(3, 750))?.text(of: "other") == nil)
    }
}
