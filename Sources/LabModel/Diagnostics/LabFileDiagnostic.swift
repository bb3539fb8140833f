/// One thing that is wrong, or will hurt, in a lab file: where, what, and what to do about it.
public struct LabFileDiagnostic: Hashable, Sendable, Codable, CustomStringConvertible {
    public enum Severity: String, Hashable, Sendable, Codable, CaseIterable {
        /// The lab cannot be built.
        case error
        /// The lab can be built, but something in it will not work as one would expect.
        case warning
    }

    public let severity: Severity
    /// The file's name as the user gave it.
    public let file: String
    /// The line, from 1; nil where the file as a whole is meant.
    public let line: Int?
    /// What is wrong, naming the object.
    public let message: String
    /// What to do next.
    public let remedy: String
    /// The rules of providers that it is about, the broken one first; empty for what is wrong by itself.
    public let rules: [RuleReference]
    /// Why the lab breaks the rule on purpose.
    public let accepted: String?

    public init(
        severity: Severity = .error, file: String, line: Int?, message: String, remedy: String,
        rules: [RuleReference] = [], accepted: String? = nil
    ) {
        self.rules = rules
        self.accepted = accepted
        self.severity = severity
        self.file = file
        self.line = line
        self.message = message.printable
        self.remedy = remedy.printable
    }

    /// The same, said of one of the file's variants.
    public func inVariant(_ name: String) -> LabFileDiagnostic {
        LabFileDiagnostic(
            severity: severity, file: file, line: line, message: "in variant \(name): \(message)", remedy: remedy,
            rules: rules, accepted: accepted)
    }

    /// `FILE:LINE: error: MESSAGE` and, on lines of their own, the remedy, the rules with their sources, and why a rule is
    /// broken on purpose.
    public var description: String {
        let place = line.map { "\(file):\($0)" } ?? file
        let lines =
            ["\(place): \(severity.rawValue): \(message)", "    \(remedy)"]
            + rules.map { "    Rule \($0.id): \($0.source)" }
            + [accepted.map { "    Accepted: \($0)" }].compactMap { $0 }
        return lines.joined(separator: "\n")
    }
}

/// A rule that a diagnostic is about.
public struct RuleReference: Hashable, Sendable, Codable {
    /// Whose it is and what it is about: `azure/apipa-range`, `general/longest-match`.
    public let id: String
    /// Where it is from.
    public let source: ProviderSource

    public init(id: String, source: ProviderSource) {
        self.id = id
        self.source = source
    }
}

/// Where a figure is from.
public struct ProviderSource: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The document and its part.
    public let title: String
    /// Nil for what is not on the Web.
    public let url: String?
    /// The day on which it was read, as YYYY-MM-DD; nil for a standard, which does not change.
    public let read: String?

    public init(title: String, url: String?, read: String?) {
        self.title = title
        self.url = url
        self.read = read
    }

    public var description: String {
        title + (url.map { ", \($0)" } ?? "") + (read.map { " (read \($0))" } ?? "")
    }
}

/// Why a lab file is no lab: every error found, and the warnings beside them, in the file's order.
public struct LabFileError: Error, Hashable, Sendable, CustomStringConvertible {
    public let diagnostics: [LabFileDiagnostic]

    public init(diagnostics: [LabFileDiagnostic]) {
        self.diagnostics = diagnostics
    }

    public var description: String {
        diagnostics.map(\.description).joined(separator: "\n")
    }
}

extension Unicode.Scalar {
    /// C0 but for the tab and the end of a line, DEL, C1, the separators of lines and paragraphs, and what turns the direction
    /// of writing (Unicode Standard Annex 9): what would do something to a terminal, or end a line where nobody sees it.
    public var isControl: Bool {
        switch value {
        case 0x09, 0x0A: false
        case 0...0x1F, 0x7F...0x9F, 0x2028...0x2029, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}

extension String {
    /// With a replacement character for each control character: a user's own daemon configuration may hold some.
    fileprivate var printable: String {
        guard unicodeScalars.contains(where: \.isControl) else { return self }
        return String(String.UnicodeScalarView(unicodeScalars.map { $0.isControl ? "\u{FFFD}" : $0 }))
    }
}
