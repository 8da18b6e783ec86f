/* Delivers a post to many friends: `other` is the post, `progress` the last
 * friend who has it. */
#include "job.h"
#include "sql.h"

/* Those of the last piece, in case that whoever delivered it did not live to
 * drop their pages. */
static enum error find_readers(struct pg *pg, const struct buf *orders)
{
    static struct pg_statement statement = {
        .name = "deliver_readers",
        .sql = "SELECT array(SELECT friend_id FROM friendship f"
               " WHERE f.participant_id = o.participant_id"
               " AND friend_id > previous AND friend_id <= progress)"
               " FROM outbox o WHERE id = ANY ($1::bigint[])",
    };
    struct pg_params params = {0};

    pg_add_ids(&params, orders);
    return pg_exec(pg, &statement, &params);
}

static enum error deliver(struct turn *turn)
{
    static struct pg_statement statement = {
        .name = "deliver",
        .sql = sql_deliver,
    };

    return job_piece(turn, &statement);
}

struct job job_deliver = {'d', "deliver", deliver, find_readers, .batch = 1};
