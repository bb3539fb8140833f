import LabModel
import YAMLReading
import Yams

/// A variant as the lab file has it.
struct VariantSpec {
    /// What cannot differ: the lab's name, and what speaks of variants itself.
    private static let refused = ["name", "variants", "scenarios"]

    let name: Located<String>
    let summary: String
    /// What is laid over the file.
    let changes: Yams.Node

    /// - Parameter keys: What a whole lab file may have.
    init(key: Located<String>, value: YAMLValue, keys: [String]) {
        name = key
        let known = keys.filter { !Self.refused.contains($0) }
        let entries = value.entries("a mapping of what is changed")
        for (key, _) in entries where !known.contains(key.value) {
            let remedy = Suggestion.remedy(for: key.value, among: known, noun: "keys here")
            if key.value == "scenarios" {
                value.collector.error(
                    key.line, "\(value.path): a variant cannot have scenarios",
                    "Write them under the file's own `scenarios:`, each with `variant: \(name.value)`.")
            } else if Self.refused.contains(key.value) {
                value.collector.error(key.line, "\(value.path): a variant cannot change \"\(key.value)\"", remedy)
            } else {
                value.collector.error(key.line, "\(value.path): unknown key \"\(key.value)\"", remedy)
            }
        }
        if value.node.mapping != nil, entries.allSatisfy({ $0.key.value == "summary" }) {
            value.collector.error(
                key.line, "\(value.path) changes nothing",
                "Write what is different, as it would stand in the file itself.")
        }
        summary = entries.first { $0.key.value == "summary" }?.value.text()?.value ?? ""
        let parts = value.node.mapping?.mergedPairs.filter { key, _ in
            key.scalar.map { known.contains($0.string) && $0.string != "summary" } ?? false
        }
        changes = .mapping(.init((parts ?? []).map { ($0.key, $0.value) }, .implicit, .any, value.node.mark))
    }
}
