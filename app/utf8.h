/* UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates. */
#ifndef NEWSFEED_UTF8_H
#define NEWSFEED_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character that `left` bytes (one at least) begin with; 0 if
 * they begin with none. */
size_t utf8_measure(const char *bytes, size_t left);

bool utf8_is_valid(const char *bytes, size_t len);

/* Code points in valid UTF-8. */
size_t utf8_length(const char *bytes, size_t len);

#endif
