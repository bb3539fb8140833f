// Ciphers and HMAC of libcrypto (OpenSSL 3), by the EVP interface.
#ifndef NETLAB_CLIBCRYPTO_H
#define NETLAB_CLIBCRYPTO_H

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

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

#endif
