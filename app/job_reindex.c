/* A post that was edited is found by what it says now: its entry in the index
 * goes, and the index is told that it lacks the post, as if that came late. */
#include "job.h"

/* Once more, should whoever edited it not have lived to do it. */
static enum error find_readers(struct pg *pg, const struct buf *orders)
{
    static struct pg_statement statement = {
        .name = "reindex_readers",
        .sql = "SELECT array(SELECT friend_id FROM friendship f"
               " WHERE f.participant_id = o.participant_id) FROM outbox o"
               " WHERE id = ANY ($1::bigint[])",
    };
    struct pg_params params = {0};

    pg_add_ids(&params, orders);
    return pg_exec(pg, &statement, &params);
}

/* An index in a database of its own has no place here, and hears of it by
 * itself. With the place of the index held: what another dispatcher is indexing
 * now may be what the post said before. */
static enum error forget(struct turn *turn)
{
    static struct pg_statement statement = {
        .name = "reindex",
        .sql = "WITH place AS MATERIALIZED (SELECT done FROM follower"
               " WHERE name = 'index' FOR UPDATE SKIP LOCKED),"
               " entry AS (DELETE FROM search WHERE outbound_id = $2::bigint"
               " AND EXISTS (SELECT FROM place)),"
               " gap AS (INSERT INTO follower_gap (follower, outbound_id, xid)"
               " SELECT 'index', id, pg_current_xact_id() FROM place, outbound"
               " WHERE id = $2 AND id <= done AND participant_id = $1::bigint"
               " ON CONFLICT DO NOTHING)"
               " SELECT EXISTS (SELECT FROM place) OR NOT EXISTS (SELECT"
               " FROM follower WHERE name = 'index')",
    };
    struct pg *pg = turn->shift->pg;
    struct pg_params params = {0};

    pg_add_int(&params, turn->order->participant);
    pg_add_int(&params, turn->order->other);
    enum error error = pg_exec(pg, &statement, &params);
    turn->waits = !error && pg_int(pg, 0, 0) == 0;
    return error;
}

struct job job_reindex = {
    'i', "index anew", forget, find_readers, .batch = 100};
