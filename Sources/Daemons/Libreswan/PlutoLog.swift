/// The end of pluto's log, searched for why a connection does not come up.
public enum PlutoLog {
    /// The last lines that tell of a failure, oldest first, without their times; none where all went well since.
    ///
    /// A line that repeats another but for the number of the attempt counts once, and an established child SA forgives
    /// what was before it.
    ///
    /// - Parameters:
    ///   - connection: Whose failures are asked for; pluto's own are told in any case. Nil asks for everyone's.
    ///   - limit: How many lines at most.
    public static func failures(in text: String, connection: String? = nil, limit: Int = 3) -> [String] {
        var failures: [String] = []
        for line in text.split(whereSeparator: \.isNewline) {
            let message = message(of: line)
            if let connection, message.first == "\"", !message.hasPrefix("\"\(connection)\"") { continue }
            if message.contains("established Child SA") {
                failures.removeAll()
            } else if signs.contains(where: { message.contains($0) }) {
                let essence = withoutNumber(message)
                failures.removeAll { withoutNumber($0) == essence }
                failures.append(message)
            }
        }
        return Array(failures.suffix(max(limit, 0)))
    }

    /// What a line contains that tells of a failure: the notifications of RFC 7296, section 3.10.1, and pluto's words.
    private static let signs = [
        "NO_PROPOSAL_CHOSEN", "AUTHENTICATION_FAILED", "TS_UNACCEPTABLE", "INVALID_KE_PAYLOAD", "INVALID_SYNTAX",
        "no local proposal matches", "authentication failed", "timeout exceeded", "No response",
        "FATAL", "ERROR", "ABORT", "ASSERTION", "bind() failed", "cannot", "could not", "Can't",
        "no connection has been authorized", "liveness action", "mismatched", "no connection named", "no PSK found",
    ]

    /// The line after its time, which is `Nov 21 03:19:35.888324: `.
    static func message(of line: Substring) -> String {
        let words = line.split(separator: " ", maxSplits: 3)
        guard words.count == 4, words[2].hasSuffix(":"), words[2].first?.isNumber == true else { return String(line) }
        return String(words[3])
    }

    /// The message without `#12` after the connection's name.
    private static func withoutNumber(_ message: String) -> String {
        guard let hash = message.firstIndex(of: "#") else { return message }
        return String(message[..<hash] + message[message.index(after: hash)...].drop(while: \.isNumber))
    }
}
