import NetworkTypes
import Recordings

/// A failover step by step, with one cloud's nodes at the left and the other's at the right.
public struct TimelineReport: Sendable, Codable {
    public let left: String
    public let right: String
    public let chapters: [Chapter]

    /// What followed one incident.
    public struct Chapter: Sendable, Codable {
        public let nanoseconds: Int64
        public let untilNanoseconds: Int64
        public let begun: [String]
        public let healed: [String]
        public let ongoing: [String]
        public let entries: [Entry]
        public let phases: [Phase]

        /// What began or was mended; what goes wrong by itself is told from the scenario's beginning.
        public var cause: String {
            let mended = healed.isEmpty ? "" : "healed: \(healed.joined(separator: " + "))"
            let title = [begun.joined(separator: " + "), mended].filter { !$0.isEmpty }.joined(separator: "; ")
            return title.isEmpty ? "nothing was broken on purpose" : title
        }
    }

    public struct Entry: Sendable, Codable {
        public let nanoseconds: Int64
        public let sinceNanoseconds: Int64
        public let node: String
        public let side: Timeline.Side
        public let kind: Timeline.Kind
        public let detection: Timeline.Detection?
        public let flow: String?
        public let text: String
        /// `packet`, `flow`, `kernel`, `log` or `netlab`.
        public let source: String
        /// Its number in the capture, where it is a packet.
        public let packet: Int?
    }

    /// Requests that fared alike.
    public struct Phase: Sendable, Codable {
        public let flow: String
        /// When the first and the last of them were sent, since the incident.
        public let fromNanoseconds: Int64
        public let toNanoseconds: Int64
        public let requests: Int
        public let fate: FlowFate
        public let forth: [String]?
        public let back: [String]?
        public let lastSeen: String?
        public let isAsymmetric: Bool
    }

    public init(_ timeline: Timeline) {
        left = timeline.left
        right = timeline.right
        chapters = timeline.chapters.map { chapter in
            let start = chapter.incident.nanoseconds
            return Chapter(
                nanoseconds: start, untilNanoseconds: chapter.untilNanoseconds,
                begun: chapter.incident.begun.map(\.description),
                healed: chapter.incident.healed.map(\.description),
                ongoing: chapter.incident.ongoing.map(\.description),
                entries: chapter.entries.map(Entry.init),
                phases: chapter.phases.map { Phase($0, since: start) })
        }
    }

    /// So many phases of a flow are told after an incident: where packets are lost at random there are many.
    private static let phaseLimit = 8
    /// Texts at the left that are longer reach into the right column.
    private static let widestColumn = 58

    public func text(style: Style) -> String {
        let texts = chapters.flatMap(\.entries).filter { $0.side == .left }.map { Self.words($0).count }
        let width = min(max(texts.max() ?? 0, left.count), Self.widestColumn) + 2
        return chapters.map { text(of: $0, width: width, style) }.joined(separator: "\n\n")
    }

    private func text(of chapter: Chapter, width: Int, _ style: Style) -> String {
        let ongoing =
            chapter.ongoing.isEmpty ? "" : style.faint(" while \(chapter.ongoing.joined(separator: " + ")) goes on")
        var lines = [
            "\(style.strong(chapter.cause))\(ongoing)\(style.faint(" at \(VerdictReport.seconds(chapter.nanoseconds))"))"
        ]
        if !left.isEmpty {
            lines.append(style.faint("\(Self.column(""))\(left.padded(to: width))\(right)"))
        }
        for entry in chapter.entries {
            let indent = entry.side == .right ? String(repeating: " ", count: width) : ""
            lines.append("\(Self.column(Self.since(entry.sinceNanoseconds)))\(indent)\(paint(entry, style))")
        }
        if chapter.entries.isEmpty { lines.append(style.faint("  nothing was noticed")) }
        let phases = phases(of: chapter, style)
        return (lines + (phases.isEmpty ? [] : [phases])).joined(separator: "\n")
    }

    private func phases(of chapter: Chapter, _ style: Style) -> String {
        var rows: [[String]] = []
        for (flow, phases) in Dictionary(grouping: chapter.phases, by: \.flow).sorted(by: { $0.key < $1.key }) {
            for phase in phases.prefix(Self.phaseLimit) {
                let span = "\(Self.since(phase.fromNanoseconds)) to \(Self.since(phase.toNanoseconds))"
                let end = Self.words(phase)
                let painted = phase.fate == .answered ? end : style.bad(end)
                rows.append([
                    flow, span, "\(phase.requests)", Self.way(phase.forth), Self.way(phase.back),
                    painted + (phase.isAsymmetric && phase.fate == .answered ? style.warning(", asymmetric") : ""),
                ])
            }
            if phases.count > Self.phaseLimit {
                rows.append([flow, style.faint("and \(phases.count - Self.phaseLimit) phases more")])
            }
        }
        guard !rows.isEmpty else { return "" }
        return Table(columns: ["FLOW", "SENT", "REQUESTS", "FORTH", "BACK", ""], rows: rows).text(
            style: style, indent: "  ")
    }

    // MARK: Words

    private func paint(_ entry: Entry, _ style: Style) -> String {
        let text = Self.words(entry)
        switch entry.kind {
        case .detection, .alarm, .missing: return style.warning(text)
        case .lastRequest, .lastReply, .lastAnswer: return style.bad(text)
        case .firstRequest, .firstReply, .firstAnswer: return style.good(text)
        default: return text
        }
    }

    private static func words(_ entry: Entry) -> String {
        let node = entry.node.isEmpty ? "" : "\(entry.node): "
        let flow = entry.flow.map { "\($0), " } ?? ""
        return "\(node)\(flow)\(entry.text)\(entry.packet.map { " #\($0)" } ?? "")"
    }

    private static func words(_ phase: Phase) -> String {
        switch phase.fate {
        case .answered: "answered"
        case .late: "answered too late"
        case .lostForth: phase.lastSeen.map { "requests lost after \($0)" } ?? "requests lost, seen nowhere in clear"
        case .lostBack:
            phase.back == nil ? "no replies" : "replies lost after \(phase.lastSeen ?? "an unknown place")"
        case .lost: "lost"
        case .undecided: "undecided"
        }
    }

    private static func way(_ tunnels: [String]?) -> String {
        tunnels.map { $0.isEmpty ? "no tunnel" : $0.joined(separator: ", ") } ?? "-"
    }

    /// `+24.118 s`.
    static func since(_ nanoseconds: Int64) -> String {
        "\(nanoseconds < 0 ? "" : "+")\(Duration.nanoseconds(nanoseconds).inMilliseconds)"
    }

    private static func column(_ text: String) -> String {
        String(repeating: " ", count: max(0, 12 - text.count)) + text + "  "
    }
}

extension TimelineReport.Entry {
    init(_ entry: Timeline.Entry) {
        let (source, number): (String, Int?) =
            switch entry.source {
            case .packet(let packet): ("packet", packet)
            case .flow: ("flow", nil)
            case .kernel: ("kernel", nil)
            case .log: ("log", nil)
            case .netlab: ("netlab", nil)
            }
        self.init(
            nanoseconds: entry.nanoseconds, sinceNanoseconds: entry.sinceNanoseconds, node: entry.node,
            side: entry.side,
            kind: entry.kind, detection: entry.detection, flow: entry.flow, text: entry.text, source: source,
            packet: number)
    }
}

extension TimelineReport.Phase {
    init(_ phase: Timeline.Phase, since start: Int64) {
        self.init(
            flow: phase.flow, fromNanoseconds: phase.phase.first.nanoseconds - start,
            toNanoseconds: phase.phase.last.nanoseconds - start, requests: phase.phase.count, fate: phase.phase.fate,
            forth: phase.phase.forth, back: phase.phase.back, lastSeen: phase.phase.lastSeen,
            isAsymmetric: phase.phase.isAsymmetric)
    }
}
