/* Sweeps up behind a removed post: `other` is the post, `progress` the last
 * friend of its author whose feed is clean. */
#include "job.h"
#include "sql.h"

/* Once, for nobody sees what is swept. */
static enum error find_readers(struct pg *pg, const struct buf *orders)
{
    static struct pg_statement statement = {
        .name = "sweep_post_readers",
        .sql = "SELECT array(SELECT friend_id FROM friendship f"
               " WHERE f.participant_id = o.participant_id"
               " AND friend_id > progress) FROM outbox o"
               " WHERE id = ANY ($1::bigint[]) AND previous = 0",
    };
    struct pg_params params = {0};

    pg_add_ids(&params, orders);
    return pg_exec(pg, &statement, &params);
}

static enum error sweep(struct turn *turn)
{
    static struct pg_statement statement = {
        .name = "sweep_post",
        .sql = sql_sweep_post,
    };

    return job_piece(turn, &statement);
}

struct job job_sweep_post = {
    'r', "sweep a post", sweep, find_readers, .batch = 100, .settles = true};
