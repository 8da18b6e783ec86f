/* Who waits at an endpoint of webhooks that did not take an event: a
 * participant's later events behind it, until that is taken or given up. */
#ifndef NEWSFEED_WAITING_H
#define NEWSFEED_WAITING_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "cursor.h"
#include "error.h"
#include "pg.h"

enum {
    WAITING_ALL = 0,   /* in place of a participant */
    WAITING_MAX = 1000 /* participants at one endpoint */
};

/* Whose place it is (publisher.h), and how it is come by. */
struct waiting {
    struct pg *pg;
    const char *publisher;
};

/* Which of these participants wait; ids, int64_t each. */
MUST_CHECK enum error waiting_find(const struct waiting *waiting,
    const struct buf *participants, struct buf *found);

/* Where one has come to, and when it is due. */
struct waiting_step {
    int64_t participant;
    int64_t done;   /* up to this event of its */
    int tries;      /* of what is behind that */
    bool was_taken; /* something since the last step */
    int64_t ms;     /* from now on */
};

/* One begins to wait. False: there are so many already. */
MUST_CHECK enum error waiting_add(const struct waiting *waiting,
    const struct waiting_step *step, int limit, bool *is_added);

/* Those who are due with their next events, up to the place or the publisher's
 * own: rows, to be read with the getters of events (event.h) and those below,
 * ordered by participant. */
MUST_CHECK enum error waiting_due(const struct waiting *waiting,
    const struct cursor *up_to, int participants, int events, int *rows);

/* Of a row: there is nothing left to wait for; how often the event was tried
 * before, and for how many ms none was taken. */
bool waiting_is_over(const struct pg *pg, int row);
int waiting_tries(const struct pg *pg, int row);
int64_t waiting_ms(const struct pg *pg, int row);

MUST_CHECK enum error waiting_move(
    const struct waiting *waiting, const struct waiting_step *step);

MUST_CHECK enum error waiting_end(
    const struct waiting *waiting, int64_t participant);

/* All wait: for how many ms they have, so far. */
MUST_CHECK enum error waiting_add_all(
    const struct waiting *waiting, int64_t *ms);

/* No more; and whoever waits by itself is due. For how many ms all have waited,
 * -1: they did not. */
MUST_CHECK enum error waiting_end_all(
    const struct waiting *waiting, int64_t *ms);

#endif
