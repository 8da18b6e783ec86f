/* The search index. */
#include "clock.h"
#include "follower.h"
#include "log.h"
#include "sql.h"
#include "words.h"

enum {
    BATCH_BYTES = 512 << 10, /* of text, indexed in one transaction */
    FLUSH_BYTES = 4 << 20,   /* of text, put in its place at once */
    FLUSH_INTERVAL = 1000,   /* ms between flushes of less */
};

static int64_t unflushed; /* bytes of text */
static int64_t next_flush;

/* Rows of the table search: posts and authors (int64_t each), documents. */
struct batch {
    struct buf posts, authors, documents;
    int64_t last;  /* of the posts; 0: there is none */
    int64_t bytes; /* of their text */
};

/* Here, since it takes PostgreSQL two thirds of its time for a post. */
static enum error make_documents(
    const struct shift *shift, const struct buf *posts, struct batch *batch)
{
    static struct pg_statement statement = {
        .name = "index_posts",
        .sql = sql_index_posts,
    };
    struct pg_params params = {0};
    struct buf document = {0};

    pg_add_ids(&params, posts);
    pg_add_int(&params, BATCH_BYTES);
    enum error error = pg_exec(shift->pg, &statement, &params);
    for (int i = 0; !error && i < pg_rows(shift->pg); i++) {
        int64_t author = pg_int(shift->pg, i, 1);
        batch->last = pg_int(shift->pg, i, 0);
        batch->bytes = pg_int(shift->pg, i, 4);
        buf_reset(&document, document.cap);
        words_document(
            pg_text(shift->pg, i, 2), pg_text(shift->pg, i, 3), &document);
        buf_add(&batch->posts, &batch->last, sizeof(batch->last));
        buf_add(&batch->authors, &author, sizeof(author));
        pg_array_add(&batch->documents, PG_TSVECTOR, &document);
    }
    buf_free(&document);
    return error;
}

static enum error add_documents(
    const struct shift *shift, const struct batch *batch)
{
    static struct pg_statement statement = {
        .name = "index_documents",
        .sql = "INSERT INTO search (outbound_id, participant_id, document)"
               " SELECT * FROM unnest($1::bigint[], $2::bigint[],"
               " $3::tsvector[]) ON CONFLICT DO NOTHING",
    };
    struct pg_params params = {0};

    pg_add_ids(&params, &batch->posts);
    pg_add_ids(&params, &batch->authors);
    pg_add_array(&params, &batch->documents);
    return pg_exec(shift->pg, &statement, &params);
}

static enum error add_posts(
    const struct shift *shift, const struct buf *posts, int *count)
{
    const int64_t *ids = (const int64_t *)(const void *)posts->data;
    struct batch batch = {0};

    enum error error = make_documents(shift, posts, &batch);
    if (!error && batch.last) {
        while (ids[*count - 1] > batch.last)
            --*count;
        error = add_documents(shift, &batch);
    }
    if (!error)
        unflushed += batch.bytes;
    buf_free(&batch.posts);
    buf_free(&batch.authors);
    buf_free(&batch.documents);
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
