import LabRecords

/// The packets of a flow at which something changed: the last that got through, the first again, the first by another way.
struct FlowCrossings {
    /// Such a packet.
    struct Crossing {
        /// Into which incident's chapter it belongs.
        let incident: Int
        let kind: Timeline.Kind
        let flow: String
        let node: String
        let side: Timeline.Side
        let text: String
        let nanoseconds: Int64
        let source: Timeline.Source

        func entry(since incident: Int64) -> Timeline.Entry {
            Timeline.Entry(
                nanoseconds: nanoseconds, sinceNanoseconds: nanoseconds - incident, node: node, side: side, kind: kind,
                detection: nil, flow: flow, text: text, source: source)
        }
    }

    /// So many changes of a flow are told of each direction after an incident: where packets are lost at random there are many.
    static let limit = 6

    private let record: FlowRecord
    private let result: FlowResult
    private let sightings: FlowSightings?
    private let map: TimelineMap
    private let incidents: [Incident]
    private(set) var found: [Crossing] = []

    init(
        record: FlowRecord, result: FlowResult, sightings: FlowSightings?, map: TimelineMap, incidents: [Incident]
    ) {
        self.record = record
        self.result = result
        self.sightings = sightings
        self.map = map
        self.incidents = incidents
        if sightings != nil {
            findChanges(isForth: true)
            findChanges(isForth: false)
        }
        findAnswers()
    }

    private var source: String { record.request.source }
    private var destination: String { map.topology.node(behind: record.request.destination) ?? "" }

    /// The chapter of a time; nil before all incidents.
    private func chapter(of nanoseconds: Int64) -> Int? { incidents.lastIndex { $0.nanoseconds <= nanoseconds } }

    private mutating func add(
        _ kind: Timeline.Kind, at node: String, _ text: String, _ sighting: FlowSightings.Sighting?, or mark: Int64,
        in chapter: Int?
    ) {
        let time = sighting?.nanoseconds ?? mark
        guard let chapter = chapter ?? self.chapter(of: time),
            found.count(where: { $0.incident == chapter && $0.kind == kind }) < Self.limit
        else { return }
        found.append(
            Crossing(
                incident: chapter, kind: kind, flow: result.name, node: node, side: map.side(of: node), text: text,
                nanoseconds: time, source: sighting.map { .packet($0.packet) } ?? .flow))
    }

    /// One direction's changes: phases in which its packets got through, and what lies between them.
    private mutating func findChanges(isForth: Bool) {
        guard let sightings else { return }
        let scope: Outage.Scope = isForth ? .forth : .back
        let good = result.phases.filter { isForth ? $0.gotForth : $0.gotBack }
        let outages = result.outages(scope)
        let what = isForth ? "request" : "reply"
        let sighting = { (request: Int) in
            isForth
                ? sightings.arrived(request) ?? sightings.replyLeft(request)
                : sightings.replyArrived(request)
        }
        let receiver = isForth ? destination : source
        let record = record
        let time = { (mark: Outage.Mark) in
            isForth ? mark.nanoseconds : mark.nanoseconds + max(0, record.roundTripNanoseconds[mark.request])
        }
        for (before, after) in zip(good, good.dropFirst()) {
            let way = isForth ? after.forth : after.back
            let outage = outages.first {
                $0.firstLost.request > before.last.request && $0.firstLost.request < after.first.request
            }
            if let outage {
                let cause = incidents.cause(of: outage, travel: result.roundTrip?.most ?? 0)
                    .flatMap { incidents.firstIndex(of: $0) }
                addLast(before, scope, sighting(before.last.request), time(before.last), in: cause)
                add(
                    isForth ? .firstRequest : .firstReply, at: receiver,
                    "first \(what)\(TimelineMap.words(way)) after \(outage.lost) lost",
                    sighting(after.first.request),
                    or: time(after.first), in: nil)
            } else if let way, let earlier = isForth ? before.forth : before.back, way != earlier {
                add(
                    isForth ? .firstRequest : .firstReply, at: receiver,
                    "first \(what)\(TimelineMap.words(way))",
                    sighting(after.first.request), or: time(after.first), in: nil)
            }
        }
        // Lost until the end.
        if let last = good.last, let outage = outages.last, outage.firstLost.request > last.last.request {
            let cause = incidents.cause(of: outage, travel: result.roundTrip?.most ?? 0)
                .flatMap { incidents.firstIndex(of: $0) }
            addLast(last, scope, sighting(last.last.request), time(last.last), in: cause)
        }
    }

    private mutating func addLast(
        _ phase: FlowPhase, _ scope: Outage.Scope, _ sighting: FlowSightings.Sighting?, _ time: Int64, in chapter: Int?
    ) {
        guard let chapter else { return }
        let isForth = scope == .forth
        let way = TimelineMap.words(isForth ? phase.forth : phase.back)
        add(
            isForth ? .lastRequest : .lastReply, at: isForth ? destination : source,
            "last \(isForth ? "request" : "reply")\(way)", sighting, or: time, in: chapter)
    }

    /// The last answer before each outage and the first after it, by the flow's own count.
    private mutating func findAnswers() {
        for outage in result.outages(.roundTrip) {
            let cause = incidents.cause(of: outage, travel: result.roundTrip?.most ?? 0)
            guard let cause, let number = incidents.firstIndex(of: cause) else { continue }
            if let good = outage.lastGood, sightings == nil {
                add(
                    .lastAnswer, at: source, "last answer", sightings?.replyArrived(good.request), or: answered(good),
                    in: number)
            }
            if let good = outage.firstGood {
                let longest =
                    outage.atMost.map { ", out for \(outage.atLeast.inMilliseconds) to \($0.inMilliseconds)" } ?? ""
                add(
                    .firstAnswer, at: source, "first answer after \(outage.lost) lost\(longest)",
                    sightings?.replyArrived(good.request), or: answered(good), in: nil)
            }
        }
    }

    private func answered(_ mark: Outage.Mark) -> Int64 {
        mark.nanoseconds + max(0, record.roundTripNanoseconds[mark.request])
    }
}

extension FlowPhase {
    /// Whether its requests arrived, and whether its replies did.
    var gotForth: Bool {
        switch fate {
        case .answered, .late, .lostBack: true
        case .lostForth, .lost, .undecided: false
        }
    }
    var gotBack: Bool { fate == .answered || fate == .late }
}
