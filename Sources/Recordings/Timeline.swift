import LabModel
import LabRecords
import NetworkTypes

/// A failover as it went, from packets and from what kernels and daemons said, on the lab's clock.
public struct Timeline: Hashable, Sendable {
    /// One for each incident, and before them one for what went wrong by itself, if anything did.
    public let chapters: [Chapter]
    /// The clouds at either side, by name; empty where the lab does not have them.
    public let left: String
    public let right: String

    /// What followed one incident, until the next.
    public struct Chapter: Hashable, Sendable {
        public let incident: Incident
        public let untilNanoseconds: Int64
        /// By time.
        public let entries: [Entry]
        /// The flows' phases that fall into it.
        public let phases: [Phase]

        /// Whether anything in it is not as it should be; renewals of associations are.
        fileprivate var hasTrouble: Bool {
            entries.contains { entry in
                switch entry.kind {
                case .lastRequest, .lastReply, .lastAnswer, .firstRequest, .firstReply, .firstAnswer, .detection,
                    .sessionDown, .routeWithdrawn, .alarm, .missing:
                    true
                case .associationRemoved, .associationAdded, .sessionUp, .routeReturned, .negotiation, .daemon, .link:
                    false
                }
            }
        }
    }

    public struct Phase: Hashable, Sendable, Codable {
        public let flow: String
        public let phase: FlowPhase
    }

    public enum Side: String, Hashable, Sendable, Codable {
        case left, right
        /// Between them, or the lab as a whole.
        case middle
    }

    /// What an entry rests on.
    public enum Source: Hashable, Sendable, Codable {
        /// A packet of the capture, by its number.
        case packet(Int)
        /// A flow's own count of its answers.
        case flow
        /// The kernel's word by netlink.
        case kernel
        /// A daemon's log.
        case log
        /// netlab's own doing.
        case netlab
    }

    public enum Kind: String, Hashable, Sendable, Codable {
        /// The last packets of a direction that got through before some did not, and the last answer.
        case lastRequest = "last_request"
        case lastReply = "last_reply"
        case lastAnswer = "last_answer"
        /// A node found out that something is wrong: see ``Entry/detection``.
        case detection
        case associationRemoved = "association_removed"
        case associationAdded = "association_added"
        case sessionDown = "session_down"
        case sessionUp = "session_up"
        case routeWithdrawn = "route_withdrawn"
        case routeReturned = "route_returned"
        /// The first packets of a direction that got through again, or that took another way, and the first answer.
        case firstRequest = "first_request"
        case firstReply = "first_reply"
        case firstAnswer = "first_answer"
        case negotiation, alarm, daemon, link, missing
    }

    /// What told a node that something is wrong.
    public enum Detection: String, Hashable, Sendable, Codable {
        case holdTimer = "bgp_hold_timer"
        /// A NOTIFICATION of the BGP speaker at the other end.
        case notification = "bgp_notification"
        case session = "bgp_session"
        case liveness = "ike_liveness"
        /// A Delete of the IKE daemon at the other end.
        case delete = "ike_delete"
        case refusal = "ike_refusal"
        case link
    }

    public struct Entry: Hashable, Sendable, Codable {
        /// On the lab's clock.
        public let nanoseconds: Int64
        /// Since the incident; less than zero for what happened last before.
        public let sinceNanoseconds: Int64
        /// Empty for the lab as a whole.
        public let node: String
        public let side: Side
        public let kind: Kind
        public let detection: Detection?
        /// The flow whose packet it is; nil for none.
        public let flow: String?
        public let text: String
        public let source: Source
    }

    /// - Parameters:
    ///   - events: Of the lab's kernels and daemons; their order does not matter.
    ///   - startedAt: When the script began; what was wrong from there on without a fault has a chapter of its own.
    ///   - flows: With their records; the first decides which cloud is at the left. Of a probe's flows that fared alike the first
    ///     stands for all.
    ///   - trace: Nil without a capture.
    public init(
        events: [LabEvent], flows: [(record: FlowRecord, result: FlowResult)], trace: FlowTrace?, topology: Topology,
        startedAt: Int64, endedAt: Int64
    ) {
        let map = TimelineMap(topology: topology, flow: flows.first?.record.request)
        (left, right) = (map.left, map.right)
        let faults = Incident.all(in: events)
        let isQuiet = faults.first.map { $0.nanoseconds > startedAt } ?? true
        let incidents = (isQuiet ? [Incident(nanoseconds: startedAt, begun: [])] : []) + faults
        // What is deleted at the moment in which a peer is found dead goes for that.
        let ordered = events.sorted {
            ($0.nanoseconds, $0.isDeletion ? 1 : 0) < ($1.nanoseconds, $1.isDeletion ? 1 : 0)
        }
        let flows = Self.distinct(flows)
        let crossings = flows.flatMap { flow in
            FlowCrossings(
                record: flow.record, result: flow.result, sightings: trace?.flows[flow.result.name], map: map,
                incidents: incidents
            ).found
        }
        let all = incidents.enumerated().map { number, incident in
            let until = incidents.dropFirst(number + 1).first?.nanoseconds ?? endedAt
            // Daemons may cut their times off to milliseconds.
            let said = ordered.filter {
                let time = if case .session = $0.kind { $0.nanoseconds + 1_000_000 } else { $0.nanoseconds }
                return time >= incident.nanoseconds && time < until
            }
            var digest = EventDigest(map: map, since: incident.nanoseconds)
            for event in said { digest.take(event) }
            let packets = crossings.filter { $0.incident == number }.map { $0.entry(since: incident.nanoseconds) }
            let entries = (digest.entries + packets).sorted {
                ($0.nanoseconds, $0.node, $0.kind.rawValue) < ($1.nanoseconds, $1.node, $1.kind.rawValue)
            }
            let phases = flows.flatMap { flow in
                flow.result.phases.filter {
                    $0.last.nanoseconds >= incident.nanoseconds && $0.first.nanoseconds < until
                }.map { Phase(flow: flow.result.name, phase: $0) }
            }
            return Chapter(incident: incident, untilNanoseconds: until, entries: entries, phases: phases)
        }
        chapters = all.filter { !($0.incident.begun.isEmpty && $0.incident.healed.isEmpty) || $0.hasTrouble }
    }

    /// Without those that took the same ways to the same ends, one after the other, as one of the same probe before them.
    private static func distinct(
        _ flows: [(record: FlowRecord, result: FlowResult)]
    ) -> [(record: FlowRecord, result: FlowResult)] {
        struct Course: Hashable {
            let probe: String
            let fates: [FlowFate]
            let forth, back: [[String]?]
        }
        var seen: Set<Course> = []
        return flows.filter { flow in
            guard flow.result.name != flow.result.probe else { return true }
            let phases = flow.result.phases
            return seen.insert(
                Course(
                    probe: flow.result.probe, fates: phases.map(\.fate), forth: phases.map(\.forth),
                    back: phases.map(\.back))
            ).inserted
        }
    }
}

/// Which node is at which side, and which tunnel a daemon's connection is.
struct TimelineMap {
    let topology: Topology
    let left: String
    let right: String

    init(topology: Topology, flow: FlowRequest?) {
        self.topology = topology
        let cloud = { (node: String?) in node.flatMap { topology.node(named: $0)?.cloud } ?? "" }
        var ends = [cloud(flow?.source), cloud(flow.flatMap { topology.node(behind: $0.destination) })]
        if ends[0].isEmpty || ends[1].isEmpty || ends[0] == ends[1] {
            ends = topology.tunnels.first?.ends.map { cloud($0.node) } ?? ["", ""]
        }
        (left, right) = ends[0] == ends[1] ? ("", "") : (ends[0], ends[1])
    }

    func side(of node: String) -> Timeline.Side {
        guard let cloud = topology.node(named: node)?.cloud, !left.isEmpty else { return .middle }
        return cloud == left ? .left : cloud == right ? .right : .middle
    }

    func tunnel(of connection: String, at node: String) -> String {
        topology.tunnelEnds(of: node).first { $0.end.has(connection: connection) }?.tunnel.name ?? connection
    }

    /// ` through main`, ` through no tunnel`; nothing for a way of which nothing was seen.
    static func words(_ way: [String]?) -> String {
        way.map { " through " + ($0.isEmpty ? "no tunnel" : $0.joined(separator: ", ")) } ?? ""
    }
}

extension LabEvent {
    fileprivate var isDeletion: Bool { if case .ike(_, .deleted, _) = kind { true } else { false } }
}
