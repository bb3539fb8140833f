/// A user's own bird.conf, as statements that are read no further than to their words and blocks.
///
/// Source: the BIRD 2.0 user's guide, "Configuration file format"; what is in brackets (sets) counts as one word.
public struct BirdFile {
    public struct Word: Hashable {
        public internal(set) var text: String
        /// In double quotes: a name or a pattern, never a word of BIRD's own.
        public let isQuoted: Bool
        public let line: Int
    }

    public struct Statement {
        public let words: [Word]
        /// What stands in braces after the words; nil where a semicolon ends them.
        public let body: [Statement]?

        public var line: Int { words.first?.line ?? 1 }

        /// Whether its first words are these.
        public func begins(_ beginning: String...) -> Bool {
            words.count >= beginning.count
                && zip(words, beginning).allSatisfy { !$0.isQuoted && $0.text == $1 }
        }

        /// What follows a word; nil where it is not there.
        public func word(after name: String) -> Word? {
            guard let index = words.firstIndex(where: { !$0.isQuoted && $0.text == name }), index + 1 < words.count
            else { return nil }
            return words[index + 1]
        }

        /// Its first words, as they are named in a sentence.
        public func beginning(_ count: Int = 2) -> String { words.prefix(count).map(\.text).joined(separator: " ") }
    }

    public let statements: [Statement]
    /// All words that stand outside of quotes, in pieces of letters, digits and underscores.
    public let names: Set<String>

    public init(_ text: String) {
        var words = Self.words(of: text)
        names = Set(
            words.filter { !$0.isQuoted }.flatMap { word in
                word.text.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
            })
        // define NAME = VALUE;
        var values: [String: String] = [:]
        for index in words.indices where words[index].text == "define" && !words[index].isQuoted {
            guard index + 3 < words.count, words[index + 2].text == "=" else { continue }
            values[words[index + 1].text] = words[index + 3].text
        }
        for index in words.indices where !words[index].isQuoted {
            if let value = values[words[index].text] { words[index].text = value }
        }
        var rest = words[...]
        statements = Self.statements(&rest, depth: 0)
    }

    /// How deep blocks may stand in each other; what is deeper is left out, and BIRD would not take it either.
    private static let deepest = 64

    private static func statements(_ words: inout ArraySlice<Word>, depth: Int) -> [Statement] {
        var found: [Statement] = []
        var current: [Word] = []
        while let word = words.popFirst() {
            switch (word.isQuoted, word.text) {
            case (false, ";"):
                if !current.isEmpty { found.append(Statement(words: current, body: nil)) }
                current = []
            case (false, "{"):
                guard depth < deepest else { return found }
                found.append(Statement(words: current, body: statements(&words, depth: depth + 1)))
                current = []
            case (false, "}"):
                if !current.isEmpty { found.append(Statement(words: current, body: nil)) }
                return found
            default: current.append(word)
            }
        }
        if !current.isEmpty { found.append(Statement(words: current, body: nil)) }
        return found
    }

    private static func words(of text: String) -> [Word] {
        var words: [Word] = []
        var line = 1
        var current = ""
        var beginning = 1
        let characters = Array(text.unicodeScalars)
        var index = 0
        func end() {
            if !current.isEmpty { words.append(Word(text: current, isQuoted: false, line: beginning)) }
            current = ""
        }
        /// Takes everything up to a mark, which it steps over.
        func take(until mark: Unicode.Scalar) -> String {
            var taken = ""
            while index < characters.count, characters[index] != mark {
                if characters[index] == "\n" { line += 1 }
                taken.unicodeScalars.append(characters[index])
                index += 1
            }
            index += 1
            return taken
        }
        while index < characters.count {
            let character = characters[index]
            let next = index + 1 < characters.count ? characters[index + 1] : nil
            index += 1
            switch character {
            case "#":
                end()
                _ = take(until: "\n")
                line += 1
            case "/" where next == "*":
                end()
                index += 1
                while index < characters.count {
                    if characters[index] == "\n" { line += 1 }
                    if characters[index] == "*", index + 1 < characters.count, characters[index + 1] == "/" { break }
                    index += 1
                }
                index += 2
            case "\"", "'":
                end()
                let start = line
                words.append(Word(text: take(until: character), isQuoted: character == "\"", line: start))
            case "[":
                end()
                let start = line
                words.append(Word(text: "[\(take(until: "]"))]", isQuoted: true, line: start))
            case ";", "{", "}", ",", "=":
                end()
                words.append(Word(text: String(character), isQuoted: false, line: line))
            case " ", "\t", "\r", "\n":
                end()
                if character == "\n" { line += 1 }
            default:
                if current.isEmpty { beginning = line }
                current.unicodeScalars.append(character)
            }
        }
        end()
        let lines = IncludedText.Lines(of: text)
        return words.map { Word(text: $0.text, isQuoted: $0.isQuoted, line: lines[$0.line]) }
    }
}
