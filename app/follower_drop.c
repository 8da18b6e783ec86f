/* Drops the pages of a post's readers, unless whoever made it has confirmed
 * that it lies in front of them: he may not have lived to do it. Large
 * deliveries see to their own readers; a post is taken for one if its author
 * has too many friends now and an order for it, or so many more that he had too
 * many then. */
#include <poll.h>

#include "clock.h"
#include "follower.h"
#include "job.h"

enum {
    BATCH = 1000,
    NEW_FRIENDS = 100, /* of an author, from a post to this look, by far */
    LONGEST_POST = 60, /* s from a post's time to its commit, by far */

    /* ms: how old a post may be and yet be on its way to its readers' pages, or
     * its confirmation to be sent (cache_send), and between two looks for that
     * of one that no other is to be looked after before */
    YOUNG = 100,
    PATIENCE = 5,

    TELL_INTERVAL = 1000, /* ms, at most, between looks at the horizon */
};

/* Some posts, by id, and whose pages they are in. */
struct batch {
    int count;
    struct cache_post posts[BATCH];
    int64_t young_until[BATCH]; /* ms, monotonic */
    struct buf readers;
    struct buf authors;
};

static enum error take_result(
    struct batch *batch, const struct pg *pg, size_t inline_friends)
{
    int64_t now = monotonic_ms();

    batch->count = pg_rows(pg);
    for (int i = 0; i < batch->count; i++) {
        size_t before = batch->readers.len;
        int64_t author = pg_int(pg, i, 1);
        buf_add(&batch->authors, &author, sizeof(author));
        pg_ids(pg, i, 2, &batch->readers);
        size_t count = (batch->readers.len - before) / sizeof(int64_t);
        if (count > inline_friends + NEW_FRIENDS || pg_int(pg, i, 4)) {
            batch->readers.len = before;
            count = 0;
        }
        batch->posts[i].id = pg_int(pg, i, 0);
        batch->posts[i].count = count;
        batch->young_until[i] = now + pg_int(pg, i, 3);
    }
    const int64_t *reader = (const int64_t *)(const void *)batch->readers.data;
    for (int i = 0; i < batch->count; reader += batch->posts[i++].count)
        batch->posts[i].readers = reader;
    return batch->readers.failed || batch->authors.failed ? ERR_INTERNAL : OK;
}

static enum error read_batch(
    const struct shift *shift, const struct buf *posts, struct batch *batch)
{
    /* Behind a long absence, those pages have expired by themselves. */
    static struct pg_statement statement = {
        .name = "post_readers",
        .sql = "SELECT id, participant_id, friends,"
               " least($4::bigint, $4::bigint - 1000 * extract(epoch FROM"
               " clock_timestamp() - occurred))::bigint,"
               " cardinality(friends) > $2::bigint AND EXISTS (SELECT"
               " FROM outbox WHERE kind = 'd' AND other_id = o.id"
               " AND participant_id = o.participant_id)"
               " FROM outbound o CROSS JOIN LATERAL (SELECT array("
               "SELECT friend_id FROM friendship f"
               " WHERE f.participant_id = o.participant_id"
               " LIMIT $2 + $5::bigint + 1) AS friends OFFSET 0) f"
               " WHERE id = ANY ($1::bigint[])"
               " AND occurred > now() - $3::bigint * interval '1 s'"
               " ORDER BY id",
    };
    const struct config *config = shift->config;
    struct pg_params params = {0};

    pg_add_ids(&params, posts);
    pg_add_int(&params, config->feed_inline_friends);
    pg_add_int(&params, config->cache_ttl + LONGEST_POST);
    pg_add_int(&params, YOUNG);
    pg_add_int(&params, NEW_FRIENDS);
    enum error error = pg_exec(shift->pg, &statement, &params);
    return error ? error
                 : take_result(
                       batch, shift->pg, (size_t)config->feed_inline_friends);
}

/* Those before the first one that is unconfirmed and young. While that is the
 * very first it is waited for. Servers that cannot be asked, *failed, are not.
 */
static int count_ready(
    const struct shift *shift, struct batch *batch, cache_servers *failed)
{
    for (;;) {
        *failed =
            cache_find_unconfirmed(shift->cache, batch->posts, batch->count);
        int64_t now = monotonic_ms();
        int ready = 0;
        while (ready < batch->count &&
               !(batch->posts[ready].unconfirmed & ~*failed &&
                   batch->young_until[ready] > now))
            ready++;
        if (ready > 0)
            return ready;
        poll(NULL, 0, PATIENCE);
    }
}

/* Drops what is unconfirmed on one server, or sees to it that it is done once
 * that can be told. */
static enum error drop_on(const struct shift *shift, const struct batch *batch,
    int count, cache_servers server, bool may_try)
{
    const int64_t *author = (const int64_t *)(const void *)batch->authors.data;
    struct buf feeds = {0};
    struct buf authors = {0};

    for (int i = 0; i < count; i++)
        if (batch->posts[i].unconfirmed & server) {
            buf_add(&feeds, batch->posts[i].readers,
                batch->posts[i].count * sizeof(int64_t));
            buf_add(&authors, &author[i], sizeof(author[i]));
        }
    enum error error = feeds.failed || authors.failed ? ERR_INTERNAL : OK;
    if (!error && (!may_try || shift_drop(shift, &feeds, server)))
        error = job_drop_later(shift, &authors, server);
    buf_free(&feeds);
    buf_free(&authors);
    return error;
}

static enum error drop_unconfirmed(const struct shift *shift,
    const struct batch *batch, int count, cache_servers failed)
{
    cache_servers left = 0;
    enum error error = OK;

    for (int i = 0; i < count; i++)
        left |= batch->posts[i].unconfirmed;
    while (!error && left) {
        cache_servers server = left & -left;
        error = drop_on(shift, batch, count, server, !(server & failed));
        left &= left - 1;
    }
    return error;
}

/* How many of the posts come before this one. */
static int count_before(const struct buf *posts, int64_t id)
{
    const int64_t *ids = (const int64_t *)(const void *)posts->data;
    int count = 0;

    while (ids[count] < id)
        count++;
    return count;
}

static enum error drop(
    const struct shift *shift, const struct buf *posts, int *count)
{
    static struct batch batch;
    cache_servers failed;

    buf_reset(&batch.readers, batch.readers.cap);
    buf_reset(&batch.authors, batch.authors.cap);
    enum error error = read_batch(shift, posts, &batch);
    if (error || batch.count == 0)
        return error;
    int ready = count_ready(shift, &batch, &failed);
    if (ready < batch.count)
        *count = count_before(posts, batch.posts[ready].id);
    return drop_unconfirmed(shift, &batch, ready, failed);
}

struct follower follower_drop;

static enum error find_horizon(const struct shift *shift, int64_t *horizon)
{
    static struct pg_statement statement = {
        .name = "horizon",
        .sql = "SELECT least((SELECT done FROM follower WHERE name = 'drop'),"
               " (SELECT min(outbound_id) - 1 FROM follower_gap"
               " WHERE follower = 'drop'),"
               " (SELECT min(other_id) - 1 FROM outbox WHERE kind = 'd'))",
        .reads = true,
    };
    struct pg_params params = {0};

    enum error error = pg_exec(shift->pg, &statement, &params);
    *horizon = error ? 0 : pg_int(shift->pg, 0, 0);
    return error;
}

/* Tells nginx and the workers up to where all is done: large deliveries too,
 * and no further where there are pages that could not be dropped; whether there
 * are any is asked behind that. What else there is to do on this host may be
 * done by another's, so it is also asked now and then. */
static void tell_horizon(const struct shift *shift, bool more)
{
    static int64_t next;
    int64_t now = monotonic_ms();
    int64_t horizon;
    cache_servers awaited;

    (void)more;
    if (!follower_drop.is_behind && now < next)
        return;
    next = now + TELL_INTERVAL;
    if (find_horizon(shift, &horizon) == OK &&
        job_drop_awaited(shift, &awaited) == OK)
        cache_set_horizon(shift->cache, ~awaited, horizon);
}

struct follower follower_drop = {
    "drop", drop, .end_round = tell_horizon, .batch = BATCH, .is_urgent = true};
