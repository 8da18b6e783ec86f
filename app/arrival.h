/* How far posts and events have come, whose ids are taken before they are there
 * to be seen. */
#ifndef NEWSFEED_ARRIVAL_H
#define NEWSFEED_ARRIVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "error.h"
#include "pg.h"

/* Up to which position all is there that will ever be: `horizon`. Starts as all
 * zeros. */
struct arrival {
    int64_t horizon;
    bool is_known;
    int64_t database; /* see pg_identity; of another one, it begins anew */
    int64_t newest;   /* it will come to this, if there is one */
    bool has_newest;
    struct buf writers; /* when these have ended */
};

/* Looks how far it has come since. */
MUST_CHECK enum error arrival_look(struct pg *pg, struct arrival *arrival);

/* Up to which position it may be forgotten what has happened. */
MUST_CHECK enum error arrival_floor(struct pg *pg, int64_t *position);

void arrival_free(struct arrival *arrival);

#endif
