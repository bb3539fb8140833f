import LabModel
import NetworkTypes
import Yams

/// A value and the line it was read from.
public struct Located<Value> {
    public let value: Value
    public let line: Int

    public init(value: Value, line: Int) {
        self.value = value
        self.line = line
    }
}

/// Gathers what is wrong with one file.
public final class DiagnosticCollector {
    public let file: String
    public private(set) var diagnostics: [LabFileDiagnostic] = []
    private var noted: Set<LabFileDiagnostic> = []

    public init(file: String) {
        self.file = file
    }

    public func error(_ line: Int?, _ message: String, _ remedy: String) {
        note(.init(severity: .error, file: file, line: line, message: message, remedy: remedy))
    }

    public func warning(_ line: Int?, _ message: String, _ remedy: String) {
        note(.init(severity: .warning, file: file, line: line, message: message, remedy: remedy))
    }

    /// What is looked at twice is wrong once.
    public func note(_ diagnostic: LabFileDiagnostic) {
        if noted.insert(diagnostic).inserted { diagnostics.append(diagnostic) }
    }

    public var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }
}

/// A YAML value with its line and its place in the file, which reads itself as what the caller needs or says what is wrong.
public struct YAMLValue {
    public let node: Yams.Node
    public let line: Int
    /// Where in the file, for messages: `links.wan.delay`.
    public let path: String
    public let collector: DiagnosticCollector

    /// Parses a whole file; nil, with a diagnostic, where it is not YAML.
    public static func parse(_ text: String, collector: DiagnosticCollector) -> YAMLValue? {
        // A byte order mark, which some editors write first, is no part of the text (YAML 1.2, section 5.2).
        let text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        do {
            if let line = try AliasBudget.lineThatExceeds(text) {
                collector.error(
                    line, "with its aliases written out the file has more than \(AliasBudget.values) values",
                    "Write what is needed, without aliases of what has many aliases itself.")
                return nil
            }
            // Every scalar is text here: its tag is not needed, and finding it takes half of the time.
            guard let node = try Yams.compose(yaml: text, .basic) else {
                collector.error(
                    1, "the file is empty", "Start from a lab under Labs/, or see LabFile.md for the format.")
                return nil
            }
            guard !reportControls(in: node, collector: collector) else { return nil }
            return YAMLValue(node: node, line: node.mark?.line ?? 1, path: "", collector: collector)
        } catch let error as YamlError {
            report(error, in: text, collector: collector)
        } catch {
            collector.error(nil, "the file cannot be read as YAML: \(error)", "Check it with a YAML linter.")
        }
        return nil
    }

    /// Notes the lines of values that would do something to a terminal, or end a line where nobody sees it, when they are
    /// shown; YAML itself keeps them out only where they are not escaped ("\\x1b").
    ///
    /// - Returns: Whether there are any.
    private static func reportControls(in root: Yams.Node, collector: DiagnosticCollector) -> Bool {
        var rest = [root]
        while let node = rest.popLast() {
            switch node {
            case .scalar(let scalar) where scalar.string.unicodeScalars.contains(where: \.isControl):
                collector.error(
                    node.mark?.line, "a value holds a control character", "Remove what is not text from this line.")
            case .scalar, .alias: break
            case .sequence(let sequence): rest += sequence
            case .mapping(let mapping): rest += mapping.flatMap { [$0.key, $0.value] }
            }
        }
        return collector.hasErrors
    }

    private static func report(_ error: YamlError, in text: String, collector: DiagnosticCollector) {
        switch error {
        case .scanner(_, let problem, let mark, _)
        where (problem.contains("cannot start any token") || problem.contains("a tab character")) && hasTab(text, mark):
            collector.error(
                mark.line, "this is not YAML: a tab stands where it takes spaces alone",
                "Write this line's indentation in spaces.")
        case .composer(_, let problem, let mark, _) where problem.contains("another document"):
            collector.error(
                mark.line, "this is not YAML of a lab: a second document begins here",
                "Look at this `---`: remove it, or write the rest into another file.")
        case .reader(let problem, let offset, _, let text):
            // The error's own description shows the whole line, which may be a key's.
            let line = offset.map { text.prefix($0).count { $0.isNewline } + 1 }
            collector.error(line, "this is not YAML: \(problem)", "Remove what is not text from this line.")
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            collector.error(
                mark.line, "this is not YAML: \(problem)",
                "Look at the indentation, quotes and colons of this line and the one before it.")
        case .duplicatedKeysInMapping(let duplicates, let context):
            let mark = context.mark
            collector.error(
                mark.line, "a name stands twice in one mapping: \(duplicates.joined(separator: ", "))",
                "Names must differ: rename or remove one of them.")
        default:
            collector.error(nil, "the file cannot be read as YAML: \(error)", "Check it with a YAML linter.")
        }
    }

    private static func hasTab(_ text: String, _ mark: Mark) -> Bool {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        guard lines.indices.contains(mark.line - 1) else { return false }
        return lines[mark.line - 1].prefix { $0.isWhitespace }.contains("\t")
    }

    public func child(_ node: Yams.Node, _ name: String) -> YAMLValue {
        let place = path.isEmpty ? name : "\(path).\(name)"
        return YAMLValue(node: node, line: node.mark?.line ?? line, path: place, collector: collector)
    }

    public func wrong(_ expected: String) {
        let seen =
            switch node {
            // A key on a line that lacks a colon or a space is a key all the same.
            case .scalar(let scalar) where Self.mayHoldSecret(scalar.string): "what is written there"
            case .scalar(let scalar): "\"\(scalar.string.prefix(40))\(scalar.string.count > 40 ? "…" : "")\""
            case .mapping: "a mapping"
            case .sequence: "a list"
            case .alias: "an alias"
            }
        collector.error(line, "\(path.isEmpty ? "the file" : path): \(seen) is not \(expected)", "Write \(expected).")
    }

    private static func mayHoldSecret(_ text: String) -> Bool {
        let text = text.lowercased()
        return ["psk", "password", "secret", "key"].contains { text.contains($0) }
    }

    /// The text of a scalar.
    public func text(_ expected: String = "text") -> Located<String>? {
        guard let text = node.scalar?.string else {
            wrong(expected)
            return nil
        }
        return Located(value: text, line: line)
    }

    /// A scalar that a type reads from text.
    public func value<Value: LosslessStringConvertible>(_ type: Value.Type, _ expected: String) -> Located<Value>? {
        guard let text = node.scalar?.string, let value = Value(text) else {
            wrong(expected)
            return nil
        }
        return Located(value: value, line: line)
    }

    public func duration(_ expected: String = "a time such as 2ms, 30s or 1h") -> Located<Duration>? {
        guard let text = node.scalar?.string, let value = Duration(text: text) else {
            wrong(expected)
            return nil
        }
        return Located(value: value, line: line)
    }

    public func flag() -> Located<Bool>? {
        switch node.scalar?.string.lowercased() {
        case "true", "on", "yes": return Located(value: true, line: line)
        case "false", "off", "no": return Located(value: false, line: line)
        default:
            wrong("on or off")
            return nil
        }
    }

    /// One of an enumeration's raw values.
    public func choice<Choice: RawRepresentable<String> & CaseIterable>(_ type: Choice.Type, noun: String) -> Located<
        Choice
    >? {
        guard let text = text("one of the \(noun)") else { return nil }
        guard let choice = Choice(rawValue: text.value) else {
            let known = Choice.allCases.map(\.rawValue)
            collector.error(
                line, "\(path): \"\(text.value)\" is not one of the \(noun)",
                Suggestion.remedy(for: text.value, among: known, noun: noun))
            return nil
        }
        return Located(value: choice, line: line)
    }

    /// The members of a list; a single value stands for a list of one.
    public var members: [YAMLValue] {
        guard let sequence = node.sequence else { return [self] }
        return sequence.enumerated().map { child($1, "[\($0)]") }
    }

    /// The entries of a mapping of names the user chose.
    public func entries(_ expected: String) -> [(key: Located<String>, value: YAMLValue)] {
        guard let mapping = node.mapping else {
            wrong(expected)
            return []
        }
        return mapping.mergedPairs.compactMap { key, value in
            guard let name = key.scalar?.string else {
                collector.error(key.mark?.line ?? line, "\(path): a name must be plain text", "Write \(expected).")
                return nil
            }
            return (Located(value: name, line: key.mark?.line ?? line), child(value, name))
        }
    }

    /// One entry of a mapping, without a look at the others.
    public func entry(_ key: String) -> YAMLValue? {
        node.mapping?.mergedPairs.first { $0.key.scalar?.string == key }.map { child($0.value, key) }
    }

    /// The same place with another value.
    public func replacing(_ node: Yams.Node, collector: DiagnosticCollector) -> YAMLValue {
        YAMLValue(node: node, line: line, path: path, collector: collector)
    }

    /// The fields of a mapping whose keys the format fixes; unknown keys are reported.
    public func fields(_ known: [String]) -> YAMLFields? {
        guard node.mapping != nil else {
            wrong("a mapping with \(known.joined(separator: ", "))")
            return nil
        }
        var found: [String: YAMLValue] = [:]
        for (key, value) in entries("a mapping") {
            if known.contains(key.value) {
                found[key.value] = value
            } else {
                let place = path.isEmpty ? "" : "\(path): "
                collector.error(
                    key.line, "\(place)unknown key \"\(key.value)\"",
                    Suggestion.remedy(for: key.value, among: known, noun: "keys here"))
            }
        }
        return YAMLFields(owner: self, values: found)
    }
}

/// The fields of one mapping, by key.
public struct YAMLFields {
    public let owner: YAMLValue
    public let values: [String: YAMLValue]

    public subscript(key: String) -> YAMLValue? { values[key] }

    /// The field, or a diagnostic that it is missing.
    public func required(_ key: String, _ purpose: String) -> YAMLValue? {
        if values[key] == nil {
            let place = owner.path.isEmpty ? "the lab" : owner.path
            owner.collector.error(owner.line, "\(place) has no \"\(key)\"", "Add `\(key): …`: \(purpose).")
        }
        return values[key]
    }
}
