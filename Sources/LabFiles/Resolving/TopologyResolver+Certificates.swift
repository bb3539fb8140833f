import Certificates
import Daemons
import LabModel
import NetworkTypes
import YAMLReading

// Certificates: what an end signs with, and whether its peer would take it.
extension TopologyResolver {
    /// How a generated end authenticates; nil where that is wrong, which is reported.
    func authentication(of end: TunnelSpec.End, in spec: TunnelSpec, place: String) -> Authentication? {
        // An end's goes before the tunnel's, whichever of the two it is.
        let proposals = [end.proposal, spec.proposal]
        guard let chosen = proposals.first(where: { $0.presharedKey != nil || $0.certificate != nil }) else {
            return nil
        }
        guard let certificate = chosen.certificate else {
            return chosen.presharedKey.flatMap { key($0, place: place) }.map { .presharedKey($0) }
        }
        return self.certificate(certificate, of: end, tunnel: spec.name.value, place: place).map { .certificate($0) }
    }

    /// A pre-shared key, also one in a file of its own; a newline at that file's end is not part of it.
    private func key(_ spec: ProposalSpec.KeySpec, place: String) -> Secret? {
        switch spec {
        case .text(let key): return key
        case .file(let name):
            guard var text = companion(name, place: "\(place).psk") else { return nil }
            if text.last?.isNewline ?? false { text.removeLast() }
            guard ProposalSpec.isUsable(text) else {
                collector.error(
                    name.line, "\(place).psk: what is in \(name.value) is not a usable pre-shared key",
                    ProposalSpec.usableKeys)
                return nil
            }
            return Secret(text)
        }
    }

    /// What an end signs with: files that are read here, or what is made later.
    ///
    /// - Parameter tunnel: Becomes part of a name that netlab gives.
    func certificate(
        _ spec: CertificateSpec, of end: TunnelSpec.End, tunnel: String, place: String
    ) -> CertificateUse? {
        let place = "\(place).ends.\(end.node.value)"
        switch spec.origin {
        case .made(let type):
            guard end.configuration == nil else {
                collector.error(
                    spec.line, "\(place): the lab's own CA signs only for ends that netlab configures",
                    "Give this end files of your own, `certificate: {file: …, key: …, ca: …}`, and its peer as well.")
                return nil
            }
            let subject = "O=\(file.name?.value ?? "lab"), OU=\(tunnel), CN=\(end.node.value)"
            guard let identity = identity(spec, of: end, subject: subject) else { return nil }
            var use = CertificateUse(
                origin: .made(type), family: type.family, subject: subject, identity: identity,
                name: "netlab-\(tunnel)",
                credential: nil)
            use.lifetime = spec.lifetime
            use.hasIntermediate = spec.hasIntermediate
            return use
        case .files(let certificate, let key, let authorities):
            // One of both ends' has been reported.
            guard end.proposal.certificate != nil else { return nil }
            return read(spec, certificate, key, authorities, of: end, place: place)
        }
    }

    private func identity(_ spec: CertificateSpec, of end: TunnelSpec.End, subject: String) -> IKEIdentity? {
        switch spec.identity {
        case .subject: .distinguishedName(subject)
        case .name(let name): .name(name)
        // That an end has none has been reported.
        case .address: end.address.map { .address(outside($0.value)) }
        }
    }

    private func read(
        _ spec: CertificateSpec, _ name: Located<String>, _ key: Located<String>, _ authorities: Located<String>,
        of end: TunnelSpec.End, place: String
    ) -> CertificateUse? {
        guard let text = companion(name, place: place), let keyText = companion(key, place: place),
            let authoritiesText = companion(authorities, place: place)
        else { return nil }
        let files = CertificateFiles(
            certificate: .init(name: name.value, text: text), key: .init(name: key.value, text: keyText),
            authorities: .init(name: authorities.value, text: authoritiesText))
        let identity = identity(spec, of: end, subject: "")
        if case .address = spec.identity, identity == nil { return nil }
        let isSubject = if case .subject = spec.identity { true } else { false }
        let (use, problems) = files.use(
            identity: isSubject ? nil : identity, isConfigured: end.configuration == nil, at: file.date)
        for problem in problems {
            let line =
                switch problem.place {
                case .certificate: name.line
                case .key: key.line
                case .authorities: authorities.line
                case .identity: spec.identityLine
                }
            let message = "\(place): \(problem.message)"
            if problem.isWarning {
                collector.warning(line, message, problem.remedy)
            } else {
                collector.error(line, message, problem.remedy)
            }
        }
        return use
    }

    // MARK: Both ends

    /// Reports what keeps two ends from taking each other's certificates.
    func checkCertificates(of tunnel: Tunnel, _ spec: TunnelSpec) {
        let lines = spec.ends.map { ($0.proposal.certificate ?? spec.proposal.certificate)?.line ?? $0.line }
        for problem in tunnel.certificateProblems(at: file.date) {
            collector.error(lines[problem.end], "tunnels.\(spec.name.value): \(problem.message)", problem.remedy)
        }
    }

    /// What a user's own file with signatures needs of the lab file; `otherwise` reports that it has nothing to sign with.
    func check(
        _ use: CertificateUse?, of end: TunnelEnd, _ own: OwnConnection, _ line: Int, otherwise: () -> Void
    ) {
        guard let use else { return otherwise() }
        let isNamed = own.settings[own.terms.keys.localID] != nil
        if isNamed || !own.terms.isNamedByCertificate, let id = own.terms.localID,
            !use.isFor(IPAddress(id).map { .address($0) } ?? .name(id))
        {
            let message =
                "the file of \(end.node) calls it \(id), which is in \(use.name) neither as the subject nor as an alternative name"
            if isNamed {
                collector.error(
                    line, message, "Write an identity that the certificate has, or take another certificate.")
            } else {
                // Some peers take that, and some do not (measured with 4.10 and with 5.9.8).
                collector.warning(
                    line, message, "Write `leftid=%fromcert`, or an identity that the certificate has.")
            }
        }
        if let authority = own.terms.authority, case .files(_, _, let name) = use.origin, authority != name {
            collector.error(
                line, "the file of \(end.node) names the authority \(authority), and the lab file has \(name)",
                "Give both the same name: netlab puts the file where the daemon looks for it.")
        }
        // One daemon finds a certificate by any name in its store, the other by its file's name or, unnamed, by the identity.
        let named = own.terms.certificate
        let isFound = end.keyDaemon.keepsSecretsApart ? named != nil : named == nil || named == use.name
        guard !isFound else { return }
        let setting = end.keyDaemon.certificateSetting
        collector.error(
            line,
            own.terms.certificate.map {
                "the file of \(end.node) names the certificate \($0), and the lab file has \(use.name)"
            } ?? "the file of \(end.node) does not say which certificate it signs with",
            "Write `\(setting)\(use.name)` into it.")
    }
}
