import LabModel
import NetworkTypes
import YAMLReading

/// Reads `providers/NAME.yaml`, noting every mistake with its line.
public struct ProviderReader {
    private static let keys = [
        "name", "title", "summary", "extends", "sources", "defaults", "rules", "path-selection", "remarks",
    ]

    public let collector: DiagnosticCollector

    public init(file: String) {
        collector = DiagnosticCollector(file: file)
    }

    /// - Parameter name: What the file is called, without `.yaml`.
    /// - Returns: Nil where something in it is wrong, which has been reported.
    public func provider(_ text: String, name: String) -> Provider? {
        guard let root = YAMLValue.parse(text, collector: collector), let fields = root.fields(Self.keys) else {
            return nil
        }
        if let written = fields.required("name", "the provider's name, as in `provider: NAME`")?.text(),
            written.value != name
        {
            collector.error(
                written.line, "the provider is called \"\(written.value)\", and its file \(name).yaml",
                "Rename one of them: `provider:` finds the file by the name.")
        }
        let title = fields.required("title", "the provider's name for people")?.text()?.value
        let sources = sources(fields["sources"])
        let defaults =
            fields["defaults"]?.entries("a mapping of defaults").compactMap {
                standard(key: $0, value: $1, sources: sources)
            } ?? []
        let rules =
            fields["rules"]?.entries("a mapping of rules").compactMap {
                rule(key: $0, value: $1, provider: name, sources: sources)
            } ?? []
        let (pathSelection, remarks) = (
            remarks(fields["path-selection"], sources: sources), remarks(fields["remarks"], sources: sources)
        )
        let foundation = fields["extends"]?.text("a provider's name")
        guard !collector.hasErrors, let title else { return nil }
        let contradictions = rules.compactMap { rule in
            rule.constraint.contradiction.map { ProviderRemark(text: "\(rule.kind): \($0)", source: rule.source) }
        }
        return Provider(
            name: name, title: title, summary: fields["summary"]?.text()?.value ?? "", file: collector.file,
            foundation: foundation?.value, foundationLine: foundation?.line, defaults: defaults, rules: rules,
            pathSelection: pathSelection, remarks: contradictions + remarks)
    }

    private func sources(_ value: YAMLValue?) -> [String: ProviderSource?] {
        let entries = value?.entries("a mapping of documents") ?? []
        return Dictionary(entries.map { ($0.value, source($1)) }) { first, _ in first }
    }

    private func source(_ value: YAMLValue) -> ProviderSource? {
        guard let fields = value.fields(["title", "url", "read"]),
            let title = fields.required("title", "the document and its part")?.text(),
            let read = fields.required("read", "the day on which it was read, as YYYY-MM-DD")?.text()
        else { return nil }
        let url = fields["url"]?.text("a Web address")
        if let url, !url.value.hasPrefix("https://"), !url.value.hasPrefix("http://") {
            fields["url"]?.wrong("a Web address that begins with https://")
        }
        guard Self.isDay(read.value) else {
            fields["read"]?.wrong("a day as YYYY-MM-DD")
            return nil
        }
        return ProviderSource(title: title.value, url: url?.value, read: read.value)
    }

    /// Whether a text is a day as YYYY-MM-DD.
    private static func isDay(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [4, 2, 2],
            parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let month = Int(parts[1]), let day = Int(parts[2])
        else { return false }
        return (1...12).contains(month) && (1...31).contains(day)
    }

    private func source(_ fields: YAMLFields, among sources: [String: ProviderSource?]) -> ProviderSource? {
        guard let name = fields.required("source", "a name under `sources`: the document that says so")?.text() else {
            return nil
        }
        guard let source = sources[name.value] else {
            collector.error(
                name.line, "\(fields.owner.path): there is no source \"\(name.value)\"",
                Suggestion.remedy(for: name.value, among: sources.keys, noun: "sources"))
            return nil
        }
        return source
    }

    private func remarks(_ value: YAMLValue?, sources: [String: ProviderSource?]) -> [ProviderRemark] {
        value?.members.compactMap { value in
            guard let fields = value.fields(["text", "source"]),
                let text = fields.required("text", "what there is to know")?.text(),
                let source = source(fields, among: sources)
            else { return nil }
            return ProviderRemark(text: text.value, source: source)
        } ?? []
    }

    private func standard(
        key: Located<String>, value: YAMLValue, sources: [String: ProviderSource?]
    ) -> ProviderDefault? {
        guard let known = ProviderDefault.Key(rawValue: key.value) else {
            collector.error(
                key.line, "\(value.path): there is no default \"\(key.value)\"",
                Suggestion.remedy(
                    for: key.value, among: ProviderDefault.Key.allCases.map(\.rawValue), noun: "defaults"))
            return nil
        }
        guard let fields = value.fields(["is", "source", "note"]),
            let field = fields.required("is", "what the provider's side has by itself"),
            let written = field.text()
        else { return nil }
        let duration = known.isDuration ? field.duration()?.value : nil
        guard let source = source(fields, among: sources), !known.isDuration || duration != nil else { return nil }
        return ProviderDefault(
            key: known, value: written.value, duration: duration, source: source, note: fields["note"]?.text()?.value)
    }

    private func rule(
        key: Located<String>, value: YAMLValue, provider: String, sources: [String: ProviderSource?]
    ) -> ProviderRule? {
        guard let kind = ProviderConstraints.kind(named: key.value) else {
            collector.error(
                key.line, "\(value.path): there is no kind of rule \"\(key.value)\"",
                Suggestion.remedy(
                    for: key.value, among: ProviderConstraints.kinds.map { $0.kind }, noun: "kinds of rules"))
            return nil
        }
        guard let fields = value.fields(kind.keys + ["source", "severity", "note"]) else { return nil }
        let severity = fields["severity"]?.choice(LabFileDiagnostic.Severity.self, noun: "severities")
        let source = source(fields, among: sources)
        guard let constraint = kind.init(fields), let source else { return nil }
        return ProviderRule(
            provider: provider, source: source, severity: severity?.value ?? kind.severity,
            note: fields["note"]?.text()?.value, constraint: constraint)
    }
}

// Figures that several kinds of rules have.
extension YAMLFields {
    /// `from:` and `to:`, of which one may be missing.
    func durations() -> ClosedRange<Duration>? {
        guard self["from"] != nil || self["to"] != nil else {
            _ = required("from", "the shortest time, or `to:` for the longest")
            return nil
        }
        guard let low = self["from"].map({ $0.duration()?.value }) ?? .zero,
            let high = self["to"].map({ $0.duration()?.value }) ?? .seconds(UInt32.max)
        else { return nil }
        guard low <= high else {
            self["to"]?.wrong("a time that is not before \(low.shortText)")
            return nil
        }
        return low...high
    }

    /// A list of numbers and ranges: `64512`, `64512-65534`.
    func numbers(_ key: String) -> [ClosedRange<UInt32>]? {
        guard let value = self[key] else { return [] }
        let ranges = value.members.map { member -> ClosedRange<UInt32>? in
            let parts = member.node.scalar?.string.split(separator: "-", omittingEmptySubsequences: false) ?? []
            let bounds = parts.compactMap { UInt32($0) }
            guard (1...2).contains(parts.count), bounds.count == parts.count, let low = bounds.first,
                let high = bounds.last, low <= high
            else {
                member.wrong("a number or a range such as 64512-65534")
                return nil
            }
            return low...high
        }
        let read = ranges.compactMap { $0 }
        return read.count == ranges.count ? read : nil
    }

    /// A list of numbers and ranges that are small enough to be counted out.
    func integers(_ key: String, _ range: ClosedRange<Int>) -> [Int]? {
        guard let ranges = numbers(key) else { return nil }
        guard ranges.allSatisfy({ range.contains(Int($0.lowerBound)) && range.contains(Int($0.upperBound)) }) else {
            self[key]?.wrong("a list of numbers from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return ranges.flatMap { $0.map(Int.init) }
    }

    /// A list of prefixes; nil where one of them is none.
    func prefixes(_ key: String) -> [IPPrefix]? {
        guard let value = self[key] else { return [] }
        let read = value.members.map { $0.value(IPPrefix.self, "a prefix such as 169.254.0.0/16")?.value }
        let prefixes = read.compactMap { $0 }
        return prefixes.count == read.count ? prefixes : nil
    }

    /// A number that must be there and lie in a range.
    func number(_ key: String, _ range: ClosedRange<Int>, _ purpose: String) -> Int? {
        guard let field = required(key, purpose), let number = field.value(Int.self, "a number") else { return nil }
        guard range.contains(number.value) else {
            field.wrong("a number from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return number.value
    }

    /// A list of an enumeration's raw values.
    func choices<Choice: RawRepresentable<String> & CaseIterable>(
        _ type: Choice.Type, _ key: String, noun: String
    ) -> [Choice]? {
        guard let value = self[key] else { return [] }
        let read = value.members.map { $0.choice(type, noun: noun)?.value }
        let known = read.compactMap { $0 }
        return known.count == read.count ? known : nil
    }
}
