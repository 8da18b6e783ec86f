/* Drops pages again that could not be dropped, those of a participant and of
 * its friends, until they have expired by themselves. */
#include "job.h"

static enum error find_readers(struct pg *pg, const struct buf *orders)
{
    static struct pg_statement statement = {
        .name = "drop_readers",
        .sql = "SELECT array(SELECT friend_id FROM friendship f"
               " WHERE f.participant_id = o.participant_id) || participant_id"
               " FROM outbox o WHERE id = ANY ($1::bigint[])",
    };
    struct pg_params params = {0};

    pg_add_ids(&params, orders);
    return pg_exec(pg, &statement, &params);
}

static enum error drop(struct turn *turn)
{
    turn->waits =
        !turn->dropped && turn->order->age <= turn->shift->config->cache_ttl;
    return OK;
}

/* `progress` is for programs of before, which do not look at the age: the time
 * from which on there is no such page, in s since 1970. */
enum error job_drop_later(
    const struct shift *shift, const struct buf *participants)
{
    static struct pg_statement statement = {
        .name = "drop_later",
        .sql = "INSERT INTO outbox (kind, participant_id, progress)"
               " SELECT DISTINCT 'c'::\"char\", id,"
               " extract(epoch FROM now())::bigint + $2::bigint"
               " FROM unnest($1::bigint[]) id",
    };
    struct pg_params params = {0};

    pg_add_ids(&params, participants);
    pg_add_int(&params, shift->config->cache_ttl);
    return pg_exec(shift->pg, &statement, &params);
}

struct job job_drop = {
    'c', "drop pages", drop, find_readers, .batch = 500, .insists = true};
