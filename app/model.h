/* What the service is about, as plain structs, and its limits. */
#ifndef NEWSFEED_MODEL_H
#define NEWSFEED_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

enum {
    PAGE_LIMIT_MAX = 200 /* the specification has the default */
};

struct participant {
    int64_t id;
    struct text name;
};

struct friendship {
    int64_t id;
    int64_t from;
    int64_t to;
};

/* One post: as its author's, to is 0; in a feed, to is the reader. */
struct item {
    int64_t id;
    int64_t from;
    int64_t to;
    int64_t occurred; /* microseconds since 1970-01-01 UTC */
    int64_t edited;   /* the same; 0: it was not */
    struct text subject;
    struct text story;
};

/* How far a reader has read its feed, and how much is newer: exact if there is
 * not more than that. */
struct marker {
    int64_t last_read;
    int unread;
    bool more;
};

/* Which part of a list: at most limit items, older than before (0: no bound)
 * and newer than after (0: no bound). With after, the oldest such page. */
struct page {
    int limit;
    int64_t before;
    int64_t after;
    bool is_default; /* the limit is what it is if nobody asks for one */
};

/* What became of it: the first and last id printed (0: none), and whether
 * something older than the last exists. The first is less where something may
 * still come before it. */
struct page_ends {
    int count;
    int64_t newest;
    int64_t oldest;
    int older;
};

#endif
