import NetworkTypes

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

    func soak(topology: Topology) -> [String] {
        guard let field = file.soak else { return [] }
        let written = file.written["probes", default: []]
        let names = field.members.compactMap { $0.text("a probe's name") }
        for (index, name) in names.enumerated() {
            if !written.contains(name.value) {
                collector.error(
                    name.line, "\(field.path): there is no probe \"\(name.value)\"",
                    Suggestion.remedy(for: name.value, among: written, noun: "probes"))
            } else if names[..<index].contains(where: { $0.value == name.value }) {
                collector.error(
                    name.line, "\(field.path): probe \(name.value) stands there twice", "Write it once.")
            }
        }
        return names.map(\.value).filter { topology.probe(named: $0) != nil }
    }
}
