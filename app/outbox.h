/* Every SQL text of the dispatcher: taking orders and carrying them out.
 *
 * An order is taken, worked on for one piece and put back or deleted within
 * one transaction, so any number of dispatchers share the work and a killed
 * one leaves nothing half done. Pages can only be dropped after the commit
 * that changed them, so an order's turn begins by dropping what its last turn
 * changed, and the order is done when a turn finds nothing left to do.
 *
 * Friendships, removed posts and gone participants have changed what readers
 * see before the order is taken; their orders sweep up behind them, and only
 * once every transaction has ended that may not have seen the change.
 *
 * The order of locks, for requests and dispatchers alike: first the advisory
 * lock of a pair of participants, then rows of participant by id, friendship,
 * outbound, search, and inbound last. Three rules keep the two from waiting for
 * each other in a ring:
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

/* The kinds as the table knows them; see sql/001_feed.sql. Posts have no order:
 * the table search_progress says how far they are indexed. */
enum outbox_kind {
    ORDER_POST = 'p',
    ORDER_DROP = 'c',
    ORDER_DELIVER = 'd',
    ORDER_FRIENDSHIP = 'f',
    ORDER_REMOVED = 'r',
    ORDER_GONE = 'g',
};

struct order {
    int64_t id;
    enum outbox_kind kind;
    int64_t participant;
    int64_t other;
    int64_t previous; /* deliver: the last piece is (previous, progress] */
    int64_t progress; /* otherwise previous is 0 until the first turn is over */
    bool ready;       /* its work may be done; until then only drops */
};

enum {
    OUTBOX_KINDS_MAX = 8
};

/* The kinds of which an order is due, a letter each, as a string. No order is
 * ever put off by more than the longest pause, in ms. */
MUST_CHECK enum error outbox_look(
    struct pg *pg, int longest_pause, char kinds[OUTBOX_KINDS_MAX]);

/* The posts that are not indexed yet, at most `limit`, oldest first: their ids
 * as an array "{1,2}", and whose pages to drop. *count: how many; 0 as well if
 * another dispatcher is at it, which is kept away until the transaction ends.
 * What is then done with them ends with outbox_pass_posts. */
MUST_CHECK enum error outbox_take_posts(struct pg *pg, int limit,
    int inline_friends, int *count, struct buf *posts, struct buf *touched);

MUST_CHECK enum error outbox_index_posts(
    struct pg *pg, const struct buf *posts);

/* Sets posts aside as orders of kind 'x', for a person to look at. */
MUST_CHECK enum error outbox_park_posts(struct pg *pg, const struct buf *posts);

/* These posts are done with. Notes the ids between them that could not be seen
 * yet. */
MUST_CHECK enum error outbox_pass_posts(struct pg *pg, const struct buf *posts);

/* Forgets those noted ids of which there will be no post. */
MUST_CHECK enum error outbox_close_gaps(struct pg *pg);

/* Puts what was indexed so far in its place; until then, each search reads
 * through all of it. Costs the less for each post the more there are. Is sent
 * and not waited for. */
MUST_CHECK enum error outbox_flush_search(struct pg *pg);

/* The due order of a kind that waited longest. NOT_FOUND: none. */
MUST_CHECK enum error outbox_take(
    struct pg *pg, enum outbox_kind kind, struct order *order);

/* Whose pages to drop at the beginning of this turn. */
MUST_CHECK enum error outbox_touched(
    struct pg *pg, const struct order *order, struct buf *touched);

/* The pages could not be dropped: writes down who it concerns, for as long as
 * a page may live (seconds). `orders` and `posts` are arrays of ids. */
MUST_CHECK enum error outbox_drop_later(
    struct pg *pg, const struct buf *orders, int ttl);
MUST_CHECK enum error outbox_drop_readers_later(
    struct pg *pg, const struct buf *posts, int ttl);

/* Takes at most `limit` of what was written down: ids of these orders, and
 * whose pages to drop; then, once that is done, forgets them, or else those of
 * them that lived their time. */
MUST_CHECK enum error outbox_take_drops(struct pg *pg, int limit, int *count,
    struct buf *orders, struct buf *touched);
MUST_CHECK enum error outbox_forget_drops(
    struct pg *pg, const struct buf *orders, bool only_expired);

/* Does the next piece, about `limit` rows. *rows: how many it had; 0: nothing
 * was left. touched gets whose pages to drop after the commit, besides those
 * of the next turn. */
MUST_CHECK enum error outbox_work(struct pg *pg, const struct order *order,
    int limit, int *rows, struct buf *touched);

/* Ends an order's first turn, or one for which it was not ready: the next is in
 * `ms`. */
MUST_CHECK enum error outbox_postpone(struct pg *pg, int64_t order, int ms);

/* Puts off a turn that failed, and leaves it as it was. */
MUST_CHECK enum error outbox_delay(struct pg *pg, int64_t order, int ms);
MUST_CHECK enum error outbox_delete(struct pg *pg, int64_t order);

/* Deletes at most `limit` idempotency keys that are older than this; *count:
 * how many. */
MUST_CHECK enum error outbox_expire_keys(
    struct pg *pg, int hours, int limit, int *count);

#endif
