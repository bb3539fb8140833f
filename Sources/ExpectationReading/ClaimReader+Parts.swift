import LabModel
import NetworkTypes
import YAMLReading

// What several kinds of expectations have in common.
extension ClaimReader {
    /// A field that may be missing: nil where it is there and wrong, which has been reported.
    struct Field<Value> {
        let value: Value?
    }

    func number(_ key: String, _ range: ClosedRange<Int>, _ expected: String) -> Field<Int>? {
        guard let field = fields[key] else { return Field(value: nil) }
        guard let number = field.value(Int.self, expected)?.value else { return nil }
        guard range.contains(number) else {
            field.wrong(expected)
            return nil
        }
        return Field(value: number)
    }

    func duration(_ key: String) -> Field<Duration>? {
        guard let field = fields[key] else { return Field(value: nil) }
        guard let duration = field.duration()?.value else { return nil }
        guard duration > .zero else {
            field.wrong("a time above zero, such as 2ms, 30s or 1h")
            return nil
        }
        return Field(value: duration)
    }

    /// A number of bytes in `transfer:`, with kB or MB.
    func transfer(default standard: Int) -> Int? {
        guard let field = fields["transfer"] else { return standard }
        return field.value(ByteCount.self, "an amount such as 500kB or 20MB")?.value.bytes
    }

    func probe() -> String? { one(fields[kind.rawValue], .probes) }

    /// The most that links at either end of a probe have of something, at the end that has less.
    func best<Quantity: Comparable>(of probe: String, _ quantity: (Link) -> Quantity) -> Quantity? {
        guard let probe = topology.probe(named: probe) else { return nil }
        let ends = [probe.source, topology.owner(of: probe.destination)].compactMap { $0 }
        return ends.compactMap { topology.linkEnds(of: $0).map { quantity($0.link) }.max() }.min()
    }

    func warn(_ key: String, _ message: String, _ remedy: String) {
        guard let field = fields[key] else { return }
        collector.warning(field.line, "\(field.path): \(message)", remedy)
    }

    /// The links named, or else those between clouds.
    func links() -> [String]? {
        if let value = fields["on"] { return known(value, .links) }
        let links = topology.underlayLinks.map(\.name)
        guard !links.isEmpty else {
            guard isWhole(.links) else { return nil }
            collector.error(
                fields.owner.line, "\(fields.owner.path): no link of this lab joins two clouds",
                "Name the links to look at with `on:`.")
            return nil
        }
        return links
    }

    func algorithms(_ value: YAMLValue) -> ESPAlgorithms? {
        value.fields(["encryption", "integrity"])?.espAlgorithms()
    }

    func address(_ value: YAMLValue) -> IPAddress? {
        guard let text = value.text("a node or an address") else { return nil }
        if let address = IPAddress(text.value) ?? topology.address(of: text.value) { return address }
        guard isWhole(.links) || !subject.written["nodes", default: []].contains(text.value) else { return nil }
        collector.error(
            text.line, "\(value.path): \"\(text.value)\" is neither an address nor a node with one",
            Suggestion.remedy(for: text.value, among: topology.nodes.map(\.name), noun: "nodes"))
        return nil
    }

    /// A section of the lab file whose parts can be named.
    enum Section: String {
        case nodes, links, tunnels, probes
        case sessions = "bgp"

        var noun: String { self == .sessions ? "BGP sessions" : rawValue }
    }

    func names(_ section: Section) -> [String] {
        switch section {
        case .nodes: topology.nodes.map(\.name)
        case .links: topology.links.map(\.name)
        case .tunnels: topology.tunnels.map(\.name) + topology.plainTunnels.map(\.name)
        case .sessions: topology.sessionNames
        case .probes: topology.probes.map(\.name)
        }
    }

    /// Whether none of a section's parts was left out for an error of its own.
    func isWhole(_ section: Section) -> Bool {
        names(section).count == subject.written[section.rawValue, default: []].count
    }

    func one(_ value: YAMLValue?, _ section: Section) -> String? {
        guard let value, value.text("the name of one of the \(section.noun)") != nil else { return nil }
        return known(value, section)?.first
    }

    /// The names in a value, all of them known; nil where one is not, which is reported here or where it is defined.
    func known(_ value: YAMLValue?, _ sections: Section...) -> [String]? {
        guard let value else { return nil }
        let noun = sections.map(\.noun).joined(separator: " and ")
        let written = sections.flatMap { subject.written[$0.rawValue, default: []] }
        guard !value.members.isEmpty else {
            collector.error(
                value.line, "\(value.path) names none of the \(noun)",
                Suggestion.remedy(for: "", among: written, noun: noun))
            return nil
        }
        let used = value.members.compactMap { $0.text("a name") }
        for name in used where !written.contains(name.value) {
            collector.error(
                name.line, "\(value.path): there is no \"\(name.value)\"",
                Suggestion.remedy(for: name.value, among: written, noun: noun))
        }
        let usable = sections.flatMap(names)
        guard used.count == value.members.count, used.allSatisfy({ usable.contains($0.value) }) else { return nil }
        return used.map(\.value)
    }
}
