/// BIRD's answer to one command: lines with four-digit codes, the last of which ends it.
///
/// On the wire a line is `CODE-text` where more follow, `CODE text` at the end, and ` text` to go on with the code of
/// the line before. Codes: 0xxx success, 1xxx table entries, 2xxx headings, 8xxx failure, 9xxx syntax error.
/// Source: the BIRD 2.0 programmer's documentation, "Command line interface", and `doc/reply_codes`.
public struct BirdReply: Hashable, Sendable {
    public struct Line: Hashable, Sendable {
        public let code: Int
        public let text: String
    }

    public let lines: [Line]

    public var isFailure: Bool { lines.last.map { $0.code >= 8000 } ?? true }

    /// Reads one answer.
    ///
    /// - Returns: The answer and the text after it, or nil while its last line has not come.
    public static func parse(_ text: Substring) -> (reply: BirdReply, rest: Substring)? {
        var lines: [Line] = []
        var rest = text
        while let end = rest.firstIndex(of: "\n") {
            let line = rest[..<end]
            rest = rest[rest.index(after: end)...]
            guard let (code, isLast, text) = split(line) else {
                lines.append(Line(code: lines.last?.code ?? 0, text: String(line.dropFirst())))
                continue
            }
            lines.append(Line(code: code, text: String(text)))
            if isLast { return (BirdReply(lines: lines), rest) }
        }
        return nil
    }

    private static func split(_ line: Substring) -> (code: Int, isLast: Bool, text: Substring)? {
        let digits = line.utf8.prefix(4)
        guard digits.count == 4, digits.allSatisfy({ (48...57).contains($0) }), let code = Int(line.prefix(4)) else {
            return nil
        }
        let text = line.dropFirst(4)
        return switch text.first {
        case " ", nil: (code, true, text.dropFirst())
        case "-": (code, false, text.dropFirst())
        default: nil
        }
    }
}
