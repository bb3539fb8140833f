import Daemons
import LabModel
import YAMLReading

/// What a provider's side offers and accepts for the IKE SA.
struct IKEOffer: ProviderConstraint {
    static let kind = "ike-algorithms"
    static let keys = ["encryption", "integrity", "groups"]
    static let severity = LabFileDiagnostic.Severity.error

    let encryption: [EncryptionAlgorithm]
    let integrity: [IntegrityAlgorithm]
    let groups: [Int]

    init?(_ fields: YAMLFields) {
        guard let encryption = fields.choices(EncryptionAlgorithm.self, "encryption", noun: "encryption algorithms"),
            let integrity = fields.choices(IntegrityAlgorithm.self, "integrity", noun: "integrity algorithms"),
            let groups = fields.integers("groups", 1...65535)
        else { return nil }
        self.encryption = encryption
        self.integrity = integrity
        self.groups = groups
    }

    var statement: String {
        "IKE: \(words(encryption.map(\.rawValue))); \(words(integrity.map(\.rawValue))); group \(words(groups.map(String.init)))"
    }

    func findings(in design: Design) -> [Finding] {
        design.ownEnds.flatMap { own -> [Finding] in
            guard let used = own.tunnel.ikeAlgorithms else { return [] }
            return [
                missing(used.encryption.rawValue, among: encryption.map(\.rawValue), "encryption", "ike", own, design),
                missing(used.hash.rawValue, among: integrity.map(\.rawValue), "integrity", "ike", own, design),
                missing(String(used.group.number), among: groups.map(String.init), "group", "ike", own, design),
            ].compactMap { $0 }
        }
    }
}

/// What a provider's side offers and accepts for ESP's SAs.
struct ESPOffer: ProviderConstraint {
    static let kind = "esp-algorithms"
    static let keys = ["encryption", "integrity", "pfs-groups"]
    static let severity = LabFileDiagnostic.Severity.error

    let encryption: [EncryptionAlgorithm]
    let integrity: [IntegrityAlgorithm]
    let groups: [Int]

    init?(_ fields: YAMLFields) {
        guard let encryption = fields.choices(EncryptionAlgorithm.self, "encryption", noun: "encryption algorithms"),
            let integrity = fields.choices(IntegrityAlgorithm.self, "integrity", noun: "integrity algorithms"),
            let groups = fields.integers("pfs-groups", 1...65535)
        else { return nil }
        self.encryption = encryption
        self.integrity = integrity
        self.groups = groups
    }

    var statement: String {
        "ESP: \(words(encryption.map(\.rawValue))); \(words(integrity.map(\.rawValue))); PFS group \(words(groups.map(String.init)))"
    }

    func findings(in design: Design) -> [Finding] {
        design.ownEnds.flatMap { own -> [Finding] in
            guard let used = own.tunnel.algorithms else { return [] }
            let group = own.tunnel.proposal?.esp.group.map { String($0.number) }
            return [
                missing(used.encryption.rawValue, among: encryption.map(\.rawValue), "encryption", "esp", own, design),
                used.integrity.flatMap {
                    missing($0.rawValue, among: integrity.map(\.rawValue), "integrity", "esp", own, design)
                },
                group.flatMap { missing($0, among: groups.map(String.init), "pfs-group", "esp", own, design) },
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
            guard let proposal = own.tunnel.proposal, proposal.esp.group == nil else { return nil }
            return Finding(
                line: design.line("tunnels", own.tunnel.name, "esp"),
                message: "tunnels.\(own.tunnel.name): no perfect forward secrecy, which \(design.provider) asks for",
                remedy: "Add `pfs-group:` under `esp:`.")
        }
    }
}

private func words(_ names: [String]) -> String {
    names.isEmpty ? "any" : names.joined(separator: ", ")
}

/// A finding for what a provider does not list; nothing listed is anything.
private func missing(
    _ name: String, among known: [String], _ part: String, _ phase: String, _ own: Design.OwnEnd, _ design: Design
) -> Finding? {
    guard !known.isEmpty, !known.contains(name) else { return nil }
    return Finding(
        line: design.line("tunnels", own.tunnel.name, phase, part),
        message:
            "tunnels.\(own.tunnel.name): \(design.provider) does not offer \(phase.uppercased()) \(part.replacing("-", with: " ")) \(name)",
        remedy: "Take one that it offers: \(known.joined(separator: ", ")).")
}
