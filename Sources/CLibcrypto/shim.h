// Ciphers, HMAC, keys and X.509 certificates of libcrypto (OpenSSL 3).
#ifndef NETLAB_CLIBCRYPTO_H
#define NETLAB_CLIBCRYPTO_H

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <openssl/x509_vfy.h>

// Gives a context of HMAC its hash function and its key: EVP_MAC_init(3), whose parameters keep the pointers that make them.
// Returns 1, or 0 on failure.
static inline int netlab_hmac_init(EVP_MAC_CTX *context, const char *digest, const unsigned char *key, size_t length) {
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)digest, 0),
        OSSL_PARAM_construct_end(),
    };
    // No address at all stands for the key that was there before.
    return EVP_MAC_init(context, length == 0 ? (const unsigned char *)"" : key, length, parameters);
}

// Makes a private key, EVP_PKEY_Q_keygen(3), whose last argument depends on its type. NULL on failure.
static inline EVP_PKEY *netlab_make_rsa(size_t bits) { return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits); }
static inline EVP_PKEY *netlab_make_ec(const char *curve) { return EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve); }
static inline EVP_PKEY *netlab_make_ed25519(void) { return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"); }

static inline EVP_PKEY *netlab_make_x25519(void) { return EVP_PKEY_Q_keygen(NULL, NULL, "X25519"); }

// The reason of the thread's last failure, ERR_GET_REASON(3), which stays there.
static inline int netlab_last_reason(void) { return ERR_GET_REASON(ERR_peek_last_error()); }

// How a distinguished name is written: in its own order, `O=lab, CN=node`, escaped as in RFC 4514 (X509_NAME_print_ex(3)).
static const unsigned long netlab_name_flags = XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN | ASN1_STRFLGS_RFC2253;

// What has been written to a BIO in memory, BIO_get_mem_data(3); it stays the BIO's.
static inline long netlab_written(BIO *bio, char **start) { return BIO_get_mem_data(bio, start); }

// Adds an extension by its text, as x509v3_config(5) has it. Returns 1, or 0 on failure.
static inline int netlab_add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&context);
    X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &context, nid, value);
    if (extension == NULL) return 0;
    int is_added = X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return is_added;
}

// The same for a list of revoked certificates.
static inline int netlab_add_list_extension(X509_CRL *list, X509 *issuer, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, NULL, NULL, list, 0);
    X509V3_set_ctx_nodb(&context);
    X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, &context, nid, value);
    if (extension == NULL) return 0;
    int is_added = X509_CRL_add_ext(list, extension, -1);
    X509_EXTENSION_free(extension);
    return is_added;
}

#endif
