import LabModel
import NetworkTypes
import Recordings
import Reporting

/// What `netlab soak` found, as a page to send to somebody.
public struct SoakPage {
    private let report: SoakReport
    private let topology: Topology
    private let testedWith: [String]

    /// - Parameter testedWith: Versions and what has to be said of them, a line each.
    public init(_ report: SoakReport, of topology: Topology, testedWith: [String]) {
        self.report = report
        self.topology = topology
        self.testedWith = testedWith
    }

    /// The whole page in HTML.
    public var text: String {
        let title = "netlab soak: \(report.lab)"
        let words =
            "\(report.length.shortText) of the lab's time in \(report.wallTime.inMilliseconds)"
            + (report.isPartial ? ", broken off" : "")
        let body: Markup = """
            \(LabParts.header(title, Verdicts.markup(report.outcome), words, testedWith: testedWith))<main>
            \(faults)<h2>Pings</h2>
            \(flows)\(trips)\(renewals)\(rates)\(holdings)<h2>\(topology.title)</h2>
            \(LabParts.picture(of: topology))<p class="faint">Beside this page: <a href="report.json">report.json</a>, <a href="pings.csv">pings.csv</a>, <a href="traffic.csv">traffic.csv</a>, <a href="memory.csv">memory.csv</a>, and the logs.</p>
            </main>
            """
        return Page(title: title, body: body).text
    }

    private var faults: Markup {
        let logs = report.endurance.lost.flatMap(\.words)
        let told: Markup =
            logs.isEmpty
            ? .empty
            : "<details open><summary>What the daemons said</summary><pre class=\"scroll\">\(logs.joined(separator: "\n"))</pre></details>\n"
        return "\(report.faults.map { "<p class=\"bad\">\($0)</p>\n" as Markup })\(told)"
    }

    private var flows: Markup {
        let rows = report.flows.map { flow -> [Markup] in
            let trips = flow.roundTrip
            let times = [trips?.least, trips?.mean, trips?.median, trips?.p95, trips?.p99, trips?.most]
            let share = SoakReport.percentage(flow.lost, of: flow.sent - flow.undecided)
            let cells: [Markup] =
                ["\(flow.name)", "\(flow.sent)", Markup.text("\(flow.lost)", flow.lost > 0 ? "bad" : nil), "\(share)"]
                + times.map { "\($0.map(SoakReport.milliseconds) ?? "-")" }
                + ["\(flow.duplicates)", "\(flow.reordered)"]
            return cells.map { "<span class=\"figure\">\($0)</span>" }
        }
        let columns = [
            "Flow", "Sent", "Lost", "", "Least", "Mean", "Median", "95 %", "99 %", "Most", "Duplicated", "Reordered",
        ]
        let remarks = report.flows.flatMap { flow -> [Markup] in
            flow.localErrors.map { "<p class=\"doubt\">\(flow.name): \(flow.unsent) not sent: \($0)</p>\n" }
                + [report.references[flow.name]].compactMap(\.self).map {
                    "<p class=\"faint\">\(flow.name), published: \($0)</p>\n"
                }
        }
        return rows.isEmpty ? "<p>Nothing was pinged.</p>\n" : Markup.table(columns, rows) + "\(remarks)"
    }

    private var trips: Markup {
        let figures = Dictionary(grouping: report.minutes, by: \.flow)
        let drawn = report.flows.compactMap { flow in
            figures[flow.name].map { TripFigure(flow: flow.name, minutes: $0, length: report.length).markup }
        }
        guard !drawn.isEmpty else { return .empty }
        return """
            <h4>Round trips, minute by minute</h4>
            <p class="faint">Solid: the mean; dashed: the longest; a red (dark) bar at the bottom: pings were lost in that minute.</p>
            <div class="scroll">\(drawn)</div>

            """
    }

    private var renewals: Markup {
        let keys = report.endurance.tunnels.map { ["\($0.tunnel)", "\($0.children)", "\($0.ike)"] as [Markup] }
        let sessions = report.endurance.sessions.map {
            ["\($0.session)", Markup.text("\($0.count)", $0.count > 0 ? "doubt" : nil)]
        }
        let alarms = report.endurance.alarms.map { ["\($0.monitor)", "\($0.raised)"] as [Markup] }
        let tables =
            Markup.table(["Tunnel", "Child SAs renewed", "IKE SAs renewed"], keys)
            + Markup.table(["BGP session", "Flaps"], sessions) + Markup.table(["Monitor", "Alarms raised"], alarms)
        return keys.isEmpty && sessions.isEmpty && alarms.isEmpty ? .empty : "<h2>Keys and sessions</h2>\n\(tables)"
    }

    private var rates: Markup {
        let figures = report.traffic.series.map { RateFigure(series: $0, incidents: []).markup }
        guard figures.contains(where: { !$0.isEmpty }) else { return .empty }
        return """
            <h2>Packets a second through the tunnels' ends</h2>
            <p class="faint">Solid: sent; dashed: received.</p>
            <div class="scroll">\(figures)</div>

            """
    }

    private var holdings: Markup {
        let rows = report.endurance.holdings.map { one -> [Markup] in
            let amounts = [one.first, one.last, one.limit].map { SoakReport.amount($0, one.unit) }
            return ["\(one.name)"] + amounts.map { "\($0)" as Markup } + [
                one.isLeak ? Markup.text("✗ leak", "bad") : Markup.text("✓", "good")
            ]
        }
        guard !rows.isEmpty else { return .empty }
        return "<h2>What it holds</h2>\n\(Markup.table(["", "First", "Last", "At most", ""], rows))"
    }
}
