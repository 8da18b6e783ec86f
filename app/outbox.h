/* The outbox: orders are taken, put off and deleted.
 *
 * An order is taken, worked on for one piece and put back or deleted within
 * one transaction, so any number of dispatchers share the work and a killed
 * one leaves nothing half done. What kinds there are and what is done for them
 * is the jobs' (job.h).
 *
 * The order of locks, for requests and dispatchers alike: first the advisory
 * locks of pairs of participants, of many pairs by the locks' numbers, then
 * rows of participant by id, friendship, outbound, search, and inbound last.
 * Three rules keep the two from waiting for each other in a ring:
 *   - Of inbound, requests only add rows: those of a post that nobody sees yet,
 *     or of a pair whose lock they hold. What others may see is deleted here.
 *   - An order is never waited for (SKIP LOCKED), nor is an idempotency key.
 *   - One dispatcher sweeps at a time, of whatever host: its transaction holds
 *     rows of many orders, and waits for no other's.
 * Where a ring comes about all the same, one of it is run again (see pg.h). */
#ifndef NEWSFEED_OUTBOX_H
#define NEWSFEED_OUTBOX_H

#include <stdbool.h>

#include "error.h"
#include "pg.h"

enum {
    OUTBOX_BATCH_MAX = 500,   /* orders that are taken at once */
    OUTBOX_SET_ASIDE = 'x',   /* failed by itself, and waits for a person */
    OUTBOX_PAUSE_MAX = 60000, /* ms that an order is ever put off */
};

struct order {
    int64_t id;
    int64_t participant;
    int64_t other;
    int64_t previous; /* a walk's last piece is (previous, progress] */
    int64_t progress;
    bool ready; /* nobody is left who may not have seen what it is about */
};

/* The due orders of a kind that waited longest, at most `limit`. With `settles`
 * they are ready once every transaction has ended that may have begun before
 * them and a first turn has been put off, and *count is 0 as well where another
 * dispatcher takes such orders. */
MUST_CHECK enum error outbox_take(struct pg *pg, char kind, int limit,
    bool settles, struct order orders[OUTBOX_BATCH_MAX], int *count);

/* Ends a turn of these orders (ids, int64_t each), which have more to do: the
 * next is in `ms`. */
MUST_CHECK enum error outbox_postpone(
    struct pg *pg, const struct buf *orders, int ms);

/* Puts off a turn that failed, and leaves it as it was. */
MUST_CHECK enum error outbox_delay(struct pg *pg, int64_t order, int ms);
MUST_CHECK enum error outbox_delete(struct pg *pg, const struct buf *orders);

#endif
