/// A command line as far as a shell has it, and the word in it that is to be completed.
public struct TypedLine: Hashable, Sendable {
    /// What comes first after the program; nil where that is the word to complete.
    public let verb: String?
    /// The words between the verb and the one to complete that are neither options nor their values, without quotes.
    public let arguments: [String]
    /// What is there of the word to complete, without quotes.
    public let beginning: String
    private let options: [String: String]
    private let flags: Set<String>

    /// - Parameters:
    ///   - words: As a shell hands them over: the program's first, quotes and backslashes as they were typed.
    ///   - index: The place among them of the word to complete.
    ///   - prefix: What of that word is before the cursor.
    ///   - optionsWithValue: Those that the next word belongs to, such as `--variant`.
    ///   - splitsAtSigns: Whether the shell makes three words of `a:b` and of `a=b`, as bash does (COMP_WORDBREAKS in bash(1)).
    public init(
        words: [String], index: Int, prefix: String, optionsWithValue: Set<String>, splitsAtSigns: Bool = false
    ) {
        let typed = words.prefix(max(0, index)).map(\.unquoted)
        var parts = Array((splitsAtSigns ? Self.joined(typed) : typed).dropFirst())
        verb = parts.isEmpty ? nil : parts.removeFirst()
        var arguments: [String] = []
        var options: [String: String] = [:]
        var flags: Set<String> = []
        var waiting: String?
        for part in parts {
            if let option = waiting {
                options[option] = part
                waiting = nil
            } else if optionsWithValue.contains(part) {
                waiting = part
            } else if part.hasPrefix("--"), let sign = part.firstIndex(of: "=") {
                options[String(part[..<sign])] = String(part[part.index(after: sign)...])
            } else if part.hasPrefix("-"), part.count > 1 {
                flags.insert(part)
            } else {
                arguments.append(part)
            }
        }
        self.arguments = arguments
        self.options = options
        self.flags = flags
        beginning = prefix.unquoted
    }

    /// The value that an option has before the word to complete, the last one where there are more.
    public func value(of option: String) -> String? { options[option] }

    /// Whether an option without a value stands before the word to complete.
    public func has(_ flag: String) -> Bool { flags.contains(flag) }

    /// `a`, `:`, `b` as one word.
    private static func joined(_ words: [String]) -> [String] {
        var result: [String] = []
        var continues = false
        for word in words {
            let isSign = word == ":" || word == "="
            if isSign || continues, !result.isEmpty {
                result[result.count - 1] += word
            } else {
                result.append(word)
            }
            continues = isSign
        }
        return result
    }
}

extension String {
    /// As a shell understands it: quotes and backslashes taken away, a quotation that has not been closed as if it were.
    var unquoted: String {
        var result = ""
        var quote: Character?
        var isEscaped = false
        for character in self {
            if isEscaped {
                result.append(character)
                isEscaped = false
            } else if character == "\\", quote != "'" {
                isEscaped = true
            } else if character == quote {
                quote = nil
            } else if quote == nil, character == "'" || character == "\"" {
                quote = character
            } else {
                result.append(character)
            }
        }
        return result
    }
}
