/* Builds the search index anew, beside the one in force, and puts it in the
 * place of that. What is in force goes on, and what changes in it meanwhile is
 * noted by triggers; all that is done is in the database, in pieces, so that
 * anybody may go on with it. By whoever owns the tables. */
#ifndef NEWSFEED_REBUILD_H
#define NEWSFEED_REBUILD_H

#include "language.h"
#include "pg.h"

/* How things are. Names of languages are appended. */
struct rebuild_look {
    bool is_owner;       /* else nothing can be done */
    struct buf in_force; /* language */
    struct buf next;     /* language of the one that is built; "": none is */
    int64_t age;         /* ms since somebody built at it */
    int64_t newest;      /* post in the index in force */
};
MUST_CHECK enum error rebuild_look(struct pg *pg, struct rebuild_look *look);

/* Drops what a change has left, if there is anything. LOCKED, as of the next
 * two: somebody was in the way; try again. */
MUST_CHECK enum error rebuild_tidy(struct pg *pg);

MUST_CHECK enum error rebuild_begin(struct pg *pg, const char *language);
MUST_CHECK enum error rebuild_cancel(struct pg *pg);

/* Whoever takes the turn has it until another one does. */
MUST_CHECK enum error rebuild_take_turn(struct pg *pg, int64_t *turn);

/* The turn's next piece. posts: the database that has them, if the index has
 * one of its own; else NULL. *count: how many posts were done, about;
 * *progress: up to which. NOT_FOUND: another one has the turn. */
MUST_CHECK enum error rebuild_piece(struct pg *pg, struct pg *posts,
    int64_t turn, const struct language *language, int *count,
    int64_t *progress);

/* Leaves nothing to be tidied up by those who search. */
MUST_CHECK enum error rebuild_settle(struct pg *pg);

/* What is left, and then the change, in one transaction. LOCKED: somebody was
 * in the way; try again. */
MUST_CHECK enum error rebuild_switch(struct pg *pg, struct pg *posts,
    int64_t turn, const struct language *language);

/* Of an index in a database of its own that may lack something: it is to be
 * mended by what is begun now. Another lack that shows up meanwhile, stays. */
MUST_CHECK enum error rebuild_mend(struct pg *pg);

/* Nothing mends it any more. */
MUST_CHECK enum error rebuild_give_up(struct pg *pg);

/* Of one that is empty, its language. */
MUST_CHECK enum error rebuild_choose(struct pg *pg, const char *language);

/* Empties the one of the database of the service, once there is another. */
MUST_CHECK enum error rebuild_empty(struct pg *pg);

#endif
