import LabModel
import LabRecords
import NetworkTypes

/// What a lab went through in a long time: renewed keys, flaps, alarms, and what it holds on to.
public struct Endurance: Hashable, Sendable, Codable {
    public let tunnels: [Renewals]
    /// The tunnels that were down at the end.
    public let lost: [Loss]
    public let sessions: [Flaps]
    public let alarms: [Alarms]
    public let holdings: [Holding]

    /// A tunnel's new keys, counted at one of its ends.
    public struct Renewals: Hashable, Sendable, Codable {
        public let tunnel: String
        /// New child SAs: inbound SAs of the end that has more of them, less the first where the tunnel may not have
        /// been up before.
        public let children: Int
        public let ike: Int

        public init(tunnel: String, children: Int, ike: Int) {
            self.tunnel = tunnel
            self.children = children
            self.ike = ike
        }
    }

    /// A tunnel that was not there at the end.
    public struct Loss: Hashable, Sendable, Codable {
        public let tunnel: String
        /// What was missing, as the lab saw it.
        public let seen: String
        /// When its last association went; nil where none did since the beginning.
        public let since: LabTime?
        /// What the daemons at its ends said last of refusals and ends, each with its node and time.
        public let words: [String]

        public init(tunnel: String, seen: String, since: LabTime?, words: [String]) {
            self.tunnel = tunnel
            self.seen = seen
            self.since = since
            self.words = words
        }
    }

    /// How often a session went down after it had been up.
    public struct Flaps: Hashable, Sendable, Codable {
        public let session: String
        public let count: Int

        public init(session: String, count: Int) {
            self.session = session
            self.count = count
        }
    }

    /// How often a monitor raised its alarm.
    public struct Alarms: Hashable, Sendable, Codable {
        public let monitor: String
        public let raised: Int

        public init(monitor: String, raised: Int) {
            self.monitor = monitor
            self.raised = raised
        }
    }

    /// Something that must not grow.
    public struct Holding: Hashable, Sendable, Codable {
        public enum Unit: String, Hashable, Sendable, Codable { case bytes, associations }

        /// `lab kernel`, `NODE/DAEMON`, `SAs of tgw`.
        public let name: String
        public let unit: Unit
        public let first: Int64
        public let last: Int64
        /// What it may grow to.
        public let limit: Int64

        public var isLeak: Bool { last > limit }
    }

    /// Whether anything grew past its limit; nil where there are too few samples to tell.
    public let hasLeak: Bool?

    /// Memory may grow from when daemons and caches have warmed up by a tenth, or by this much where that is more: an
    /// allocator takes what it needs in steps.
    public static let slack: Int64 = 4 << 20
    /// A first hour in which memory is allowed to grow: every tunnel has renewed its keys once by then, as by default.
    public static let warmUp: Int64 = 3_600_000_000_000
    /// An SA and its replacement are both there for this long: daemons delete the old one up to five seconds after, and they ask again while they are not answered.
    static let overlap: Int64 = 60_000_000_000
    /// So many times as many as there were may be there besides, or as many as two tunnels have: a replacement for each, and one that was
    /// asked for again. More are made faster than they go.
    private static let replacements: Int64 = 2

    /// - Parameters:
    ///   - events: The script's own, and those of the daemons' logs; what was before the script does not count.
    ///   - record: Its samples count, the first and the last of them at its beginning and its end.
    public init(events: [LabEvent], record: ScriptRecord, topology: Topology) {
        // Daemons' logs go back to when the lab came up.
        let events = events.filter { $0.nanoseconds >= record.startedAtNanoseconds }
            .sorted { $0.nanoseconds < $1.nanoseconds }
        let samples = record.samples.sorted { $0.nanoseconds < $1.nanoseconds }
        tunnels = topology.tunnels.filter { !$0.isUnused }.map {
            Self.renewals(of: $0, events, from: samples.first, topology: topology)
        }
        lost = Self.losses(in: record, events, topology)
        sessions = topology.sessions.map { session in
            // Both ends notice each flap: the one that saw more counts.
            let counts = session.speakers.map { Self.flaps(of: session.name, at: $0.node, events) }
            return Flaps(session: session.name, count: counts.max() ?? 0)
        }
        var raised: [String: Int] = [:]
        for case .alarm(let monitor, true) in events.lazy.map(\.kind) { raised[monitor, default: 0] += 1 }
        alarms = raised.sorted { $0.key < $1.key }.map { Alarms(monitor: $0.key, raised: $0.value) }
        guard let first = samples.first, let last = samples.last, samples.count > 1 else {
            (holdings, hasLeak) = ([], nil)
            return
        }
        let warm = samples.first { $0.nanoseconds >= first.nanoseconds + Self.warmUp }
        let base = warm.map { $0.nanoseconds < last.nanoseconds ? $0 : first } ?? first
        holdings = Self.memory(from: base, to: last) + Self.associations(from: first, to: last, events)
        hasLeak = holdings.contains(where: \.isLeak)
    }

    /// What the last measurements of the tunnels' state say.
    private static func losses(in record: ScriptRecord, _ events: [LabEvent], _ topology: Topology) -> [Loss] {
        let findings = record.steps.last { $0.observation != nil }?.observation?.steps ?? []
        return findings.compactMap { step in
            guard case .condition(let condition) = step.measurement, case .tunnel(let name) = condition.subject,
                case .condition(false, let seen) = step.finding, let tunnel = topology.tunnel(named: name)
            else { return nil }
            let gone = events.last {
                if case .association(name, _, _, .removed) = $0.kind { true } else { false }
            }
            let words = tunnel.ends.flatMap { end in
                let said = events.compactMap { event -> String? in
                    guard event.node == end.node, case .ike(let connection, let what, let text) = event.kind,
                        end.has(connection: connection), [.refused, .peerDead, .deleted].contains(what)
                    else { return nil }
                    return "\(end.node) at \(LabTime(nanoseconds: event.nanoseconds)): \(text)"
                }
                return said.suffix(2)
            }
            return Loss(
                tunnel: name, seen: seen, since: gone.map { LabTime(nanoseconds: $0.nanoseconds) }, words: words)
        }
    }

    private static func renewals(
        of tunnel: Tunnel, _ events: [LabEvent], from first: ResourceSample?, topology: Topology
    ) -> Renewals {
        var (children, ike): ([Int], [Int]) = ([], [])
        for end in tunnel.ends {
            let here = events.filter { $0.node == end.node }
            let added = here.count {
                if case .association(tunnel.name, _, false, .added) = $0.kind { true } else { false }
            }
            // Where all of the node's tunnels had both SAs at the beginning, this one had: no new one is its first.
            let used = topology.tunnelEnds(of: end.node).count { !$0.tunnel.isUnused }
            let wasUp = (first?.associations[end.node] ?? 0) >= 2 * used
            children.append(wasUp ? added : max(0, added - 1))
            ike.append(
                here.count {
                    if case .ike(let connection, .ikeRekeyed, _) = $0.kind {
                        end.has(connection: connection)
                    } else {
                        false
                    }
                })
        }
        return Renewals(tunnel: tunnel.name, children: children.max() ?? 0, ike: ike.max() ?? 0)
    }

    private static func flaps(of session: String, at node: String, _ events: [LabEvent]) -> Int {
        // It was up when the script began, unless its first word is that it comes up.
        var (isUp, count) = (true, 0)
        for event in events where event.node == node {
            guard case .session(session, let what) = event.kind else { continue }
            switch what {
            case .up: isUp = true
            case .stopping, .givingUpRoutes, .changing:
                if isUp { count += 1 }
                isUp = false
            case .failed: break
            }
        }
        return count
    }

    private static func memory(from base: ResourceSample, to last: ResourceSample) -> [Holding] {
        let values =
            [("lab kernel", base.kernelBytes, last.kernelBytes)]
            + last.daemonBytes.sorted { $0.key < $1.key }.compactMap { name, bytes in
                base.daemonBytes[name].map { (name, $0, bytes) }
            }
        return values.map { name, first, bytes in
            Holding(name: name, unit: .bytes, first: first, last: bytes, limit: first + max(first / 10, slack))
        }
    }

    private static func associations(
        from first: ResourceSample, to last: ResourceSample, _ events: [LabEvent]
    ) -> [Holding] {
        last.associations.sorted { $0.key < $1.key }.map { node, count in
            let before = first.associations[node] ?? 0
            let recent = events.count { event in
                guard event.node == node, case .association(_, _, _, .added) = event.kind else { return false }
                return event.nanoseconds <= last.nanoseconds && event.nanoseconds > last.nanoseconds - overlap
            }
            return Holding(
                name: "SAs of \(node)", unit: .associations, first: Int64(before), last: Int64(count),
                limit: Int64(before) + min(Int64(recent), replacements * Int64(max(before, 4))))
        }
    }
}
