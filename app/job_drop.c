/* Drops pages again that could not be dropped, those of a participant and of
 * its friends, once the server that could not be told answers: `other` is its
 * number. However many orders wait for a server, while it is away it is asked
 * now and then whether it answers, and none of them is touched. An order for a
 * server that is not ours (any more), or for none, as programs before migration
 * 7 wrote them, is done everywhere at once. */
#include "batch.h"
#include "clock.h"
#include "job.h"
#include "sql.h"

/* Whoever has such an order in a turn may have dropped already: one that cannot
 * be locked does not count. */
enum error job_drop_later(const struct shift *shift,
    const struct buf *participants, cache_servers servers)
{
    static struct pg_statement statement = {
        .name = "drop_later",
        .sql = sql_drop_later,
    };
    struct pg_params params = {0};
    struct buf numbers = {0};

    cache_add_numbers(shift->cache, servers, &numbers);
    pg_add_ids(&params, participants);
    pg_add_ids(&params, &numbers);
    pg_add_int(&params, shift->config->cache_ttl);
    enum error error = pg_exec(shift->pg, &statement, &params);
    buf_free(&numbers);
    return error;
}

/* The numbers of servers for which orders wait, by a look into the index for
 * each. */
static enum error find_awaited(const struct shift *shift, struct buf *numbers)
{
    static struct pg_statement statement = {
        .name = "drop_awaited",
        .sql = "WITH RECURSIVE awaited (server) AS ("
               "(SELECT other_id FROM outbox WHERE kind = 'c'"
               " ORDER BY other_id LIMIT 1)"
               " UNION ALL SELECT (SELECT other_id FROM outbox WHERE kind = 'c'"
               " AND other_id > server ORDER BY other_id LIMIT 1)"
               " FROM awaited WHERE server IS NOT NULL)"
               " SELECT server FROM awaited WHERE server IS NOT NULL",
        .reads = true,
    };
    struct pg_params params = {0};

    enum error error = pg_exec(shift->pg, &statement, &params);
    for (int i = 0; !error && i < pg_rows(shift->pg); i++) {
        int64_t number = pg_int(shift->pg, i, 0);
        buf_add(numbers, &number, sizeof(number));
    }
    return numbers->failed ? ERR_INTERNAL : error;
}

static int64_t number_at(const struct buf *numbers, size_t i)
{
    return ((const int64_t *)(const void *)numbers->data)[i];
}

/* Pages may lie anywhere that are not known to lie on one of our servers. */
static cache_servers servers_of(const struct shift *shift, int64_t number)
{
    cache_servers servers = cache_numbered(shift->cache, number);

    return servers ? servers : CACHE_EVERYWHERE;
}

enum error job_drop_awaited(const struct shift *shift, cache_servers *servers)
{
    struct buf numbers = {0};

    *servers = 0;
    enum error error = find_awaited(shift, &numbers);
    for (size_t i = 0; !error && i < numbers.len / sizeof(int64_t); i++)
        *servers |= servers_of(shift, number_at(&numbers, i));
    buf_free(&numbers);
    return error;
}

/* --- a server's orders -------------------------------------------------- */

struct orders {
    int64_t number; /* of their server */
    int count;
    struct buf ids;
    struct buf participants;
    struct buf feeds;
};

static enum error take(
    const struct shift *shift, int limit, struct orders *orders)
{
    static struct pg_statement statement = {
        .name = "take_drops",
        .sql = "SELECT id, participant_id FROM outbox"
               " WHERE kind = 'c' AND other_id = $1::bigint"
               " ORDER BY other_id, participant_id LIMIT $2::bigint"
               " FOR UPDATE SKIP LOCKED",
    };
    struct pg_params params = {0};

    pg_add_int(&params, orders->number);
    pg_add_int(&params, limit);
    enum error error = pg_exec(shift->pg, &statement, &params);
    orders->count = error ? 0 : pg_rows(shift->pg);
    for (int i = 0; i < orders->count; i++) {
        int64_t id = pg_int(shift->pg, i, 0);
        int64_t participant = pg_int(shift->pg, i, 1);
        buf_add(&orders->ids, &id, sizeof(id));
        buf_add(&orders->participants, &participant, sizeof(participant));
    }
    return orders->ids.failed || orders->participants.failed ? ERR_INTERNAL
                                                             : error;
}

/* Only now: whoever saw an order wait may have made friends since it was
 * written. */
static enum error find_readers(const struct shift *shift, struct orders *orders)
{
    static struct pg_statement statement = {
        .name = "drop_readers",
        .sql = "SELECT array(SELECT friend_id FROM friendship"
               " WHERE participant_id = whom) || whom"
               " FROM unnest($1::bigint[]) whom",
    };
    struct pg_params params = {0};

    pg_add_ids(&params, &orders->participants);
    enum error error = pg_exec(shift->pg, &statement, &params);
    for (int i = 0; !error && i < pg_rows(shift->pg); i++)
        pg_ids(shift->pg, i, 0, &orders->feeds);
    return orders->feeds.failed ? ERR_INTERNAL : error;
}

/* Of a server that fails again the orders stay; what was to be dropped
 * everywhere waits from here on for those that failed. */
static enum error drop(const struct shift *shift, struct orders *orders)
{
    cache_servers wanted = servers_of(shift, orders->number);
    cache_servers failed = shift_drop(shift, &orders->feeds, wanted);

    if (failed && wanted != CACHE_EVERYWHERE)
        return ERR_INTERNAL;
    enum error error =
        failed ? job_drop_later(shift, &orders->participants, failed) : OK;
    return error ? error : outbox_delete(shift->pg, &orders->ids);
}

static enum error transact(
    const struct shift *shift, int limit, struct orders *orders)
{
    enum error error = pg_begin(shift->pg);

    if (!error)
        error = take(shift, limit, orders);
    if (!error && orders->count > 0)
        error = find_readers(shift, orders);
    if (!error && orders->count > 0)
        error = drop(shift, orders);
    if (!error && orders->count > 0)
        error = pg_commit(shift->pg);
    pg_rollback(shift->pg);
    return error;
}

/* A batch of them; true: there may be more. */
static bool work_off(const struct shift *shift, int64_t number)
{
    static int size = OUTBOX_BATCH_MAX;
    int64_t began = monotonic_ms();
    struct orders orders = {.number = number};
    int limit = size;

    enum error error = transact(shift, limit, &orders);
    if (orders.count > 0)
        size =
            batch_next(limit, OUTBOX_BATCH_MAX, !error, monotonic_ms() - began);
    buf_free(&orders.ids);
    buf_free(&orders.participants);
    buf_free(&orders.feeds);
    return !error && orders.count == limit;
}

static bool work(const struct shift *shift)
{
    struct buf numbers = {0};
    bool more = false;

    enum error error = find_awaited(shift, &numbers);
    for (size_t i = 0; !error && i < numbers.len / sizeof(int64_t); i++) {
        int64_t number = number_at(&numbers, i);
        if (cache_answers(shift->cache, cache_numbered(shift->cache, number)))
            more |= work_off(shift, number);
    }
    buf_free(&numbers);
    return more;
}

struct job job_drop = {'c', "drop pages", .work = work};
