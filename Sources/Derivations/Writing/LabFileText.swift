import LabModel

/// A lab file's text, to which entries can be added: all that is there stays as it is, byte for byte.
public struct LabFileText: Sendable {
    public private(set) var text: String
    private let newline: String

    public init(_ text: String) {
        self.text = text
        newline = text.contains("\r\n") ? "\r\n" : "\n"
    }

    /// Why entries cannot be added to a section.
    public struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        /// The section's key, and its line from 1.
        public let section: String
        public let line: Int
        /// What would have been added, as a block.
        public let entries: String

        public var description: String {
            "`\(section):` in line \(line) is written in braces, or as an alias: entries cannot be added to it in lines of their own"
        }
    }

    /// What netlab derives of probes and expectations.
    ///
    /// - Parameter underlay: The links that a claim is about where it names none.
    public mutating func add(
        _ probes: [Probe], _ expectations: [Expectation], underlay: [String]
    ) throws(Refusal) {
        try add(probes.map { ["\(YAMLText.scalar($0.name)): \($0.yaml)"] }, to: "probes")
        let entries = expectations.compactMap { one in
            one.yaml(underlay: underlay).map { ["\(YAMLText.scalar(one.name)): \($0)"] }
        }
        try add(entries, to: "expect")
    }

    public mutating func add(_ scenarios: [Scenario]) throws(Refusal) {
        let entries = scenarios.map { one in ["\(YAMLText.scalar(one.name)):"] + one.yaml.map { "  \($0)" } }
        try add(entries, to: "scenarios")
    }

    /// - Parameter entries: Each in lines, without the section's indentation.
    private mutating func add(_ entries: [[String]], to section: String) throws(Refusal) {
        guard !entries.isEmpty else { return }
        let note = "# Derived by netlab from the lab itself: to be kept, changed or removed."
        // A carriage return and what follows it are one character.
        var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map {
            String($0.last == "\r" ? $0.dropLast() : $0)
        }
        func block(_ indentation: String) -> [String] {
            ([note] + entries.flatMap(\.self)).map { indentation + $0 }
        }
        if let start = lines.firstIndex(where: { Self.isKey(section, $0) }) {
            guard Self.hasBlock(lines[start], section) else {
                throw Refusal(section: section, line: start + 1, entries: block("  ").joined(separator: "\n"))
            }
            var (last, indentation) = (start, "  ")
            for index in lines.indices.dropFirst(start + 1) {
                let line = lines[index]
                if line.allSatisfy(\.isWhitespace) || Self.isComment(line) { continue }
                guard line.first == " " else { break }
                if last == start { indentation = String(line.prefix { $0 == " " }) }
                last = index
            }
            lines.insert(contentsOf: block(indentation), at: last + 1)
        } else {
            // Before what ends the document, and the blank lines there.
            var end = lines.lastIndex { $0 == "..." } ?? lines.endIndex
            while end > 0, lines[end - 1].allSatisfy(\.isWhitespace) { end -= 1 }
            let rest = end < lines.endIndex ? Array(lines[end...]) : [""]
            lines = lines[..<end] + ["", "\(section):"] + block("  ") + rest
        }
        text = lines.joined(separator: newline)
    }

    /// Keys of the file as a whole have no indentation, and nothing else can stand there.
    private static func isKey(_ key: String, _ line: String) -> Bool {
        line.hasPrefix("\(key):") && (line.dropFirst(key.count + 1).first.map(\.isWhitespace) ?? true)
    }

    private static func isComment(_ line: String) -> Bool { line.drop(while: \.isWhitespace).first == "#" }

    /// Whether the key's value stands in lines of its own below it: behind it is nothing but a comment or an anchor.
    private static func hasBlock(_ line: String, _ key: String) -> Bool {
        let value = line.dropFirst(key.count + 1).drop(while: \.isWhitespace)
        let rest = value.first == "&" ? value.drop { !$0.isWhitespace }.drop(while: \.isWhitespace) : value
        return rest.isEmpty || rest.first == "#"
    }
}
