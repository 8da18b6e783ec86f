/* The search index in a database of its own follows what happens. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apart.h"
#include "clock.h"
#include "document.h"
#include "log.h"
#include "replica.h"
#include "sql.h"

enum {
    BATCH = 500,           /* entries at once */
    PIECE = 2000,          /* documents of one who is gone */
    NOTE_INTERVAL = 10000, /* ms between notes of what events are needed */
    YIELD = 500,           /* ms that who was slower leaves to who was faster */
};

static int64_t needed(const struct apart *a)
{
    return a->done > a->since ? a->done : a->since;
}

/* --- where it is -------------------------------------------------------- */

static enum error read_place(struct apart *a, struct buf *life)
{
    static struct pg_statement statement = {
        .name = "apart_place",
        .sql = "SELECT done, since, state::text, life::text, language"
               " FROM follower, search_language WHERE name = 'index'",
        .reads = true,
    };
    struct pg *pg = a->search;

    enum error error = pg_exec(pg, &statement, &(struct pg_params){0});
    if (!error && pg_rows(pg) == 0)
        error = ERR_INTERNAL;
    if (error)
        return error;
    a->done = pg_int(pg, 0, 0);
    a->since = pg_int(pg, 0, 1);
    a->state = (enum apart_state) * pg_text(pg, 0, 2).data;
    buf_puts(life, pg_text(pg, 0, 3).data);
    snprintf(a->language, sizeof(a->language), "%s", pg_text(pg, 0, 4).data);
    return OK;
}

/* Which life of the database it is, up to where events may be forgotten, and
 * its newest id: none that an index has come to can be above that. */
static enum error read_life(
    struct apart *a, struct buf *life, int64_t *floor, int64_t *newest)
{
    static struct pg_statement statement = {
        .name = "apart_life",
        .sql = "SELECT f.id, greatest(f.id,"
               " (SELECT id FROM outbound ORDER BY id DESC LIMIT 1),"
               " (SELECT id FROM event ORDER BY id DESC LIMIT 1))"
               " FROM event_floor f",
        .reads = true,
    };
    struct pg *pg = a->posts;

    enum error error = pg_exec(pg, &statement, &(struct pg_params){0});
    if (!error && pg_rows(pg) == 0)
        error = ERR_INTERNAL;
    if (error)
        return error;
    *floor = pg_int(pg, 0, 0);
    *newest = pg_int(pg, 0, 1);
    error = replica_life(pg);
    if (!error)
        buf_puts(life, pg_text(pg, 0, 0).data);
    return error;
}

/* From now on it is about this life. Ids may be given again that were lost: it
 * does not stay beyond what there is. */
static enum error write_life(
    struct apart *a, const struct buf *life, enum apart_state state)
{
    static struct pg_statement statement = {
        .name = "apart_begin",
        .sql = "UPDATE follower SET life = $1::text::uuid,"
               " since = $2::bigint, done = least(done, $2),"
               " state = $4::bigint::int::\"char\""
               " WHERE name = 'index' AND done = $3::bigint",
    };
    struct pg_params params = {0};

    pg_add_text(&params, (struct text){buf_text(life), life->len});
    pg_add_int(&params, a->arrival.horizon);
    pg_add_int(&params, a->done);
    pg_add_int(&params, state);
    a->since = a->arrival.horizon;
    if (a->done > a->since)
        a->done = a->since;
    a->state = state;
    return pg_exec(a->search, &statement, &params);
}

static void tell_lack(const char *why)
{
    log_error("search",
        "the index may lack what was changed: %s; build it anew with newsfeed "
        "reindex",
        why);
}

/* What is found wrong is kept in the index until it is built anew. */
static enum error compare(struct apart *a, const struct buf *known,
    const struct buf *life, int64_t floor, int64_t newest)
{
    const char *why = NULL;

    if (known->len == 0) {
        log_info("search", "the index begins, in %s", a->language);
        return write_life(a, life, a->state);
    }
    if (strcmp(buf_text(known), buf_text(life)) != 0)
        why = "the database is another one, was restored, or failed over";
    else if (newest < a->done)
        why = "the database has lost what was indexed";
    else if (floor > needed(a))
        why = "events were kept no longer (feed.event_hours)";
    if (!why)
        return OK;
    tell_lack(why);
    return write_life(a, life, APART_LACKING);
}

static enum error look(struct apart *a)
{
    struct buf known = {0}, life = {0};
    int64_t floor, newest;

    enum error error = read_place(a, &known);
    if (!error)
        error = read_life(a, &life, &floor, &newest);
    if (!error && (known.failed || life.failed))
        error = ERR_INTERNAL;
    if (!error)
        error = compare(a, &known, &life, floor, newest);
    a->database = pg_identity(a->posts);
    a->is_known = !error;
    buf_free(&known);
    buf_free(&life);
    return error;
}

/* So that what it still has to know is kept, also while it cannot be asked. */
static void note(struct apart *a)
{
    static struct pg_statement statement = {
        .name = "apart_note",
        .sql = "INSERT INTO publisher AS p (name, pos)"
               " VALUES ('search', greatest($1::bigint, 0))"
               " ON CONFLICT (name) DO UPDATE SET seen = now(),"
               " pos = CASE WHEN $1 < 0 THEN p.pos ELSE $1 END",
    };
    struct pg_params params = {0};

    if (monotonic_ms() < a->note_at)
        return;
    pg_add_int(&params, a->is_known ? needed(a) : -1);
    if (pg_exec(a->posts, &statement, &params) == OK)
        a->note_at = monotonic_ms() + NOTE_INTERVAL;
}

/* --- a piece of the way ------------------------------------------------- */

struct entries {
    int64_t end;       /* of the last one */
    struct buf posts;  /* to be read; int64_t each, as of the rest */
    struct buf gone;   /* posts */
    struct buf parted; /* participants */
    bool is_refused;   /* the index does not take them */
};

static int compare_ids(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return left < right ? -1 : left > right;
}

static void take_entry(const struct pg *pg, int row, struct entries *entries)
{
    int64_t participant = pg_int(pg, row, 2), other = pg_int(pg, row, 3);
    bool is_there = pg_int(pg, row, 4) != 0;

    switch (*pg_text(pg, row, 1).data) {
    case 'p': /* a new post; an event: */
    case 'c': /* its post was changed, */
        if (is_there)
            buf_add(&entries->posts, &other, sizeof(other));
        break;
    case 'r': /* removed, */
        buf_add(&entries->gone, &other, sizeof(other));
        break;
    case 'g': /* it is gone itself */
        buf_add(&entries->parted, &participant, sizeof(participant));
        break;
    }
}

static enum error take(struct apart *a, struct entries *entries)
{
    static struct pg_statement statement = {
        .name = "index_next",
        .sql = sql_index_next,
        .reads = true,
    };
    struct pg_params params = {0};
    struct pg *pg = a->posts;
    int limit = a->size > 0 ? a->size : BATCH;

    pg_add_int(&params, a->done);
    pg_add_int(&params, a->arrival.horizon);
    pg_add_int(&params, limit);
    enum error error = pg_exec(pg, &statement, &params);
    if (error)
        return error;
    if (pg_int(pg, 0, 5) > needed(a)) /* see compare() */
        return ERR_LOCKED;
    int rows = pg_is_null(pg, 0, 0) ? 0 : pg_rows(pg);
    for (int i = 0; i < rows; i++)
        take_entry(pg, i, entries);
    entries->end = rows == limit ? pg_int(pg, rows - 1, 0) : a->arrival.horizon;
    if (entries->posts.failed || entries->gone.failed || entries->parted.failed)
        return ERR_INTERNAL;
    if (entries->posts.len > 0)
        qsort(entries->posts.data, entries->posts.len / sizeof(int64_t),
            sizeof(int64_t), compare_ids);
    return OK;
}

/* Their ids are never given again, so this may be done at any time. */
static enum error forget_authors(struct apart *a, const struct buf *parted)
{
    static struct pg_statement statement = {
        .name = "apart_forget",
        .sql = "WITH piece AS (DELETE FROM search WHERE outbound_id IN ("
               "SELECT outbound_id FROM search"
               " WHERE participant_id = ANY ($1::bigint[])"
               " LIMIT $2::bigint) RETURNING 1) SELECT count(*) FROM piece",
        .reads = true, /* it may be run again */
    };
    enum error error = OK;
    int64_t count = PIECE;

    while (!error && parted->len > 0 && count == PIECE) {
        struct pg_params params = {0};
        pg_add_ids(&params, parted);
        pg_add_int(&params, PIECE);
        error = pg_exec(a->search, &statement, &params);
        count = error ? 0 : pg_int(a->search, 0, 0);
    }
    return error;
}

/* LOCKED: another one was faster, who then goes on without this one; or the
 * index is in another language now. */
static enum error apply(struct apart *a, int64_t next,
    const struct documents *made, const struct buf *gone)
{
    static struct pg_statement statement = {
        .name = "index_apply",
        .sql = sql_index_apply,
    };
    struct pg_params params = {0};

    pg_add_int(&params, a->done);
    pg_add_int(&params, next);
    pg_add_text(&params, (struct text){a->language, strlen(a->language)});
    documents_add_to(&params, made);
    pg_add_ids(&params, gone);
    enum error error = pg_exec(a->search, &statement, &params);
    if (error || pg_rows(a->search) > 0)
        return error;
    a->rest_until = monotonic_ms() + YIELD;
    return ERR_LOCKED;
}

/* Takes those that are done, or gone, from the front. */
static void drop_first(struct buf *posts, int64_t last)
{
    const int64_t *ids = (const int64_t *)(const void *)posts->data;
    size_t count = posts->len / sizeof(*ids);
    size_t done = last ? 0 : count;

    while (done < count && ids[done] <= last)
        done++;
    posts->len -= done * sizeof(*ids);
    memmove(posts->data, posts->data + done * sizeof(*ids), posts->len);
}

/* As many posts at once as is good, and the place with the last of them. */
static enum error go(struct apart *a, struct entries *entries)
{
    const struct language *language = language_find(a->language);
    enum error error = forget_authors(a, &entries->parted);

    if (error)
        return error;
    do {
        struct documents made = {0};
        if (entries->posts.len > 0) {
            error = documents_make(a->posts, &entries->posts,
                language ? language : &language_simple, &made);
            drop_first(&entries->posts, made.last);
        }
        bool is_last = entries->posts.len == 0;
        if (!error)
            error = apply(
                a, is_last ? entries->end : a->done, &made, &entries->gone);
        documents_free(&made);
    } while (!error && entries->posts.len > 0);
    entries->is_refused = error == ERR_INTERNAL;
    return error;
}

/* What fails by itself must not hold up all the rest: it is looked for by
 * halves, and left out where it stands alone and the rest goes without it. */
static void narrow(struct apart *a)
{
    a->size = a->size > 1 ? a->size / 2 : a->size == 1 ? 1 : BATCH / 2;
}

static enum error leave_out(struct apart *a, struct entries *entries)
{
    buf_reset(&entries->posts, entries->posts.cap);
    enum error error = go(a, entries);
    if (!error)
        log_error("search",
            "what has happened at %" PRId64 " is left out: the index does not "
            "take it",
            entries->end);
    return error;
}

static enum error step(struct apart *a)
{
    struct entries entries = {0};

    enum error error = take(a, &entries);
    if (!error && pg_identity(a->posts) != a->database)
        error = ERR_LOCKED; /* of another database */
    if (!error)
        error = go(a, &entries);
    if (entries.is_refused && a->size == 1)
        error = leave_out(a, &entries);
    if (entries.is_refused)
        narrow(a);
    else if (!error) {
        a->done = entries.end;
        a->size = a->size > 0 && a->size < BATCH / 2 ? 2 * a->size : 0;
    }
    buf_free(&entries.posts);
    buf_free(&entries.gone);
    buf_free(&entries.parted);
    return error;
}

/* A new index has come to the end, and counts as whole from now on. */
static enum error arrive(struct apart *a)
{
    static struct pg_statement statement = {
        .name = "apart_arrive",
        .sql = "UPDATE follower SET state = 'w'"
               " WHERE name = 'index' AND state = 'n' AND done >= $1::bigint",
    };
    struct pg_params params = {0};

    if (a->state != APART_NEW)
        return OK;
    pg_add_int(&params, a->arrival.horizon);
    a->state = APART_WHOLE;
    return pg_exec(a->search, &statement, &params);
}

/* --- a turn ------------------------------------------------------------- */

enum error apart_turn(struct apart *a, bool *more)
{
    enum error error = OK;

    *more = false;
    note(a);
    if (monotonic_ms() < a->rest_until)
        return OK;
    if (!a->is_known || a->done >= a->arrival.horizon)
        error = arrival_look(a->posts, &a->arrival);
    if (error || !a->arrival.is_known)
        return error;
    if (!a->is_known || a->database != pg_identity(a->posts) ||
        a->arrival.database != a->database)
        error = look(a);
    if (!error && a->arrival.database != a->database)
        error = ERR_LOCKED; /* the horizon is another one's */
    if (!error && a->done < a->arrival.horizon)
        error = step(a);
    if (!error && a->done >= a->arrival.horizon)
        error = arrive(a);
    a->is_known &= !error;
    *more = !error && a->done < a->arrival.horizon;
    return error == ERR_LOCKED ? OK : error;
}

void apart_free(struct apart *a)
{
    arrival_free(&a->arrival);
}
