import NetworkTypes
import Reporting

/// What went through one end of a tunnel over a run, sent and received.
struct RateFigure {
    let series: TrafficReport.Series
    /// When faults began or were mended, since the run's beginning.
    let incidents: [Int64]

    var markup: Markup {
        let end = series.points.last?.toNanoseconds ?? 0
        let axis = TimeAxis(from: 0, to: end, origin: 0, left: 170, width: 780)
        let most = series.points.flatMap { [$0.sentPacketsPerSecond, $0.receivedPacketsPerSecond] }.max() ?? 0
        guard most > 0 else { return .empty }
        let line = { (value: KeyPath<TrafficReport.Point, Double>) -> Markup in
            let points = thinned.map { "\(axis.x($0.toNanoseconds)),\(58 - $0[keyPath: value] / most * 50)" as Markup }
            return points.joined(by: " ")
        }
        let lines = incidents.map {
            "<line class=\"incident\" x1=\"\(axis.x($0))\" y1=\"4\" x2=\"\(axis.x($0))\" y2=\"60\"/>" as Markup
        }
        let words = "\(series.tunnel) at \(series.node): up to \(TrafficReport.decimal(most)) packets a second"
        return """
            <svg class="wide" viewBox="0 0 970 78" width="970" role="img" aria-label="\(words)">
            <text x="162" y="26" text-anchor="end">\(series.tunnel)</text><text class="small" x="162" y="42" text-anchor="end">\(series.node), ≤ \(TrafficReport.decimal(most))/s</text>
            \(axis.marks(at: 4, height: 56))<polyline class="sent" points="\(line(\.sentPacketsPerSecond))"/><polyline class="received" points="\(line(\.receivedPacketsPerSecond))"/>\(lines)</svg>

            """
    }

    /// As many points as can be told apart, each the largest of its part.
    private var thinned: [TrafficReport.Point] {
        let part = max(1, series.points.count / 400)
        return stride(from: 0, to: series.points.count, by: part).compactMap { start in
            series.points[start..<min(start + part, series.points.count)].max {
                $0.sentPacketsPerSecond < $1.sentPacketsPerSecond
            }
        }
    }
}
