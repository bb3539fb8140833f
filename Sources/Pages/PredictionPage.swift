import LabModel
import NetworkTypes
import Reporting

/// What `netlab predict` says, as a page to send to somebody.
public struct PredictionPage {
    private let title: String
    private let words: String
    private let topology: Topology
    private let testedWith: [String]
    private let body: Markup

    /// What some faults will do to each probe, and why.
    ///
    /// - Parameter testedWith: Versions and what has to be said of them, a line each.
    public init(_ report: PredictionReport, of topology: Topology, testedWith: [String]) {
        title = "netlab predict: \(report.lab)"
        words = report.faults.joined(separator: " and ")
        self.topology = topology
        self.testedWith = testedWith + report.warnings
        let longest = report.lines.compactMap(\.window?.latest).max() ?? .zero
        let rows = report.lines.map { line -> [Markup] in
            [
                "\(line.probe)", "\(line.effect)", "\(line.outage)",
                line.window.map { Self.band($0, longest: longest) } ?? .empty, "\(line.comeback)", "\(line.before)",
                "\(line.during)",
            ]
        }
        let reasons = report.reasons.enumerated().map { number, group in
            """
            <details\(number == 0 ? " open" : "")><summary><h3>\(group.probes.joined(separator: ", "))</h3></summary>
            <ol>\(group.reasons.map { "<li>\($0)</li>\n" as Markup })</ol></details>

            """ as Markup
        }
        body = """
            <h2>What becomes of the probes</h2>
            \(Markup.table(["Probe", "Effect", "Out for", "", "Comeback", "Before", "During"], rows))<h2>Why</h2>
            \(reasons)
            """
    }

    /// What may break by itself, and for how long each is out.
    ///
    /// - Parameter testedWith: Versions and what has to be said of them, a line each.
    public init(_ report: BreakageReport, of topology: Topology, testedWith: [String]) {
        title = "netlab predict: \(topology.name)"
        words = "all that may break by itself"
        self.topology = topology
        self.testedWith = testedWith
        let rows = report.rows.enumerated().map { number, row -> [Markup] in
            let isSame = number > 0 && report.rows[number - 1].breaks == row.breaks
            return [
                "\(isSame ? "" : row.breaks)", "\(row.probes.isEmpty ? "-" : row.probes.joined(separator: ", "))",
                "\(row.predicted)", "\(row.ways)",
            ]
        }
        body = """
            <h2>What breaks, and for how long</h2>
            \(Markup.table(["Breaks", "Probes", "Out for", "Carries instead"], rows))\(report.doubts.map { "<p class=\"doubt\">\($0)</p>\n" as Markup })
            """
    }

    /// The whole page in HTML.
    public var text: String {
        let body: Markup = """
            \(LabParts.header(title, "predicted, not measured:", words, testedWith: testedWith))<main>
            \(body)<h2>\(topology.title)</h2>
            \(LabParts.picture(of: topology))</main>
            """
        return Page(title: title, body: body).text
    }

    /// A window on the time from the fault to the latest end of all windows.
    private static func band(_ window: Window, longest: Duration) -> Markup {
        let axis = TimeAxis(from: 0, to: longest.wholeNanoseconds, origin: 0, left: 4, width: 192)
        let (begin, end) = (axis.x(window.earliest.wholeNanoseconds), axis.x(window.latest.wholeNanoseconds))
        return """
            <svg viewBox="0 0 200 18" width="200" role="img" aria-label="over after \(window.text) of \(longest.shortText)"><line class="axis" x1="4" y1="9" x2="196" y2="9"/><rect class="band" x="\(begin)" y="4" width="\(max(end - begin, 2))" height="10"/></svg>
            """
    }
}
