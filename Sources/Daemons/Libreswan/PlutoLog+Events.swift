import DaemonProfiles
import LabRecords

extension PlutoLog {
    /// The events of a log, by time; of lines that say nothing of a connection's state none is made.
    ///
    /// - Parameter realTimeOffset: What the date shows beyond the lab's clock, in nanoseconds; also tells the year, which
    ///   pluto's lines do not.
    public static func events(_ text: String, node: String, realTimeOffset: Int64) -> [LabEvent] {
        var clock = Clock(start: realTimeOffset)
        return text.split(whereSeparator: \.isNewline).compactMap { line in
            // Nov 21 08:37:39.531005: "main" #4: STATE_V2_PARENT_I1: retransmission; will wait …
            guard let time = clock.time(of: line), let message = Message(Self.message(of: line)),
                let event = event(of: message.text)
            else { return nil }
            return LabEvent(
                nanoseconds: time - realTimeOffset, node: node,
                kind: .ike(connection: message.connection, event, text: message.text))
        }
    }

    /// Gives lines without a year their time: the log began when the lab did, and its lines follow each other.
    private struct Clock {
        private var year: Int
        private var last: Int64

        init(start: Int64) {
            year = LogDate.year(of: start)
            last = start
        }

        mutating func time(of line: Substring) -> Int64? {
            let words = line.split(separator: " ", maxSplits: 3)
            guard words.count == 4, let month = Self.months.firstIndex(of: String(words[0])), let day = Int(words[1]),
                words[2].last == ":", let nanoseconds = LogDate.time(words[2].dropLast())
            else { return nil }
            let dateIn = { LogDate(year: $0, month: month + 1, day: day, nanoseconds: nanoseconds) }
            guard var date = dateIn(year) else { return nil }
            // More than half a year back is another year, as lines may be a little out of order.
            if date.sinceEpoch < last - 183 * 86_400_000_000_000 {
                guard let next = dateIn(year + 1) else { return nil }
                year += 1
                date = next
            }
            last = max(last, date.sinceEpoch)
            return date.sinceEpoch
        }

        private static let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
    }

    /// What a line says of a connection: `"main"[1] 192.0.2.1 #4: text`.
    private struct Message {
        let connection: String
        let text: String

        init?(_ message: String) {
            guard message.first == "\"", let end = message.dropFirst().firstIndex(of: "\""),
                let colon = message[end...].firstRange(of: ": ")
            else { return nil }
            connection = String(message[message.index(after: message.startIndex)..<end])
            text = String(message[colon.upperBound...])
        }
    }

    private static func event(of text: String) -> LabEvent.IKEEvent? {
        let isAbout = { (sign: String) in text.contains(sign) }
        if refusals.contains(where: isAbout) { return .refused }
        if isAbout("liveness action") { return .peerDead }
        if isAbout("retransmission; will wait") { return .retransmission }
        // Of an established SA that is its peer's death; of a negotiation, the end of one attempt.
        if isAbout("timeout exceeded after") { return isAbout("ESTABLISHED") ? .peerDead : .retransmission }
        if text.hasPrefix("deleting state (STATE_V2_ESTABLISHED") || text.hasPrefix("deleting established")
            // Since libreswan 5.
            || text.hasPrefix("deleting IKE SA (established") || text.hasPrefix("deleting IKE SA (ESTABLISHED")
            || isAbout("terminating SAs")
        {
            return .deleted
        }
        if isAbout("rekeyed IKE SA") { return .ikeRekeyed }
        if isAbout("rekeyed Child SA") { return .childRekeyed }
        if isAbout("established IKE SA;") { return .ikeEstablished }
        if isAbout("established Child SA using") { return .childEstablished }
        if text.hasPrefix("initiating IKEv2 connection") || text.hasPrefix("initiating Child SA") { return .initiating }
        if isAbout("liveness") { return .livenessProbe }
        return others.contains(where: isAbout) ? .other : nil
    }

    /// The notifications of RFC 7296, section 3.10.1, and pluto's words.
    private static let refusals = [
        "NO_PROPOSAL_CHOSEN", "AUTHENTICATION_FAILED", "TS_UNACCEPTABLE", "INVALID_KE_PAYLOAD", "authentication failed",
        "no local proposal matches", "no connection has been authorized", "rejected by peer",
    ]
    private static let others = ["starting keying attempt", "must remain up", "superseded", "network error report"]
}
