import DaemonProfiles
import LabModel
import LabRecords
import NetworkTypes

/// FRR's log, read for what happened to its sessions.
///
/// Every program of FRR's writes to one file here; bgpd's lines say `BGP`. What it tells of a session's ups and downs is what
/// `bgp log-neighbor-changes` or `debug bgp neighbor-events` have it tell, and it may be both.
/// Source: FRR 8.4.4 and 10.3, lib/zlog.c, bgpd/bgp_fsm.c, bgpd/bgp_debug.c (`bgp_notify_print`).
enum FrrLog {
    /// The events of a log, by time; lines that say nothing of a known neighbour's session are left out.
    ///
    /// - Parameters:
    ///   - sessions: Names of sessions by their neighbours' addresses.
    ///   - realTimeOffset: What the date shows beyond the lab's clock, in nanoseconds.
    static func events(
        _ text: String, node: String, sessions: [IPAddress: String], realTimeOffset: Int64
    ) -> [LabEvent] {
        var isUp: [String: Bool] = [:]
        var failures: [String: String] = [:]
        return text.split(whereSeparator: \.isNewline).flatMap { line -> [LabEvent] in
            guard let (time, message) = message(line), let (neighbor, happening) = happening(message),
                let name = sessions[neighbor]
            else { return [] }
            let kinds: [LabEvent.SessionEvent]
            switch happening {
            case .up:
                kinds = isUp[name] == true ? [] : [.up]
                isUp[name] = true
                failures[name] = nil
            case .down(let reason):
                // A session that has not been seen to come up had done so before this part of the log.
                let failed = failures[name] == nil && !reason.isEmpty ? [Self.failure(reason)] : []
                kinds = isUp[name] == false ? [] : failed + [.stopping]
                isUp[name] = false
            case .notification(let event, let words):
                kinds = failures[name] == words ? [] : [event]
                failures[name] = words
            }
            return kinds.map {
                LabEvent(nanoseconds: time - realTimeOffset, node: node, kind: .session(name, $0))
            }
        }
    }

    private enum Happening {
        case up
        case down(reason: String)
        case notification(LabEvent.SessionEvent, words: String)
    }

    private static func happening(_ message: Substring) -> (IPAddress, Happening)? {
        let words = message.split(separator: " ")
        if message.hasPrefix("%ADJCHANGE: neighbor "), words.count > 2 {
            // %ADJCHANGE: neighbor 10.0.0.2(NAME) in vrf default Down Peer closed the session
            guard let neighbor = IPAddress(String(words[2].prefix { $0 != "(" })), words.count >= 7 else { return nil }
            switch words[6] {
            case "Up": return (neighbor, .up)
            case "Down": return (neighbor, .down(reason: words[7...].joined(separator: " ")))
            default: return nil
            }
        }
        if message.hasPrefix("%NOTIFICATION") {
            // %NOTIFICATION: sent to neighbor 10.0.0.2 4/0 (Hold Timer Expired) 0 bytes
            guard let place = words.firstIndex(of: "neighbor"), words.count > place + 3,
                let neighbor = IPAddress(String(words[place + 1]))
            else { return nil }
            // Two connections that were tried at once, one of which is given up (RFC 4271, section 6.8), are no session's end.
            guard words[place + 2] != "6/7" else { return nil }
            let reason = words[(place + 2)...].joined(separator: " ")
            let text = reason.drop { $0 != "(" }.dropFirst().prefix { $0 != ")" }
            guard !text.isEmpty else { return nil }
            let isReceived = words.contains("received")
            let event: LabEvent.SessionEvent =
                isReceived
                ? .failed(.notification, text: "the peer says: \(text)")
                : .failed(text.hasPrefix("Hold Timer") ? .holdTimer : .other, text: String(text))
            return (neighbor, .notification(event, words: String(text)))
        }
        // 10.0.0.2 went from Established to Clearing
        guard words.count == 6, words[1] == "went", words[2] == "from", let neighbor = IPAddress(String(words[0]))
        else {
            return nil
        }
        if words[5] == "Established" { return (neighbor, .up) }
        return words[3] == "Established" ? (neighbor, .down(reason: "")) : nil
    }

    private static func failure(_ reason: String) -> LabEvent.SessionEvent {
        .failed(reason == "BGP Notification received" ? .notification : .other, text: reason)
    }

    /// Reads `2026/12/01 00:47:22.533613 BGP: [GYE1R-WA4DN] message`; nil for another program's line.
    private static func message(_ line: Substring) -> (nanoseconds: Int64, text: Substring)? {
        let words = line.split(separator: " ", maxSplits: 3)
        guard words.count == 4, words[2] == "BGP:", let date = date(words[0], words[1]) else { return nil }
        return (date.sinceEpoch, unmarked(words[3]))
    }

    /// Without the marks in brackets that FRR gives its messages.
    private static func unmarked(_ text: Substring) -> Substring {
        var text = text
        while text.first == "[", let end = text.firstIndex(of: "]") {
            let mark = text[text.index(after: text.startIndex)..<end]
            guard mark.hasPrefix("EC ") || mark.count == 11 && mark.contains("-") else { break }
            text = text[text.index(after: end)...].drop { $0 == " " }
        }
        return text
    }

    private static func date(_ day: Substring, _ time: Substring) -> LogDate? {
        let parts = day.split(separator: "/").compactMap { Int($0) }
        guard parts.count == 3, let nanoseconds = LogDate.time(time) else { return nil }
        return LogDate(year: parts[0], month: parts[1], day: parts[2], nanoseconds: nanoseconds)
    }

    /// The last lines that say what went wrong, oldest first, without their times: errors, what vtysh(1) says of a line of the
    /// configuration, and what sessions ended of.
    static func complaints(in text: String, limit: Int = 3) -> [String] {
        var complaints: [String] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ", maxSplits: 3)
            let message: Substring
            if words.count == 4, date(words[0], words[1]) != nil {
                message = unmarked(words[3])
                let isError = words[3].contains("[EC ") || message.hasPrefix("%NOTIFICATION")
                // Before its interfaces are known to it, bgpd cannot begin with a neighbour, and tries again.
                let isEarly = message.contains("Failure handling event BGP_Start in state Idle")
                guard isError, !isEarly, !harmless.contains(where: message.hasPrefix) else { continue }
            } else {
                guard line.hasPrefix("line "), line.contains(": ") else { continue }
                message = line
            }
            let said = String(message)
            complaints.removeAll { $0 == said }
            complaints.append(said)
        }
        return Array(complaints.suffix(limit))
    }

    /// What every start of it says: of MPLS, which a lab's kernel has not, and of its sockets' owner.
    private static let harmless = [
        "Disabling MPLS support", "vty_serv_un: could chown socket",
    ]
}
