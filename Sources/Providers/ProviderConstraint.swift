import LabModel
import YAMLReading

/// A kind of rule that providers have: what it looks at is code, its figures are a provider's.
public protocol ProviderConstraint: Sendable {
    /// The key in a provider's file, and the end of the rule's name.
    static var kind: String { get }
    /// The keys its figures have.
    static var keys: [String] { get }
    /// What breaking it is, unless a provider's file says otherwise.
    static var severity: LabFileDiagnostic.Severity { get }

    /// Reads the figures; nil where one of them is wrong or missing, which has been reported.
    init?(_ fields: YAMLFields)

    /// What it asks for, with its figures.
    var statement: String { get }
    /// What its figures say against each other; nil where they agree.
    var contradiction: String? { get }

    /// Where a design breaks it, on the side of the provider that it is checked for.
    func findings(in design: Design) -> [Finding]
}

extension ProviderConstraint {
    var contradiction: String? { nil }
}

/// A place in a lab file that breaks a rule.
public struct Finding {
    public let line: Int?
    public let message: String
    public let remedy: String
    /// Other rules that it cannot be reconciled with.
    public var against: [ProviderRule] = []
    /// What the provider does not configure, as far as the lab can do without it.
    public var refused: [Refusal] = []
}

enum ProviderConstraints {
    /// All kinds there are.
    static let kinds: [any ProviderConstraint.Type] = [
        TunnelInsideBlock.self, IKELifetimeRange.self, ESPLifetimeRange.self, IKEOffer.self, ESPOffer.self,
        ForwardSecrecy.self, DPDTimeoutRange.self, ResponderOnly.self, PresharedKeyForm.self, TunnelMTUAdvice.self,
        LinkMTUChoice.self,
        APIPARange.self, APIPAPeerLimit.self, BGPAddressPerTunnel.self, BGPTimers.self, ASNChoice.self,
        BGPAuthentication.self, AdvertisedPrefixes.self, AnyTunnelBack.self,
    ]

    static func kind(named name: String) -> (any ProviderConstraint.Type)? {
        kinds.first { $0.kind == name }
    }
}

/// A speaker that a provider does not configure, because a rule of its does not allow it.
public struct Refusal: Hashable {
    public let session: String
    /// The provider's node.
    public let node: String
}
