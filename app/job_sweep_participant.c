/* Sweeps up behind a gone participant: friendships and what friends have of its
 * posts, its feed with its marker, its posts, its answers. `progress` is the
 * last post that one friend's feed is clean of. */
#include "job.h"
#include "sql.h"

/* Once, for nobody sees what is swept. */
static enum error find_readers(struct pg *pg, const struct buf *orders)
{
    static struct pg_statement statement = {
        .name = "sweep_participant_readers",
        .sql = "SELECT array(SELECT friend_id FROM friendship f"
               " WHERE f.participant_id = o.participant_id) || participant_id"
               " FROM outbox o WHERE id = ANY ($1::bigint[]) AND previous = 0",
    };
    struct pg_params params = {0};

    pg_add_ids(&params, orders);
    return pg_exec(pg, &statement, &params);
}

/* What is gone is swept last, after every order that names it, of whatever
 * kind, and behind the index. Others than friendships name a post, or nobody,
 * as `other`; what was set aside is swept. */
static enum error look_for_others(struct turn *turn, bool *is_named)
{
    static struct pg_statement statement = {
        .name = "sweep_waits",
        .sql = "SELECT EXISTS (SELECT FROM outbox WHERE participant_id ="
               " $1::bigint AND id <> $2::bigint AND kind <> 'x')"
               " OR EXISTS (SELECT FROM outbox WHERE other_id = $1"
               " AND kind = 'f')"
               " OR $3::bigint = 0 AND EXISTS (SELECT FROM outbound b, follower"
               " WHERE b.participant_id = $1 AND name = 'index'"
               " AND (b.id > done OR EXISTS (SELECT FROM follower_gap"
               " WHERE follower = name AND outbound_id = b.id)))",
    };
    struct pg *pg = turn->shift->pg;
    struct pg_params params = {0};

    pg_add_int(&params, turn->order->participant);
    pg_add_int(&params, turn->order->id);
    pg_add_int(&params, *turn->shift->config->search_conninfo != '\0');
    enum error error = pg_exec(pg, &statement, &params);
    *is_named = !error && pg_int(pg, 0, 0) != 0;
    return error;
}

/* In this order: posts are needed to find what friends have of them. */
static struct pg_statement pieces[] = {
    {.name = "sweep_friends", .sql = sql_sweep_friends},
    {
        .name = "sweep_feed",
        .sql = "WITH piece AS (DELETE FROM inbound WHERE participant_id ="
               " $1::bigint AND outbound_id IN (SELECT outbound_id"
               " FROM inbound WHERE participant_id = $1 LIMIT $4::bigint)"
               " RETURNING 1),"
               " mark AS (DELETE FROM marker WHERE participant_id = $1)"
               " SELECT count(*) FROM piece",
    },
    {
        .name = "sweep_posts",
        .sql = "WITH piece AS (DELETE FROM outbound WHERE id IN (SELECT id"
               " FROM outbound WHERE participant_id = $1::bigint"
               " LIMIT $4::bigint) RETURNING id),"
               " entries AS (DELETE FROM search USING piece"
               " WHERE outbound_id = piece.id),"
               " set_aside AS (DELETE FROM outbox WHERE kind = 'x'"
               " AND participant_id = $1)"
               " SELECT count(*) FROM piece",
    },
    {
        .name = "sweep_answers",
        .sql = "WITH piece AS (DELETE FROM idempotency WHERE (scope, key) IN"
               " (SELECT scope, key FROM idempotency"
               " WHERE participant_id = $1::bigint LIMIT $4::bigint)"
               " RETURNING 1) SELECT count(*) FROM piece",
    },
};

static enum error sweep(struct turn *turn)
{
    enum error error = look_for_others(turn, &turn->waits);

    for (size_t i = 0; !error && !turn->waits && turn->rows == 0 &&
                       i < sizeof(pieces) / sizeof(*pieces);
         i++)
        error = job_piece(turn, &pieces[i]);
    return error;
}

struct job job_sweep_participant = {'g', "sweep a participant", sweep,
    find_readers, .batch = 100, .settles = true};
