import LabModel

/// Who sells a part of the lab, as `providers/NAME.yaml` describes it: what it sets by itself, and what it asks of a design.
///
/// Its rules hold for what the provider runs: the routers of a cloud that names it. An instance is its user's machine, who
/// configures it freely.
public struct Provider: Sendable {
    public let name: String
    public let title: String
    public let summary: String
    /// The file as the user gave it.
    public let file: String
    /// The provider whose service this one is built on, and whose rules hold as well.
    public let foundation: String?
    /// The line that names it.
    public let foundationLine: Int?
    /// Its own, and those of the provider it is built on, as are the rules.
    public var defaults: [ProviderDefault]
    public var rules: [ProviderRule]
    /// How it chooses among several paths to a prefix, the first criterion first; what it is built on, where it says nothing itself.
    public var pathSelection: [ProviderRemark]
    /// What no rule can look at, and what the file's own figures say against each other.
    public var remarks: [ProviderRemark]

    public func rule(_ kind: String) -> ProviderRule? {
        rules.first { $0.kind == kind }
    }

    public func standard(_ key: ProviderDefault.Key) -> ProviderDefault? {
        defaults.first { $0.key == key }
    }
}

/// What the provider's side has unless somebody changes it.
public struct ProviderDefault: Sendable {
    /// What a default can be given for.
    public enum Key: String, Hashable, Sendable, Codable, CaseIterable {
        case ikeLifetime = "ike-lifetime"
        case espLifetime = "esp-lifetime"
        case ikeAlgorithms = "ike-algorithms"
        case espAlgorithms = "esp-algorithms"
        case dpdTimeout = "dpd-timeout"
        case dpdAction = "dpd-action"
        case bgpKeepalive = "bgp-keepalive"
        case bgpHold = "bgp-hold"
        case asn
        case tunnelMTU = "tunnel-mtu"
        case tcpMSS = "tcp-mss"

        var isDuration: Bool {
            switch self {
            case .ikeLifetime, .espLifetime, .dpdTimeout, .bgpKeepalive, .bgpHold: true
            case .ikeAlgorithms, .espAlgorithms, .dpdAction, .asn, .tunnelMTU, .tcpMSS: false
            }
        }
    }

    public let key: Key
    /// As the file has it.
    public let value: String
    /// Nil for what is not a time.
    public let duration: Duration?
    public let source: ProviderSource
    public let note: String?
}

/// Something about a provider in words.
public struct ProviderRemark: Hashable, Sendable {
    public let text: String
    public let source: ProviderSource
}

/// A rule of a provider: a kind of constraint with the provider's figures.
public struct ProviderRule: Sendable {
    /// The provider whose rule it is: the one that it was written for, also where another is built on that one.
    public let provider: String
    public let source: ProviderSource
    /// Whether what breaks it cannot work, or will hurt.
    public let severity: LabFileDiagnostic.Severity
    /// What there is to say beside the figures: where sources differ, what has been seen.
    public let note: String?
    public let constraint: any ProviderConstraint

    /// What the constraint is about, such as `tunnel-inside-cidr`.
    public var kind: String { type(of: constraint).kind }
    /// What diagnostics and `accepts:` call it: `aws/tunnel-inside-cidr`.
    public var id: String { "\(provider)/\(kind)" }
    /// What it asks for, with its figures.
    public var statement: String { constraint.statement }

    public var summary: RuleSummary {
        RuleSummary(id: id, severity: severity, statement: statement, source: source, note: note)
    }
}

/// A rule in words.
public struct RuleSummary: Hashable, Sendable, Codable {
    public let id: String
    public let severity: LabFileDiagnostic.Severity
    public let statement: String
    public let source: ProviderSource
    public let note: String?

    /// Those that are no provider's in particular.
    public static var general: [RuleSummary] {
        GeneralRules.all.map {
            RuleSummary(id: $0.id, severity: $0.severity, statement: $0.statement, source: $0.source, note: nil)
        }
    }
}
