/* The search index. */
#include "clock.h"
#include "document.h"
#include "follower.h"
#include "log.h"

enum {
    FLUSH_BYTES = 4 << 20, /* of text, put in its place at once */
    FLUSH_INTERVAL = 1000, /* ms between flushes of less */
};

static int64_t unflushed; /* bytes of text */
static int64_t next_flush;

static enum error add_posts(
    const struct shift *shift, const struct buf *posts, int *count)
{
    static struct pg_statement statement = {
        .name = "index_documents",
        .sql = "INSERT INTO search (outbound_id, participant_id, document)"
               " SELECT * FROM unnest($1::bigint[], $2::bigint[],"
               " $3::tsvector[]) ON CONFLICT DO NOTHING",
    };
    const int64_t *ids = (const int64_t *)(const void *)posts->data;
    struct documents made = {0};

    enum error error = documents_make(shift->pg, posts, NULL, &made);
    if (!error && made.last) {
        while (ids[*count - 1] > made.last)
            --*count;
        error = documents_add(shift->pg, &statement, &made);
    }
    if (!error)
        unflushed += made.bytes;
    documents_free(&made);
    return error;
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
