import CLibcrypto
import LabModel

/// An authority that signs certificates, with a key that nobody else has and that ends with it.
public final class CertificateAuthority {
    public let certificate: Certificate
    private let key: PrivateKey
    private let validity: ClosedRange<Int64>

    /// - Parameters:
    ///   - subject: A distinguished name in ``IKEIdentity``'s form.
    ///   - validity: Of its own certificate and of those it signs, in seconds since 1970.
    ///   - superior: Who certifies it; nil for itself.
    public init(
        subject: String, _ type: CertificateKeyType, validity: ClosedRange<Int64>,
        by superior: CertificateAuthority? = nil
    ) throws(CertificateError) {
        key = try PrivateKey(type)
        self.validity = validity
        let draft = try Draft(subject: subject, of: key, validity: validity)
        let issuer = superior?.certificate.pointer ?? draft.pointer
        // Under an intermediate authority there is no other one.
        try draft.add(
            NID_basic_constraints, superior == nil ? "critical,CA:TRUE" : "critical,CA:TRUE,pathlen:0", issuer: issuer)
        try draft.add(NID_key_usage, "critical,keyCertSign,cRLSign", issuer: issuer)
        try draft.add(NID_subject_key_identifier, "hash", issuer: issuer)
        if superior != nil { try draft.add(NID_authority_key_identifier, "keyid:always", issuer: issuer) }
        certificate = try draft.signed(by: superior?.key ?? key, issuer: X509_get_subject_name(issuer))
    }

    /// Makes a key and signs its certificate.
    ///
    /// - Parameter end: When the certificate's validity ends, in seconds since 1970; nil for when the authority's does.
    func certifiedKey(
        _ type: CertificateKeyType, subject: String, identity: IKEIdentity, until end: Int64? = nil
    ) throws(CertificateError) -> CertifiedKey {
        let key = try PrivateKey(type)
        let made = try certificate(for: key, subject: subject, identity: identity, until: end)
        return CertifiedKey(certificate: try made.pem(), key: try key.pem())
    }

    /// Signs a list of certificates that are revoked from the beginning of the authority's validity on, good to its end (RFC 5280,
    /// section 5); in PEM.
    func revocationList(of revoked: [Certificate]) throws(CertificateError) -> String {
        guard let list = X509_CRL_new(), let first = ASN1_TIME_set(nil, time_t(validity.lowerBound)),
            let last = ASN1_TIME_set(nil, time_t(validity.upperBound)), let number = ASN1_INTEGER_new()
        else { throw .last("there is no memory") }
        defer {
            X509_CRL_free(list)
            ASN1_TIME_free(first)
            ASN1_TIME_free(last)
            ASN1_INTEGER_free(number)
        }
        var isFilled =
            X509_CRL_set_version(list, Int(X509_CRL_VERSION_2)) == 1
            && X509_CRL_set_issuer_name(list, X509_get_subject_name(certificate.pointer)) == 1
            && X509_CRL_set1_lastUpdate(list, first) == 1 && X509_CRL_set1_nextUpdate(list, last) == 1
            && ASN1_INTEGER_set_uint64(number, 1) == 1
            && X509_CRL_add1_ext_i2d(list, NID_crl_number, UnsafeMutableRawPointer(number), 0, 0) == 1
            // By which a daemon may find the list (RFC 5280, section 5.2.1).
            && netlab_add_list_extension(
                list, certificate.pointer, NID_authority_key_identifier, "keyid:always") == 1
        for certificate in revoked where isFilled {
            guard let entry = X509_REVOKED_new() else { throw .last("there is no memory") }
            isFilled =
                X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate.pointer)) == 1
                && X509_REVOKED_set_revocationDate(entry, first) == 1 && X509_CRL_add0_revoked(list, entry) == 1
        }
        let digest = EVP_PKEY_get_base_id(key.pointer) == EVP_PKEY_ED25519 ? nil : EVP_sha256()
        let memory = try Memory()
        guard isFilled, X509_CRL_sort(list) == 1, X509_CRL_sign(list, key.pointer, digest) > 0,
            PEM_write_bio_X509_CRL(memory.pointer, list) == 1
        else { throw .last("a list of revoked certificates could not be made") }
        return memory.text
    }

    /// Signs a certificate for an end of a tunnel, with the extensions of RFC 4945, section 5.1.3.
    ///
    /// - Parameters:
    ///   - identity: Becomes an alternative name where it is not the subject.
    ///   - end: When its validity ends, in seconds since 1970; nil for when the authority's does.
    public func certificate(
        for key: PrivateKey, subject: String, identity: IKEIdentity, until end: Int64? = nil
    ) throws(CertificateError) -> Certificate {
        let draft = try Draft(
            subject: subject, of: key, validity: validity.lowerBound...(end ?? validity.upperBound))
        let issuer = certificate.pointer
        try draft.add(NID_basic_constraints, "critical,CA:FALSE", issuer: issuer)
        try draft.add(NID_key_usage, "critical,digitalSignature", issuer: issuer)
        // Some take it for a server's or a client's only if it says so.
        try draft.add(NID_ext_key_usage, "serverAuth,clientAuth", issuer: issuer)
        try draft.add(NID_subject_key_identifier, "hash", issuer: issuer)
        try draft.add(NID_authority_key_identifier, "keyid:always", issuer: issuer)
        switch identity {
        case .distinguishedName: break
        case .address(let address): try draft.add(NID_subject_alt_name, "IP:\(address)", issuer: issuer)
        case .name(let name): try draft.add(NID_subject_alt_name, "DNS:\(name)", issuer: issuer)
        }
        return try draft.signed(by: self.key, issuer: X509_get_subject_name(issuer))
    }
}

/// A certificate that nobody has signed yet.
private final class Draft {
    let pointer: OpaquePointer

    init(subject: String, of key: PrivateKey, validity: ClosedRange<Int64>) throws(CertificateError) {
        guard let pointer = X509_new() else { throw .last("there is no memory") }
        self.pointer = pointer
        let isFilled =
            X509_set_version(pointer, Int(X509_VERSION_3)) == 1
            && ASN1_INTEGER_set_uint64(X509_get_serialNumber(pointer), .random(in: 1...(.max >> 1))) == 1
            && ASN1_TIME_set(X509_getm_notBefore(pointer), time_t(validity.lowerBound)) != nil
            && ASN1_TIME_set(X509_getm_notAfter(pointer), time_t(validity.upperBound)) != nil
            && X509_set_pubkey(pointer, key.pointer) == 1
        guard isFilled else { throw .last("a certificate could not be filled in") }
        let name = X509_get_subject_name(pointer)
        for part in subject.split(separator: ",") {
            let sides = part.split(separator: "=", maxSplits: 1).map { $0.drop { $0 == " " } }
            // In the type that daemons give a name that they read from text.
            guard sides.count == 2,
                X509_NAME_add_entry_by_txt(
                    name, String(sides[0]), V_ASN1_PRINTABLESTRING, Array(sides[1].utf8), CInt(sides[1].utf8.count), -1,
                    0) == 1
            else { throw .last("\"\(subject)\" is no distinguished name") }
        }
    }

    deinit { X509_free(pointer) }

    func add(_ extension: CInt, _ value: String, issuer: OpaquePointer) throws(CertificateError) {
        guard netlab_add_extension(pointer, issuer, `extension`, value) == 1 else {
            throw .last("a certificate does not take the extension \(value)")
        }
    }

    func signed(by key: PrivateKey, issuer: OpaquePointer?) throws(CertificateError) -> Certificate {
        // Ed25519 has its own hash (RFC 8032).
        let digest = EVP_PKEY_get_base_id(key.pointer) == EVP_PKEY_ED25519 ? nil : EVP_sha256()
        guard X509_set_issuer_name(pointer, issuer) == 1, X509_sign(pointer, key.pointer, digest) > 0 else {
            throw .last("a certificate could not be signed")
        }
        X509_up_ref(pointer)
        return Certificate(taking: pointer)
    }
}
