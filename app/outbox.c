/* Every SQL text of the dispatcher: taking orders and carrying them out. */
#include <stdint.h>
#include <stdio.h>

#include "log.h"
#include "outbox.h"

/* Rows of an order's id and an array of whose pages it touches. */
static void read_orders(
    const struct pg *pg, int *count, struct buf *orders, struct buf *touched)
{
    *count = pg_rows(pg);
    buf_puts(orders, "{");
    for (int i = 0; i < *count; i++) {
        if (i > 0)
            buf_puts(orders, ",");
        buf_int(orders, pg_int(pg, i, 0));
        pg_ids(pg, i, 1, touched);
    }
    buf_puts(orders, "}");
}

/* With an array of ids as its only parameter. */
static enum error exec_with(
    struct pg *pg, struct pg_statement *statement, const struct buf *ids)
{
    struct pg_params params = {0};

    pg_add_array(&params, ids);
    return pg_exec(pg, statement, &params);
}

#define KINDS "'{c,d,f,r,g}'::\"char\"[]"

/* A clock that was set back leaves orders that are due later than any pause
 * can make them: they are due now. (The life of a page, which a 'c' counts,
 * began when such an order was made.) */
enum error outbox_look(
    struct pg *pg, int longest_pause, char kinds[OUTBOX_KINDS_MAX])
{
    static struct pg_statement statement = {
        .name = "look",
        .sql = "WITH put_off AS (UPDATE outbox SET due = now(), progress ="
               " progress - CASE kind WHEN 'c' THEN"
               " extract(epoch FROM due - now())::bigint ELSE 0 END"
               " WHERE id IN (SELECT id FROM outbox WHERE kind = ANY (" KINDS
               ") AND due > now() + $1::bigint * interval '1 ms'"
               " FOR UPDATE SKIP LOCKED))"
               " SELECT concat((SELECT 'p' FROM search_progress WHERE EXISTS ("
               "SELECT FROM outbound WHERE id > done)"
               " OR EXISTS (SELECT FROM search_gap)),"
               " (SELECT string_agg(k::text, '')"
               " FROM unnest(" KINDS ") k"
               " WHERE EXISTS (SELECT FROM outbox WHERE kind = k"
               " AND due <= now())))",
        .reads = true,
    };

    struct pg_params params = {0};

    pg_add_int(&params, longest_pause);
    enum error error = pg_exec(pg, &statement, &params);
    if (!error)
        snprintf(kinds, OUTBOX_KINDS_MAX, "%s", pg_text(pg, 0, 0).data);
    return error;
}

/* --- posts -------------------------------------------------------------- */

enum error outbox_take_posts(struct pg *pg, int limit, int inline_friends,
    int *count, struct buf *posts, struct buf *touched)
{
    static struct pg_statement statement = {
        .name = "take_posts",
        .sql = "WITH progress AS MATERIALIZED (SELECT done"
               " FROM search_progress FOR UPDATE SKIP LOCKED)"
               " SELECT o.id, array(SELECT friend_id FROM friendship f"
               " WHERE f.participant_id = o.participant_id LIMIT $2::bigint)"
               " FROM progress CROSS JOIN LATERAL ("
               "(SELECT id, participant_id FROM search_gap"
               " JOIN outbound ON id = outbound_id ORDER BY id"
               " LIMIT $1::int8) UNION ALL"
               " (SELECT id, participant_id FROM outbound WHERE id > done"
               " ORDER BY id LIMIT $1)) o ORDER BY o.id LIMIT $1",
    };
    struct pg_params params = {0};

    pg_add_int(&params, limit);
    pg_add_int(&params, inline_friends);
    enum error error = pg_exec(pg, &statement, &params);
    if (!error)
        read_orders(pg, count, posts, touched);
    return error;
}

enum error outbox_index_posts(struct pg *pg, const struct buf *posts)
{
    static struct pg_statement statement = {
        .name = "index_posts",
        .sql = "INSERT INTO search (outbound_id, participant_id, document)"
               " SELECT id, participant_id,"
               " setweight(to_tsvector('simple', subject), 'A') ||"
               " to_tsvector('simple', story)"
               " FROM outbound WHERE id = ANY ($1::bigint[])"
               " ON CONFLICT DO NOTHING",
    };

    return exec_with(pg, &statement, posts);
}

/* Whoever had an id before a post that is seen had a transaction before it,
 * too, so the end of this statement's snapshot is above all of these. Where
 * ids jump, only as many are noted as may be under way on either side. */
enum error outbox_pass_posts(struct pg *pg, const struct buf *posts)
{
    static struct pg_statement statement = {
        .name = "pass_posts",
        .sql =
            "WITH post AS MATERIALIZED ("
            " SELECT id FROM unnest($1::bigint[]) id),"
            " step AS (SELECT id, lag(id, 1, done) OVER (ORDER BY id) AS last"
            " FROM post, search_progress WHERE id > done),"
            " gap AS (INSERT INTO search_gap (outbound_id, xid)"
            " SELECT missing, pg_snapshot_xmax(pg_current_snapshot())"
            " FROM step, LATERAL ("
            "SELECT generate_series(last + 1, least(id - 1, last + 1000))"
            " UNION SELECT generate_series(greatest(last + 1, id - 1000),"
            " id - 1)) m (missing)),"
            " found AS (DELETE FROM search_gap"
            " WHERE outbound_id IN (SELECT id FROM post))"
            " UPDATE search_progress"
            " SET done = greatest(done, (SELECT max(id) FROM post))",
    };

    return exec_with(pg, &statement, posts);
}

/* (A number beyond all that there are comes from a cluster that was dumped and
 * restored.) */
enum error outbox_close_gaps(struct pg *pg)
{
    static struct pg_statement statement = {
        .name = "close_gaps",
        .sql = "WITH progress AS MATERIALIZED (SELECT"
               " FROM search_progress FOR UPDATE SKIP LOCKED)"
               " DELETE FROM search_gap WHERE EXISTS (SELECT FROM progress)"
               " AND (xid <= pg_snapshot_xmin(pg_current_snapshot())"
               " OR xid > pg_snapshot_xmax(pg_current_snapshot()))"
               " AND NOT EXISTS (SELECT FROM outbound WHERE id = outbound_id)",
    };

    return pg_exec(pg, &statement, &(struct pg_params){0});
}

enum error outbox_park_posts(struct pg *pg, const struct buf *posts)
{
    static struct pg_statement statement = {
        .name = "park_posts",
        .sql = "INSERT INTO outbox (kind, participant_id, other_id)"
               " SELECT 'x', participant_id, id FROM outbound"
               " WHERE id = ANY ($1::bigint[])",
    };

    return exec_with(pg, &statement, posts);
}

enum error outbox_flush_search(struct pg *pg)
{
    static const struct pg_statement statement = {
        .name = "flush_search",
        .sql = "SELECT flush_search()",
    };

    return pg_send(pg, &statement);
}

/* --- other orders: the turn --------------------------------------------- */

/* Ready is an order once every transaction has ended that may not have seen
 * what it is about. The first turn stamps the order with its own transaction:
 * whoever has a lower number, or none yet, may have begun before the change,
 * whoever has a higher one began after it. The pause behind that turn covers
 * those that had a picture of the data and no number. (A number beyond all that
 * there are comes from a cluster that was dumped and restored.) What is gone is
 * swept last, after every order that names it. All but deliveries sweep, which
 * one dispatcher does at a time: no other lock has a key of two numbers. */
enum error outbox_take(
    struct pg *pg, enum outbox_kind kind, struct order *order)
{
    static struct pg_statement statement = {
        .name = "take",
        .sql = "SELECT id, participant_id, other_id, previous, progress,"
               " kind = 'd' OR (previous > 0"
               " AND (xid < pg_snapshot_xmin(pg_current_snapshot())"
               " OR xid >= pg_snapshot_xmax(pg_current_snapshot()))"
               " AND (kind <> 'g' OR NOT (EXISTS (SELECT FROM outbox x"
               " WHERE x.kind IN ('d', 'f', 'r')"
               " AND x.participant_id = o.participant_id)"
               " OR EXISTS (SELECT FROM outbox x WHERE x.kind = 'f'"
               " AND x.other_id = o.participant_id)"
               " OR EXISTS (SELECT FROM outbound b"
               " WHERE b.participant_id = o.participant_id AND (b.id > (SELECT"
               " done FROM search_progress) OR b.id IN (SELECT outbound_id"
               " FROM search_gap))))))"
               " FROM outbox o WHERE kind = chr($1::bigint::int)::\"char\""
               " AND due <= now() AND (kind = 'd' OR (SELECT"
               " pg_try_advisory_xact_lock(0, 0)))"
               " ORDER BY due LIMIT 1 FOR UPDATE SKIP LOCKED",
    };
    struct pg_params params = {0};

    pg_add_int(&params, kind);
    enum error error = pg_exec(pg, &statement, &params);
    if (error)
        return error;
    if (pg_rows(pg) == 0)
        return ERR_NOT_FOUND;
    *order = (struct order){
        .id = pg_int(pg, 0, 0),
        .kind = kind,
        .participant = pg_int(pg, 0, 1),
        .other = pg_int(pg, 0, 2),
        .previous = pg_int(pg, 0, 3),
        .progress = pg_int(pg, 0, 4),
        .ready = pg_int(pg, 0, 5) != 0,
    };
    return OK;
}

enum error outbox_touched(
    struct pg *pg, const struct order *order, struct buf *touched)
{
    static struct pg_statement statement = {
        .name = "touched",
        .sql = "SELECT array(SELECT friend_id FROM friendship"
               " WHERE participant_id = $1::bigint AND friend_id > $2::bigint"
               " AND friend_id <= $3::bigint)",
    };
    bool is_delivery = order->kind == ORDER_DELIVER;
    struct pg_params params = {0};

    if (order->kind == ORDER_FRIENDSHIP) {
        buf_add(touched, &order->participant, sizeof(int64_t));
        buf_add(touched, &order->other, sizeof(int64_t));
        return OK;
    }
    if (!is_delivery && order->previous > 0) /* sweeps what nobody sees */
        return OK;
    if (order->kind == ORDER_GONE)
        buf_add(touched, &order->participant, sizeof(int64_t));
    pg_add_int(&params, order->participant);
    pg_add_int(&params, is_delivery ? order->previous : order->progress);
    pg_add_int(&params, is_delivery ? order->progress : INT64_MAX);
    enum error error = pg_exec(pg, &statement, &params);
    if (!error)
        pg_ids(pg, 0, 0, touched);
    return error;
}

static enum error put_off(
    struct pg *pg, struct pg_statement *statement, int64_t order, int ms)
{
    struct pg_params params = {0};

    pg_add_int(&params, order);
    pg_add_int(&params, ms);
    return pg_exec(pg, statement, &params);
}

enum error outbox_postpone(struct pg *pg, int64_t order, int ms)
{
    static struct pg_statement statement = {
        .name = "postpone",
        .sql = "UPDATE outbox SET xid = CASE WHEN previous = 0 THEN"
               " pg_current_xact_id() ELSE xid END,"
               " previous = greatest(previous, 1),"
               " due = clock_timestamp() + $2::bigint * interval '1 ms'"
               " WHERE id = $1::bigint",
    };

    return put_off(pg, &statement, order, ms);
}

enum error outbox_delay(struct pg *pg, int64_t order, int ms)
{
    static struct pg_statement statement = {
        .name = "delay",
        .sql = "UPDATE outbox SET"
               " due = clock_timestamp() + $2::bigint * interval '1 ms'"
               " WHERE id = $1::bigint",
    };

    return put_off(pg, &statement, order, ms);
}

enum error outbox_delete(struct pg *pg, int64_t order)
{
    static struct pg_statement statement = {
        .name = "delete",
        .sql = "DELETE FROM outbox WHERE id = $1::bigint",
    };
    struct pg_params params = {0};

    pg_add_int(&params, order);
    return pg_exec(pg, &statement, &params);
}

/* --- other orders: the work --------------------------------------------- */

/* Each statement below does one piece. It knows $1 participant, $2 other,
 * $3 progress, $4 limit, $5 order, and says how many rows it had and whose
 * pages that changed, if anybody's. Those that walk a list advance the order
 * to the last row of the piece. */
#define COUNT " SELECT count(*), NULL FROM piece"
#define ADVANCE(ID, PREVIOUS, RESULT)                                         \
    ", step AS (UPDATE outbox SET previous = " PREVIOUS ", progress = mark,"  \
    " due = clock_timestamp() FROM (SELECT max(" ID ") AS mark FROM piece) m" \
    " WHERE outbox.id = $5::bigint"                                           \
    " AND mark IS NOT NULL)" RESULT

static struct pg_statement deliver = {
    .name = "deliver",
    .sql = "WITH piece AS MATERIALIZED (SELECT friend_id FROM friendship"
           " WHERE participant_id = $1::bigint AND friend_id > $3::bigint"
           " ORDER BY friend_id LIMIT $4::bigint),"
           " delivery AS (INSERT INTO inbound (participant_id, outbound_id)"
           " SELECT f.participant_id, o.id FROM piece"
           " JOIN friendship f ON f.participant_id = piece.friend_id"
           " AND f.friend_id = $1"
           " JOIN outbound o ON o.id = $2::bigint AND o.id >= f.since"
           " ON CONFLICT DO NOTHING)" ADVANCE("friend_id", "progress",
               " SELECT count(*), array_agg(friend_id) FROM piece"),
};

static struct pg_statement reconcile = {
    .name = "reconcile",
    .sql = "WITH piece AS MATERIALIZED ("
           "(SELECT id, $1::bigint AS author, $2::bigint AS reader"
           " FROM outbound WHERE participant_id = $1 AND id > $3::bigint"
           " ORDER BY id LIMIT $4::bigint) UNION ALL"
           " (SELECT id, $2, $1 FROM outbound"
           " WHERE participant_id = $2 AND id > $3 ORDER BY id LIMIT $4)"
           " ORDER BY id LIMIT $4),"
           " verdict AS MATERIALIZED (SELECT piece.id, reader,"
           " f.since IS NOT NULL AS belongs FROM piece LEFT JOIN friendship f"
           " ON f.participant_id = reader AND f.friend_id = author"
           " AND f.since <= piece.id),"
           " missing AS (INSERT INTO inbound (participant_id, outbound_id)"
           " SELECT reader, id FROM verdict WHERE belongs"
           " ON CONFLICT DO NOTHING),"
           " surplus AS (DELETE FROM inbound i USING verdict v"
           " WHERE i.participant_id = v.reader AND i.outbound_id = v.id"
           " AND NOT belongs)" ADVANCE("id", "previous", COUNT),
};

/* Its readers are the friends of its author; one that no longer is a friend
 * has an order of its own, which walks no list: it begins behind the end. */
static struct pg_statement sweep_post = {
    .name = "sweep_post",
    .sql = "WITH piece AS MATERIALIZED (SELECT friend_id FROM friendship"
           " WHERE participant_id = $1::bigint AND friend_id > $3::bigint"
           " ORDER BY friend_id LIMIT $4::bigint),"
           " feeds AS (DELETE FROM inbound i USING (SELECT friend_id AS reader"
           " FROM piece UNION ALL SELECT $1) readers"
           " WHERE i.participant_id = reader"
           " AND i.outbound_id = $2::bigint),"
           " entry AS (DELETE FROM search WHERE outbound_id = $2),"
           " set_aside AS (DELETE FROM outbox WHERE kind = 'x'"
           " AND participant_id = $1 AND other_id = $2),"
           " answer AS (UPDATE idempotency SET body = NULL"
           " WHERE participant_id = $1 AND outbound_id = $2"
           " AND body IS NOT NULL)" ADVANCE("friend_id", "previous", COUNT),
};

/* So many friends at a time, or so many posts of one friend's feed, that about
 * $4 rows go. A friend's last piece takes the friendship, too, and makes the
 * next turn a first one again, which waits for posts that still saw it. */
static struct pg_statement sweep_friends = {
    .name = "sweep_friends",
    .sql = "WITH posts AS MATERIALIZED (SELECT id FROM outbound"
           " WHERE participant_id = $1::bigint AND id > $3::bigint"
           " ORDER BY id LIMIT $4::bigint),"
           " last AS MATERIALIZED (SELECT count(*) < $4 AS is_last,"
           " count(*) AS posts, max(id) AS mark FROM posts),"
           " piece AS MATERIALIZED (SELECT friend_id FROM friendship"
           " WHERE participant_id = $1 ORDER BY friend_id LIMIT (SELECT"
           " CASE WHEN is_last AND $3 = 0 THEN greatest(1, $4 / (posts + 1))"
           " ELSE 1 END FROM last)),"
           " feeds AS (DELETE FROM inbound i USING piece, posts"
           " WHERE i.participant_id = friend_id"
           " AND i.outbound_id = posts.id),"
           " links AS (DELETE FROM friendship f USING piece, last"
           " WHERE is_last AND f.participant_id = $1"
           " AND f.friend_id = piece.friend_id),"
           " backlinks AS (DELETE FROM friendship f USING piece, last"
           " WHERE is_last AND f.participant_id = piece.friend_id"
           " AND f.friend_id = $1),"
           " step AS (UPDATE outbox SET due = clock_timestamp(),"
           " previous = CASE WHEN is_last THEN 0 ELSE 1 END,"
           " progress = CASE WHEN is_last THEN 0 ELSE mark END FROM last"
           " WHERE outbox.id = $5::bigint"
           " AND EXISTS (SELECT FROM piece))" COUNT,
};

static struct pg_statement sweep_feed = {
    .name = "sweep_feed",
    .sql = "WITH piece AS (DELETE FROM inbound WHERE participant_id ="
           " $1::bigint AND outbound_id IN (SELECT outbound_id FROM inbound"
           " WHERE participant_id = $1 LIMIT $4::bigint) RETURNING 1)" COUNT,
};

static struct pg_statement sweep_posts = {
    .name = "sweep_posts",
    .sql = "WITH piece AS (DELETE FROM outbound WHERE id IN (SELECT id"
           " FROM outbound WHERE participant_id = $1::bigint"
           " LIMIT $4::bigint) RETURNING id),"
           " entries AS (DELETE FROM search USING piece"
           " WHERE outbound_id = piece.id),"
           " set_aside AS (DELETE FROM outbox WHERE kind = 'x'"
           " AND participant_id = $1)" COUNT,
};

static struct pg_statement sweep_answers = {
    .name = "sweep_answers",
    .sql = "WITH piece AS (DELETE FROM idempotency WHERE (scope, key) IN"
           " (SELECT scope, key FROM idempotency"
           " WHERE participant_id = $1::bigint LIMIT $4::bigint)"
           " RETURNING 1)" COUNT,
};

static struct pg_statement *const steps[][5] = {
    [ORDER_DELIVER] = {&deliver},
    [ORDER_FRIENDSHIP] = {&reconcile},
    [ORDER_REMOVED] = {&sweep_post},
    [ORDER_GONE] = {&sweep_friends, &sweep_feed, &sweep_posts, &sweep_answers},
};

enum error outbox_work(struct pg *pg, const struct order *order, int limit,
    int *rows, struct buf *touched)
{
    struct pg_params params = {0};

    pg_add_int(&params, order->participant);
    pg_add_int(&params, order->other);
    pg_add_int(&params, order->progress);
    pg_add_int(&params, limit);
    pg_add_int(&params, order->id);

    *rows = 0;
    for (int i = 0; *rows == 0 && steps[order->kind][i]; i++) {
        enum error error = pg_exec(pg, steps[order->kind][i], &params);
        if (error)
            return error;
        *rows = (int)pg_int(pg, 0, 0);
        pg_ids(pg, 0, 1, touched);
    }
    return OK;
}

/* --- drops that failed -------------------------------------------------- */

#define DROP_LATER(WHOSE)                                          \
    "INSERT INTO outbox (kind, participant_id, progress)"          \
    " SELECT DISTINCT 'c'::\"char\", whose,"                       \
    " extract(epoch FROM now())::bigint + $2::bigint FROM (" WHOSE \
    ") who (whose) WHERE whose IS NOT NULL"

static enum error drop_later(struct pg *pg, struct pg_statement *statement,
    const struct buf *ids, int ttl)
{
    struct pg_params params = {0};

    pg_add_array(&params, ids);
    pg_add_int(&params, ttl);
    return pg_exec(pg, statement, &params);
}

enum error outbox_drop_later(struct pg *pg, const struct buf *orders, int ttl)
{
    static struct pg_statement statement = {
        .name = "drop_later",
        .sql = DROP_LATER("SELECT unnest(ARRAY[participant_id,"
                          " CASE kind WHEN 'f' THEN other_id END])"
                          " FROM outbox WHERE id = ANY ($1::bigint[])"),
    };

    return drop_later(pg, &statement, orders, ttl);
}

enum error outbox_drop_readers_later(
    struct pg *pg, const struct buf *posts, int ttl)
{
    static struct pg_statement statement = {
        .name = "drop_readers_later",
        .sql = DROP_LATER("SELECT participant_id FROM outbound"
                          " WHERE id = ANY ($1::bigint[])"),
    };

    return drop_later(pg, &statement, posts, ttl);
}

enum error outbox_take_drops(struct pg *pg, int limit, int *count,
    struct buf *orders, struct buf *touched)
{
    static struct pg_statement statement = {
        .name = "take_drops",
        .sql = "SELECT o.id, array(SELECT friend_id FROM friendship f"
               " WHERE f.participant_id = o.participant_id) || participant_id"
               " FROM outbox o WHERE kind = 'c' ORDER BY due"
               " LIMIT $1::int8 FOR UPDATE OF o SKIP LOCKED",
    };
    struct pg_params params = {0};

    pg_add_int(&params, limit);
    enum error error = pg_exec(pg, &statement, &params);
    if (!error)
        read_orders(pg, count, orders, touched);
    return error;
}

enum error outbox_forget_drops(
    struct pg *pg, const struct buf *orders, bool only_expired)
{
    static struct pg_statement statement = {
        .name = "forget_drops",
        .sql = "DELETE FROM outbox WHERE id = ANY ($1::bigint[])"
               " AND ($2::bigint = 0 OR progress < extract(epoch FROM now()))",
    };
    struct pg_params params = {0};

    pg_add_array(&params, orders);
    pg_add_int(&params, only_expired);
    return pg_exec(pg, &statement, &params);
}

/* --- idempotency keys --------------------------------------------------- */

/* What a clock that was set back left is as old as it can be known to be. */
enum error outbox_expire_keys(struct pg *pg, int hours, int limit, int *count)
{
    static struct pg_statement statement = {
        .name = "expire_keys",
        .sql = "WITH gone AS (DELETE FROM idempotency WHERE (scope, key) IN"
               " (SELECT scope, key FROM idempotency"
               " WHERE created < now() - $1::bigint * interval '1 hour'"
               " LIMIT $2::bigint FOR UPDATE SKIP LOCKED) RETURNING 1),"
               " early AS (UPDATE idempotency SET created = now()"
               " WHERE (scope, key) IN (SELECT scope, key FROM idempotency"
               " WHERE created > now() + interval '1 minute'"
               " LIMIT $2 FOR UPDATE SKIP LOCKED))"
               " SELECT count(*) FROM gone",
    };
    struct pg_params params = {0};

    pg_add_int(&params, hours);
    pg_add_int(&params, limit);
    enum error error = pg_exec(pg, &statement, &params);
    *count = error ? 0 : (int)pg_int(pg, 0, 0);
    return error;
}
