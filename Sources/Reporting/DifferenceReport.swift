import Daemons
import Differences
import LabModel
import Predictions

/// What changes from one lab to another: its parts, the ways of its probes, and how long they are out when something breaks.
public struct DifferenceReport: Encodable, Sendable {
    /// The way of a probe in labs that are well.
    public struct Way: Encodable, Sendable {
        public let probe: String
        public let before: String
        public let after: String
    }

    /// What becomes of probes when something breaks.
    public struct Outage: Encodable, Sendable {
        public let breaks: String
        public fileprivate(set) var probes: [String]
        /// Nil where the first lab has no such breakage, or no such probe.
        public let before: String?
        /// The same of the second.
        public let after: String?
    }

    public let changes: [LabDifference.Change]
    public let ways: [Way]
    public let outages: [Outage]

    /// - Parameters:
    ///   - ways: Of each lab, its probes with the tunnels that they take.
    ///   - outages: Of each lab, what is predicted.
    public init(
        _ difference: LabDifference, ways: (before: [String: String], after: [String: String]),
        outages: (before: BreakageReport, after: BreakageReport)
    ) {
        changes = difference.changes
        let common = ways.before.keys.filter { ways.after[$0] != nil }.sorted()
        self.ways = common.compactMap { probe in
            let (before, after) = (ways.before[probe] ?? "", ways.after[probe] ?? "")
            return before == after ? nil : Way(probe: probe, before: before, after: after)
        }
        let old = Self.fates(outages.before, of: ways.before.keys.sorted())
        let new = Self.fates(outages.after, of: ways.after.keys.sorted())
        let keys = old.map(\.key) + new.map(\.key).filter { key in !old.contains { $0.key == key } }
        self.outages = keys.reduce(into: [Outage]()) { rows, key in
            let before = old.first { $0.key == key }?.words
            let after = new.first { $0.key == key }?.words
            guard before != after else { return }
            // Probes that fare alike have one line.
            if let place = rows.firstIndex(where: { $0.breaks == key[0] && $0.before == before && $0.after == after }) {
                rows[place].probes.append(key[1])
            } else {
                rows.append(Outage(breaks: key[0], probes: [key[1]], before: before, after: after))
            }
        }
    }

    /// The tunnels that each probe of a lab takes there and back.
    public static func ways(of topology: Topology, _ versions: DaemonVersions) -> [String: String] {
        let predictor = Predictor(topology: topology, versions: versions)
        return topology.probes.reduce(into: [:]) { ways, probe in
            let courses = predictor.courses(of: probe)
            if let why = courses.loss ?? courses.doubt {
                ways[probe.name] = (courses.loss == nil ? "not known: " : "no answer: ") + why
                return
            }
            let words = [courses.forth, courses.back].map { some in
                let all = Set(some.map { $0.tunnels.isEmpty ? "no tunnel" : $0.tunnels.joined(separator: " > ") })
                    .sorted()
                return all.joined(separator: " or ")
            }
            ways[probe.name] = words[0] == words[1] ? words[0] : "\(words[0]), back \(words[1])"
        }
    }

    /// What each breakage does to each probe, `nothing` where it does not touch it.
    private static func fates(_ report: BreakageReport, of probes: [String]) -> [(key: [String], words: String)] {
        let breakages = report.rows.map(\.breaks).reduce(into: [String]()) { if $0.last != $1 { $0.append($1) } }
        return breakages.flatMap { breaks in
            probes.map { probe in
                let row = report.rows.first { $0.breaks == breaks && $0.probes.contains(probe) }
                let instead = row.map { $0.instead.isEmpty ? "" : ", by \($0.instead.joined(separator: ", "))" } ?? ""
                return ([breaks, probe], (row?.predicted ?? "nothing") + instead)
            }
        }
    }

    public func text(style: Style) -> String {
        let absent = "-"
        var parts: [String] = []
        if !changes.isEmpty {
            let rows = changes.map { change in
                [
                    change.section + "." + change.name + (change.setting.map { ".\($0)" } ?? ""),
                    change.before ?? absent, change.after ?? absent,
                ]
            }
            parts.append(Table(columns: ["SETTING", "BEFORE", "AFTER"], rows: rows).text(style: style))
        }
        if !ways.isEmpty {
            let rows = ways.map { [$0.probe, $0.before, $0.after] }
            parts.append(Table(columns: ["WAY OF", "BEFORE", "AFTER"], rows: rows).text(style: style))
        }
        if !outages.isEmpty {
            let rows = outages.map {
                [$0.breaks, $0.probes.joined(separator: ", "), $0.before ?? absent, $0.after ?? absent]
            }
            parts.append(
                Table(columns: ["BREAKS", "PROBES", "OUT FOR BEFORE", "OUT FOR AFTER"], rows: rows).text(style: style))
        }
        return parts.isEmpty ? "The two labs do not differ." : parts.joined(separator: "\n\n")
    }
}
