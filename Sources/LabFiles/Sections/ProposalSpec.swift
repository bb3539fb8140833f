import Daemons
import ExpectationReading
import LabModel
import YAMLReading

/// `ike:`, `esp:`, and `psk:` or `certificate:` as a tunnel or one of its ends has them.
struct ProposalSpec {
    /// One phase's proposals, the best first, and how long what comes of them lasts.
    struct Phase<Proposal> {
        let proposals: [Proposal]
        /// Nil where nobody wrote it.
        let lifetime: Duration?
        /// Those that not every daemon has.
        let algorithms: [AlgorithmChoice]
    }

    /// `psk:`: the key, or the name of a file beside the lab file that has nothing else in it.
    enum KeySpec {
        case text(Secret)
        case file(Located<String>)
    }

    let ike: Phase<IKEAlgorithms>?
    let esp: Phase<ESPProposal>?
    let presharedKey: KeySpec?
    let certificate: CertificateSpec?
    /// The keys that are there, right or wrong; what is wrong has been reported.
    let written: Set<String>

    static let keys = ["ike", "esp", "psk", "certificate"]

    /// The keys that a generated end needs and that neither it nor its tunnel has.
    static func missing(in specs: [ProposalSpec]) -> [String] {
        let isWritten = { (key: String) in specs.contains { $0.written.contains(key) } }
        return ["ike", "esp"].filter { !isWritten($0) } + (isWritten("psk") || isWritten("certificate") ? [] : ["psk"])
    }

    init(_ fields: YAMLFields) {
        written = Set(Self.keys.filter { fields[$0] != nil })
        ike = fields["ike"].flatMap { Self.phase($0, Self.ike) }
        esp = fields["esp"].flatMap { Self.phase($0, Self.esp) }
        presharedKey = fields["psk"].flatMap(Self.presharedKey)
        certificate = fields["certificate"].flatMap(CertificateSpec.init)
        if let field = fields["certificate"], fields["psk"] != nil {
            field.collector.error(
                field.line, "\(field.path): there is a pre-shared key as well", "Remove `psk:` or `certificate:`.")
        }
    }

    private typealias Read<Proposal> = (proposal: Proposal, fields: YAMLFields, algorithms: [AlgorithmChoice])

    /// One proposal, or a list of them; nil where one is wrong.
    private static func phase<Proposal>(
        _ value: YAMLValue, _ read: (YAMLValue) -> Read<Proposal>?
    ) -> Phase<Proposal>? {
        let members = value.members
        if members.isEmpty { value.wrong("one proposal or a list of them") }
        let proposals = members.compactMap(read)
        guard !proposals.isEmpty, proposals.count == members.count else { return nil }
        return Phase(
            proposals: proposals.map(\.proposal),
            lifetime: proposals.lazy.compactMap { lifetime($0.fields) }.first,
            algorithms: proposals.flatMap(\.algorithms))
    }

    private static func ike(_ value: YAMLValue) -> Read<IKEAlgorithms>? {
        guard let fields = value.fields(["encryption", "integrity", "group", "lifetime"]),
            let encryption = fields.required("encryption", "for example aes-256-cbc")?
                .choice(EncryptionAlgorithm.self, noun: "encryption algorithms"),
            let integrity = fields.required("integrity", "for example sha2-384; also the pseudo-random function")?
                .choice(IntegrityAlgorithm.self, noun: "integrity algorithms"),
            let group = fields.required("group", "the Diffie-Hellman group's number").flatMap(group)
        else { return nil }
        let choices = [
            choice(.ikeCipher(encryption.value), fields, "encryption"), choice(.group(group), fields, "group"),
        ]
        return (
            IKEAlgorithms(encryption: encryption.value, hash: integrity.value, group: group), fields,
            choices.compactMap(\.self)
        )
    }

    private static func esp(_ value: YAMLValue) -> Read<ESPProposal>? {
        guard let fields = value.fields(["encryption", "integrity", "pfs-group", "lifetime"]),
            let algorithms = fields.espAlgorithms()
        else { return nil }
        let group = fields["pfs-group"].flatMap(group)
        let choices = group.flatMap { choice(.group($0), fields, "pfs-group") }
        return (ESPProposal(algorithms: algorithms, group: group), fields, [choices].compactMap(\.self))
    }

    private static func choice(
        _ algorithm: KeyDaemonAlgorithm, _ fields: YAMLFields, _ key: String
    ) -> AlgorithmChoice? {
        fields[key].map { AlgorithmChoice(algorithm: algorithm, line: $0.line, path: $0.path) }
    }

    private static func lifetime(_ fields: YAMLFields) -> Duration? {
        guard let value = fields["lifetime"], let lifetime = value.duration() else { return nil }
        guard lifetime.value >= .seconds(60), lifetime.value <= .seconds(86400) else {
            value.wrong("a lifetime from 60s to 24h")
            return nil
        }
        return lifetime.value
    }

    private static func group(_ value: YAMLValue) -> DiffieHellmanGroup? {
        guard let number = value.value(Int.self, "a Diffie-Hellman group's number") else { return nil }
        let known = DiffieHellmanGroup.names.keys.sorted().map(String.init).joined(separator: ", ")
        guard let group = DiffieHellmanGroup(number: number.value) else {
            value.collector.error(
                value.line, "\(value.path): Diffie-Hellman group \(number.value) is not supported",
                "Known groups: \(known).")
            return nil
        }
        return group
    }

    private static func presharedKey(_ value: YAMLValue) -> KeySpec? {
        if value.node.mapping != nil {
            return value.fields(["file"])?.required(
                "file", "the name of a file beside the lab file, with the key alone")?
                .text("the name of a file beside the lab file").map { .file($0) }
        }
        guard let text = value.text("a pre-shared key, or {file: NAME}") else { return nil }
        guard isUsable(text.value) else {
            value.collector.error(value.line, "\(value.path) is not a usable pre-shared key", usableKeys)
            return nil
        }
        return .text(Secret(text.value))
    }

    /// What a key has to be. One with a space or a quote could end its line in a daemon's file of secrets and begin another.
    static let usableKeys = "Write 8 to 64 printable ASCII characters without spaces and double quotes."

    static func isUsable(_ key: String) -> Bool {
        (8...64).contains(key.utf8.count) && key.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x22 }
    }
}
