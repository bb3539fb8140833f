import NetworkTypes
import Reporting

/// A flow's round trips over a long run, and when pings of it were lost.
struct TripFigure {
    let flow: String
    /// By time.
    let minutes: [SoakReport.Minute]
    let length: Duration

    private static let minute: Int64 = 60_000_000_000

    var markup: Markup {
        let end = max(length.wholeNanoseconds, Self.minute)
        let axis = TimeAxis(from: 0, to: end, origin: 0, left: 170, width: 780)
        let most = max(minutes.compactMap(\.most).max() ?? 0, 1)
        let x = { (minute: Int) in axis.x(min(Int64(minute) * Self.minute + Self.minute / 2, end)) }
        let line = { (value: KeyPath<SoakReport.Minute, Int64?>) -> Markup in
            let points = thinned.compactMap { one in
                one[keyPath: value].map { "\(x(one.minute)),\(58 - Double($0) / Double(most) * 48)" as Markup }
            }
            return points.joined(by: " ")
        }
        let width = max(axis.width * Double(Self.minute) / Double(end), 1.5)
        let losses = minutes.filter { $0.lost > 0 }.map { one in
            """
            <rect class="lost" x="\(x(one.minute) - width / 2)" y="54" width="\(width)" height="6"><title>\(flow), minute \(one.minute): \(one.lost) of \(one.sent) lost</title></rect>
            """ as Markup
        }
        let lost = minutes.reduce(0) { $0 + $1.lost }
        let words = "\(flow): round trips of up to \(SoakReport.milliseconds(most)), \(lost) pings lost"
        return """
            <svg class="wide" viewBox="0 0 970 78" width="970" role="img" aria-label="\(words)">
            <text x="162" y="26" text-anchor="end">\(flow)</text><text class="small" x="162" y="42" text-anchor="end">≤ \(SoakReport.milliseconds(most))</text>
            \(axis.marks(at: 4, height: 56))<polyline class="sent" points="\(line(\.mean))"/><polyline class="received" points="\(line(\.most))"/>\(losses)</svg>

            """
    }

    /// As many minutes as can be told apart, of each part that with the longest round trip.
    private var thinned: [SoakReport.Minute] {
        let part = max(1, minutes.count / 400)
        return stride(from: 0, to: minutes.count, by: part).compactMap { start in
            minutes[start..<min(start + part, minutes.count)].max { ($0.most ?? -1) < ($1.most ?? -1) }
        }
    }
}
