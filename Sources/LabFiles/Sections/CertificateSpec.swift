import LabModel
import NetworkTypes
import YAMLReading

/// `certificate:` as a tunnel or one of its ends has it: a kind of key, or a mapping.
struct CertificateSpec {
    enum Origin {
        /// By the lab's own CA.
        case made(CertificateKeyType)
        /// Names of files beside the lab file.
        case files(certificate: Located<String>, key: Located<String>, authorities: Located<String>)
    }

    /// What the end calls itself.
    enum Identity {
        /// The certificate's subject.
        case subject
        /// The address that the peer knows the end by.
        case address
        case name(String)
    }

    let origin: Origin
    let identity: Identity
    /// How long what the lab's own CA signs is valid, from the lab's beginning; nil for ten years.
    let lifetime: Duration?
    /// Whether an intermediate authority signs it.
    let hasIntermediate: Bool
    let identityLine: Int
    let line: Int
    /// As `tunnels.main.certificate`.
    let path: String

    /// Whether the files are the user's.
    var isOfFiles: Bool { if case .files = origin { true } else { false } }

    init?(_ value: YAMLValue) {
        line = value.line
        path = value.path
        guard value.node.mapping != nil else {
            guard let type = value.choice(CertificateKeyType.self, noun: "kinds of key") else { return nil }
            origin = .made(type.value)
            lifetime = nil
            hasIntermediate = false
            identity = .subject
            identityLine = value.line
            return
        }
        guard let fields = value.fields(["key-type", "identity", "valid", "intermediate", "file", "key", "ca"]) else {
            return nil
        }
        let name = "the name of a file in PEM beside the lab file"
        if ["file", "key", "ca"].contains(where: { fields[$0] != nil }) {
            for key in ["key-type", "valid", "intermediate"] {
                guard let field = fields[key] else { continue }
                field.collector.error(
                    field.line, "\(field.path) is not used: the end brings its own certificate", "Remove `\(key):`.")
            }
            guard let certificate = fields.required("file", "the end's certificate, \(name)")?.text(name),
                let key = fields.required("key", "the certificate's private key, \(name)")?.text(name),
                let authorities = fields.required("ca", "who may have signed the peer's certificate, \(name)")?.text(
                    name)
            else { return nil }
            origin = .files(certificate: certificate, key: key, authorities: authorities)
        } else {
            guard
                let type = fields.required("key-type", "such as ecdsa-256, or `file`, `key` and `ca` of your own")?
                    .choice(CertificateKeyType.self, noun: "kinds of key")
            else { return nil }
            origin = .made(type.value)
        }
        lifetime = fields["valid"].flatMap(Self.lifetime)
        hasIntermediate = fields["intermediate"]?.flag()?.value ?? false
        identityLine = fields["identity"]?.line ?? value.line
        guard let written = fields["identity"] else {
            identity = .subject
            return
        }
        guard let text = written.text("dn, address or a DNS name") else { return nil }
        switch text.value {
        case "dn": identity = .subject
        case "address": identity = .address
        default:
            guard IKEIdentity.isHostName(text.value) else {
                written.wrong("dn, address or a DNS name in small letters, such as west.example.net")
                return nil
            }
            identity = .name(text.value)
        }
    }

    private static func lifetime(_ value: YAMLValue) -> Duration? {
        guard let time = value.duration()?.value else { return nil }
        if time < .seconds(60) || time > .seconds(3650 * 86_400) || time.components.attoseconds != 0 {
            value.wrong("whole seconds from 1m to 3650d, such as 1h")
            return nil
        }
        return time
    }
}
