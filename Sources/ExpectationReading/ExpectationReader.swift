import LabModel
import NetworkTypes
import YAMLReading

/// Reads what a lab must show. Each expectation is `KIND: SUBJECT` with what else its kind takes.
public struct ExpectationReader {
    let topology: Topology
    /// The names in each section of the file, also of parts that were left out for an error of their own.
    let written: [String: [String]]
    /// Interface names by node, with the line each was given at.
    let interfaces: [String: [InterfaceName: Int]]
    let propagation = KnownPropagation()

    /// - Parameter written: The names in each section of the file, also of parts that were left out for an error of their own.
    /// - Parameter interfaces: Interface names by node, with the line each was given at.
    public init(topology: Topology, written: [String: [String]], interfaces: [String: [InterfaceName: Int]]) {
        self.topology = topology
        self.written = written
        self.interfaces = interfaces
    }

    /// The expectation; nil where it makes no sense, which is reported.
    public func expectation(named name: Located<String>, _ value: YAMLValue) -> Expectation? {
        let entries = value.entries("a mapping such as {mtu: PROBE}")
        let written = entries.compactMap { Expectation.Claim.Kind(rawValue: $0.key.value) }
        guard let kind = written.first, written.count == 1 else {
            if value.node.mapping != nil {
                value.collector.error(
                    name.line, "\(value.path) says \(written.isEmpty ? "no kind" : "several kinds") of expectation",
                    guess(among: entries.map(\.key.value))
                        + "Write exactly one of \(Self.kinds.joined(separator: ", ")).")
            }
            return nil
        }
        guard let fields = value.fields([kind.rawValue] + Self.common + Self.options(of: kind)) else { return nil }
        let reader = ClaimReader(subject: self, fields: fields, kind: kind)
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
        }
    }
}
