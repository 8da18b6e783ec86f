/* Brings a search index to the end of what there is, as the service does, which
 * may be at it meanwhile: so one comes about that the service does not use yet.
 */
#ifndef NEWSFEED_FILL_H
#define NEWSFEED_FILL_H

#include "apart.h"
#include "shift.h"

struct fill {
    struct shift shift; /* of the index's database */
    struct apart apart; /* with `posts` if that is not the same */
    bool is_new;        /* nothing had come to it */
    int64_t done;
    int64_t target; /* where the end was at first; 0: not known yet */
};

/* Opens what it needs besides pg, the index's database, and looks. Closed with
 * fill_close in any case. */
MUST_CHECK enum error fill_open(
    struct fill *fill, const struct config *config, struct pg *pg);
void fill_close(struct fill *fill);

/* A piece of the way, or a moment where others are at it. */
MUST_CHECK enum error fill_turn(struct fill *fill, bool *is_there);

/* What language the database of the posts has its own index in. */
MUST_CHECK enum error fill_language(struct fill *fill, struct buf *name);

#endif
