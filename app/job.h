/* Jobs on the outbox: what is done for an order, by its letter. An order is
 * worked off in turns of one piece each; turns of small orders share a
 * transaction. Each job is in a file of its own, job_NAME.c, and all of them
 * are in a table (agenda.c).
 *
 * Pages can only be changed after the commit that changed what they show, so a
 * turn begins by dropping those of the last one, and an order is done when a
 * turn finds nothing left to do. A job that can show them what is new, and need
 * not have them dropped, does that right behind the commit, and notes it with
 * the order.
 *
 * Friendships, removed posts and gone participants have changed what readers
 * see before the order is taken; their orders sweep up behind them, and only
 * once every transaction has ended that may not have seen the change: they
 * settle.
 *
 * A turn may talk to somebody else than PostgreSQL. It is then done at least
 * once, for it may be cut off before its order is put back. */
#ifndef NEWSFEED_JOB_H
#define NEWSFEED_JOB_H

#include "outbox.h"
#include "shift.h"

struct turn {
    const struct shift *shift;
    const struct order *order;

    /* What comes out of it. A turn without rows ends the order, unless it
     * waits: then there is another one soon. */
    int rows;
    bool waits;
};

struct job {
    char letter; /* of its orders; never another job's, nor used again */
    const char *name;

    /* Does the next piece of a ready order, about dispatcher.piece rows. */
    enum error (*turn)(struct turn *turn);

    /* Whose pages to drop before the turns of these orders (ids, int64_t
     * each): a row for each, with an array of participants. NULL: nobody's. */
    enum error (*readers)(struct pg *pg, const struct buf *orders);

    /* Behind the commit of the last turn, outside of any transaction: shows
     * readers what it changed. NULL: they see it once the next turn begins. */
    void (*show)(const struct shift *shift);

    /* In place of all that and what follows, which is about turns: takes orders
     * and works on them. True: there may be more to do at once. */
    bool (*work)(const struct shift *shift);

    int batch;      /* orders in one transaction */
    bool settles;   /* see above */
    bool names_two; /* an order's `other` is a participant as well */

    /* What a dispatcher notes. */
    bool is_due; /* one of its orders is, as of the last look (agenda.h) */
    int size;    /* orders in the next transaction; 0: all that may be */
};

/* Whether a table holds, which ends with NULL; a line for each fault. */
bool job_check(struct job *const *table, struct buf *faults);

/* The letters of a table, as a string. */
void job_letters(struct job *const *table, struct buf *letters);

/* One transaction's worth of a job; true: there may be more to do at once. */
bool job_work(const struct shift *shift, struct job *job);

/* For turns: runs a statement that does a piece. It knows $1 participant,
 * $2 other, $3 progress, $4 rows, $5 order, and says how many rows there
 * were. */
MUST_CHECK enum error job_piece(
    struct turn *turn, struct pg_statement *statement);

/* Writes down that the pages of these participants and their friends are to be
 * dropped (int64_t each) from these servers, which could not be told. */
MUST_CHECK enum error job_drop_later(const struct shift *shift,
    const struct buf *participants, cache_servers servers);

/* The servers for which such orders wait. */
MUST_CHECK enum error job_drop_awaited(
    const struct shift *shift, cache_servers *servers);

#endif
