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

    // MARK: Users' files

    private func read(
        _ spec: CertificateSpec, _ name: Located<String>, _ keyName: Located<String>, _ authoritiesName: Located<String>,
        of end: TunnelSpec.End, place: String
    ) -> CertificateUse? {
        guard let text = companion(name, place: place), let keyText = companion(keyName, place: place),
            let authoritiesText = companion(authoritiesName, place: place)
        else { return nil }
        let secret = Secret(keyText)
        guard let certificates = read(name, place: place, { () throws(CertificateError) in try Certificate.all(pem: text) }),
            let key = read(keyName, place: place, { () throws(CertificateError) in try PrivateKey(pem: secret) }),
            let authorities = read(
                authoritiesName, place: place,
                { () throws(CertificateError) in try Certificate.all(pem: authoritiesText) }),
            let certificate = certificates.first
        else { return nil }
        guard certificates.count == 1 else {
            collector.error(
                name.line, "\(place): \(name.value) has \(certificates.count) certificates, and the end shows one",
                "Leave the end's own in it, and put the others into the `ca:` of its peer.")
            return nil
        }
        guard certificate.fits(key) else {
            collector.error(
                keyName.line, "\(place): the key in \(keyName.value) is not that of the certificate in \(name.value)",
                "Name the key that the certificate was made for, or have a new one made: `openssl x509 -noout -pubkey -in \(name.value)` and `openssl pkey -pubout -in \(keyName.value)` say the same for two that fit."
            )
            return nil
        }
        guard let family = certificate.family else {
            collector.error(
                name.line, "\(place): \(name.value) is for a kind of key that no daemon here signs with",
                "Take an RSA, ECDSA or Ed25519 key.")
            return nil
        }
        let all = [(name, certificate)] + authorities.map { (authoritiesName, $0) }
        guard all.allSatisfy({ isValid($1, in: $0, place: place) }) else { return nil }
        let use = read(name, place: place) { () throws(CertificateError) in
            Credential(
                certificate: try certificate.pem(), key: secret, authorities: try authorities.map { ca throws(CertificateError) in try ca.pem() })
        }
        guard let subject = try? certificate.subject, let use,
            let identity = identity(spec, of: end, subject: subject),
            isName(identity, of: certificate, in: name.value, spec, place: place)
        else { return nil }
        return CertificateUse(
            origin: .files(certificate: name.value, key: keyName.value, authorities: authoritiesName.value),
            family: family, subject: subject, identity: identity, name: name.value, credential: use)
    }

    private func read<Value>(
        _ name: Located<String>, place: String, _ body: () throws(CertificateError) -> Value
    ) -> Value? {
        do {
            return try body()
        } catch {
            let isLocked = error.description.contains("passphrase")
            collector.error(
                name.line, "\(place): \(name.value) cannot be used: \(error)",
                isLocked
                    ? "Take the passphrase off a copy of it: `openssl pkey -in \(name.value) -out COPY`."
                    : "Write it in PEM, which begins with `-----BEGIN`: `openssl x509 -inform der` and `openssl pkey -inform der` turn DER into it."
            )
            return nil
        }
    }

    /// Labs' clocks run ahead: what ends within the week is said.
    private func isValid(_ certificate: Certificate, in name: Located<String>, place: String) -> Bool {
        guard let validity = try? certificate.validity else {
            collector.error(
                name.line, "\(place): when \(name.value) is valid cannot be read", "Have a new one made.")
            return false
        }
        let (first, last) = (CertificateDate.text(validity.lowerBound), CertificateDate.text(validity.upperBound))
        guard validity.contains(file.date) else {
            collector.error(
                name.line,
                file.date < validity.lowerBound
                    ? "\(place): \(name.value) is not valid before \(first)"
                    : "\(place): \(name.value) has expired: it was valid until \(last)",
                "Have a new one made. A lab's date is the machine's when it comes up, now \(CertificateDate.text(file.date))."
            )
            return false
        }
        if validity.upperBound - file.date < 7 * 86_400 {
            collector.warning(
                name.line, "\(place): \(name.value) is valid until \(last), and a lab's clock may get there soon",
                "Have a new one made, or do not advance the clock so far.")
        }
        return true
    }

    private func isName(
        _ identity: IKEIdentity, of certificate: Certificate, in name: String, _ spec: CertificateSpec, place: String
    ) -> Bool {
        let names = certificate.alternativeNames
        if case .distinguishedName(let subject) = identity {
            // Of an end with files of its own, they say the identity.
            guard !IKEIdentity.isPlain(subject) else { return true }
            collector.error(
                spec.identityLine, "\(place): daemons do not all read the subject of \(name), \(subject), alike",
                names.isEmpty
                    ? "Take a certificate whose subject has \(IKEIdentity.attributes.joined(separator: ", ")) and plain letters alone, or one with an alternative name."
                    : "Write `identity:` with one of its alternative names: \(names).")
            return false
        }
        guard !certificate.has(identity) else { return true }
        collector.error(
            spec.identityLine,
            "\(place): \(identity) is in \(name) neither as the subject nor as an alternative name",
            names.isEmpty
                ? "It has no alternative names: write `identity: dn`, or take another certificate."
                : "Write one that it has, \(names), or `identity: dn`; or take another certificate.")
        return false
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
        guard !made[0], !made[1] else { return }
        for (index, (own, peer)) in [(ours, theirs), (theirs, ours)].enumerated() {
            checkTrust(of: own, in: peer, at: tunnel.ends[index].node, line: lines[index], place)
        }
    }

    /// Whether an end would take its peer's certificate.
    private func checkTrust(of own: CertificateUse, in peer: CertificateUse, at node: String, line: Int, _ place: String) {
        guard case .files(_, _, let name) = own.origin, case .files(let shown, _, _) = peer.origin,
            let known = own.credential?.authorities, let text = peer.credential?.certificate,
            let authorities = try? known.flatMap({ try Certificate.all(pem: $0) }),
            let certificate = try? Certificate.all(pem: text).first,
            let objection = try? certificate.objection(trusting: authorities, at: file.date)
        else { return }
        collector.error(
            line, "\(place): \(node) does not take \(shown) of its peer by what is in \(name): \(objection)",
            "Put the certificate of the CA that signed \(shown) into \(name), which may have several.")
    }

    /// What a user's own file with signatures needs of the lab file; `otherwise` reports that it has nothing to sign with.
    func check(
        _ use: CertificateUse?, of end: TunnelEnd, _ own: OwnConnection, _ line: Int, otherwise: () -> Void
    ) {
        guard let use else { return otherwise() }
        guard end.keyDaemon.keepsSecretsApart ? own.terms.certificate == nil : own.terms.certificate.map { $0 != use.name } ?? false
        else { return }
        let setting = end.keyDaemon.certificateSetting
        collector.error(
            line,
            own.terms.certificate.map {
                "the file of \(end.node) names the certificate \($0), and the lab file has \(use.name)"
            } ?? "the file of \(end.node) does not say which certificate it signs with",
            "Write `\(setting)\(use.name)` into it.")
    }
}
