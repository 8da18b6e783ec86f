/* Builds the search index anew, beside the one in force. */
#include <string.h>

#include "document.h"
#include "rebuild.h"
#include "sql.h"

enum {
    PIECE = 500 /* posts in one transaction */
};

/* --- how things are ----------------------------------------------------- */

static enum error look_at_next(struct pg *pg, struct rebuild_look *look)
{
    static struct pg_statement statement = {
        .name = "rebuild_look_next",
        .sql = "SELECT language, least(extract(epoch FROM clock_timestamp()"
               " - seen) * 1000, 1e9)::bigint FROM search_rebuild",
        .reads = true,
    };

    enum error error = pg_exec(pg, &statement, &(struct pg_params){0});
    if (!error && pg_rows(pg) > 0) {
        buf_puts(&look->next, pg_text(pg, 0, 0).data);
        look->age = pg_int(pg, 0, 1);
    }
    return error;
}

enum error rebuild_look(struct pg *pg, struct rebuild_look *look)
{
    static struct pg_statement statement = {
        .name = "rebuild_look",
        .sql = "SELECT pg_has_role(relowner, 'MEMBER'), language,"
               " (SELECT max(outbound_id) FROM search),"
               " to_regclass('search_rebuild') IS NOT NULL"
               " FROM search_language, pg_class"
               " WHERE oid = 'search'::regclass",
        .reads = true,
    };

    buf_reset(&look->in_force, look->in_force.cap);
    buf_reset(&look->next, look->next.cap);
    enum error error = pg_exec(pg, &statement, &(struct pg_params){0});
    if (error)
        return error;
    look->is_owner = pg_int(pg, 0, 0);
    buf_puts(&look->in_force, pg_text(pg, 0, 1).data);
    look->newest = pg_int(pg, 0, 2);
    return pg_int(pg, 0, 3) ? look_at_next(pg, look) : OK;
}

/* --- transactions ------------------------------------------------------- */

static enum error run(struct pg *pg, const char *name, const char *sql)
{
    struct pg_statement statement = {.name = name, .sql = sql, .many = true};

    return pg_exec(pg, &statement, &(struct pg_params){0});
}

/* Tables that it makes belong to whom the others do. Who is in the way is not
 * waited for long, since others wait behind. */
static enum error begin(struct pg *pg)
{
    enum error error = pg_begin(pg);

    return error ? error
                 : run(pg, "rebuild_owner",
                       "SELECT set_config('role', pg_get_userbyid(relowner),"
                       " true) FROM pg_class WHERE oid = 'search'::regclass;"
                       "SET LOCAL lock_timeout = '2s'");
}

static enum error end(struct pg *pg, enum error error)
{
    if (!error)
        error = pg_commit(pg);
    pg_rollback(pg);
    return error;
}

enum error rebuild_tidy(struct pg *pg)
{
    enum error error = begin(pg);

    if (!error)
        error = run(pg, "rebuild_tidy", "DROP TABLE IF EXISTS search_old");
    return end(pg, error);
}

enum error rebuild_begin(struct pg *pg, const char *language)
{
    static struct pg_statement statement = {
        .name = "rebuild_language",
        .sql = "INSERT INTO search_rebuild (language) VALUES ($1::text)",
    };
    struct pg_params params = {0};

    enum error error = begin(pg);
    if (!error)
        error = run(pg, "rebuild_begin", sql_rebuild_begin);
    pg_add_text(&params, (struct text){language, strlen(language)});
    if (!error)
        error = pg_exec(pg, &statement, &params);
    return end(pg, error);
}

enum error rebuild_cancel(struct pg *pg)
{
    enum error error = begin(pg);

    if (!error)
        error = run(pg, "rebuild_cancel",
            "DROP TRIGGER note_search_added ON search;"
            "DROP TRIGGER note_search_changed ON search;"
            "DROP TRIGGER note_search_gone ON search;"
            "DROP FUNCTION note_search_change;"
            "DROP TABLE search_next, search_change, search_rebuild");
    return end(pg, error);
}

enum error rebuild_take_turn(struct pg *pg, int64_t *turn)
{
    static struct pg_statement statement = {
        .name = "rebuild_turn",
        .sql = "UPDATE search_rebuild"
               " SET turn = turn + 1, seen = clock_timestamp() RETURNING turn",
    };

    enum error error = begin(pg);
    if (!error)
        error = pg_exec(pg, &statement, &(struct pg_params){0});
    if (!error)
        *turn = pg_int(pg, 0, 0);
    return end(pg, error);
}

/* --- pieces ------------------------------------------------------------- */

static enum error take(struct pg *pg, int64_t turn, struct buf *posts,
    int *count, int64_t *progress)
{
    static struct pg_statement statement = {
        .name = "rebuild_take",
        .sql = sql_rebuild_take,
    };
    struct pg_params params = {0};

    pg_add_int(&params, turn);
    pg_add_int(&params, PIECE);
    enum error error = pg_exec(pg, &statement, &params);
    if (error)
        return error;
    if (pg_rows(pg) == 0)
        return ERR_NOT_FOUND;
    *count = (int)pg_int(pg, 0, 1);
    *progress = pg_int(pg, 0, 2);
    for (int i = 0; i < pg_rows(pg) && !pg_is_null(pg, i, 0); i++) {
        int64_t id = pg_int(pg, i, 0);
        buf_add(posts, &id, sizeof(id));
    }
    return posts->failed ? ERR_INTERNAL : OK;
}

static enum error add(struct pg *pg, const struct documents *made)
{
    static struct pg_statement statement = {
        .name = "rebuild_add",
        .sql = "INSERT INTO search_next (outbound_id, participant_id, document)"
               " SELECT * FROM unnest($1::bigint[], $2::bigint[],"
               " $3::tsvector[]) ON CONFLICT DO NOTHING",
    };

    return documents_add(pg, &statement, made);
}

/* Of all these posts, as many at once as is good. */
static enum error make(
    struct pg *pg, const struct buf *posts, const struct language *language)
{
    struct buf rest = {0};
    size_t done = 0;
    enum error error = OK;

    while (!error && done < posts->len) {
        struct documents made = {0};
        buf_reset(&rest, rest.cap);
        buf_add(&rest, posts->data + done, posts->len - done);
        error = documents_make(pg, &rest, language, &made);
        if (!error && made.last)
            error = add(pg, &made);
        if (!made.last) /* those left are gone */
            done = posts->len;
        while (
            done < posts->len &&
            *(const int64_t *)(const void *)(posts->data + done) <= made.last)
            done += sizeof(int64_t);
        documents_free(&made);
    }
    buf_free(&rest);
    return error;
}

static enum error work(struct pg *pg, int64_t turn,
    const struct language *language, int *count, int64_t *progress)
{
    struct buf posts = {0};

    enum error error = take(pg, turn, &posts, count, progress);
    if (!error)
        error = make(pg, &posts, language);
    buf_free(&posts);
    return error;
}

/* What a database that dies loses is done again: nobody waits for the disk.
 * Nobody searches in it, so new entries are put in their places here. */
enum error rebuild_piece(struct pg *pg, int64_t turn,
    const struct language *language, int *count, int64_t *progress)
{
    enum error error = begin(pg);

    if (!error)
        error = run(pg, "rebuild_settings",
            "SET LOCAL synchronous_commit = off;"
            "SET LOCAL gin_pending_list_limit = '64MB';"
            "SET LOCAL work_mem = '128MB'");
    if (!error)
        error = work(pg, turn, language, count, progress);
    return end(pg, error);
}

/* --- the change --------------------------------------------------------- */

enum error rebuild_settle(struct pg *pg)
{
    enum error error = begin(pg);

    if (!error)
        error = run(pg, "rebuild_settle",
            "SELECT gin_clean_pending_list('search_next_document');"
            "ANALYZE search_next");
    return end(pg, error);
}

/* Who indexes is kept away first, by the place of the index, then who sweeps
 * and who tidies up, then who searches. */
enum error rebuild_switch(
    struct pg *pg, int64_t turn, const struct language *language)
{
    int64_t progress;
    int count = 1;

    enum error error = begin(pg);
    if (!error)
        error = run(pg, "rebuild_hold",
            "SELECT FROM follower WHERE name = 'index' FOR UPDATE;"
            "LOCK TABLE search IN SHARE ROW EXCLUSIVE MODE");
    while (!error && count > 0)
        error = work(pg, turn, language, &count, &progress);
    if (!error)
        error = run(pg, "rebuild_switch", sql_rebuild_switch);
    return end(pg, error);
}
