/* UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates. */
#include <stdint.h>
#include <string.h>

#include "utf8.h"

static bool is_ascii_word(const unsigned char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof(word));
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

/* RFC 3629, section 4: what the first byte demands of the second rules out
 * overlong forms (E0, F0), surrogates (ED) and what lies above U+10FFFF (F4).
 */
size_t utf8_measure(const char *bytes, size_t left)
{
    const unsigned char *p = (const unsigned char *)bytes;
    size_t len = p[0] < 0x80                    ? 1
                 : p[0] >= 0xC2 && p[0] <= 0xDF ? 2
                 : p[0] >= 0xE0 && p[0] <= 0xEF ? 3
                 : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4
                                                : 0;
    if (len == 0 || len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
        (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
        return 0;
    return len;
}

bool utf8_is_valid(const char *bytes, size_t len)
{
    const unsigned char *p = (const unsigned char *)bytes;
    size_t at = 0;

    while (at < len) {
        if (len - at >= 8 && is_ascii_word(p + at)) {
            at += 8;
            continue;
        }
        size_t step = utf8_measure(bytes + at, len - at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

size_t utf8_length(const char *bytes, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)bytes[i] & 0xC0) != 0x80;
    return count;
}
