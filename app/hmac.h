/* HMAC-SHA256: the only file that knows libcrypto. */
#ifndef NEWSFEED_HMAC_H
#define NEWSFEED_HMAC_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

enum {
    HMAC_SIZE = 32 /* bytes */
};

struct hmac; /* a key, ready to sign with */

/* The key is copied. To be made before a process is forked: what libcrypto
 * lacks shows at start, and later it takes little memory. NULL: libcrypto gives
 * none. */
struct hmac *hmac_new(const void *key, size_t len);
void hmac_free(struct hmac *hmac); /* leaves no key in memory */

/* False: libcrypto could not, and what `mac` holds is none. */
MUST_CHECK bool hmac_sign(struct hmac *hmac, const void *bytes, size_t len,
    unsigned char mac[HMAC_SIZE]);

/* Takes as long whether they differ or not, and where. */
bool hmac_is_same(const void *one, const void *other, size_t len);

#endif
