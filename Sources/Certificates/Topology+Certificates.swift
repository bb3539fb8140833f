import LabModel

extension Topology {
    /// Makes the keys and certificates that the lab has of netlab: one authority, a certificate for each end that signs with one, and for
    /// faults one by another authority, one that is revoked, and the list that says so.
    ///
    /// - Parameter now: The lab's date, in seconds since 1970: certificates are valid from the day before it, for ten years or for
    ///   their lifetime.
    /// - Throws: ``CertificateError``, also where a certificate of the user's own is not valid at that date.
    public mutating func makeCertificates(at now: Int64) throws(CertificateError) {
        let validity = (now - 86_400)...(now + 10 * 365 * 86_400)
        var authority: CertificateAuthority?
        var stranger: CertificateAuthority?
        var intermediate: CertificateAuthority?
        var revoked: [Certificate] = []
        func ca(_ known: inout CertificateAuthority?, _ role: String) throws(CertificateError) -> CertificateAuthority {
            if let known { return known }
            let made = try CertificateAuthority(subject: "O=\(name), CN=\(role)", .ecdsa256, validity: validity)
            known = made
            return made
        }
        for tunnel in tunnels.indices {
            for end in tunnels[tunnel].ends.indices {
                guard case .certificate(var use) = tunnels[tunnel].ends[end].proposal?.authentication else {
                    if case .own(let files) = tunnels[tunnel].ends[end].configuration, let use = files.certificate {
                        try use.check(at: now)
                    }
                    continue
                }
                if case .made(let type) = use.origin {
                    let ca = try ca(&authority, "CA")
                    if use.hasIntermediate, intermediate == nil {
                        intermediate = try CertificateAuthority(
                            subject: "O=\(name), CN=intermediate CA", .ecdsa256, validity: validity, by: ca)
                    }
                    let issuer = use.hasIntermediate ? intermediate ?? ca : ca
                    let own = try issuer.certifiedKey(
                        type, subject: use.subject, identity: use.identity,
                        until: use.lifetime.map { now + $0.components.seconds })
                    use.credential = Credential(own: own, authorities: [try ca.certificate.pem()])
                    if use.hasIntermediate { use.credential?.intermediates = [try issuer.certificate.pem()] }
                    // One of a store's certificates of one subject could not be told from the other.
                    if case .distinguishedName = use.identity {
                    } else {
                        let pair = try ca.certifiedKey(
                            type,
                            subject:
                                "O=\(name), OU=revoked in \(tunnels[tunnel].name), CN=\(tunnels[tunnel].ends[end].node)",
                            identity: use.identity)
                        use.credential?.revoked = pair
                        revoked += try Certificate.all(pem: pair.certificate)
                    }
                } else {
                    try use.check(at: now)
                }
                let node = tunnels[tunnel].ends[end].node
                // Of another name: NSS calls all certificates of one name alike.
                let pair = try ca(&stranger, "stranger").certifiedKey(
                    use.keyType, subject: "O=\(name), OU=stranger to \(tunnels[tunnel].name), CN=\(node)",
                    identity: use.identity)
                use.credential?.stranger = pair
                tunnels[tunnel].ends[end].proposal?.authentication = .certificate(use)
            }
        }
        guard let authority else { return }
        let list = try authority.revocationList(of: revoked)
        for tunnel in tunnels.indices {
            for end in tunnels[tunnel].ends.indices {
                guard case .certificate(var use) = tunnels[tunnel].ends[end].proposal?.authentication,
                    case .made = use.origin
                else { continue }
                use.credential?.revocations = [list]
                tunnels[tunnel].ends[end].proposal?.authentication = .certificate(use)
            }
        }
    }
}

extension CertificateUse {
    /// For a user's own certificate, the usual one of its family.
    fileprivate var keyType: CertificateKeyType {
        if case .made(let type) = origin { return type }
        switch family {
        case .rsa: return .rsa2048
        case .ecdsa: return .ecdsa256
        case .ed25519: return .ed25519
        }
    }

    /// Refuses a certificate of the user's that is not valid at the lab's date, which `--seed` moves.
    fileprivate func check(at now: Int64) throws(CertificateError) {
        guard case .files(let name, _, _) = origin, let text = credential?.own.certificate,
            let certificate = try Certificate.all(pem: text).first
        else { return }
        let validity = try certificate.validity
        guard !validity.contains(now) else { return }
        throw CertificateError(
            "\(name) is valid from \(CertificateDate.text(validity.lowerBound)) to \(CertificateDate.text(validity.upperBound)), and the lab's date is \(CertificateDate.text(now))"
        )
    }
}
