/* Places in the order of all that happens to feeds, as clients name them. */
#ifndef NEWSFEED_CURSOR_H
#define NEWSFEED_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

/* Posts and events share one sequence of ids, which is the order. An event may
 * bring several items into a feed: these follow each other by their own ids. */
struct cursor {
    int64_t pos; /* a post's id, or an event's */
    int64_t sub; /* an item's, of an event; CURSOR_ALL: all of them */
};

enum {
    CURSOR_ALL = 0,
    CURSOR_SIZE = 40, /* of a text, with its NUL */
};

/* "123", which is all of 123, or "123.45". False: it is neither. */
bool cursor_parse(const char *text, struct cursor *cursor);

void cursor_print(const struct cursor *cursor, char text[CURSOR_SIZE]);

#endif
