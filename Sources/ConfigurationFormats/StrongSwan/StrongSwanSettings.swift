/// A section of a file in strongSwan's format for settings, which swanctl.conf has too.
///
/// Follows strongswan.conf(5): `NAME { … }` is a section, `KEY = VALUE` a setting whose value ends with the line, `#` begins a
/// comment, a section that stands twice is one, and the later value of a key counts. `NAME : OTHER { … }` takes in another
/// section by its path from the top. An `include` is none any more where ``IncludedText`` has found what it names.
public struct StrongSwanSettings: Hashable, Sendable {
    public private(set) var values: [String: String] = [:]
    /// The line of each value.
    private var lines: [String: Int] = [:]
    /// Names in the order in which they first stand.
    public private(set) var sectionNames: [String] = []
    private var sections: [String: StrongSwanSettings] = [:]
    /// What it includes, and in which lines.
    private var includes: [String: Int] = [:]
    /// Settings that stand twice, with both lines.
    private var repetitions: [Repetition] = []
    /// Paths of sections that this one takes in.
    private var references: [[String]] = []

    /// Why a text is not one of settings.
    public struct ParseError: Error, Hashable, Sendable {
        public let line: Int
        public let message: String
    }

    private init() {}

    /// Reads a file's text.
    public init(_ text: String) throws(ParseError) {
        var reader = Reader(text)
        var root = StrongSwanSettings()
        try reader.read(into: &root, depth: 0)
        self = root
        var work = Self.mostReferences
        for name in sectionNames { sections[name] = try sections[name]?.resolved(in: root, depth: 0, work: &work) }
    }

    public subscript(section name: String) -> StrongSwanSettings? { sections[name] }

    /// The section at a path, and the value of the last name there: `["connections", "main", "version"]`.
    public func value(at path: [String]) -> String? {
        guard let last = path.last else { return nil }
        return section(at: path.dropLast())?.values[last]
    }

    /// Every setting by its path, joined by points.
    public var flattened: [String: String] {
        var all = values
        for (name, section) in sections {
            for (key, value) in section.flattened { all["\(name).\(key)"] = value }
        }
        return all
    }

    /// The line of every setting, by its path.
    public var flattenedLines: [String: Int] {
        var all = lines
        for (name, section) in sections {
            for (key, line) in section.flattenedLines { all["\(name).\(key)"] = line }
        }
        return all
    }

    /// Every pattern that it includes, itself or in a section, with its line.
    public var flattenedIncludes: [String: Int] {
        sections.values.reduce(into: includes) { all, section in all.merge(section.flattenedIncludes) { $1 } }
    }

    /// The settings of this section, and of those in it, that stand twice in the same one, by their paths, with both lines.
    public var flattenedRepetitions: [Repetition] {
        repetitions
            + sectionNames.flatMap { name in
                (sections[name]?.flattenedRepetitions ?? []).map { inner in
                    Repetition(
                        setting: "\(name).\(inner.setting)", first: inner.first, again: inner.again,
                        isSame: inner.isSame)
                }
            }
    }

    private func section(at path: some Sequence<String>) -> StrongSwanSettings? {
        var section: StrongSwanSettings? = self
        for name in path { section = section?.sections[name] }
        return section
    }

    /// How many sections are looked at for all references: a few lines could ask for more than can ever be done.
    private static let mostReferences = 10_000

    /// With what it refers to behind its own settings.
    private func resolved(
        in root: StrongSwanSettings, depth: Int, work: inout Int
    ) throws(ParseError) -> StrongSwanSettings {
        // Sections may refer to each other in a ring.
        guard depth < 16 else { return self }
        work -= 1
        guard work > 0 else { throw ParseError(line: 1, message: "too many sections take in each other") }
        var result = self
        for path in references {
            guard let other = try root.section(at: path)?.resolved(in: root, depth: depth + 1, work: &work) else {
                continue
            }
            result = other.merged(with: result)
        }
        for name in result.sectionNames {
            result.sections[name] = try result.sections[name]?.resolved(in: root, depth: depth + 1, work: &work)
        }
        return result
    }

    /// This section with another one's settings over its own.
    private func merged(with other: StrongSwanSettings) -> StrongSwanSettings {
        var result = self
        result.values.merge(other.values) { $1 }
        result.lines.merge(other.lines) { $1 }
        result.references += other.references
        for name in other.sectionNames {
            guard let section = other.sections[name] else { continue }
            result.add(result.sections[name]?.merged(with: section) ?? section, named: name)
        }
        return result
    }

    private mutating func add(_ section: StrongSwanSettings, named name: String) {
        if sections.updateValue(section, forKey: name) == nil { sectionNames.append(name) }
    }
}

extension StrongSwanSettings {
    private struct Reader {
        private var rest: Substring
        private var passed = 1
        private let lines: IncludedText.Lines

        init(_ text: String) {
            rest = text[...]
            lines = IncludedText.Lines(of: text)
        }

        private var line: Int { lines[passed] }

        private static func isName(_ character: Character) -> Bool {
            !"#{}:,=\"".contains(character) && !character.isWhitespace
        }

        /// Up to the section's closing brace, or outside of all sections to the end.
        mutating func read(into section: inout StrongSwanSettings, depth: Int) throws(ParseError) {
            guard depth < 64 else { throw error("sections are nested too deeply") }
            while true {
                skipSpace()
                guard let first = rest.first else {
                    if depth > 0 { throw error("a section is not closed: there is no `}`") }
                    return
                }
                if first == "}" {
                    guard depth > 0 else { throw error("there is a `}` without a section") }
                    rest.removeFirst()
                    return
                }
                let name = takeWhile(Self.isName)
                guard !name.isEmpty else { throw error("`\(first)` is not the beginning of a setting or section") }
                let isOnLine = rest.first.map { $0 == " " || $0 == "\t" } ?? false
                if name == "include", isOnLine, rest.first(where: { $0 != " " && $0 != "\t" }) != "=" {
                    let pattern = takeWhile { !$0.isNewline && $0 != "#" }
                    section.includes[pattern.trimmed] = line
                    continue
                }
                try readEntry(named: name, into: &section, depth: depth)
            }
        }

        private mutating func readEntry(
            named name: String, into section: inout StrongSwanSettings, depth: Int
        ) throws(ParseError) {
            let start = line
            skipSpace()
            var references: [[String]] = []
            if rest.first == ":" {
                repeat {
                    rest.removeFirst()
                    skipSpace()
                    let path = takeWhile(Self.isName).split(separator: ".").map(String.init)
                    guard !path.isEmpty else { throw error("\(name): there is nothing behind `:`") }
                    references.append(path)
                    skipSpace()
                } while rest.first == ","
            }
            switch rest.first {
            case "{"?:
                rest.removeFirst()
                var inner = section.sections[name] ?? StrongSwanSettings()
                inner.references += references
                try read(into: &inner, depth: depth + 1)
                section.add(inner, named: name)
            case "="? where references.isEmpty:
                rest.removeFirst()
                if let first = section.lines[name] {
                    section.repetitions.append(Repetition(setting: name, first: first, again: start, isSame: false))
                }
                section.lines[name] = start
                section.values[name] = try value()
            default: throw ParseError(line: start, message: "\(name) is followed by neither `=` nor `{`")
            }
        }

        private mutating func value() throws(ParseError) -> String {
            var words: [String] = []
            while let first = rest.first, !first.isNewline, first != "#", first != "}" {
                if first == "\"" {
                    words.append(try quoted())
                } else if first.isWhitespace {
                    rest.removeFirst()
                } else {
                    words.append(takeWhile { !"#}\"".contains($0) && !$0.isWhitespace })
                }
            }
            return words.joined(separator: " ")
        }

        private mutating func quoted() throws(ParseError) -> String {
            rest.removeFirst()
            var text = ""
            while let character = rest.popFirst() {
                if character.isNewline { passed += 1 }
                switch character {
                case "\"": return text
                case "\\":
                    guard let escaped = rest.popFirst() else { break }
                    if escaped.isNewline { passed += 1 } else { text.append(Self.escapes[escaped] ?? escaped) }
                default: text.append(character)
                }
            }
            throw error("a quoted value is not closed")
        }

        private static let escapes: [Character: Character] = ["n": "\n", "r": "\r", "t": "\t"]

        private mutating func skipSpace() {
            while let first = rest.first {
                if first == "#" {
                    _ = takeWhile { !$0.isNewline }
                } else if first.isWhitespace {
                    if first.isNewline { passed += 1 }
                    rest.removeFirst()
                } else {
                    return
                }
            }
        }

        private mutating func takeWhile(_ isWanted: (Character) -> Bool) -> String {
            let taken = rest.prefix(while: isWanted)
            rest = rest[taken.endIndex...]
            return String(taken)
        }

        private func error(_ message: String) -> ParseError { ParseError(line: line, message: message) }
    }
}

extension String {
    /// Without space around it, and without quotes around that.
    fileprivate var trimmed: String {
        let isOutside = { (character: Character) in character.isWhitespace || character == "\"" }
        let end = lastIndex { !isOutside($0) }.map(index(after:)) ?? startIndex
        return String(self[..<end].drop(while: isOutside))
    }
}
