/* Regular expressions that cannot take unbounded time. */
#ifndef NEWSFEED_PATTERN_H
#define NEWSFEED_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

enum {
    PATTERN_REASON_MAX = 160
}; /* bytes */

struct pattern; /* opaque; serves one match at a time */

/* NULL: `reason` says why. Freed with pattern_free. Matches anywhere in the
 * text, of characters of all of Unicode. As in ECMA-262, $ is the very end, \s
 * is its white space (with U+FEFF and without U+0085), \S all else, both in
 * classes as well, and \d, \w and \b know ASCII alone. */
struct pattern *pattern_new(
    const char *text, char reason[static PATTERN_REASON_MAX]);
void pattern_free(struct pattern *pattern);

/* False as well if it would take too many steps, or the bytes are not UTF-8, or
 * there was no memory to tell: then *failed becomes true. */
bool pattern_matches(
    const struct pattern *pattern, const char *bytes, size_t len, bool *failed);

#endif
