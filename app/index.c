/* The search index: follows the posts, and drops their readers' pages once
 * more. */
#include "index.h"
#include "batch.h"
#include "clock.h"
#include "job.h"
#include "log.h"

enum {
    POSTS_MAX = 1000,      /* indexed in one transaction */
    FLUSH_POSTS = 4000,    /* so many are put in their place at once */
    FLUSH_INTERVAL = 1000, /* ms between flushes of fewer */
};

/* With an array of ids as its only parameter. */
static enum error exec_with(
    struct pg *pg, struct pg_statement *statement, const struct buf *ids)
{
    struct pg_params params = {0};

    pg_add_array(&params, ids);
    return pg_exec(pg, statement, &params);
}

static enum error take_posts(struct pg *pg, int limit, int inline_friends,
    int *count, struct buf *posts, struct buf *touched, struct buf *authors)
{
    static struct pg_statement statement = {
        .name = "take_posts",
        .sql = "WITH progress AS MATERIALIZED (SELECT done"
               " FROM search_progress FOR UPDATE SKIP LOCKED)"
               " SELECT o.id, o.participant_id, array(SELECT friend_id FROM "
               "friendship f"
               " WHERE f.participant_id = o.participant_id LIMIT $2::bigint)"
               " FROM progress CROSS JOIN LATERAL ("
               "(SELECT id, participant_id FROM search_gap"
               " JOIN outbound ON id = outbound_id ORDER BY id"
               " LIMIT $1::int8) UNION ALL"
               " (SELECT id, participant_id FROM outbound WHERE id > done"
               " ORDER BY id LIMIT $1)) o ORDER BY o.id LIMIT $1",
    };
    struct pg_params params = {0};

    pg_add_int(&params, limit);
    pg_add_int(&params, inline_friends);
    enum error error = pg_exec(pg, &statement, &params);
    *count = error ? 0 : pg_rows(pg);
    buf_puts(posts, "{");
    for (int i = 0; i < *count; i++) {
        int64_t author = pg_int(pg, i, 1);
        buf_printf(
            posts, "%s%lld", i > 0 ? "," : "", (long long)pg_int(pg, i, 0));
        buf_add(authors, &author, sizeof(author));
        pg_ids(pg, i, 2, touched);
    }
    buf_puts(posts, "}");
    return error;
}

static enum error index_them(struct pg *pg, const struct buf *posts)
{
    static struct pg_statement statement = {
        .name = "index_posts",
        .sql = "INSERT INTO search (outbound_id, participant_id, document)"
               " SELECT id, participant_id,"
               " setweight(to_tsvector('simple', subject), 'A') ||"
               " to_tsvector('simple', story)"
               " FROM outbound WHERE id = ANY ($1::bigint[])"
               " ON CONFLICT DO NOTHING",
    };

    return exec_with(pg, &statement, posts);
}

/* Whoever had an id before a post that is seen had a transaction before it,
 * too, so the end of this statement's snapshot is above all of these. Where
 * ids jump, only as many are noted as may be under way on either side. */
static enum error pass_posts(struct pg *pg, const struct buf *posts)
{
    static struct pg_statement statement = {
        .name = "pass_posts",
        .sql =
            "WITH post AS MATERIALIZED ("
            " SELECT id FROM unnest($1::bigint[]) id),"
            " step AS (SELECT id, lag(id, 1, done) OVER (ORDER BY id) AS last"
            " FROM post, search_progress WHERE id > done),"
            " gap AS (INSERT INTO search_gap (outbound_id, xid)"
            " SELECT missing, pg_snapshot_xmax(pg_current_snapshot())"
            " FROM step, LATERAL ("
            "SELECT generate_series(last + 1, least(id - 1, last + 1000))"
            " UNION SELECT generate_series(greatest(last + 1, id - 1000),"
            " id - 1)) m (missing)),"
            " found AS (DELETE FROM search_gap"
            " WHERE outbound_id IN (SELECT id FROM post))"
            " UPDATE search_progress"
            " SET done = greatest(done, (SELECT max(id) FROM post))",
    };

    return exec_with(pg, &statement, posts);
}

/* (A number beyond all that there are comes from a cluster that was dumped and
 * restored.) */
static enum error close_gaps(struct pg *pg)
{
    static struct pg_statement statement = {
        .name = "close_gaps",
        .sql = "WITH progress AS MATERIALIZED (SELECT"
               " FROM search_progress FOR UPDATE SKIP LOCKED)"
               " DELETE FROM search_gap WHERE EXISTS (SELECT FROM progress)"
               " AND (xid <= pg_snapshot_xmin(pg_current_snapshot())"
               " OR xid > pg_snapshot_xmax(pg_current_snapshot()))"
               " AND NOT EXISTS (SELECT FROM outbound WHERE id = outbound_id)",
    };

    return pg_exec(pg, &statement, &(struct pg_params){0});
}

static enum error park_posts(struct pg *pg, const struct buf *posts)
{
    static struct pg_statement statement = {
        .name = "park_posts",
        .sql = "INSERT INTO outbox (kind, participant_id, other_id)"
               " SELECT 'x', participant_id, id FROM outbound"
               " WHERE id = ANY ($1::bigint[])",
    };

    return exec_with(pg, &statement, posts);
}

static enum error send_flush(struct pg *pg)
{
    static const struct pg_statement statement = {
        .name = "flush_search",
        .sql = "SELECT flush_search()",
    };

    return pg_send(pg, &statement);
}

/* --- a transaction's worth ---------------------------------------------- */

static void set_post_aside(const struct shift *shift)
{
    struct pg *pg = shift->pg;
    struct buf posts = {0}, touched = {0}, authors = {0};
    int count = 0;

    enum error error = pg_begin(pg);
    if (!error)
        error = take_posts(pg, 1, 0, &count, &posts, &touched, &authors);
    if (!error && count > 0)
        error = park_posts(pg, &posts);
    if (!error && count > 0)
        error = pass_posts(pg, &posts);
    if (!error)
        error = pg_commit(pg);
    pg_rollback(pg);

    if (error)
        log_error("dispatcher", "a post could not be set aside");
    else if (count > 0)
        log_error("dispatcher",
            "post %s cannot be indexed; set aside in outbox as kind 'x'",
            buf_text(&posts));
    buf_free(&posts);
    buf_free(&touched);
    buf_free(&authors);
}

static int size = POSTS_MAX; /* of the next batch */
static int unflushed;        /* posts */
static int64_t next_flush;

/* Drops what the posts touched, or sees to it that it is tried again. */
static enum error drop_or_note(const struct shift *shift,
    const struct buf *touched, const struct buf *authors)
{
    if (touched->failed || authors->failed)
        return ERR_INTERNAL;
    return shift_drop(shift, touched) ? OK : job_drop_later(shift, authors);
}

/* A post that makes its batch fail must not hold up the others: the batch is
 * halved until it stands alone, and then it is set aside. */
bool index_posts(const struct shift *shift)
{
    struct pg *pg = shift->pg;
    struct buf posts = {0}, touched = {0}, authors = {0};
    int64_t began = monotonic_ms();
    int wanted = size;
    int count = 0;

    enum error error = pg_begin(pg);
    if (!error)
        error = take_posts(pg, wanted, shift->config->feed_inline_friends,
            &count, &posts, &touched, &authors);
    if (!error && count > 0)
        error = drop_or_note(shift, &touched, &authors);
    if (!error && count > 0)
        error = index_them(pg, &posts);
    if (!error && count > 0)
        error = pass_posts(pg, &posts);
    if (!error)
        error = close_gaps(pg);
    if (!error)
        error = pg_commit(pg);
    pg_rollback(pg);
    buf_free(&posts);
    buf_free(&touched);
    buf_free(&authors);

    if (error == ERR_INTERNAL && count == 1)
        set_post_aside(shift);
    if (!error)
        unflushed += count;
    if (!error || count > 0 || pg_is_connected(pg))
        size = batch_next(wanted, POSTS_MAX, !error, monotonic_ms() - began);
    return !error && count == wanted;
}

/* What was indexed waits in a list until there is much of it, or nothing else
 * to do. */
void index_flush(const struct shift *shift, bool more)
{
    bool is_much = unflushed >= FLUSH_POSTS;
    bool is_time = !more && unflushed > 0 && monotonic_ms() >= next_flush;

    if (pg_is_running(shift->flusher) || (!is_much && !is_time))
        return;
    if (send_flush(shift->flusher))
        log_warn("dispatcher", "the search index could not be flushed");
    unflushed = 0;
    next_flush = monotonic_ms() + FLUSH_INTERVAL;
}

bool index_is_behind(const struct shift *shift)
{
    static struct pg_statement statement = {
        .name = "is_behind",
        .sql = "SELECT EXISTS (SELECT FROM search_progress WHERE EXISTS ("
               "SELECT FROM outbound WHERE id > done))"
               " OR EXISTS (SELECT FROM search_gap)",
        .reads = true,
    };

    return !pg_exec(shift->pg, &statement, &(struct pg_params){0}) &&
           pg_int(shift->pg, 0, 0) != 0;
}
