import LabModel
import NetworkTypes
import YAMLReading

/// What a session's end makes of routes, as it is written.
public struct SpeakerPolicySpec {
    /// What a speaker's mapping may have of it.
    public static let keys = [
        "local-preference", "weight", "med", "communities", "in", "out", "maximum-prefixes", "default-only",
        "next-hop-self",
    ]

    /// A policy at the speaker itself, or the name of one under `policies:`.
    private enum Reference {
        case name(Located<String>)
        case own(PolicySpec)
    }

    private let settings: SpeakerPolicy
    private let inReference: Reference?
    private let outReference: Reference?
    /// The lines of the keys that are written.
    let lines: [String: Int]
    let path: String
    /// Whether it tells a default route and nothing else.
    public let isDefaultOnly: Bool

    public init(_ fields: YAMLFields) {
        path = fields.owner.path
        lines = fields.values.filter { Self.keys.contains($0.key) }.mapValues(\.line)
        var settings = SpeakerPolicy()
        settings.inbound.localPreference = fields.number("local-preference")
        settings.inbound.weight = fields.weight
        settings.outbound.med = fields.number("med")
        if let written = fields["communities"] {
            _ = PolicySpec.read(written, &settings.outbound.communities, PolicySpec.communities)
        }
        if let field = fields["maximum-prefixes"],
            let limit = field.value(Int.self, "a number from 1 to 1000000")?.value
        {
            if (1...1_000_000).contains(limit) {
                settings.maximumPrefixes = limit
            } else {
                field.wrong("a number from 1 to 1000000")
            }
        }
        settings.isNextHop = fields["next-hop-self"]?.flag()?.value ?? true
        isDefaultOnly = fields["default-only"]?.flag()?.value ?? false
        self.settings = settings
        inReference = fields["in"].flatMap(Self.reference)
        outReference = fields["out"].flatMap(Self.reference)
        guard isDefaultOnly else { return }
        for key in ["advertise", "transit"] where fields[key] != nil {
            fields.owner.collector.error(
                fields[key]?.line, "\(path) has `default-only` and `\(key)`, which contradict each other",
                "Remove one of them: with `default-only` it tells a default route and nothing else.")
        }
    }

    private static func reference(_ value: YAMLValue) -> Reference? {
        if value.node.scalar != nil { return value.text("a policy's name").map(Reference.name) }
        return PolicySpec(value: value).map(Reference.own)
    }

    /// Whether nothing of it is written.
    public var isEmpty: Bool { lines.isEmpty }

    /// The names of policies that it uses.
    public var used: [String] {
        [inReference, outReference].compactMap {
            if case .name(let name)? = $0 { name.value } else { nil }
        }
    }

    /// With the policies that it names.
    public func policy(among known: [PolicySpec], _ collector: DiagnosticCollector) -> SpeakerPolicy {
        var policy = settings
        policy.inPolicy = spec(inReference, "in", known, collector)?.policy
        policy.outPolicy = spec(outReference, "out", known, collector)?.policy
        return policy
    }

    private func spec(
        _ reference: Reference?, _ key: String, _ known: [PolicySpec], _ collector: DiagnosticCollector
    ) -> PolicySpec? {
        switch reference {
        case nil: return nil
        case .own(let spec): return spec
        case .name(let name):
            if let spec = known.first(where: { $0.name?.value == name.value }) { return spec }
            collector.error(
                name.line, "\(path).\(key): there is no policy \"\(name.value)\"",
                Suggestion.remedy(for: name.value, among: known.compactMap(\.name?.value), noun: "policies"))
            return nil
        }
    }

    /// The entries of both directions, with their lines.
    func entries(among known: [PolicySpec]) -> (in: [PolicySpec.Entry], out: [PolicySpec.Entry]) {
        func entries(_ reference: Reference?) -> [PolicySpec.Entry] {
            switch reference {
            case nil: []
            case .own(let spec): spec.entries
            case .name(let name): known.first { $0.name?.value == name.value }?.entries ?? []
            }
        }
        return (entries(inReference), entries(outReference))
    }
}
