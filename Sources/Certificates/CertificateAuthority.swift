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
    public init(subject: String, _ type: CertificateKeyType, validity: ClosedRange<Int64>) throws(CertificateError) {
        key = try PrivateKey(type)
        self.validity = validity
        let draft = try Draft(subject: subject, of: key, validity: validity)
        try draft.add(NID_basic_constraints, "critical,CA:TRUE", issuer: draft.pointer)
        try draft.add(NID_key_usage, "critical,keyCertSign,cRLSign", issuer: draft.pointer)
        try draft.add(NID_subject_key_identifier, "hash", issuer: draft.pointer)
        certificate = try draft.signed(by: key, issuer: X509_get_subject_name(draft.pointer))
    }

    /// Makes a key and signs its certificate.
    func certifiedKey(
        _ type: CertificateKeyType, subject: String, identity: IKEIdentity
    ) throws(CertificateError) -> CertifiedKey {
        let key = try PrivateKey(type)
        let made = try certificate(for: key, subject: subject, identity: identity)
        return CertifiedKey(certificate: try made.pem(), key: try key.pem())
    }

    /// Signs a certificate for an end of a tunnel, with the extensions of RFC 4945, section 5.1.3.
    ///
    /// - Parameter identity: Becomes an alternative name where it is not the subject.
    public func certificate(
        for key: PrivateKey, subject: String, identity: IKEIdentity
    ) throws(CertificateError) -> Certificate {
        let draft = try Draft(subject: subject, of: key, validity: validity)
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
