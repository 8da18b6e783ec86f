/* The search index. */
#include "clock.h"
#include "follower.h"
#include "log.h"
#include "sql.h"

enum {
    BATCH_BYTES = 512 << 10, /* of text, indexed in one transaction */
    FLUSH_BYTES = 4 << 20,   /* of text, put in its place at once */
    FLUSH_INTERVAL = 1000,   /* ms between flushes of less */
};

static int64_t unflushed; /* bytes of text */
static int64_t next_flush;

static enum error add_posts(
    const struct shift *shift, const struct buf *posts, int *count)
{
    static struct pg_statement statement = {
        .name = "index_posts",
        .sql = sql_index_posts,
    };
    const int64_t *ids = (const int64_t *)(const void *)posts->data;
    struct pg_params params = {0};

    pg_add_ids(&params, posts);
    pg_add_int(&params, BATCH_BYTES);
    enum error error = pg_exec(shift->pg, &statement, &params);
    if (error || pg_is_null(shift->pg, 0, 0))
        return error;
    while (ids[*count - 1] > pg_int(shift->pg, 0, 0))
        --*count;
    unflushed += pg_int(shift->pg, 0, 1);
    return OK;
}

/* What was indexed waits in a list, which each search reads through, until
 * there is much of it or nothing else to do. The more there is, the less it
 * costs for each post to put it in its place. */
static void flush(const struct shift *shift, bool more)
{
    static const struct pg_statement statement = {
        .name = "flush_search",
        .sql = "SELECT flush_search()",
    };
    bool is_much = unflushed >= FLUSH_BYTES;
    bool is_time = !more && unflushed > 0 && monotonic_ms() >= next_flush;

    if (pg_is_running(shift->flusher) || (!is_much && !is_time))
        return;
    if (pg_send(shift->flusher, &statement))
        log_warn("dispatcher", "the search index could not be flushed");
    unflushed = 0;
    next_flush = monotonic_ms() + FLUSH_INTERVAL;
}

struct follower follower_index = {
    "index", add_posts, .end_round = flush, .batch = 1000};
