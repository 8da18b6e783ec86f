/* Bytes: a run that somebody else owns, and one that grows and remembers when
 * it could not. */
#ifndef NEWSFEED_BUF_H
#define NEWSFEED_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that somebody else owns; NUL-terminated as well. */
struct text {
    const char *data;
    size_t len;
};

/* Starts as all zeros. data is NUL-terminated whenever len > 0; len does not
 * count that NUL. After a failed allocation, or past BUF_MAX bytes, failed is
 * true and every further append does nothing: append freely, test once. */
struct buf {
    char *data;
    size_t len;
    size_t cap;
    bool failed;
};

enum {
    BUF_MAX = 64 << 20
};

void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_puts(struct buf *buf, const char *text);
void buf_int(struct buf *buf, int64_t value); /* in decimal */

/* Numbers as they lie in another buf, an int64_t each: "{1,2}". */
void buf_array(struct buf *buf, const struct buf *numbers);
void buf_printf(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *buf, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* The text so far, "" when empty; valid until the next append. */
const char *buf_text(const struct buf *buf);

/* Empties it and clears failed; keeps at most `keep` bytes of memory. */
void buf_reset(struct buf *buf, size_t keep);
void buf_free(struct buf *buf);

#endif
