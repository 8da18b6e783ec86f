/* The search index in a database of its own follows what happens: posts and
 * events, in their order, as far as they have arrived (arrival.h).
 *
 * Where it has come to stands in that database, and moves in the statement that
 * changes the index: whoever dies loses nothing, and does nothing twice. Any
 * number may be at it: one at a time comes further. What a document says is
 * read when it is made, so it may be newer than the place, and never older.
 * Events that it has not come to yet are kept (table publisher, 'search'). */
#ifndef NEWSFEED_APART_H
#define NEWSFEED_APART_H

#include "arrival.h"

/* States of an index, as in sql/search. */
enum apart_state {
    APART_NEW = 'n',
    APART_WHOLE = 'w',
    APART_LACKING = 'm',
    APART_MENDED = 'r',
};

/* Starts as all zeros but for the first three. */
struct apart {
    struct pg *posts;   /* the database of the service */
    struct pg *search;  /* that of the index */
    struct pg *flusher; /* the same, beside it */
    struct arrival arrival;

    bool is_known;    /* the rest, as it was when somebody looked last */
    int64_t database; /* of the posts (pg_identity) */
    int64_t done;
    int64_t since;
    enum apart_state state;
    char language[64];

    int64_t note_at;    /* monotonic ms */
    int64_t rest_until; /* the same: another one is at it */
    int size;           /* entries at once; 0: all that may be */
};

/* Brings it on. *more: there is more to do at once. */
MUST_CHECK enum error apart_turn(struct apart *apart, bool *more);

void apart_free(struct apart *apart); /* but for the first three */

#endif
