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

/* What is done with one, by whoever has the turn. */
struct piece {
    struct pg *pg;
    struct pg *posts; /* NULL: the same */
    int64_t turn;
    const struct language *language;
    int count;
    int64_t progress;
};

/* Of an index in a database of its own all that there are count, up to where it
 * has come: the one in force may lack some. */
static enum error find_fresh(struct piece *piece, struct buf *fresh)
{
    static struct pg_statement place = {
        .name = "rebuild_place",
        .sql = "SELECT progress, done FROM search_rebuild, follower"
               " WHERE turn = $1::bigint AND name = 'index'",
    };
    static struct pg_statement find = {
        .name = "rebuild_find",
        .sql = "SELECT id FROM outbound WHERE id > $1::bigint"
               " AND id <= $2::bigint ORDER BY id LIMIT $3::bigint",
        .reads = true,
    };
    struct pg_params params = {0};

    pg_add_int(&params, piece->turn);
    enum error error = pg_exec(piece->pg, &place, &params);
    if (error || pg_rows(piece->pg) == 0)
        return error ? error : ERR_NOT_FOUND;
    params = (struct pg_params){0};
    pg_add_int(&params, pg_int(piece->pg, 0, 0));
    pg_add_int(&params, pg_int(piece->pg, 0, 1));
    pg_add_int(&params, PIECE);
    error = pg_exec(piece->posts, &find, &params);
    for (int i = 0; !error && i < pg_rows(piece->posts); i++) {
        int64_t id = pg_int(piece->posts, i, 0);
        buf_add(fresh, &id, sizeof(id));
    }
    return error;
}

static enum error take(struct piece *piece, struct buf *posts)
{
    static struct pg_statement statement = {
        .name = "rebuild_take",
        .sql = sql_rebuild_take,
    };
    struct pg *pg = piece->pg;
    struct pg_params params = {0};
    struct buf fresh = {0};

    enum error error = piece->posts ? find_fresh(piece, &fresh) : OK;
    if (!error) {
        pg_add_int(&params, piece->turn);
        pg_add_int(&params, PIECE);
        if (piece->posts)
            pg_add_ids(&params, &fresh);
        else
            pg_add_text(&params, (struct text){0});
        error = pg_exec(pg, &statement, &params);
    }
    buf_free(&fresh);
    if (error)
        return error;
    if (pg_rows(pg) == 0)
        return ERR_NOT_FOUND;
    piece->count = (int)pg_int(pg, 0, 1);
    piece->progress = pg_int(pg, 0, 2);
    for (int i = 0; i < pg_rows(pg) && !pg_is_null(pg, i, 0); i++) {
        int64_t id = pg_int(pg, i, 0);
        buf_add(posts, &id, sizeof(id));
    }
    return posts->failed ? ERR_INTERNAL : OK;
}

static enum error add_here(struct pg *pg, const struct documents *made)
{
    static struct pg_statement statement = {
        .name = "rebuild_add",
        .sql = "INSERT INTO search_next (outbound_id, participant_id, document)"
               " SELECT * FROM unnest($1::bigint[], $2::bigint[],"
               " $3::tsvector[]) ON CONFLICT DO NOTHING",
    };

    return documents_add(pg, &statement, made);
}

static enum error add_apart(struct pg *pg, const struct documents *made)
{
    static struct pg_statement statement = {
        .name = "rebuild_add_apart",
        .sql = "INSERT INTO search_next"
               " (outbound_id, participant_id, edited, document)"
               " SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[],"
               " $4::tsvector[]) ON CONFLICT DO NOTHING",
    };
    struct pg_params params = {0};

    documents_add_to(&params, made);
    return pg_exec(pg, &statement, &params);
}

/* Of all these posts, as many at once as is good. */
static enum error make(const struct piece *piece, const struct buf *posts)
{
    struct buf rest = {0};
    size_t done = 0;
    enum error error = OK;

    while (!error && done < posts->len) {
        struct documents made = {0};
        buf_reset(&rest, rest.cap);
        buf_add(&rest, posts->data + done, posts->len - done);
        error = documents_make(piece->posts ? piece->posts : piece->pg, &rest,
            piece->language, &made);
        if (!error && made.last)
            error = piece->posts ? add_apart(piece->pg, &made)
                                 : add_here(piece->pg, &made);
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

static enum error work(struct piece *piece)
{
    struct buf posts = {0};

    enum error error = take(piece, &posts);
    if (!error)
        error = make(piece, &posts);
    buf_free(&posts);
    return error;
}

/* What a database that dies loses is done again: nobody waits for the disk.
 * Nobody searches in it, so new entries are put in their places here. */
enum error rebuild_piece(struct pg *pg, struct pg *posts, int64_t turn,
    const struct language *language, int *count, int64_t *progress)
{
    struct piece piece = {pg, posts, turn, language, 0, *progress};
    enum error error = begin(pg);

    if (!error)
        error = run(pg, "rebuild_settings",
            "SET LOCAL synchronous_commit = off;"
            "SET LOCAL gin_pending_list_limit = '64MB';"
            "SET LOCAL work_mem = '128MB'");
    if (!error)
        error = work(&piece);
    *count = piece.count;
    *progress = piece.progress;
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
enum error rebuild_switch(struct pg *pg, struct pg *posts, int64_t turn,
    const struct language *language)
{
    struct piece piece = {pg, posts, turn, language, 1, 0};

    enum error error = begin(pg);
    if (!error)
        error = run(pg, "rebuild_hold",
            "SELECT FROM follower WHERE name = 'index' FOR UPDATE;"
            "LOCK TABLE search IN SHARE ROW EXCLUSIVE MODE");
    while (!error && piece.count > 0)
        error = work(&piece);
    if (!error)
        error = run(pg, "rebuild_switch", sql_rebuild_switch);
    if (!error && posts)
        error = run(pg, "rebuild_mended",
            "UPDATE follower SET state = 'w' WHERE state = 'r'");
    return end(pg, error);
}

/* --- what else is done with an index ------------------------------------- */

enum error rebuild_mend(struct pg *pg)
{
    enum error error = begin(pg);

    if (!error)
        error = run(pg, "rebuild_mend",
            "UPDATE follower SET state = 'r' WHERE state = 'm'");
    return end(pg, error);
}

enum error rebuild_give_up(struct pg *pg)
{
    enum error error = begin(pg);

    if (!error)
        error = run(pg, "rebuild_give_up",
            "UPDATE follower SET state = 'm' WHERE state = 'r'");
    return end(pg, error);
}

enum error rebuild_choose(struct pg *pg, const char *language)
{
    static struct pg_statement statement = {
        .name = "rebuild_choose",
        .sql = "UPDATE search_language SET language = $1::text WHERE NOT EXISTS"
               " (SELECT FROM search WHERE outbound_id > 0)",
    };
    struct pg_params params = {0};

    pg_add_text(&params, (struct text){language, strlen(language)});
    enum error error = begin(pg);
    if (!error)
        error = pg_exec(pg, &statement, &params);
    return end(pg, error);
}

enum error rebuild_empty(struct pg *pg)
{
    enum error error = begin(pg);

    if (!error)
        error = run(pg, "rebuild_empty",
            "DELETE FROM follower WHERE name = 'index';"
            "DELETE FROM follower_gap WHERE follower = 'index';"
            "TRUNCATE search");
    return end(pg, error);
}
