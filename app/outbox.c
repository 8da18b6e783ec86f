/* The outbox: orders are taken, put off and deleted. */
#include "outbox.h"
#include "sql.h"

enum error outbox_take(struct pg *pg, char kind, int limit, bool settles,
    struct order orders[OUTBOX_BATCH_MAX], int *count)
{
    static struct pg_statement statement = {
        .name = "take",
        .sql = sql_take,
    };
    struct pg_params params = {0};

    *count = 0;
    pg_add_int(&params, kind);
    pg_add_int(&params, limit);
    pg_add_int(&params, settles);
    enum error error = pg_exec(pg, &statement, &params);
    if (error)
        return error;
    *count = pg_rows(pg);
    for (int i = 0; i < *count; i++)
        orders[i] = (struct order){
            .id = pg_int(pg, i, 0),
            .participant = pg_int(pg, i, 1),
            .other = pg_int(pg, i, 2),
            .previous = pg_int(pg, i, 3),
            .progress = pg_int(pg, i, 4),
            .ready = pg_int(pg, i, 5) != 0,
        };
    return OK;
}

enum error outbox_postpone(struct pg *pg, const struct buf *orders, int ms)
{
    static struct pg_statement statement = {
        .name = "postpone",
        .sql = "UPDATE outbox SET xid = CASE WHEN previous = 0 THEN"
               " pg_current_xact_id() ELSE xid END,"
               " previous = greatest(previous, 1),"
               " due = clock_timestamp() + $2::bigint * interval '1 ms'"
               " WHERE id = ANY ($1::bigint[])",
    };
    struct pg_params params = {0};

    pg_add_ids(&params, orders);
    pg_add_int(&params, ms);
    return pg_exec(pg, &statement, &params);
}

enum error outbox_delay(struct pg *pg, int64_t order, int ms)
{
    static struct pg_statement statement = {
        .name = "delay",
        .sql = "UPDATE outbox SET"
               " due = clock_timestamp() + $2::bigint * interval '1 ms'"
               " WHERE id = $1::bigint",
    };
    struct pg_params params = {0};

    pg_add_int(&params, order);
    pg_add_int(&params, ms);
    return pg_exec(pg, &statement, &params);
}

enum error outbox_delete(struct pg *pg, const struct buf *orders)
{
    static struct pg_statement statement = {
        .name = "delete",
        .sql = "DELETE FROM outbox WHERE id = ANY ($1::bigint[])",
    };
    struct pg_params params = {0};

    pg_add_ids(&params, orders);
    return pg_exec(pg, &statement, &params);
}
