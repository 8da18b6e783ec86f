/* Who waits at an endpoint of webhooks that did not take an event. */
#include <string.h>

#include "sql.h"
#include "waiting.h"

/* Time in which nobody tried, such as with the service down, counts for none
 * that has passed in vain: what was due so long ago begins to wait anew. */
#define WAITED_IN_VAIN "due > now() - interval '1 hour'"

/* Columns of sql/statements/webhook_due.sql, behind those of events.sql. */
enum {
    ID = 0,
    TRIES = 12,
    MS,
};

static void add_publisher(
    struct pg_params *params, const struct waiting *waiting)
{
    pg_add_text(
        params, (struct text){waiting->publisher, strlen(waiting->publisher)});
}

enum error waiting_find(const struct waiting *waiting,
    const struct buf *participants, struct buf *found)
{
    static struct pg_statement statement = {
        .name = "waiting_find",
        .sql = "SELECT coalesce(array_agg(participant_id), '{}')"
               " FROM webhook_waiting"
               " WHERE publisher = $1::text AND participant_id = ANY($2)",
        .reads = true,
    };
    struct pg_params params = {0};

    add_publisher(&params, waiting);
    pg_add_ids(&params, participants);
    enum error error = pg_exec(waiting->pg, &statement, &params);
    if (!error)
        pg_ids(waiting->pg, 0, 0, found);
    return !error && found->failed ? ERR_INTERNAL : error;
}

enum error waiting_add(const struct waiting *waiting,
    const struct waiting_step *step, int limit, bool *is_added)
{
    static struct pg_statement statement = {
        .name = "waiting_add",
        .sql = "INSERT INTO webhook_waiting"
               " (publisher, participant_id, done, tries, due)"
               " SELECT $1::text, $2::bigint, $3::bigint, $4::bigint,"
               " now() + $5::bigint * interval '1 ms'"
               " WHERE (SELECT count(*) FROM webhook_waiting"
               "  WHERE publisher = $1 AND participant_id <> 0) < $6::bigint"
               " ON CONFLICT DO NOTHING RETURNING 1",
    };
    struct pg_params params = {0};

    add_publisher(&params, waiting);
    pg_add_int(&params, step->participant);
    pg_add_int(&params, step->done);
    pg_add_int(&params, step->tries);
    pg_add_int(&params, step->ms);
    pg_add_int(&params, limit);
    enum error error = pg_exec(waiting->pg, &statement, &params);
    *is_added = !error && pg_rows(waiting->pg) > 0;
    return error;
}

enum error waiting_due(const struct waiting *waiting,
    const struct cursor *up_to, int participants, int events, int *rows)
{
    static struct pg_statement statement = {
        .name = "webhook_due",
        .sql = sql_webhook_due,
        .reads = true,
    };
    struct pg_params params = {0};

    add_publisher(&params, waiting);
    pg_add_int(&params, up_to->pos);
    pg_add_int(&params, up_to->sub);
    pg_add_int(&params, participants);
    pg_add_int(&params, events);
    enum error error = pg_exec(waiting->pg, &statement, &params);
    *rows = error ? 0 : pg_rows(waiting->pg);
    return error;
}

bool waiting_is_over(const struct pg *pg, int row)
{
    return pg_is_null(pg, row, ID);
}

int waiting_tries(const struct pg *pg, int row)
{
    return (int)pg_int(pg, row, TRIES);
}

int64_t waiting_ms(const struct pg *pg, int row)
{
    return pg_int(pg, row, MS);
}

enum error waiting_move(
    const struct waiting *waiting, const struct waiting_step *step)
{
    static struct pg_statement statement = {
        .name = "waiting_move",
        .sql = "UPDATE webhook_waiting SET done = $3::bigint,"
               " tries = $4::bigint, since = CASE WHEN $5::bigint = 0 AND"
               " " WAITED_IN_VAIN " THEN since ELSE now() END,"
               " due = now() + $6::bigint * interval '1 ms'"
               " WHERE publisher = $1::text AND participant_id = $2::bigint",
    };
    struct pg_params params = {0};

    add_publisher(&params, waiting);
    pg_add_int(&params, step->participant);
    pg_add_int(&params, step->done);
    pg_add_int(&params, step->tries);
    pg_add_int(&params, step->was_taken);
    pg_add_int(&params, step->ms);
    return pg_exec(waiting->pg, &statement, &params);
}

enum error waiting_end(const struct waiting *waiting, int64_t participant)
{
    static struct pg_statement statement = {
        .name = "waiting_end",
        .sql = "DELETE FROM webhook_waiting"
               " WHERE publisher = $1::text AND participant_id = $2::bigint",
    };
    struct pg_params params = {0};

    add_publisher(&params, waiting);
    pg_add_int(&params, participant);
    return pg_exec(waiting->pg, &statement, &params);
}

/* When they are due, this process alone knows: here it is when they were tried
 * last. */
enum error waiting_add_all(const struct waiting *waiting, int64_t *ms)
{
    static struct pg_statement statement = {
        .name = "waiting_add_all",
        .sql = "INSERT INTO webhook_waiting AS w"
               " (publisher, participant_id, done, tries, due)"
               " VALUES ($1::text, $2::bigint, 0, 0, now())"
               " ON CONFLICT (publisher, participant_id) DO UPDATE SET"
               " since = CASE WHEN w." WAITED_IN_VAIN
               " THEN w.since ELSE now() END, due = now()"
               " RETURNING (extract(epoch FROM now() - since) * 1000)::bigint",
    };
    struct pg_params params = {0};

    add_publisher(&params, waiting);
    pg_add_int(&params, WAITING_ALL);
    enum error error = pg_exec(waiting->pg, &statement, &params);
    *ms = error ? 0 : pg_int(waiting->pg, 0, 0);
    return error;
}

enum error waiting_end_all(const struct waiting *waiting, int64_t *ms)
{
    static struct pg_statement statement = {
        .name = "waiting_end_all",
        .sql = "WITH all_wait AS (DELETE FROM webhook_waiting"
               "  WHERE publisher = $1::text AND participant_id = 0"
               "  RETURNING since),"
               " others AS (UPDATE webhook_waiting SET due = now()"
               "  WHERE publisher = $1 AND participant_id <> 0 AND due > now())"
               " SELECT (extract(epoch FROM now() - since) * 1000)::bigint"
               "  FROM all_wait",
    };
    struct pg_params params = {0};

    add_publisher(&params, waiting);
    enum error error = pg_exec(waiting->pg, &statement, &params);
    *ms = !error && pg_rows(waiting->pg) > 0 ? pg_int(waiting->pg, 0, 0) : -1;
    return error;
}
