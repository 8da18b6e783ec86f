/* Makes two feeds agree with a friendship that was made or ended: `other` is
 * the other participant, `progress` the last post that was looked at. */
#include "job.h"
#include "sql.h"

static enum error find_readers(struct pg *pg, const struct buf *orders)
{
    static struct pg_statement statement = {
        .name = "reconcile_readers",
        .sql = "SELECT ARRAY[participant_id, other_id] FROM outbox"
               " WHERE id = ANY ($1::bigint[])",
    };
    struct pg_params params = {0};

    pg_add_ids(&params, orders);
    return pg_exec(pg, &statement, &params);
}

static enum error reconcile(struct turn *turn)
{
    static struct pg_statement statement = {
        .name = "reconcile",
        .sql = sql_reconcile,
    };

    return job_piece(turn, &statement);
}

struct job job_reconcile = {'f', "reconcile feeds", reconcile, find_readers,
    .batch = 100, .settles = true, .names_two = true};
