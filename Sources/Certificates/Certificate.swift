import CLibcrypto
import Glibc
import LabModel
import NetworkTypes

/// A certificate (RFC 5280), as libcrypto reads it.
public final class Certificate {
    let pointer: OpaquePointer

    init(taking pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit { X509_free(pointer) }

    /// Every certificate of a PEM file (RFC 7468), in its order; at least one.
    public static func all(pem: String) throws(CertificateError) -> [Certificate] {
        let memory = try Memory(pem)
        var found: [Certificate] = []
        while let pointer = PEM_read_bio_X509(memory.pointer, nil, nil, nil) {
            found.append(Certificate(taking: pointer))
            guard found.count <= mostInFile else {
                throw CertificateError("it has more than \(mostInFile) certificates")
            }
        }
        // After the last one comes "no start line", which is no failure.
        let reason = netlab_last_reason()
        guard !found.isEmpty else { throw .last("it has no certificate in PEM") }
        guard reason == PEM_R_NO_START_LINE else {
            throw .last("certificate \(found.count + 1) of it cannot be read")
        }
        ERR_clear_error()
        return found
    }

    private static let mostInFile = 64

    public func pem() throws(CertificateError) -> String {
        let memory = try Memory()
        guard PEM_write_bio_X509(memory.pointer, pointer) == 1 else {
            throw .last("the certificate could not be written")
        }
        return memory.text
    }

    /// The subject in the certificate's own order, as `O=lab, CN=node`, with what is not ASCII escaped (RFC 4514).
    public var subject: String {
        get throws(CertificateError) {
            let memory = try Memory()
            guard X509_NAME_print_ex(memory.pointer, X509_get_subject_name(pointer), 0, netlab_name_flags) >= 0 else {
                throw .last("its subject cannot be read")
            }
            return memory.text
        }
    }

    /// The alternative names (RFC 5280, section 4.2.1.6), for people; empty where it has none.
    public var alternativeNames: String {
        let index = X509_get_ext_by_NID(pointer, NID_subject_alt_name, -1)
        guard index >= 0, let names = X509_get_ext(pointer, index), let memory = try? Memory(),
            X509V3_EXT_print(memory.pointer, names, 0, 0) == 1
        else { return "" }
        // Whoever wrote them may have put anything there.
        return String(
            String.UnicodeScalarView(
                memory.text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }

    /// From when to when it is valid, both in seconds since 1970 (RFC 5280, section 4.1.2.5).
    public var validity: ClosedRange<Int64> {
        get throws(CertificateError) {
            guard let first = Self.seconds(X509_get0_notBefore(pointer)),
                let last = Self.seconds(X509_get0_notAfter(pointer)), first <= last
            else { throw CertificateError("its validity cannot be read") }
            return first...last
        }
    }

    private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
        var parts = tm()
        guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
        return Int64(timegm(&parts))
    }

    /// Nil for a key that no IKE daemon signs with.
    public var family: CertificateKeyFamily? {
        switch EVP_PKEY_get_base_id(X509_get0_pubkey(pointer)) {
        case EVP_PKEY_RSA, EVP_PKEY_RSA_PSS: .rsa
        case EVP_PKEY_EC: .ecdsa
        case EVP_PKEY_ED25519: .ed25519
        default: nil
        }
    }

    /// Of the key, by which its strength is told; 0 where it cannot be read.
    public var keyBits: Int { X509_get0_pubkey(pointer).map { Int(EVP_PKEY_get_bits($0)) } ?? 0 }

    /// Whether it is a certificate of this key (X509_check_private_key(3)).
    public func fits(_ key: PrivateKey) -> Bool {
        defer { ERR_clear_error() }
        return X509_check_private_key(pointer, key.pointer) == 1
    }

    /// Whether an identity is one of its names: the subject, or an alternative name to the letter, no pattern (RFC 4945, section 3.1).
    public func has(_ identity: IKEIdentity) -> Bool {
        defer { ERR_clear_error() }
        switch identity {
        case .distinguishedName(let name): return (try? subject) == name
        case .address(let address): return X509_check_ip_asc(pointer, "\(address)", 0) == 1
        case .name(let name):
            let flags = UInt32(X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)
            return X509_check_host(pointer, name, name.utf8.count, flags, nil) == 1
        }
    }

    /// Why a peer that trusts these authorities does not take the certificate at a moment; nil where it does.
    ///
    /// An authority need not be the root of its tree: daemons trust what they have been given (X509_verify_cert(3)).
    public func objection(trusting authorities: [Certificate], at seconds: Int64) throws(CertificateError) -> String? {
        guard let store = X509_STORE_new() else { throw .last("there is no memory") }
        defer { X509_STORE_free(store) }
        for authority in authorities {
            guard X509_STORE_add_cert(store, authority.pointer) == 1 else {
                throw .last("an authority's certificate cannot be used")
            }
        }
        guard let context = X509_STORE_CTX_new() else { throw .last("there is no memory") }
        defer { X509_STORE_CTX_free(context) }
        guard X509_STORE_CTX_init(context, store, pointer, nil) == 1 else { throw .last("there is no memory") }
        X509_STORE_CTX_set_flags(context, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        X509_STORE_CTX_set_time(context, 0, time_t(seconds))
        defer { ERR_clear_error() }
        guard X509_verify_cert(context) != 1 else { return nil }
        return String(cString: X509_verify_cert_error_string(Int(X509_STORE_CTX_get_error(context))))
    }
}
