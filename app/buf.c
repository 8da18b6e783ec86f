/* A growable run of bytes that remembers when it could not grow. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

static bool reserve(struct buf *buf, size_t more)
{
    if (buf->failed)
        return false;
    if (more < buf->cap - buf->len && buf->cap > 0)
        return true;

    size_t cap = buf->cap ? buf->cap : 256;
    while (cap <= buf->len + more && cap <= BUF_MAX)
        cap *= 2;
    char *data =
        more < BUF_MAX && cap <= BUF_MAX ? realloc(buf->data, cap) : NULL;
    if (!data) {
        buf->failed = true;
        return false;
    }
    buf->data = data;
    buf->cap = cap;
    return true;
}

void buf_add(struct buf *buf, const void *bytes, size_t len)
{
    if (!reserve(buf, len))
        return;
    if (len > 0)
        memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_puts(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_int(struct buf *buf, int64_t value)
{
    char digits[24];
    char *p = digits + sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        *--p = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        *--p = '-';
    buf_add(buf, p, (size_t)(digits + sizeof(digits) - p));
}

void buf_array(struct buf *buf, const struct buf *numbers)
{
    const int64_t *list = (const int64_t *)(const void *)numbers->data;
    size_t count = numbers->len / sizeof(*list);

    buf_puts(buf, "{");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_puts(buf, ",");
        buf_int(buf, list[i]);
    }
    buf_puts(buf, "}");
    buf->failed |= numbers->failed;
}

void buf_vprintf(struct buf *buf, const char *format, va_list args)
{
    va_list again;

    if (buf->failed)
        return;
    va_copy(again, args);
    size_t room = buf->cap - buf->len;
    int len = vsnprintf(room ? buf->data + buf->len : NULL, room, format, args);
    if (len < 0)
        buf->failed = true;
    else if (reserve(buf, (size_t)len)) {
        if ((size_t)len >= room)
            vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    } else if (room > 0)
        buf->data[buf->len] = '\0';
    va_end(again);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(buf, format, args);
    va_end(args);
}

const char *buf_text(const struct buf *buf)
{
    return buf->len > 0 ? buf->data : "";
}

void buf_reset(struct buf *buf, size_t keep)
{
    if (buf->cap > keep)
        buf_free(buf);
    buf->len = 0;
    buf->failed = false;
}

void buf_free(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){0};
}
