/* The search index. */
#include "document.h"
#include "follower.h"

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
    documents_free(&made);
    return error;
}

static void flush(const struct shift *shift, bool more)
{
    documents_flush(shift->flusher, more);
}

/* Once that has a database of its own, there is nothing to do in this one: see
 * indexer.h. */
static bool is_here(const struct config *config)
{
    return !*config->search_conninfo;
}

struct follower follower_index = {
    "index", add_posts, .is_on = is_here, .end_round = flush, .batch = 1000};
