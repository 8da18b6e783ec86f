/* Documents of posts, for the search index. */
#include "document.h"
#include "clock.h"
#include "log.h"
#include "sql.h"
#include "words.h"

enum {
    BATCH_BYTES = 512 << 10, /* of text, at once */

    FLUSH_BYTES = 4 << 20, /* of text, put in its place at once */
    FLUSH_INTERVAL = 1000, /* ms between flushes of less */
};

static int64_t unflushed; /* bytes of text */
static int64_t next_flush;

/* What changes is told. Of a language that only a newer release knows, words
 * are found as they are. */
static const struct language *in_force(struct text name)
{
    static const struct language *last;
    const struct language *language = language_find(name.data);
    const struct language *used = language ? language : &language_simple;

    if (used != last && language)
        log_info("search", "the search is in %s", name.data);
    else if (used != last)
        log_error("search",
            "the search is in %s, which this program does not know: what it "
            "indexes is found by its words as they are",
            name.data);
    last = used;
    return used;
}

/* Here, since it takes PostgreSQL two thirds of its time for a post. */
enum error documents_make(struct pg *pg, const struct buf *posts,
    const struct language *language, struct documents *made)
{
    static struct pg_statement statement = {
        .name = "index_posts",
        .sql = sql_index_posts,
    };
    struct pg_params params = {0};
    struct buf document = {0};

    pg_add_ids(&params, posts);
    pg_add_int(&params, BATCH_BYTES);
    enum error error = pg_exec(pg, &statement, &params);
    if (!error && !language && pg_rows(pg) > 0)
        language = in_force(pg_text(pg, 0, 5));
    for (int i = 0; !error && i < pg_rows(pg); i++) {
        int64_t author = pg_int(pg, i, 1);
        int64_t edited = pg_int(pg, i, 6);
        made->last = pg_int(pg, i, 0);
        made->bytes = pg_int(pg, i, 4);
        buf_reset(&document, document.cap);
        words_document(
            language, pg_text(pg, i, 2), pg_text(pg, i, 3), &document);
        buf_add(&made->posts, &made->last, sizeof(made->last));
        buf_add(&made->authors, &author, sizeof(author));
        buf_add(&made->edited, &edited, sizeof(edited));
        pg_array_add(&made->documents, PG_TSVECTOR, &document);
    }
    buf_free(&document);
    return error;
}

enum error documents_add(struct pg *pg, struct pg_statement *statement,
    const struct documents *documents)
{
    struct pg_params params = {0};

    pg_add_ids(&params, &documents->posts);
    pg_add_ids(&params, &documents->authors);
    pg_add_array(&params, &documents->documents);
    enum error error = pg_exec(pg, statement, &params);
    if (!error)
        unflushed += documents->bytes;
    return error;
}

void documents_add_to(
    struct pg_params *params, const struct documents *documents)
{
    pg_add_ids(params, &documents->posts);
    pg_add_ids(params, &documents->authors);
    pg_add_ids(params, &documents->edited);
    if (documents->last)
        pg_add_array(params, &documents->documents);
    else
        pg_add_text(params, (struct text){0});
    unflushed += documents->bytes;
}

/* The more there is, the less it costs for each post to put it in its place. */
void documents_flush(struct pg *flusher, bool more)
{
    static const struct pg_statement statement = {
        .name = "flush_search",
        .sql = "SELECT flush_search()",
    };
    bool is_much = unflushed >= FLUSH_BYTES;
    bool is_time = !more && unflushed > 0 && monotonic_ms() >= next_flush;

    if (pg_is_running(flusher) || (!is_much && !is_time))
        return;
    if (pg_send(flusher, &statement))
        log_warn("search", "the search index could not be flushed");
    unflushed = 0;
    next_flush = monotonic_ms() + FLUSH_INTERVAL;
}

void documents_free(struct documents *documents)
{
    buf_free(&documents->posts);
    buf_free(&documents->authors);
    buf_free(&documents->edited);
    buf_free(&documents->documents);
}
