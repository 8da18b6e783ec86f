/* Delivers a post to many friends: `other` is the post, `progress` the last
 * friend who has it. */
#include "feed.h"
#include "job.h"
#include "sql.h"

enum {
    KEPT = 64 << 10 /* bytes of a buffer that stay allocated */
};

/* Those of the last piece, in case that whoever delivered it did not live to
 * put the post in front of their pages, or could not. */
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

/* The last piece of this process. */
static struct {
    int64_t order; /* 0: there is none */
    int64_t author;
    int64_t began; /* behind this friend */
    struct buf readers;
    struct news news;
} piece;

static enum error read_piece(const struct pg *pg, const struct order *order)
{
    piece.order = order->id;
    piece.author = order->participant;
    piece.began = order->progress;
    pg_ids(pg, 0, 1, &piece.readers);
    if (!pg_is_null(pg, 0, 4))
        news_set(&piece.news,
            &(struct item){
                .id = pg_int(pg, 0, 4),
                .from = order->participant,
                .occurred = pg_time(pg, 0, 5),
                .subject = pg_text(pg, 0, 6),
                .story = pg_text(pg, 0, 7),
                .edited = pg_time(pg, 0, 8),
            },
            pg_text(pg, 0, 2), pg_text(pg, 0, 3));
    return piece.readers.failed ? ERR_INTERNAL : OK;
}

static enum error deliver(struct turn *turn)
{
    static struct pg_statement statement = {
        .name = "deliver",
        .sql = sql_deliver,
    };

    piece.order = 0;
    buf_reset(&piece.readers, KEPT);
    news_reset(&piece.news, KEPT);
    enum error error = job_piece(turn, &statement);
    return error || turn->rows == 0 ? error
                                    : read_piece(turn->shift->pg, turn->order);
}

/* Where it could not be put in front, it is seen to that pages are dropped:
 * from those servers alone. */
static bool put_in_front(const struct shift *shift)
{
    struct cache_news news = {.print = news_print, .context = &piece.news};
    struct buf author = {0};

    cache_servers failed = cache_try_put(shift->cache,
        (const int64_t *)(const void *)piece.readers.data,
        piece.readers.len / sizeof(int64_t), &news);
    if (!failed)
        return true;
    buf_add(&author, &piece.author, sizeof(piece.author));
    bool is_noted =
        !author.failed && job_drop_later(shift, &author, failed) == OK;
    buf_free(&author);
    return is_noted;
}

/* The order goes on, and the next turn finds nobody of this piece, if that was
 * shown. Whoever has the order in a turn meanwhile sees to it himself. */
static enum error note(struct pg *pg, bool is_shown)
{
    static struct pg_statement statement = {
        .name = "delivered",
        .sql = "WITH mine AS (SELECT id,"
               " set_config('synchronous_commit', 'off', true) FROM outbox"
               " WHERE id = $1::bigint AND previous = $2::bigint"
               " FOR UPDATE SKIP LOCKED)"
               " UPDATE outbox o SET due = clock_timestamp(), previous ="
               " CASE WHEN $3::bigint = 1 THEN progress ELSE previous END"
               " FROM mine WHERE o.id = mine.id",
    };
    struct pg_params params = {0};

    pg_add_int(&params, piece.order);
    pg_add_int(&params, piece.began);
    pg_add_int(&params, is_shown);
    return pg_exec(pg, &statement, &params);
}

static void show(const struct shift *shift)
{
    if (piece.order)
        (void)note(shift->pg, put_in_front(shift)); /* or those are dropped */
}

struct job job_deliver = {
    'd', "deliver", deliver, find_readers, show, .batch = 1};
