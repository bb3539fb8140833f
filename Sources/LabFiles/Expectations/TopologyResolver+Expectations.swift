import LabModel
import NetworkTypes
import YAMLReading

// What the lab must show. Each is `KIND: SUBJECT` with what else its kind takes.
extension TopologyResolver {
    func resolve(expectation name: Located<String>, _ value: YAMLValue, topology: Topology) -> Expectation? {
        let entries = value.entries("a mapping such as {mtu: PROBE}")
        let written = entries.compactMap { Expectation.Claim.Kind(rawValue: $0.key.value) }
        guard let kind = written.first, written.count == 1 else {
            if value.node.mapping != nil {
                collector.error(
                    name.line, "\(value.path) says \(written.isEmpty ? "no kind" : "several kinds") of expectation",
                    guess(among: entries.map(\.key.value))
                        + "Write exactly one of \(Self.kinds.joined(separator: ", ")).")
            }
            return nil
        }
        guard let fields = value.fields([kind.rawValue] + Self.common + Self.options(of: kind)) else { return nil }
        let reader = ClaimReader(resolver: self, topology: topology, fields: fields, kind: kind)
        let conditions = fields["when"]?.members ?? []
        let when = conditions.compactMap { reader.condition($0) }
        guard let claim = reader.claim(), when.count == conditions.count else { return nil }
        reader.checkSense(of: claim, when: when)
        return Expectation(
            name: name.value, line: name.line, when: when, isOnRequest: fields["on-request"]?.flag()?.value ?? false,
            published: fields["published"]?.text("what was published, in words")?.value ?? claim.published,
            claim: claim)
    }

    /// The kind that a mistyped key most likely meant.
    private func guess(among keys: [String]) -> String {
        let options = Expectation.Claim.Kind.allCases.flatMap(Self.options) + Self.common
        let strange = keys.filter { !options.contains($0) && !Self.kinds.contains($0) }
        return strange.lazy.compactMap { Suggestion.nearest(to: $0, among: Self.kinds) }.first
            .map { "Did you mean \"\($0)\"? " } ?? ""
    }

    private static let kinds = Expectation.Claim.Kind.allCases.map(\.rawValue)

    /// What every kind takes.
    private static let common = ["when", "on-request", "published"]

    private static func options(of kind: Expectation.Claim.Kind) -> [String] {
        switch kind {
        case .encapsulation: ["in", "as", "esp", "on"]
        case .confidentiality: ["allow", "on"]
        case .mtu: ["is", "beyond"]
        case .mss: ["is", "transfer"]
        case .path: ["via", "back"]
        case .rtt: ["is", "within", "count"]
        case .traceroute: ["hops"]
        case .md5: []
        case .routes: ["are"]
        case .bgp: ["is", "hold"]
        case .securityAssociation: ["esp", "nat-t"]
        case .sharing: ["over", "flows"]
        case .rate: ["is", "within", "transfer"]
        case .security: ["is"]
        case .best, .symmetric: []
        case .ospf: ["is"]
        }
    }
}
