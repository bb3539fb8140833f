import LabRecords

/// What kernels and daemons said after an incident, as far as it tells how a failover went; what they repeat is told once.
struct EventDigest {
    private let map: TimelineMap
    private let start: Int64
    private var lines: [Line] = []

    init(map: TimelineMap, since start: Int64) {
        self.map = map
        self.start = start
    }

    /// An entry in the making.
    private struct Line {
        var first: Int64
        var last: Int64
        let node: String
        let kind: Timeline.Kind
        let detection: Timeline.Detection?
        /// What it is about: lines with the same kind, node and subject may be one.
        let subject: String
        var texts: [String]
        let source: Timeline.Source
        var count = 1
    }

    /// Kernels and daemons do several things at once that are one: two SAs, both of a session's families.
    private static let moment: Int64 = 50_000_000

    var entries: [Timeline.Entry] {
        lines.map { line in
            var text = line.texts.joined(separator: "; ")
            if line.count > line.texts.count {
                text += ", \(line.count) times"
                if line.last - line.first > Self.moment {
                    text += " until +\(Duration.nanoseconds(line.last - start).inMilliseconds)"
                }
            }
            return Timeline.Entry(
                nanoseconds: line.first, sinceNanoseconds: line.first - start, node: line.node,
                side: map.side(of: line.node), kind: line.kind, detection: line.detection, flow: nil, text: text,
                source: line.source)
        }
    }

    mutating func take(_ event: LabEvent) {
        switch event.kind {
        case .link(let interface, let isUp):
            add(
                event, isUp ? .link : .detection, isUp ? nil : .link, "\(interface)",
                "\(interface) is \(isUp ? "up" : "down")",
                .kernel, isSeries: false)
        case .route(let prefix, let text, let isPresent, _):
            add(
                event, isPresent ? .routeReturned : .routeWithdrawn, nil, "\(prefix)",
                "route \(text.isEmpty ? "\(prefix)" : text)\(isPresent ? "" : " withdrawn")", .kernel, isSeries: false)
        case .association(let tunnel, _, _, let change):
            let name = tunnel.map { "of \($0) " } ?? ""
            add(
                event, change == .added ? .associationAdded : .associationRemoved, nil,
                "\(tunnel ?? "") \(change.rawValue)",
                "SA \(name)\(change.rawValue)", .kernel, isSeries: false)
        case .session(let name, let what): session(event, name, what)
        case .ike(let connection, let said, let text):
            ike(event, map.tunnel(of: connection, at: event.node), said, text)
        case .alarm(let monitor, let isRaised):
            add(
                event, .alarm, nil, monitor, "alarm of \(monitor) \(isRaised ? "raised" : "cleared")", .netlab,
                isSeries: false)
        case .daemon(let name, let isRunning):
            add(event, .daemon, nil, name, "\(name) \(isRunning ? "started" : "ended")", .netlab, isSeries: false)
        case .overrun:
            add(
                event, .missing, nil, "", "events are missing: they came faster than they were read", .kernel,
                isSeries: false)
        case .fault: break
        }
    }

    private mutating func session(_ event: LabEvent, _ name: String, _ what: LabEvent.SessionEvent) {
        switch what {
        case .up: add(event, .sessionUp, nil, name, "BGP \(name) up", .log, isSeries: false)
        case .stopping: add(event, .sessionDown, nil, name, "BGP \(name) stops", .log, isSeries: false)
        case .givingUpRoutes:
            add(event, .sessionDown, nil, "\(name) flush", "BGP \(name) gives up its routes", .log, isSeries: false)
        case .changing: break
        case .failed(let failure, let text):
            let detection: Timeline.Detection =
                switch failure {
                case .notification: .notification
                case .holdTimer: .holdTimer
                case .other: .session
                }
            add(event, .detection, detection, "\(name) \(text)", "BGP \(name): \(text)", .log, isSeries: true)
        }
    }

    private mutating func ike(_ event: LabEvent, _ tunnel: String, _ said: LabEvent.IKEEvent, _ text: String) {
        switch said {
        case .peerDead:
            add(event, .detection, .liveness, tunnel, "IKE \(tunnel): \(text)", .log, isSeries: false)
        case .refused:
            add(event, .detection, .refusal, "\(tunnel) refused", "IKE \(tunnel): \(text)", .log, isSeries: true)
        case .deleted: deleted(event, tunnel, text)
        case .retransmission:
            add(
                event, .negotiation, nil, "\(tunnel) again", "IKE \(tunnel): no answer, asks again", .log,
                isSeries: true)
        case .livenessProbe, .other: break
        case .initiating:
            add(event, .negotiation, nil, "\(tunnel) initiating", "IKE \(tunnel): \(text)", .log, isSeries: true)
        case .ikeEstablished, .childEstablished:
            let what = said == .ikeEstablished ? "IKE" : "child"
            add(
                event, .negotiation, nil, "\(tunnel) \(what)", "IKE \(tunnel): \(what) SA established", .log,
                isSeries: false)
        case .ikeRekeyed, .childRekeyed:
            let what = said == .ikeRekeyed ? "IKE" : "child"
            add(
                event, .negotiation, nil, "\(tunnel) rekeyed", "IKE \(tunnel): \(what) SA rekeyed", .log,
                isSeries: false)
        }
    }

    /// An SA goes because its daemon says so, because its peer is dead, because the peer says so, or after rekeying.
    private mutating func deleted(_ event: LabEvent, _ tunnel: String, _ text: String) {
        let isRecent = { (line: Line, time: Int64) in line.node == event.node && event.nanoseconds - line.last <= time }
        if lines.contains(where: { $0.subject == "\(tunnel) rekeyed" && isRecent($0, 5_000_000_000) }) { return }
        if lines.contains(where: { $0.detection == .liveness && $0.subject == tunnel && isRecent($0, Self.moment) }) {
            return
        }
        if text.contains("NOT sending") {
            add(
                event, .detection, .delete, "\(tunnel) deleted", "IKE \(tunnel): the peer has deleted the SA", .log,
                isSeries: false)
        } else {
            add(
                event, .negotiation, nil, "\(tunnel) deletes", "IKE \(tunnel): deletes the SA and tells the peer", .log,
                isSeries: false)
        }
    }

    /// - Parameter isSeries: Whether it counts as repeated however much later it comes.
    private mutating func add(
        _ event: LabEvent, _ kind: Timeline.Kind, _ detection: Timeline.Detection?, _ subject: String, _ text: String,
        _ source: Timeline.Source, isSeries: Bool
    ) {
        let before = lines.lastIndex {
            $0.node == event.node && $0.kind == kind && $0.subject == subject && $0.detection == detection
                && (isSeries || event.nanoseconds - $0.last <= Self.moment)
        }
        guard let before else {
            lines.append(
                Line(
                    first: event.nanoseconds, last: event.nanoseconds, node: event.node, kind: kind,
                    detection: detection,
                    subject: subject, texts: [text], source: source))
            return
        }
        lines[before].last = event.nanoseconds
        lines[before].count += 1
        if !isSeries, !lines[before].texts.contains(text) { lines[before].texts.append(text) }
    }
}
