/* Followers of posts: they see every post exactly once, in the order of ids,
 * late ones when they come. Each has a place of its own in the table follower,
 * may be behind or new without holding up another, and costs a post nothing.
 * Each is in a file of its own, follower_NAME.c, and all of them are in a table
 * (agenda.c).
 *
 * A follower has come to `done` and has noted, as gaps, the ids below that of
 * which it saw no post yet. Ids are taken before the commit, so a gap may still
 * be filled, and this is how it is known when not any more:
 *
 *   - A post takes its transaction's number (xid) before it takes its id.
 *   - Of a gap below a post that was seen, the id was taken before that post
 *     took its own, so before the picture of the data in which it was seen; and
 *     the xid of whoever took it was given before that.
 *   - The follower's transaction takes its own xid behind that picture. It is
 *     above those of all who may fill the gap, and is noted with it.
 *   - Once every transaction with a lower number has ended, the post is there
 *     or will never be. (The largest xid that was seen to end would not do: a
 *     higher one may be under way with a lower id.)
 *
 * That holds within one database server, which gives both numbers. Several
 * would each need a place and gaps of their own in here, for the posts that
 * they hold: ids of different servers are in no order of commits, and their
 * transactions' numbers have nothing to do with each other.
 *
 * What a turn does in the database is done exactly once, with the place that it
 * leads to. What it tells others is told at least once. */
#ifndef NEWSFEED_FOLLOWER_H
#define NEWSFEED_FOLLOWER_H

#include "shift.h"

struct follower {
    const char *name; /* a to z and '_', in the database too; a new one begins
                         with the first post */

    /* Does what is to be done with the first of these posts (ids, int64_t each,
     * sorted), and may lower *count to say how many it was, at least one. Some
     * may be gone. */
    enum error (*turn)(
        const struct shift *shift, const struct buf *posts, int *count);

    /* Whether there is something for it to do at all; NULL: always. */
    bool (*is_on)(const struct config *config);

    /* What it does at the end of each round, or NULL; `more`: there is more to
     * do at once, for whomever. */
    void (*end_round)(const struct shift *shift, bool more);

    int batch;      /* posts in one transaction */
    bool is_urgent; /* waits for one other turn at most */

    /* What a dispatcher notes. */
    bool is_behind; /* there are posts that it has not seen, or may be, as of
                       the last look (agenda.h) */
    int size;       /* posts in the next transaction; 0: all that may be */
};

/* Whether a table holds, which ends with NULL; a line for each fault. */
bool follower_check(struct follower *const *table, struct buf *faults);

/* The names of those in a table that are on, a space between two. */
void follower_names(struct follower *const *table, const struct config *config,
    struct buf *names);

/* One transaction's worth; true: there is more. A post that makes its batch
 * fail does not hold up the others: the batch is halved until it stands alone,
 * and then it is set aside, as an order of kind 'x', for a person to look at.
 */
bool follower_work(const struct shift *shift, struct follower *follower);

#endif
