/* Bytes as text (RFC 4648): base64, and base64url without padding. */
#ifndef NEWSFEED_BASE64_H
#define NEWSFEED_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

enum base64 {
    BASE64,     /* with '+', '/' and padding */
    BASE64_URL, /* with '-', '_' and none */
};

void base64_encode(
    struct buf *out, enum base64 form, const void *bytes, size_t len);

/* False on a foreign character, an impossible length or left-over bits; or if
 * `out` has failed. */
bool base64_decode(
    struct buf *out, enum base64 form, const char *text, size_t len);

#endif
