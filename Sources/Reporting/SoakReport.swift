import Daemons
import LabModel
import LabRecords
import NetworkTypes
import Recordings

/// What came of a lab that ran for long: the pings' table, what was renewed, and what grew.
public struct SoakReport: Sendable {
    public let lab: String
    /// How long it ran, on the lab's clock and on the host's.
    public let length: Duration
    public let wallTime: Duration
    public let isPartial: Bool
    public let flows: [FlowResult]
    public let endurance: Endurance
    /// What the lab's model measured, in words, by the flow's name.
    public let references: [String: String]
    /// What share of its pings each flow may lose; nil for any.
    public let maximumLoss: Percentage?
    /// Tunnels whose keys were renewed far more often than their lifetimes ask for, in words.
    public let hurried: [String]
    private let record: ScriptRecord

    /// - Parameters:
    ///   - events: Those of the daemons' logs; the record's own are counted in any case.
    public init(
        topology: Topology, record: ScriptRecord, events: [LabEvent] = [], wallTime: Duration,
        references: [String: String] = [:], maximumLoss: Percentage? = nil
    ) {
        lab = topology.name
        length = .nanoseconds(record.endedAtNanoseconds - record.startedAtNanoseconds)
        self.wallTime = wallTime
        isPartial = record.isPartial
        flows = record.flows.map {
            FlowResult($0, trace: nil, brokenOff: record.isPartial ? record.endedAtNanoseconds : nil)
        }
        endurance = Endurance(events: record.events + events, record: record, topology: topology)
        hurried = endurance.tunnels.compactMap { [length] in Self.hurry(of: $0, within: length, topology) }
        self.references = references
        self.maximumLoss = maximumLoss
        self.record = record
    }

    /// What is wrong with how often a tunnel's keys were renewed; nil where nothing is, or its lifetime is not known.
    ///
    /// A margin may take nine tenths off a lifetime by chance, both ends may renew at the same time, and each pair of selectors has SAs of
    /// its own: more than all of that together is no renewal in its time.
    private static func hurry(of renewals: Endurance.Renewals, within length: Duration, _ topology: Topology) -> String?
    {
        guard let tunnel = topology.tunnel(named: renewals.tunnel),
            let lifetime = tunnel.ends.compactMap(\.espLifetime).min(), lifetime > .zero
        else { return nil }
        let pairs = max(1, tunnel.ends.map(\.selectors.count).max() ?? 1)
        let most = Double(pairs) * 2 * (10 * (length / lifetime) + 2)
        guard Double(renewals.children) > most else { return nil }
        return
            "\(renewals.tunnel): \(renewals.children) new child SAs in \(length.shortText), which last \(lifetime.shortText): they are renewed again and again"
    }

    /// A leak fails, so does a tunnel that is gone at the end or renews its keys without end, and so do more lost pings than were to be; that nobody counted is a
    /// doubt, and so is a lab that did not run to the end or was not asked anything.
    public var outcome: TestRun.Outcome {
        if record.steps.contains(where: { $0.failure != nil }) { return .broken }
        if !endurance.lost.isEmpty || !hurried.isEmpty || !excessive.isEmpty { return .fail }
        guard let hasLeak = endurance.hasLeak else { return .inconclusive }
        return hasLeak ? .fail : isPartial || flows.allSatisfy { $0.sent == 0 } ? .inconclusive : .pass
    }

    /// The flows that have lost a larger share than they may.
    public var excessive: [FlowResult] {
        guard let maximumLoss else { return [] }
        return flows.filter { flow in
            let decided = flow.sent - flow.undecided
            return decided > 0 && Double(flow.lost) > maximumLoss.fraction * Double(decided)
        }
    }

    /// What is wrong, in words; nothing where all went well.
    public var faults: [String] {
        var words = record.steps.compactMap(\.failure)
        words += endurance.lost.map { "\($0.tunnel): down \(Self.since($0)): \($0.seen)" }
        words += hurried
        if let maximumLoss {
            words += excessive.map { "\($0.name) lost more than \(maximumLoss) (--max-loss)" }
        }
        words += endurance.holdings.filter(\.isLeak).map {
            "\($0.name) leaks: \(Self.amount($0.last, $0.unit)) at the end"
        }
        if endurance.hasLeak == nil { words.append("Memory was not counted twice: nothing follows") }
        return words
    }

    private static func since(_ loss: Endurance.Loss) -> String {
        loss.since.map { "since \($0)" } ?? "since the beginning"
    }

    /// How much something holds.
    public static func amount(_ value: Int64, _ unit: Endurance.Holding.Unit) -> String {
        unit == .bytes ? StatusReport.amount(UInt64(max(0, value))) : "\(value)"
    }

    // MARK: Text

    public func text(style: Style) -> String {
        let times = "\(length.shortText) in \(wallTime.inMilliseconds) of wall time"
        var parts = ["\(style.strong(lab))  \(style.faint(times))\(isPartial ? style.warning(", broken off") : "")"]
        parts.append(flowTable(style))
        if !endurance.tunnels.isEmpty || !endurance.sessions.isEmpty { parts.append(events(style)) }
        parts.append(holdings(style))
        return parts.joined(separator: "\n\n")
    }

    private func flowTable(_ style: Style) -> String {
        let columns = [
            "FLOW", "SENT", "LOST", "", "MIN", "MEAN", "P50", "P95", "P99", "MAX", "MDEV", "DUPLICATED", "REORDERED",
        ]
        var rows: [[String]] = []
        for flow in flows {
            let trips = flow.roundTrip
            let times = [
                trips?.least, trips?.mean, trips?.median, trips?.p95, trips?.p99, trips?.most, trips?.deviation,
            ]
            let lost = flow.lost > 0 ? style.bad("\(flow.lost)") : "0"
            rows.append(
                [flow.name, "\(flow.sent)", lost, Self.percentage(flow.lost, of: flow.sent - flow.undecided)]
                    + times.map { $0.map(Self.milliseconds) ?? "-" } + ["\(flow.duplicates)", "\(flow.reordered)"])
        }
        var lines = [Table(columns: columns, rows: rows).text(style: style)]
        for flow in flows {
            if let reference = references[flow.name] {
                lines.append(style.faint("\(flow.name), for comparison: \(reference)"))
            }
            lines += flow.localErrors.map { style.warning("\(flow.name): \(flow.unsent) not sent: \($0)") }
        }
        if let maximumLoss {
            lines += excessive.map { style.bad("\($0.name) lost more than \(maximumLoss) (--max-loss)") }
        }
        return lines.joined(separator: "\n")
    }

    private func events(_ style: Style) -> String {
        var lines = endurance.tunnels.map { "\($0.tunnel): \($0.children) child SAs and \($0.ike) IKE SAs renewed" }
        lines += hurried.map(style.bad)
        for loss in endurance.lost {
            lines.append(style.bad("\(loss.tunnel): down \(Self.since(loss)): \(loss.seen)"))
            lines += loss.words.map { "  \($0)" }
        }
        lines += endurance.sessions.map { session in
            let flaps = "BGP \(session.session): \(session.count) flap\(session.count == 1 ? "" : "s")"
            return session.count == 0 ? flaps : style.warning(flaps)
        }
        lines += endurance.alarms.map {
            style.warning("\($0.monitor): alarm raised \($0.raised == 1 ? "once" : "\($0.raised) times")")
        }
        return lines.joined(separator: "\n")
    }

    private func holdings(_ style: Style) -> String {
        guard let hasLeak = endurance.hasLeak else {
            return style.warning("Memory was not counted twice: nothing follows")
        }
        let rows = endurance.holdings.map { holding in
            let amount = { (value: Int64) in Self.amount(value, holding.unit) }
            return [
                holding.name, amount(holding.first), amount(holding.last), amount(holding.limit),
                holding.isLeak ? style.bad("leak") : "",
            ]
        }
        let table = Table(columns: ["HOLDS", "FIRST", "LAST", "AT MOST", ""], rows: rows).text(style: style)
        return table + "\n" + (hasLeak ? style.bad("something leaks") : style.good("nothing leaks"))
    }

    /// `0 %`, `0.0012 %`: two significant digits, and never 0 where something was lost.
    public static func percentage(_ part: Int, of whole: Int) -> String {
        guard part > 0, whole > 0 else { return "0 %" }
        var (scale, value) = (1.0, Double(part) * 100 / Double(whole))
        while value < 10, scale < 1e9 {
            value *= 10
            scale *= 10
        }
        let text = "\(value.rounded() / scale)"
        return "\(text.hasSuffix(".0") ? String(text.dropLast(2)) : text) %"
    }

    /// Milliseconds with three decimals, as ping(8) has them.
    public static func milliseconds(_ nanoseconds: Int64) -> String {
        "\(decimal(nanoseconds, unit: 1_000_000, digits: 3)) ms"
    }

    /// A count of nanoseconds in a larger unit, rounded to so many decimals, without an exponent.
    static func decimal(_ nanoseconds: Int64, unit: Int64, digits: Int) -> String {
        let factor = (0..<digits).reduce(1 as Int64) { value, _ in value * 10 }
        let step = max(1, unit / factor)
        // What is before the beginning, as the first sample may be, has its sign before all digits.
        let rounded = (abs(nanoseconds) + step / 2) / step
        let rest = String(rounded % factor)
        let sign = nanoseconds < 0 && rounded > 0 ? "-" : ""
        return "\(sign)\(rounded / factor).\(String(repeating: "0", count: digits - rest.count))\(rest)"
    }

    // MARK: Series

    /// What went through each end of the tunnels.
    public var traffic: TrafficReport { TrafficReport(record.traffic, since: record.startedAtNanoseconds) }

    /// What became of a flow's pings that were sent within a minute.
    public struct Minute: Sendable {
        public let flow: String
        /// From 0, since the beginning.
        public let minute: Int
        public let sent: Int
        public let lost: Int
        /// Round trips in nanoseconds; nil where nothing was answered.
        public let mean: Int64?
        public let most: Int64?
    }

    /// Each flow minute by minute; minutes without a ping are left out.
    public var minutes: [Minute] {
        var all: [Minute] = []
        for flow in record.flows {
            var (minute, sent, trips) = (0, 0, [Int64]())
            func close() {
                guard sent > 0 else { return }
                let mean = trips.isEmpty ? nil : trips.reduce(0, +) / Int64(trips.count)
                all.append(
                    Minute(
                        flow: flow.request.name, minute: minute, sent: sent, lost: sent - trips.count, mean: mean,
                        most: trips.max()))
            }
            for (request, sentAt) in flow.sentAtNanoseconds.enumerated() {
                let due = sentAt + flow.request.timeout.wholeNanoseconds
                let trip = flow.roundTripNanoseconds[request]
                if trip < 0, isPartial, due > record.endedAtNanoseconds { continue }
                let now = Int((sentAt - record.startedAtNanoseconds) / 60_000_000_000)
                if now != minute {
                    close()
                    (minute, sent, trips) = (now, 0, [])
                }
                sent += 1
                if trip >= 0 { trips.append(trip) }
            }
            close()
        }
        return all
    }

    /// The same as CSV (RFC 4180): times in ms; empty where nothing was answered.
    public var flowSeries: String {
        let lines = minutes.map { one in
            let cells = [one.mean, one.most].map { $0.map { Self.decimal($0, unit: 1_000_000, digits: 6) } ?? "" }
            return "\(Self.cell(one.flow)),\(one.minute),\(one.sent),\(one.lost),\(cells[0]),\(cells[1])"
        }
        return (["flow,minute,sent,lost,mean_ms,max_ms"] + lines).joined(separator: "\r\n") + "\r\n"
    }

    /// Memory and security associations at each sample, as CSV (RFC 4180): bytes and counts.
    public var holdingSeries: String {
        let daemons = Set(record.samples.flatMap(\.daemonBytes.keys)).sorted()
        let nodes = Set(record.samples.flatMap(\.associations.keys)).sorted()
        let heads = ["seconds", "kernel_bytes"] + daemons.map { "\($0)_bytes" } + nodes.map { "\($0)_sas" }
        var lines = [heads.map(Self.cell).joined(separator: ",")]
        for sample in record.samples {
            let seconds = Self.decimal(sample.nanoseconds - record.startedAtNanoseconds, unit: 1_000_000_000, digits: 3)
            let cells =
                [seconds, "\(sample.kernelBytes)"] + daemons.map { sample.daemonBytes[$0].map { "\($0)" } ?? "" }
                + nodes.map { sample.associations[$0].map { "\($0)" } ?? "" }
            lines.append(cells.joined(separator: ","))
        }
        return lines.joined(separator: "\r\n") + "\r\n"
    }

    private static func cell(_ text: String) -> String {
        text.contains(where: { ",\"\r\n".contains($0) }) ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
    }
}

/// The report for programs. All times are whole nanoseconds.
extension SoakReport: Encodable {
    private enum Key: CodingKey {
        case lab, outcome, isPartial, lengthNanoseconds, wallNanoseconds, flows, endurance, hurried, traffic
    }

    private struct Line: Encodable {
        let flow: FlowText
        let lossPercentage: Double
        let reference: String?
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Key.self)
        try values.encode(lab, forKey: .lab)
        try values.encode(outcome, forKey: .outcome)
        try values.encode(isPartial, forKey: .isPartial)
        try values.encode(length.wholeNanoseconds, forKey: .lengthNanoseconds)
        try values.encode(wallTime.wholeNanoseconds, forKey: .wallNanoseconds)
        let lines = flows.map { flow in
            Line(
                flow: FlowText(flow),
                lossPercentage: flow.sent > flow.undecided
                    ? Double(flow.lost) * 100 / Double(flow.sent - flow.undecided) : 0,
                reference: references[flow.name])
        }
        try values.encode(lines, forKey: .flows)
        try values.encode(endurance, forKey: .endurance)
        try values.encode(hurried, forKey: .hurried)
        try values.encode(traffic.series, forKey: .traffic)
    }
}
