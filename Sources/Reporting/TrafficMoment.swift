import LabRecords
import NetworkTypes

/// How much went through each end of a lab's tunnels between two counts: a line of a watch.
public struct TrafficMoment: Sendable, Encodable {
    /// On the lab's clock, when it was counted.
    public let nanoseconds: Int64
    public let ends: [End]

    public struct End: Sendable, Encodable {
        public let tunnel: String
        public let node: String
        public let sentPacketsPerSecond: Double
        public let receivedPacketsPerSecond: Double
        public let sentBitsPerSecond: Double
        public let receivedBitsPerSecond: Double
    }

    public init(from first: TrafficSample, to second: TrafficSample) {
        nanoseconds = second.nanoseconds
        ends = TrafficReport([first, second], since: 0).series.compactMap { series in
            series.points.first.map { point in
                End(
                    tunnel: series.tunnel, node: series.node, sentPacketsPerSecond: point.sentPacketsPerSecond,
                    receivedPacketsPerSecond: point.receivedPacketsPerSecond,
                    sentBitsPerSecond: point.sentBitsPerSecond, receivedBitsPerSecond: point.receivedBitsPerSecond)
            }
        }
    }

    /// One line of JSON.
    ///
    /// - Throws: `EncodingError`, which no value of netlab's own brings about.
    public func line() throws -> String { try JSONText.of(self, onOneLine: true) }

    /// The lab's time, and of each end packets a second, sent and received.
    public func text(withHeading: Bool) -> String {
        let heads = ends.map { "\($0.tunnel) at \($0.node)" }
        let cells = zip(ends, heads).map { end, head in
            let rates = [end.sentPacketsPerSecond, end.receivedPacketsPerSecond].map(TrafficReport.decimal)
            return rates.joined(separator: " / ").padded(to: max(head.count, Self.rateWidth))
        }
        let time = VerdictReport.seconds(nanoseconds)
        let line = Self.row([time.padded(to: Self.timeWidth)] + cells)
        guard withHeading else { return line }
        return "packets a second, sent / received\n"
            + Self.row(["at".padded(to: Self.timeWidth)] + heads.map { $0.padded(to: Self.rateWidth) }) + "\n" + line
    }

    private static let timeWidth = 16
    private static let rateWidth = 17

    private static func row(_ cells: [String]) -> String {
        var line = cells.joined(separator: "  ")
        while line.last == " " { line.removeLast() }
        return line
    }
}
