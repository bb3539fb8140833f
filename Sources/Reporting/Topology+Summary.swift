import LabModel

extension Topology {
    /// What there is in a valid lab, in one sentence.
    public var summaryLine: String {
        let all = tunnels.count + plainTunnels.count
        let others = variant == nil ? variants.count : 0
        let counts: [(Int, String)] = [
            (nodes.count, "node"), (links.count, "link"), (all, "tunnel"),
            (sessionNames.count, "BGP session"), (probes.count, "probe"),
            (expectations.count, "expectation"), (scenarioNames.count, "scenario"),
            (others, "variant"),
        ]
        var parts: [String] = []
        for (count, noun) in counts where count > 0 { parts.append("\(count) \(noun)\(count == 1 ? "" : "s")") }
        let full = name + (variant.map { " in variant \($0)" } ?? "")
        return "\(full) is valid: \(parts.isEmpty ? "there is nothing in it" : parts.joined(separator: ", "))."
    }
}
