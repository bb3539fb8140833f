import DaemonProfiles
import LabRecords

/// charon's log, read for what happened to its connections.
///
/// The generated configuration has `time_format = %Y-%m-%dT%H:%M:%S`, `time_add_ms` and `ike_name`; times are exact to the
/// millisecond, the rest of which charon cuts off. The texts are those of src/libcharon/sa of strongSwan 5.9.8.
public enum CharonLog {
    /// The events of a log, by time; of lines that say nothing of a connection's state none is made.
    ///
    /// - Parameter realTimeOffset: What the date shows beyond the lab's clock, in nanoseconds.
    public static func events(_ text: String, node: String, realTimeOffset: Int64) -> [LabEvent] {
        var known = Known()
        return text.split(whereSeparator: \.isNewline).compactMap { line in
            guard let line = Line(line), let event = known.event(of: line) else { return nil }
            return LabEvent(
                nanoseconds: line.nanoseconds - realTimeOffset, node: node,
                kind: .ike(connection: line.connection, event, text: line.text))
        }
    }

    /// The last lines that tell of a failure, oldest first, without their times; none where a child SA has been established since.
    ///
    /// - Parameters:
    ///   - connection: Whose failures are asked for; those of nobody's, such as of a peer that is not known, are told in any case.
    ///   - limit: How many lines at most.
    static func complaints(in text: String, connection: String?, limit: Int = 4) -> [String] {
        var complaints: [String] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ", maxSplits: 3).map(String.init)
            guard words.count == 4 else { continue }
            let isNamed = words[2].hasPrefix("<") && words[2].contains("|")
            if isNamed, let connection, !words[2].hasPrefix("<\(connection)|") { continue }
            let message = words[2].hasPrefix("<") ? words[3] : "\(words[2]) \(words[3])"
            if isNamed, message.hasPrefix("CHILD_SA "), message.contains("} established with") {
                complaints.removeAll()
            } else if isNamed, message.hasPrefix("parsed "), message.contains(" response ") {
                // What was repeated has been answered.
                complaints.removeAll { $0.hasPrefix(repetition) }
            } else if isNamed, message.hasPrefix(repetition) {
                complaints.removeAll { $0.hasPrefix(repetition) }
                complaints.append(message)
            } else if (refusals + failures).contains(where: message.contains) {
                complaints.removeAll { $0 == message }
                complaints.append(message)
            }
        }
        return Array(complaints.suffix(limit))
    }

    private static let repetition = "retransmit "

    /// What no connection's state follows from, and what keeps one from coming up all the same.
    private static let failures = [
        "giving up after", "peer not responding", "unable to install", "loading connection", "failed to load",
        "not supported",
        "received proposals: ", "configured proposals: ", "peer implementation is unknown", " unacceptable",
        "no issuer certificate found", "no trusted", "certificate invalid", "signature validation failed",
        "no private key found",
        "no config named", "unable to resolve", "received netlink error", "error writing to socket",
    ]

    /// `2026-11-21T12:04:20.231 05[IKE] <main|1> text`
    struct Line {
        /// Since 1970.
        let nanoseconds: Int64
        let connection: String
        /// charon's number of the IKE SA.
        let number: Int
        let text: String

        init?(_ line: Substring) {
            let words = line.split(separator: " ", maxSplits: 3)
            guard words.count == 4, let date = Self.date(words[0]), words[1].hasSuffix("]"), words[2].hasPrefix("<"),
                words[2].hasSuffix(">")
            else { return nil }
            // A name may have any character but these.
            let name = words[2].dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false)
            guard name.count == 2, let number = Int(name[1]) else { return nil }
            nanoseconds = date.sinceEpoch
            connection = String(name[0])
            self.number = number
            text = String(words[3])
        }

        private static func date(_ word: Substring) -> LogDate? {
            let halves = word.split(separator: "T", maxSplits: 1)
            guard halves.count == 2, let nanoseconds = LogDate.time(halves[1]) else { return nil }
            let parts = halves[0].split(separator: "-").compactMap { Int($0) }
            guard parts.count == 3 else { return nil }
            return LogDate(year: parts[0], month: parts[1], day: parts[2], nanoseconds: nanoseconds)
        }
    }

    /// What the lines so far have told of each IKE SA: the same words mean something else of one that has its successor.
    private struct Known {
        private var established: Set<Int> = []
        private var replaced: Set<Int> = []

        mutating func event(of line: Line) -> LabEvent.IKEEvent? {
            let text = line.text
            let isAbout = { (sign: String) in text.contains(sign) }
            if refusals.contains(where: isAbout) { return .refused }
            if text.hasPrefix("IKE_SA "), isAbout("] established between") {
                established.insert(line.number)
                return .ikeEstablished
            }
            if text.hasPrefix("IKE_SA "), isAbout("] rekeyed between") {
                // It is the old one that tells of the new one; its own end is no loss.
                replaced.insert(line.number)
                if let new = Self.number(in: text) { established.insert(new) }
                return .ikeRekeyed
            }
            if isAbout("sending DPD request") { return .livenessProbe }
            if text.hasPrefix("retransmit "), isAbout(" of request") { return .retransmission }
            // Of an established SA that is its peer's death; of a negotiation, the end of one attempt.
            if text.hasPrefix("giving up after") {
                return established.contains(line.number) ? .peerDead : .retransmission
            }
            if text.hasPrefix("inbound CHILD_SA ") { return .childRekeyed }
            if text.hasPrefix("CHILD_SA "), isAbout("} established with") { return .childEstablished }
            // One that begins another one is renewed.
            if text.hasPrefix("initiating IKE_SA ") { return Self.number(in: text) == line.number ? .initiating : nil }
            if text.hasPrefix("received DELETE for IKE_SA ") || text.hasPrefix("deleting IKE_SA ") {
                return replaced.contains(line.number) ? nil : .deleted
            }
            return others.contains(where: isAbout) ? .other : nil
        }

        /// Of `IKE_SA main[2] rekeyed between …`.
        private static func number(in text: String) -> Int? {
            guard let start = text.firstIndex(of: "["), let end = text[start...].firstIndex(of: "]") else { return nil }
            return Int(text[text.index(after: start)..<end])
        }
    }

    /// The notifications of RFC 7296, section 3.10.1, and charon's words.
    private static let refusals = [
        "received AUTHENTICATION_FAILED", "received NO_PROPOSAL_CHOSEN", "received TS_UNACCEPTABLE",
        "received INVALID_KE_PAYLOAD", "no acceptable proposal found", "no acceptable traffic selectors found",
        "MACs mismatched", "MAC mismatched", "no matching peer config found", "no shared key found",
        "no IKE config found",
        "received proposals unacceptable", "failed to establish CHILD_SA",
    ]
    private static let others = ["peer not responding", "giving up", "unable to install", "restarting"]
}
