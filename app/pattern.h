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
 * text, knows all of Unicode, and $ is the very end, as in ECMA-262. */
struct pattern *pattern_new(
    const char *text, char reason[static PATTERN_REASON_MAX]);
void pattern_free(struct pattern *pattern);

/* False as well if it would take too many steps, or the bytes are not UTF-8, or
 * there was no memory to tell: then *failed becomes true. */
bool pattern_matches(
    const struct pattern *pattern, const char *bytes, size_t len, bool *failed);

#endif
