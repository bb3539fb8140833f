import Daemons
import LabModel
import YAMLReading

/// The algorithms that a provider's side offers and accepts; an empty list is any.
private struct AlgorithmOffer {
    let encryption: [String]
    let integrity: [String]
    let groups: [String]

    init?(_ fields: YAMLFields, groups key: String) {
        guard let encryption = fields.choices(EncryptionAlgorithm.self, "encryption", noun: "encryption algorithms"),
            let integrity = fields.choices(IntegrityAlgorithm.self, "integrity", noun: "integrity algorithms"),
            let groups = fields.integers(key, 1...65535)
        else { return nil }
        self.encryption = encryption.map(\.rawValue)
        self.integrity = integrity.map(\.rawValue)
        self.groups = groups.map(String.init)
    }

    func statement(groups noun: String) -> String {
        let (encryption, integrity, groups) = (words(encryption), words(integrity), words(groups))
        return "\(encryption); \(integrity); \(noun) \(groups)"
    }

    private func words(_ names: [String]) -> String { names.isEmpty ? "any" : names.joined(separator: ", ") }
}

/// What a provider's side offers and accepts for the IKE SA.
struct IKEOffer: ProviderConstraint {
    static let kind = "ike-algorithms"
    static let keys = ["encryption", "integrity", "groups"]
    static let severity = LabFileDiagnostic.Severity.error

    private let offer: AlgorithmOffer

    init?(_ fields: YAMLFields) {
        guard let offer = AlgorithmOffer(fields, groups: "groups") else { return nil }
        self.offer = offer
    }

    var statement: String { "IKE: \(offer.statement(groups: "group"))" }

    func findings(in design: Design) -> [Finding] {
        design.ownEnds.flatMap { own -> [Finding] in
            guard let used = own.tunnel.ikeAlgorithms else { return [] }
            return [
                missing(used.encryption.rawValue, among: offer.encryption, "encryption", "ike", own, design),
                missing(used.hash.rawValue, among: offer.integrity, "integrity", "ike", own, design),
                missing(String(used.group.number), among: offer.groups, "group", "ike", own, design),
            ].compactMap { $0 }
        }
    }
}

/// What a provider's side offers and accepts for ESP's SAs.
struct ESPOffer: ProviderConstraint {
    static let kind = "esp-algorithms"
    static let keys = ["encryption", "integrity", "pfs-groups"]
    static let severity = LabFileDiagnostic.Severity.error

    private let offer: AlgorithmOffer

    init?(_ fields: YAMLFields) {
        guard let offer = AlgorithmOffer(fields, groups: "pfs-groups") else { return nil }
        self.offer = offer
    }

    var statement: String { "ESP: \(offer.statement(groups: "PFS group"))" }

    func findings(in design: Design) -> [Finding] {
        design.ownEnds.flatMap { own -> [Finding] in
            guard let used = own.tunnel.algorithms else { return [] }
            let group = own.end.proposal?.esp.first?.group.map { String($0.number) }
            return [
                missing(used.encryption.rawValue, among: offer.encryption, "encryption", "esp", own, design),
                used.integrity.flatMap {
                    missing($0.rawValue, among: offer.integrity, "integrity", "esp", own, design)
                },
                group.flatMap { missing($0, among: offer.groups, "pfs-group", "esp", own, design) },
            ].compactMap { $0 }
        }
    }
}

/// Whether ESP's keys must come from an exchange of their own.
struct ForwardSecrecy: ProviderConstraint {
    static let kind = "perfect-forward-secrecy"
    static let keys: [String] = []
    static let severity = LabFileDiagnostic.Severity.warning

    init?(_ fields: YAMLFields) {}

    var statement: String { "perfect forward secrecy: ESP's keys come from a Diffie-Hellman exchange of their own" }

    func findings(in design: Design) -> [Finding] {
        design.ownEnds.compactMap { own in
            guard let proposals = own.end.proposal?.esp, proposals.contains(where: { $0.group == nil }) else {
                return nil
            }
            return Finding(
                line: design.line(of: "esp", at: own),
                message: "tunnels.\(own.tunnel.name): no perfect forward secrecy, which \(design.provider) asks for",
                remedy: "Add `pfs-group:` under `esp:`.")
        }
    }
}

/// A finding for what a provider does not list; nothing listed is anything.
private func missing(
    _ name: String, among known: [String], _ part: String, _ phase: String, _ own: Design.OwnEnd, _ design: Design
) -> Finding? {
    guard !known.isEmpty, !known.contains(name) else { return nil }
    return Finding(
        line: design.line(of: phase, part, at: own),
        message:
            "tunnels.\(own.tunnel.name): \(design.provider) does not offer \(phase.uppercased()) \(part.replacing("-", with: " ")) \(name)",
        remedy: "Take one that it offers: \(known.joined(separator: ", ")).")
}
