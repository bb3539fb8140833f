import LabModel
import Providers

/// What is known of a provider: its defaults and rules, each with the document it is from and the day that was read.
public struct ProviderReport: Encodable, Sendable {
    private let name: String
    private let title: String
    private let summary: String
    private let file: String
    private let extends: String?
    private let defaults: [Default]
    private let rules: [RuleSummary]
    private let pathSelection: [Remark]
    private let remarks: [Remark]

    private struct Default: Encodable {
        let name: String
        let value: String
        let source: ProviderSource
        let note: String?
    }

    private struct Remark: Encodable {
        let text: String
        let source: ProviderSource
    }

    public init(_ provider: Provider) {
        name = provider.name
        title = provider.title
        summary = provider.summary
        file = provider.file
        extends = provider.foundation
        defaults = provider.defaults.map {
            Default(name: $0.key.rawValue, value: $0.value, source: $0.source, note: $0.note)
        }
        rules = provider.rules.map(\.summary)
        pathSelection = provider.pathSelection.map { Remark(text: $0.text, source: $0.source) }
        remarks = provider.remarks.map { Remark(text: $0.text, source: $0.source) }
    }

    public func text(style: Style) -> String {
        var sources: [ProviderSource] = []
        for source in defaults.map(\.source) + rules.map(\.source) + (pathSelection + remarks).map(\.source)
        where !sources.contains(source) {
            sources.append(source)
        }
        func number(_ source: ProviderSource) -> String { "[\((sources.firstIndex(of: source) ?? 0) + 1)]" }
        var parts = ["\(style.strong(name))  \(title): \(summary)\n\(style.faint(file))"]
        if let extends { parts.append("Built on \(extends), whose rules hold as well.") }
        if !defaults.isEmpty {
            var rows: [[String]] = []
            for entry in defaults {
                rows.append(["  " + entry.name, entry.value, number(entry.source)])
                if let note = entry.note { rows.append(["", "", style.faint(note)]) }
            }
            parts.append(style.strong("DEFAULTS") + "\n" + Table(columns: [], rows: rows).text(style: style))
        }
        let lines: [(title: String, lines: [String])] = [
            ("RULES", rules.flatMap { $0.lines(after: number($0.source), style: style) }),
            (
                "PATH SELECTION",
                pathSelection.enumerated().map { "  \($0 + 1). \($1.text) \(number($1.source))" }
            ),
            ("REMARKS", remarks.map { "  \($0.text) \(number($0.source))" }),
            ("SOURCES", sources.map { "  \(number($0)) \($0)" }),
        ]
        parts += lines.filter { !$0.lines.isEmpty }.map {
            style.strong($0.title) + "\n" + $0.lines.joined(separator: "\n")
        }
        return parts.joined(separator: "\n\n")
    }
}

extension RuleSummary {
    /// Its name, severity and source, what it asks for, and what there is to say beside that.
    fileprivate func lines(after source: String, style: Style) -> [String] {
        let word = severity == .error ? style.bad("error") : style.warning("warning")
        return ["  \(id) (\(word))\(source.isEmpty ? "" : " " + source)", "      \(statement)"]
            + [note.map { "      " + style.faint($0) }].compactMap { $0 }
    }
}

/// All providers in a line each, and the rules that are nobody's.
public struct ProviderList: Encodable, Sendable {
    private let providers: [Entry]
    private let general: [RuleSummary]

    private struct Entry: Encodable {
        let name: String
        let title: String
        let defaults: Int
        let rules: Int
        /// The latest day on which one of its sources was read.
        let read: String?
        let file: String
    }

    public init(_ providers: [Provider]) {
        self.providers = providers.map { provider in
            let sources =
                provider.defaults.map(\.source) + provider.rules.map(\.source)
                + (provider.pathSelection + provider.remarks).map(\.source)
            return Entry(
                name: provider.name, title: provider.title, defaults: provider.defaults.count,
                rules: provider.rules.count, read: sources.compactMap(\.read).max(), file: provider.file)
        }
        general = RuleSummary.general
    }

    public func text(style: Style) -> String {
        let rows = providers.map {
            [$0.name, $0.title, String($0.defaults), String($0.rules), $0.read ?? "-", $0.file]
        }
        let rules = general.flatMap { rule in
            rule.lines(after: "", style: style) + ["      " + style.faint(rule.source.description)]
        }
        return Table(columns: ["NAME", "WHO", "DEFAULTS", "RULES", "READ", "FILE"], rows: rows).text(style: style)
            + "\n\nRules that are nobody's in particular:\n" + rules.joined(separator: "\n")
    }
}
