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
        guard let chosen = proposals.first(where: { $0.presharedKey != nil || $0.certificate != nil }) else { return nil }
        guard let certificate = chosen.certificate else { return chosen.presharedKey.map { .presharedKey($0) } }
        return self.certificate(certificate, of: end, tunnel: spec.name.value, place: place).map { .certificate($0) }
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
            return CertificateUse(
                origin: .made(type), family: type.family, subject: subject, identity: identity, name: "netlab-\(tunnel)",
                credential: nil)
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
        let place = "tunnels.\(spec.name.value)"
        let uses = tunnel.ends.map(\.certificate)
        guard uses.count == 2, uses.contains(where: { $0 != nil }) else { return }
        let lines = spec.ends.map { ($0.proposal.certificate ?? spec.proposal.certificate)?.line ?? $0.line }
        guard let ours = uses[0], let theirs = uses[1] else {
            let lone = uses[0] == nil ? 1 : 0
            // A user's own file that wants a certificate and has none has been reported.
            if case .generated = tunnel.ends[1 - lone].configuration {
                collector.error(
                    lines[lone],
                    "\(place): \(tunnel.ends[lone].node) authenticates by certificate and \(tunnel.ends[1 - lone].node) by a pre-shared key",
                    "Write `certificate:` for both ends, or `psk:`.")
            } else if tunnel.ends[1 - lone].own?.terms.keyless == nil {
                collector.error(
                    lines[lone],
                    "\(place): \(tunnel.ends[lone].node) authenticates by certificate, and the file of \(tunnel.ends[1 - lone].node) by a pre-shared key",
                    "Have both do the same: `authby=rsasig,ecdsa` in an ipsec.conf, `auth = pubkey` in a swanctl.conf.")
            }
            return
        }
        for (end, line) in zip(tunnel.ends, lines) {
            for family in Set([ours.family, theirs.family]).sorted(by: { $0.rawValue < $1.rawValue }) {
                guard let reason = end.keyDaemon.reason(against: .signature(family)) else { continue }
                let able = DaemonRegistry.keyDaemons.first { $0.reason(against: .signature(family)) == nil }
                let other = able.map { "; or have \(end.node) run \($0.product), which has it: `ike: \($0.keyword)`" } ?? ""
                collector.error(
                    line, "\(place): \(end.node) would have to sign or to check with \(family.rawValue): \(reason)",
                    "Take an ECDSA or RSA key at both ends\(other).")
                return
            }
        }
        if let first = tunnel.ends.first(where: { $0.proposal != nil && $0.options.ikeVersion == 1 }) {
            collector.error(
                lines[tunnel.ends[0].node == first.node ? 0 : 1],
                "\(place): with IKEv1 netlab configures no certificates",
                "Leave `ike-version:` out, or write `psk:`, or bring files of your own.")
            return
        }
        let made = uses.map { use in if case .made = use?.origin { true } else { false } }
        if made[0] != made[1] {
            let (own, other) = made[0] ? (1, 0) : (0, 1)
            collector.error(
                lines[other],
                "\(place): \(tunnel.ends[other].node) would have a certificate by the lab's own CA, which the files of \(tunnel.ends[own].node) cannot know: it is made when the lab comes up",
                "Give both ends files, or neither.")
        }
        for (index, (own, peer)) in [(ours, theirs), (theirs, ours)].enumerated() {
            guard case .files(_, _, let known) = own.origin, case .files(let shown, _, _) = peer.origin,
                let objection = own.objection(to: peer, at: file.date)
            else { continue }
            collector.error(
                lines[index],
                "\(place): \(tunnel.ends[index].node) does not take its peer's \(shown) by what is in \(known): \(objection)",
                "Put the certificate of the CA that signed \(shown) into \(known), which may have several.")
        }
    }

    /// What a user's own file with signatures needs of the lab file; `otherwise` reports that it has nothing to sign with.
    func check(
        _ use: CertificateUse?, of end: TunnelEnd, _ own: OwnConnection, _ line: Int, otherwise: () -> Void
    ) {
        guard let use else { return otherwise() }
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
