/* Bytes as text (RFC 4648): base64, and base64url without padding. */
#include <string.h>

#include "base64.h"

enum {
    LETTERS = 64
};

static const char *const alphabets[] = {
    [BASE64] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    [BASE64_URL] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

void base64_encode(
    struct buf *out, enum base64 form, const void *bytes, size_t len)
{
    const char *alphabet = alphabets[form];
    const unsigned char *p = bytes;
    unsigned pending = 0;
    int bits = 0;

    for (size_t i = 0; i < len; i++) {
        pending = pending << 8 | p[i];
        for (bits += 8; bits >= 6; bits -= 6)
            buf_add(out, &alphabet[pending >> (bits - 6) & 63], 1);
    }
    if (bits > 0)
        buf_add(out, &alphabet[pending << (6 - bits) & 63], 1);
    for (size_t i = len; form == BASE64 && i % 3 > 0; i++)
        buf_puts(out, "=");
}

/* The padding makes its length a multiple of four. */
static size_t without_padding(const char *text, size_t len)
{
    for (int i = 0; i < 2 && len > 0 && text[len - 1] == '='; i++)
        len--;
    return len;
}

bool base64_decode(
    struct buf *out, enum base64 form, const char *text, size_t len)
{
    const char *alphabet = alphabets[form];
    unsigned pending = 0;
    int bits = 0;

    if (form == BASE64 && len % 4 != 0)
        return false;
    if (form == BASE64)
        len = without_padding(text, len);
    for (size_t i = 0; i < len; i++) {
        const char *at = memchr(alphabet, text[i], LETTERS);
        if (!at)
            return false;
        pending = pending << 6 | (unsigned)(at - alphabet);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            buf_add(out, &(char){(char)(pending >> bits)}, 1);
        }
    }
    return bits < 6 && (pending & ((1U << bits) - 1)) == 0 && !out->failed;
}
