/* HMAC-SHA256: the only file that knows libcrypto. */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "hmac.h"

/* Opaque to all others: a context of libcrypto's. */
static EVP_MAC_CTX *context_of(struct hmac *hmac)
{
    return (EVP_MAC_CTX *)hmac;
}

struct hmac *hmac_new(const void *key, size_t len)
{
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;

    EVP_MAC_free(mac);
    if (context && EVP_MAC_init(context, key, len, parameters))
        return (struct hmac *)context;
    EVP_MAC_CTX_free(context);
    return NULL;
}

void hmac_free(struct hmac *hmac)
{
    EVP_MAC_CTX_free(context_of(hmac));
}

bool hmac_sign(struct hmac *hmac, const void *bytes, size_t len,
    unsigned char mac[HMAC_SIZE])
{
    EVP_MAC_CTX *context = context_of(hmac);
    size_t mac_len;

    return EVP_MAC_init(context, NULL, 0, NULL) && /* with the same key */
           EVP_MAC_update(context, bytes, len) &&
           EVP_MAC_final(context, mac, &mac_len, HMAC_SIZE) &&
           mac_len == HMAC_SIZE;
}

bool hmac_is_same(const void *one, const void *other, size_t len)
{
    return CRYPTO_memcmp(one, other, len) == 0;
}
