import LabModel

/// A user's certificate, its key, and the authorities that the peer's certificate may be by: the texts of three PEM files.
public struct CertificateFiles: Sendable {
    /// A file's name and what is in it.
    public struct File: Sendable {
        public let name: String
        public let text: Secret

        public init(name: String, text: String) {
            self.name = name
            self.text = Secret(text)
        }
    }

    /// Something that keeps them from being used, or soon will.
    public struct Problem: Hashable, Sendable {
        /// What in the lab file it is about.
        public enum Place: Hashable, Sendable { case certificate, key, authorities, identity }

        public let place: Place
        public let isWarning: Bool
        public let message: String
        public let remedy: String

        init(_ place: Place, isWarning: Bool = false, _ message: String, _ remedy: String) {
            self.place = place
            self.isWarning = isWarning
            self.message = message
            self.remedy = remedy
        }
    }

    let certificate: File
    let key: File
    let authorities: File

    public init(certificate: File, key: File, authorities: File) {
        self.certificate = certificate
        self.key = key
        self.authorities = authorities
    }

    /// What an end signs with by them; nil where they cannot be used, which `problems` then says.
    ///
    /// - Parameters:
    ///   - identity: What the end calls itself; nil for the certificate's subject.
    ///   - isConfigured: Whether netlab writes the identity into a configuration.
    ///   - date: The lab's, in seconds since 1970.
    public func use(
        identity: IKEIdentity?, isConfigured: Bool, at date: Int64
    ) -> (use: CertificateUse?, problems: [Problem]) {
        var problems: [Problem] = []
        func read<Value>(
            _ place: Problem.Place, _ file: File, _ body: (File) throws(CertificateError) -> Value
        ) -> Value? {
            do {
                return try body(file)
            } catch {
                problems.append(Self.unreadable(place, file, error))
                return nil
            }
        }
        let certificates = read(.certificate, certificate) { file throws(CertificateError) in
            try Certificate.all(pem: file.text.reveal())
        }
        let key = read(.key, self.key) { file throws(CertificateError) in try PrivateKey(pem: file.text) }
        let authorities = read(.authorities, self.authorities) { file throws(CertificateError) in
            try Certificate.all(pem: file.text.reveal())
        }
        guard let certificates, let key, let authorities, let own = certificates.first else { return (nil, problems) }
        guard certificates.count == 1 else {
            let problem = Problem(
                .certificate, "\(certificate.name) has \(certificates.count) certificates, and the end shows one",
                "Leave the end's own in it, and put the others into the `ca:` of its peer.")
            return (nil, [problem])
        }
        guard own.fits(key) else {
            let problem = Problem(
                .key, "the key in \(self.key.name) is not that of the certificate in \(certificate.name)",
                "Name the key that the certificate was made for: `openssl x509 -noout -pubkey -in \(certificate.name)` and `openssl pkey -pubout -in \(self.key.name)` say the same of two that fit."
            )
            return (nil, [problem])
        }
        guard let family = own.family else {
            let problem = Problem(
                .certificate, "\(certificate.name) is for a kind of key that no daemon here signs with",
                "Take an RSA, ECDSA or Ed25519 key.")
            return (nil, [problem])
        }
        problems += Self.validity(of: own, .certificate, certificate.name, at: date)
        problems += authorities.flatMap { Self.validity(of: $0, .authorities, self.authorities.name, at: date) }
        var texts: [String] = []
        for authority in authorities { texts += (try? authority.pem()).map { [$0] } ?? [] }
        guard let subject = try? own.subject, let text = try? own.pem(), texts.count == authorities.count else {
            return (nil, problems + [Self.unreadable(.certificate, certificate, CertificateError("it is not whole"))])
        }
        let identity = identity ?? .distinguishedName(subject)
        if isConfigured { problems += self.problems(of: identity, in: own) }
        guard problems.allSatisfy(\.isWarning) else { return (nil, problems) }
        let use = CertificateUse(
            origin: .files(certificate: certificate.name, key: self.key.name, authorities: self.authorities.name),
            family: family, subject: subject, identity: identity, name: certificate.name,
            credential: Credential(own: CertifiedKey(certificate: text, key: self.key.text), authorities: texts))
        return (use, problems)
    }

    private static func unreadable(_ place: Problem.Place, _ file: File, _ error: CertificateError) -> Problem {
        Problem(
            place, "\(file.name) cannot be used: \(error)",
            error == .locked
                ? "Take the passphrase off a copy of it: `openssl pkey -in \(file.name) -out COPY`."
                : "Write it in PEM, which begins with `-----BEGIN`: `openssl x509 -inform der` and `openssl pkey -inform der` read DER."
        )
    }

    /// Labs' clocks run ahead: what ends within the week is said.
    private static func validity(
        of certificate: Certificate, _ place: Problem.Place, _ name: String, at date: Int64
    ) -> [Problem] {
        guard let validity = try? certificate.validity else {
            return [Problem(place, "when \(name) is valid cannot be read", "Have a new one made.")]
        }
        let (first, last) = (CertificateDate.text(validity.lowerBound), CertificateDate.text(validity.upperBound))
        guard validity.contains(date) else {
            let problem = Problem(
                place,
                date < validity.lowerBound
                    ? "\(name) is not valid before \(first)" : "\(name) has expired: it was valid until \(last)",
                "Have a new one made. A lab's date is the machine's when it comes up, now \(CertificateDate.text(date))."
            )
            return [problem]
        }
        guard validity.upperBound - date < 7 * 86_400 else { return [] }
        let problem = Problem(
            place, isWarning: true, "\(name) is valid until \(last), and a lab's clock may get there soon",
            "Have a new one made, or do not advance the clock so far.")
        return [problem]
    }

    private func problems(of identity: IKEIdentity, in certificate: Certificate) -> [Problem] {
        let names = certificate.alternativeNames
        if case .distinguishedName(let subject) = identity {
            guard !IKEIdentity.isPlain(subject) else { return [] }
            let problem = Problem(
                .identity, "daemons do not all read the subject of \(self.certificate.name), \(subject), alike",
                names.isEmpty
                    ? "Take a certificate whose subject has \(IKEIdentity.attributes.joined(separator: ", ")) and plain letters alone, or one with an alternative name."
                    : "Write `identity:` with one of its alternative names: \(names).")
            return [problem]
        }
        guard !certificate.has(identity) else { return [] }
        let problem = Problem(
            .identity,
            "\(identity) is in \(self.certificate.name) neither as the subject nor as an alternative name",
            names.isEmpty
                ? "It has no alternative names: write `identity: dn`, or take another certificate."
                : "Write one that it has, \(names), or `identity: dn`; or take another certificate.")
        return [problem]
    }
}

extension CertificateUse {
    /// Whether an identity is one of its certificate's names; where that is made only when the lab comes up, whether it will be.
    public func isFor(_ identity: IKEIdentity) -> Bool {
        guard let text = credential?.own.certificate else { return identity == self.identity }
        return (try? Certificate.all(pem: text).first?.has(identity)) ?? false
    }

    /// Why an end with this certificate does not take its peer's, by libcrypto's words; nil where it does, or where one of the two is made
    /// only when the lab comes up.
    ///
    /// - Parameter date: The lab's, in seconds since 1970.
    public func objection(to peer: CertificateUse, at date: Int64) -> String? {
        guard let credential, let text = peer.credential?.own.certificate else { return nil }
        do {
            var authorities: [Certificate] = []
            for authority in credential.authorities { authorities += try Certificate.all(pem: authority) }
            return try Certificate.all(pem: text).first?.objection(trusting: authorities, at: date)
        } catch {
            return error.description
        }
    }
}
