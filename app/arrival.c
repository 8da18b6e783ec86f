/* How far posts and events have come. */
#include <string.h>

#include "arrival.h"
#include "sql.h"

enum {
    KEPT = 64 << 10 /* bytes of a buffer that stay allocated */
};

static bool is_none(struct text array)
{
    return strcmp(array.data, "{}") == 0;
}

static void keep(struct buf *kept, struct text text)
{
    buf_reset(kept, KEPT);
    buf_add(kept, text.data, text.len);
}

/* Whoever was at it when the newest was seen has ended by now, or was nobody:
 * what is read from now on has all up to there. */
static void take_arrival(const struct pg *pg, struct arrival *arrival)
{
    struct text remaining = pg_text(pg, 0, 1);
    struct text writers = pg_text(pg, 0, 2);

    if (!is_none(remaining)) {
        keep(&arrival->writers, remaining);
        return;
    }
    arrival->horizon = is_none(writers) ? pg_int(pg, 0, 0) : arrival->newest;
    arrival->is_known |= is_none(writers) || arrival->has_newest;
    arrival->has_newest = true;
    arrival->newest = pg_int(pg, 0, 0);
    keep(&arrival->writers, writers);
}

enum error arrival_look(struct pg *pg, struct arrival *arrival)
{
    static struct pg_statement statement = {
        .name = "arrival",
        .sql = sql_arrival,
        .reads = true,
    };
    struct pg_params params = {0};
    struct buf *writers = &arrival->writers;

    if (writers->failed || writers->len == 0)
        keep(writers, (struct text){"{}", 2});
    pg_add_text(&params, (struct text){buf_text(writers), writers->len});
    enum error error = pg_exec(pg, &statement, &params);
    if (error)
        return error;
    if (arrival->database != pg_identity(pg)) { /* its writers are others */
        arrival->database = pg_identity(pg);
        arrival->is_known = arrival->has_newest = false;
    }
    take_arrival(pg, arrival);
    return OK;
}

enum error arrival_floor(struct pg *pg, int64_t *position)
{
    static struct pg_statement statement = {
        .name = "event_floor",
        .sql = "SELECT id FROM event_floor",
        .reads = true,
    };
    struct pg_params params = {0};
    enum error error = pg_exec(pg, &statement, &params);

    if (!error)
        *position = pg_rows(pg) > 0 ? pg_int(pg, 0, 0) : INT64_MAX;
    return error;
}

void arrival_free(struct arrival *arrival)
{
    buf_free(&arrival->writers);
}
