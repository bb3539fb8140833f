import LabRecords
import NetworkTypes

/// How much went through each end of a lab's tunnels over time: the graph of a cloud's monitor.
public struct TrafficReport: Sendable, Codable {
    public let series: [Series]

    /// One end of a tunnel.
    public struct Series: Sendable, Codable {
        public let tunnel: String
        public let node: String
        /// By time.
        public let points: [Point]
    }

    /// What was counted between two samples.
    public struct Point: Sendable, Codable {
        /// Since the beginning.
        public let fromNanoseconds: Int64
        public let toNanoseconds: Int64
        public let sentPacketsPerSecond: Double
        public let receivedPacketsPerSecond: Double
        public let sentBitsPerSecond: Double
        public let receivedBitsPerSecond: Double
    }

    /// - Parameters:
    ///   - samples: By time; two at least make a series.
    ///   - start: The lab's time that the points' times count from.
    public init(_ samples: [TrafficSample], since start: Int64) {
        var order: [(tunnel: String, node: String)] = []
        for end in samples.flatMap(\.ends) where !order.contains(where: { $0 == (end.tunnel, end.node) }) {
            order.append((end.tunnel, end.node))
        }
        series = order.map { tunnel, node in
            let found = samples.compactMap { sample in
                sample.ends.first { $0.tunnel == tunnel && $0.node == node }.map { (sample.nanoseconds, $0) }
            }
            return Series(
                tunnel: tunnel, node: node,
                points: zip(found, found.dropFirst()).compactMap { Point(from: $0, to: $1, since: start) })
        }
    }

    /// So many characters of a graph stand for the whole time.
    private static let width = 60
    private static let bars = Array("▁▂▃▄▅▆▇█")

    /// A line for each end: what it sent over time, all drawn to one scale, and the most it sent and received in a second.
    ///
    /// The scale ends where a twentieth of all parts of the time would be beyond it: a transfer would make all else look flat.
    public func text(style: Style, indent: String) -> String {
        let columns = series.map { Self.columns(of: $0) }
        let rates = columns.flatMap(\.self).filter { $0 > 0 }.sorted()
        guard !rates.isEmpty else { return "" }
        let most = rates[(rates.count * 19 + 19) / 20 - 1]
        let rows = zip(series, columns).map { one, columns in
            [
                one.tunnel, one.node, String(columns.map { Self.bar($0, of: most) }),
                Self.rate(one.points.map(\.sentPacketsPerSecond).max() ?? 0),
                Self.rate(one.points.map(\.receivedPacketsPerSecond).max() ?? 0),
            ]
        }
        return Table(columns: ["TUNNEL", "NODE", "SENT OVER TIME", "MOST SENT", "MOST RECEIVED"], rows: rows)
            .text(style: style, indent: indent)
    }

    /// The mean rates of sent packets in equal parts of the time.
    private static func columns(of series: Series) -> [Double] {
        let count = min(width, series.points.count)
        return (0..<count).map { column in
            let part = series.points[
                (column * series.points.count / count)..<((column + 1) * series.points.count / count)]
            return part.reduce(0) { $0 + $1.sentPacketsPerSecond } / Double(part.count)
        }
    }

    private static func bar(_ value: Double, of most: Double) -> Character {
        guard value > 0 else { return "·" }
        return bars[min(bars.count - 1, Int(min(value / most, 1) * Double(bars.count)))]
    }

    private static func rate(_ value: Double) -> String { "\(decimal(value))/s" }

    /// One decimal, and none where it is 0.
    public static func decimal(_ value: Double) -> String {
        let text = "\((value * 10).rounded() / 10)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// As CSV (RFC 4180): a line for each end and time, which is the end of what was counted.
    public var csv: String {
        let lines = series.flatMap { one in
            one.points.map { point in
                [
                    SoakReport.decimal(point.toNanoseconds, unit: 1_000_000_000, digits: 3), one.tunnel, one.node,
                    Self.decimal(point.sentPacketsPerSecond), Self.decimal(point.receivedPacketsPerSecond),
                    Self.decimal(point.sentBitsPerSecond), Self.decimal(point.receivedBitsPerSecond),
                ].joined(separator: ",")
            }
        }
        let head = "seconds,tunnel,node,sent_packets_per_s,received_packets_per_s,sent_bits_per_s,received_bits_per_s"
        return ([head] + lines).joined(separator: "\r\n") + "\r\n"
    }
}

extension TrafficReport.Point {
    /// Nil for two samples of one moment.
    fileprivate init?(from: (Int64, TrafficSample.End), to: (Int64, TrafficSample.End), since start: Int64) {
        guard to.0 > from.0 else { return nil }
        let seconds = Double(to.0 - from.0) / 1e9
        // An interface that was made anew counts from 0.
        let rate = { (path: KeyPath<TrafficSample.End, UInt64>) in
            let (old, new) = (from.1[keyPath: path], to.1[keyPath: path])
            return Double(new >= old ? new - old : new) / seconds
        }
        fromNanoseconds = from.0 - start
        toNanoseconds = to.0 - start
        sentPacketsPerSecond = rate(\.sentPackets)
        receivedPacketsPerSecond = rate(\.receivedPackets)
        sentBitsPerSecond = rate(\.sentBytes) * 8
        receivedBitsPerSecond = rate(\.receivedBytes) * 8
    }
}
