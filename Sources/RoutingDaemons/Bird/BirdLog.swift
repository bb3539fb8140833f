import DaemonProfiles
import LabRecords

/// BIRD's log, read for what happened to its sessions.
///
/// The generated configuration has `timeformat log iso long ms` and logs states; times are exact to the millisecond, the
/// rest of which BIRD cuts off.
public enum BirdLog {
    /// The events of a log, by time; lines that say nothing of a protocol's state are left out.
    ///
    /// - Parameters:
    ///   - sessions: Whose events are wanted, by BIRD's names of their protocols.
    ///   - realTimeOffset: What the date shows beyond the lab's clock, in nanoseconds.
    public static func events(
        _ text: String, node: String, sessions: [String: String], realTimeOffset: Int64
    ) -> [LabEvent] {
        text.split(whereSeparator: \.isNewline).compactMap { line in
            // 2026-11-21 08:37:11.239 <RMT> main: Error: Hold timer expired
            let words = line.split(separator: " ", maxSplits: 3)
            guard words.count == 4, let date = date(words[0], words[1]) else { return nil }
            guard let kind = kind(words[2], words[3], sessions) else { return nil }
            return LabEvent(nanoseconds: date.sinceEpoch - realTimeOffset, node: node, kind: kind)
        }
    }

    /// The last lines of warnings and errors, oldest first, without their times.
    ///
    /// - Parameters:
    ///   - name: The protocol that is meant; those of nobody's are told in any case.
    ///   - limit: How many lines at most.
    static func complaints(in text: String, protocol name: String?, limit: Int = 3) -> [String] {
        var complaints: [String] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ", maxSplits: 3).map(String.init)
            guard words.count == 4, ["<RMT>", "<WARN>", "<ERR>", "<AUTH>", "<FATAL>", "<BUG>"].contains(words[2]) else {
                continue
            }
            let subject = words[3].split(separator: ":", maxSplits: 1).first.map(String.init)
            if words[2] == "<RMT>", let name, subject != name { continue }
            complaints.removeAll { $0 == words[3] }
            complaints.append(words[3])
        }
        return Array(complaints.suffix(limit))
    }

    private static func date(_ day: Substring, _ time: Substring) -> LogDate? {
        let parts = day.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3, let nanoseconds = LogDate.time(time) else { return nil }
        return LogDate(year: parts[0], month: parts[1], day: parts[2], nanoseconds: nanoseconds)
    }

    private static func kind(_ level: Substring, _ message: Substring, _ sessions: [String: String])
        -> LabEvent.Kind?
    {
        guard let colon = message.firstRange(of: ": ") else { return nil }
        guard let name = sessions[String(message[..<colon.lowerBound])] else { return nil }
        let rest = message[colon.upperBound...]
        if rest.hasPrefix(stateChange) {
            switch rest.dropFirst(stateChange.count) {
            case "up": return .session(name, .up)
            case "stop": return .session(name, .stopping)
            case "flush": return .session(name, .givingUpRoutes)
            default: return .session(name, .changing)
            }
        }
        if rest == "Shutting down" || rest == "Restarting" {
            return .session(name, .failed(.other, text: "\(rest), by its operator"))
        }
        // What went wrong: `Error: Hold timer expired` here, `Received: Administrative shutdown` there.
        guard level == "<RMT>", let end = rest.firstRange(of: ": ") else { return nil }
        let words = String(rest[end.upperBound...])
        switch rest[..<end.lowerBound] {
        case "Received": return .session(name, .failed(.notification, text: "the peer says: \(words)"))
        case "Error": return .session(name, .failed(failure(words), text: words))
        case let kind: return .session(name, .failed(failure(words), text: "\(words), \(kind)"))
        }
    }

    private static func failure(_ words: String) -> LabEvent.SessionEvent.Failure {
        words.contains("Hold timer") ? .holdTimer : .other
    }

    private static let stateChange = "State changed to "
}
