import LabModel
import NetworkTypes
import ScenarioReading
import YAMLReading

// Scenarios, and what a soak pings.
extension TopologyResolver {
    /// Reads the scenarios of the variant that is being resolved: what those of another speak of may be there only.
    func resolveScenarios(of topology: inout Topology) {
        let resolved = topology
        let known = file.variants.map(\.name.value)
        for (name, value) in file.scenarios {
            guard let fields = value.fields(ScenarioReader.keys) else { continue }
            let variant = fields["variant"].map { $0.text("a variant's name") }
            if case .some(nil) = variant { continue }
            if let variant = variant ?? nil, !known.contains(variant.value) {
                collector.error(
                    variant.line, "\(value.path).variant: there is no variant \"\(variant.value)\"",
                    Suggestion.remedy(for: variant.value, among: known, noun: "variants"))
                continue
            }
            let own = variant??.value
            topology.scenarioNames.append(ScenarioName(name: name.value, variant: own))
            guard own == file.variant else { continue }
            let reader = ScenarioReader(name: name, fields: fields, topology: resolved, written: file.written)
            if let scenario = reader.scenario() { topology.scenarios.append(scenario) }
        }
    }

    /// The probes to ping: a list, or a mapping of probes to what was measured on the real thing.
    func soak(topology: Topology) -> [SoakProbe] {
        guard let field = file.soak else { return [] }
        let written = file.written["probes", default: []]
        let entries: [(name: Located<String>, published: String?)] =
            field.node.mapping == nil
            ? field.members.compactMap { $0.text("a probe's name") }.map { ($0, nil) }
            : field.entries("a mapping of probes to texts").map { ($0, $1.text()?.value) }
        for (index, entry) in entries.enumerated() {
            if !written.contains(entry.name.value) {
                collector.error(
                    entry.name.line, "\(field.path): there is no probe \"\(entry.name.value)\"",
                    Suggestion.remedy(for: entry.name.value, among: written, noun: "probes"))
            } else if entries[..<index].contains(where: { $0.name.value == entry.name.value }) {
                collector.error(
                    entry.name.line, "\(field.path): probe \(entry.name.value) stands there twice", "Write it once.")
            }
        }
        return entries.filter { topology.probe(named: $0.name.value) != nil }.map {
            SoakProbe(probe: $0.name.value, published: $0.published)
        }
    }
}
