/* Places in the order of all that happens to feeds, as clients name them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cursor.h"

/* Digits without a sign or a leading zero, as far as they go; NULL if there are
 * none, or too many. */
static const char *parse_number(const char *text, int64_t *number)
{
    char *end;

    if (*text < '0' || *text > '9' || (*text == '0' && text[1] >= '0'))
        return NULL;
    errno = 0;
    *number = strtoll(text, &end, 10);
    return errno ? NULL : end;
}

bool cursor_parse(const char *text, struct cursor *cursor)
{
    const char *end = parse_number(text, &cursor->pos);

    cursor->sub = CURSOR_ALL;
    if (end && *end == '.') {
        end = parse_number(end + 1, &cursor->sub);
        if (cursor->sub == CURSOR_ALL)
            return false;
    }
    return end && *end == '\0';
}

void cursor_print(const struct cursor *cursor, char text[CURSOR_SIZE])
{
    if (cursor->sub == CURSOR_ALL)
        snprintf(text, CURSOR_SIZE, "%" PRId64, cursor->pos);
    else
        snprintf(text, CURSOR_SIZE, "%" PRId64 ".%" PRId64, cursor->pos,
            cursor->sub);
}
