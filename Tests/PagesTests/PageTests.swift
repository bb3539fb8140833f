import Expectations
import Foundation
import FoundationXML
import LabFiles
import LabModel
import LabRecords
import NetworkTypes
import Pages
import Predictions
import Recordings
import Reporting
import Testing

/// Pages and pictures: what is on them, and that nothing in a lab becomes markup.
@Suite("Pages and pictures")
struct PageTests {
    private static let second: Int64 = 1_000_000_000
    private static let hostile = "\"><script>alert('1')</script>&amp;\u{0}\u{1B}[31m]]>"

    private static func lab(_ title: String) throws -> Topology {
        struct NoFile: Error {}
        let text = """
            name: pair
            title: TITLE
            clouds: {c: {title: TITLE}}
            nodes:
              west: {role: router, cloud: c, summary: TITLE}
              middle: {role: router}
              east: {role: router}
            links:
              one: {ends: {west:e0: 192.0.2.1/30, middle:w: 192.0.2.2/30}}
              two: {ends: {middle:e: 192.0.2.5/30, east:e0: 192.0.2.6/30}}
            tunnels:
              through: {kind: ipip, summary: TITLE, ends: {west: {address: 192.0.2.1, interface: t0, inside: 10.9.0.1/30}, east: {address: 192.0.2.6, interface: t0, inside: 10.9.0.2/30}}}
            """
        let lab = try LabFile(text: text, file: "lab.yaml", companion: { _ in throw NoFile() }).resolve().topology
        return Topology(
            name: lab.name, title: title, summary: title, deviations: [],
            clouds: [Cloud(name: "c", title: title, provider: nil)],
            nodes: lab.nodes, links: lab.links, tunnels: lab.tunnels, sessions: [])
    }

    /// A run in which requests 100 to 350 of 600 were lost.
    private static func run(_ words: String, outcome: Verdict.Outcome = .pass) -> TestRun {
        let record = FlowRecord(
            request: FlowRequest(
                name: "app", source: "west", sourceAddress: nil, destination: IPAddress("192.0.2.6")!,
                interval: .milliseconds(100)),
            id: 1, identifier: 1, sentAtNanoseconds: (0..<600).map { Int64($0) * second / 10 },
            roundTripNanoseconds: (0..<600).map { (100..<350).contains($0) ? -1 : 3_000_000 }, duplicates: 0,
            reordered: 0, unsent: 0, localErrors: [])
        let flow = FlowResult(record, trace: nil)
        let fault = Fault.linkDown(words)
        let judge = OutageJudge(
            incidents: [Incident(nanoseconds: 10 * second, begun: [fault])], endedAt: 60 * second,
            predict: { incident, flow in
                Prediction(
                    fault: incident.text, probe: flow.probe, effect: .outage(Window(.seconds(20), .seconds(31))),
                    comeback: nil, before: .init(forth: ["main"], back: ["main"]), during: nil, reasons: [words])
            })
        let events = [
            LabEvent(nanoseconds: 10 * second, node: "", kind: .fault(fault, isActive: true)),
            LabEvent(nanoseconds: 22 * second, node: "west", kind: .ike(connection: "c", .peerDead, text: words)),
        ]
        let topology = try? lab("t")
        let timeline = topology.map {
            Timeline(
                events: events, flows: [(record, flow)], trace: nil, topology: $0, startedAt: 0, endedAt: 60 * second)
        }
        let verdict = Verdict(
            expectation: "sessions", kind: "bgp", outcome: outcome, expected: words, rule: words, seen: words,
            evidence: [Evidence(packet: 7, nanoseconds: 1, interface: "west:e0", remark: words, line: words)])
        return TestRun(
            lab: "pair", scenario: "cut", variant: nil, repetition: 1, length: .seconds(60), wallTime: .seconds(1),
            checks: [TestRun.Check(at: .seconds(5), verdict: verdict, mustHold: true)], flows: [flow],
            judgements: judge.judgements(of: [flow]), events: events, timeline: timeline, capture: words)
    }

    private static func page(_ words: String, outcome: Verdict.Outcome = .pass) throws -> String {
        let report = TestReport(runs: [run(words, outcome: outcome)])
        return TestPage(report, labs: [try lab(words)], testedWith: [words]) { _ in "pair/cut" }.text
    }

    @Test func `A page has the verdicts, the windows and the measurements, and asks nobody for anything`() throws {
        let page = try Self.page("wan", outcome: .fail)
        for words in [
            "✗ failed", "link wan down", "out for 24.900 s to 25.100 s, 250 packets lost",
            "an outage of 20.000 s to 31.000 s",
            "class=\"band\"", "class=\"lost\"", "packet 7 from west:e0", "href=\"pair/cut/report.txt\"",
            "default-src &#39;none&#39;", "<details id=\"run-1\" open>",
        ] {
            #expect(page.contains(words.replacing("&#39;", with: "'")), "\(words)")
        }
        #expect(try Self.page("wan").contains("<details id=\"run-1\"><summary>"))
        for request in ["http://", "https://", "src=", "@import", "url("] {
            #expect(!page.contains(request), "\(request)")
        }
    }

    @Test func `Nothing in a lab becomes markup or script`() throws {
        let page = try Self.page(Self.hostile, outcome: .fail)
        let plain = try Self.page("plain", outcome: .fail)
        #expect(!page.contains("<script") && !page.contains("\u{0}") && !page.contains("\u{1B}"))
        #expect(page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;"))
        // The same tags and as many of them, whatever words are in between.
        let tags = { (text: String) in
            text.matches(of: #/<[a-z\/!][^>]*>/#).map { String($0.0.prefix { !$0.isWhitespace }) }
        }
        #expect(tags(page) == tags(plain))
        let svg = TopologyFigure(try Self.lab(Self.hostile)).svg
        #expect(!svg.contains("<script") && svg.contains("&lt;script&gt;"))
        let document = try XMLDocument(xmlString: svg)
        #expect(document.rootElement()?.name == "svg")
        #expect(!TopologyText(try Self.lab("a\"] b\nc")).mermaid.contains("\"a\"]"))
    }

    @Test func `A summary in Markdown has a row for each outage, what did not hold, and the picture`() throws {
        let report = TestReport(runs: [Self.run("a|b <i>[c](d)`e`\n# f", outcome: .fail)])
        let text = TestSummary(report, labs: [try Self.lab("t")]).text
        let lines = text.split(separator: "\n").map(String.init)
        #expect(lines[0] == "## netlab: 0 of 1 scenarios passed")
        let row = try #require(lines.first { $0.hasPrefix("| ✓ | pair cut | app |") })
        #expect(row.replacing("\\|", with: "").count { $0 == "|" } == 7, "\(row)")
        #expect(!text.contains("<i>") && !text.contains("[c]("))
        #expect(lines.contains { $0.hasPrefix("- ✗ **pair cut, sessions**: expected a\\|b &lt;i>") }, "\(text)")
        #expect(text.contains("```mermaid\nflowchart LR\n"))
    }

    @Test func `A picture has every node, link and tunnel of a lab, and none upon another`() throws {
        let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Labs")
        var drawn = 0
        for name in try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() {
            let place = directory.appending(path: name)
            guard let text = try? String(contentsOf: place.appending(path: "lab.yaml"), encoding: .utf8) else {
                continue
            }
            let lab = try LabFile(text: text, file: "lab.yaml") {
                try String(contentsOf: place.appending(path: $0), encoding: .utf8)
            }.resolve().topology
            let svg = TopologyFigure(lab).svg
            let boxes = svg.matches(of: #/class="node" x="([\d.]+)" y="([\d.]+)"/#).map {
                [String($0.1), String($0.2)]
            }
            #expect(boxes.count == lab.nodes.count && Set(boxes).count == boxes.count, "\(name)")
            #expect(svg.matches(of: #/class="link"/#).count == lab.links.count, "\(name)")
            let tunnels = lab.tunnels.count + lab.plainTunnels.count
            #expect(svg.matches(of: #/path class="tunnel/#).count == tunnels, "\(name)")
            for node in lab.nodes { #expect(svg.contains(">\(node.name)</text>"), "\(name)") }
            let (mermaid, dot) = (TopologyText(lab).mermaid, TopologyText(lab).dot)
            for node in lab.nodes {
                #expect(mermaid.contains("[\"\(node.name)\"]") && dot.contains("\"\(node.name)\""), "\(name)")
            }
            drawn += 1
        }
        #expect(drawn >= 10)
    }
}
