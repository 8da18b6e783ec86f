/* Works the outbox off: search index, large deliveries, page drops. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "cache.h"
#include "clock.h"
#include "database.h"
#include "dispatcher.h"
#include "exit.h"
#include "log.h"
#include "outbox.h"

enum {
    ORDERS_MAX = 100,          /* small ones in one transaction */
    POSTS_MAX = 1000,          /* indexed in one transaction */
    FLUSH_POSTS = 4000,        /* so many are put in their place at once */
    FLUSH_INTERVAL = 1000,     /* ms between flushes of fewer */
    FLUSH_TIMEOUT = 300000,    /* ms */
    DROPS_MAX = 500,           /* orders to drop pages, likewise */
    BATCH_MS = 300,            /* a batch that took longer is halved */
    STATEMENT_TIMEOUT = 10000, /* ms: a piece may take longer than a request */
    SETTLE = 500,              /* ms from an order's first turn to the next */
    FAULT_PAUSE = 60000, /* ms until an order that failed is tried again */
    LATE_PAUSE = 5000,   /* the same for one that took too long */
    LONGEST_PAUSE = FAULT_PAUSE + 1000,
    EXPIRY_INTERVAL = 60000, /* ms between looks for old keys */
    EXPIRY_PIECE = 10000,    /* keys in one transaction */
    TOUCHED_KEPT = 64 << 10, /* bytes of a buffer that stay allocated */
};

struct dispatcher {
    const struct config *config;
    struct slot *slot;
    struct pg *pg;
    struct pg *flusher; /* goes on while others are indexed */
    struct cache *cache;
    struct cache_guard guards[SCOREBOARD_CACHES];
    int posts;     /* to take at once */
    int drops;     /* likewise */
    int unflushed; /* posts */
    int64_t next_flush;
    int64_t next_expiry;
    struct buf orders;
    struct buf touched;
};

static volatile sig_atomic_t stopping;

static void stop(int signal)
{
    (void)signal;
    stopping = 1;
}

static bool start_turn(struct dispatcher *d)
{
    buf_reset(&d->orders, TOUCHED_KEPT);
    buf_reset(&d->touched, TOUCHED_KEPT);
    return !pg_begin(d->pg);
}

static bool drop(struct dispatcher *d)
{
    return cache_try_drop(d->cache, (const int64_t *)(void *)d->touched.data,
        d->touched.len / sizeof(int64_t));
}

/* Drops what the orders or posts touched, or sees to it that it is tried
 * again. */
static enum error drop_or_note(struct dispatcher *d,
    enum error (*note)(struct pg *, const struct buf *, int))
{
    if (d->orders.failed || d->touched.failed)
        return ERR_INTERNAL;
    if (drop(d))
        return OK;
    return note(d->pg, &d->orders, d->config->cache_ttl);
}

/* The size of the next batch: smaller after one that failed or took long. */
static int next_size(int size, int max, bool is_good, int64_t began)
{
    if (!is_good || monotonic_ms() - began > BATCH_MS)
        return size > 1 ? size / 2 : 1;
    return size * 2 < max ? size * 2 : max;
}

/* Each of the following does one transaction's worth of work; true: there may
 * be more. */

static void set_post_aside(struct dispatcher *d)
{
    int count;

    if (!start_turn(d))
        return;
    enum error error =
        outbox_take_posts(d->pg, 1, 0, &count, &d->orders, &d->touched);
    if (!error && count > 0)
        error = outbox_park_posts(d->pg, &d->orders);
    if (!error && count > 0)
        error = outbox_pass_posts(d->pg, &d->orders);
    if (!error)
        error = pg_commit(d->pg);
    pg_rollback(d->pg);

    if (error)
        log_error("dispatcher", "a post could not be set aside");
    else if (count > 0)
        log_error("dispatcher",
            "post %s cannot be indexed; set aside in outbox as kind 'x'",
            d->orders.data);
}

/* A post that makes its batch fail must not hold up the others: the batch is
 * halved until it stands alone, and then it is set aside. */
static bool index_posts(struct dispatcher *d)
{
    int64_t began = monotonic_ms();
    int wanted = d->posts;
    int count = 0;

    if (!start_turn(d))
        return false;
    enum error error = outbox_take_posts(d->pg, wanted,
        d->config->feed_inline_friends, &count, &d->orders, &d->touched);
    if (!error && count > 0)
        error = drop_or_note(d, outbox_drop_readers_later);
    if (!error && count > 0)
        error = outbox_index_posts(d->pg, &d->orders);
    if (!error && count > 0)
        error = outbox_pass_posts(d->pg, &d->orders);
    if (!error)
        error = outbox_close_gaps(d->pg);
    if (!error)
        error = pg_commit(d->pg);
    pg_rollback(d->pg);

    if (error == ERR_INTERNAL && count == 1)
        set_post_aside(d);
    if (!error)
        d->unflushed += count;
    if (!error || count > 0 || pg_is_connected(d->pg))
        d->posts = next_size(wanted, POSTS_MAX, !error, began);
    return !error && count == wanted;
}

/* What was indexed waits in a list until there is much of it, or nothing else
 * to do. */
static void flush_search(struct dispatcher *d, bool more)
{
    bool is_much = d->unflushed >= FLUSH_POSTS;
    bool is_time = !more && d->unflushed > 0 && monotonic_ms() >= d->next_flush;

    if (pg_is_running(d->flusher) || (!is_much && !is_time))
        return;
    if (outbox_flush_search(d->flusher))
        log_warn("dispatcher", "the search index could not be flushed");
    d->unflushed = 0;
    d->next_flush = monotonic_ms() + FLUSH_INTERVAL;
}

/* *rows: how many the piece had; 0 as well if it was not its time yet. */
static enum error do_turn(
    struct dispatcher *d, const struct order *order, int *rows)
{
    buf_reset(&d->orders, TOUCHED_KEPT);
    buf_reset(&d->touched, TOUCHED_KEPT);
    buf_printf(&d->orders, "{%lld}", (long long)order->id);

    *rows = 0;
    enum error error = outbox_touched(d->pg, order, &d->touched);
    if (!error)
        error = drop_or_note(d, outbox_drop_later);
    if (error)
        return error;
    if (!order->ready)
        return outbox_postpone(d->pg, order->id, SETTLE);

    buf_reset(&d->touched, TOUCHED_KEPT);
    error = outbox_work(
        d->pg, order, d->config->dispatcher_piece, rows, &d->touched);
    if (!error && *rows == 0)
        error = outbox_delete(d->pg, order->id);
    return error;
}

/* An order that fails must not be the first again at once. */
static void set_back(
    struct dispatcher *d, const struct order *order, enum error error)
{
    int pause = error == ERR_INTERNAL ? FAULT_PAUSE : LATE_PAUSE;

    log_error("dispatcher",
        "order %lld of kind '%c' failed; tried again in %d s",
        (long long)order->id, order->kind, pause / 1000);
    if (outbox_delay(d->pg, order->id, pause))
        log_error("dispatcher", "the order could not be put off");
}

/* Small orders share a transaction, until they had a piece's worth of rows
 * together, or a slow database took a batch's time for them. What a delivery
 * changed is dropped at once, and once more in the order's next turn, in case
 * that this process does not live to do it. */
static bool take_turns(struct dispatcher *d, enum outbox_kind kind)
{
    int64_t began = monotonic_ms();
    struct order order = {0};
    enum error error = OK;
    int total = 0;
    int count = 0;

    if (!start_turn(d))
        return false;
    while (!error && count < ORDERS_MAX &&
           total < d->config->dispatcher_piece &&
           monotonic_ms() - began < BATCH_MS) {
        int rows = 0;
        order.id = 0;
        error = outbox_take(d->pg, kind, &order);
        if (!error)
            error = do_turn(d, &order, &rows);
        if (!error)
            count++;
        total += rows;
        if (kind == ORDER_DELIVER)
            break;
    }
    if (error == ERR_NOT_FOUND && count > 0)
        error = OK;
    if (!error)
        error = pg_commit(d->pg);
    pg_rollback(d->pg);

    if (!error && kind == ORDER_DELIVER)
        drop(d);
    if (error && order.id && pg_is_connected(d->pg))
        set_back(d, &order, error);
    return !error;
}

static bool retry_drops(struct dispatcher *d)
{
    int64_t began = monotonic_ms();
    int wanted = d->drops;
    int count = 0;

    if (!start_turn(d))
        return false;
    enum error error =
        outbox_take_drops(d->pg, wanted, &count, &d->orders, &d->touched);
    bool fits = !d->orders.failed && !d->touched.failed;
    bool dropped = !error && count > 0 && fits && drop(d);
    if (!error && count > 0)
        error = outbox_forget_drops(d->pg, &d->orders, !dropped);
    if (!error && count > 0)
        error = pg_commit(d->pg);
    pg_rollback(d->pg);

    if (count > 0)
        d->drops = next_size(wanted, DROPS_MAX, fits && !error, began);
    return !error && dropped;
}

static void expire_keys(struct dispatcher *d)
{
    int count = 0;

    if (monotonic_ms() < d->next_expiry)
        return;
    if (outbox_expire_keys(
            d->pg, d->config->feed_idempotency_hours, EXPIRY_PIECE, &count))
        log_warn("dispatcher", "old idempotency keys could not be deleted");
    if (count < EXPIRY_PIECE)
        d->next_expiry = monotonic_ms() + EXPIRY_INTERVAL;
}

/* One look, then a piece of each kind, so that no kind of order waits for the
 * whole of another. */
static bool work_round(struct dispatcher *d)
{
    char kinds[OUTBOX_KINDS_MAX];
    bool more = false;

    slot_busy(d->slot);
    cache_pay(d->cache);
    expire_keys(d);
    if (outbox_look(d->pg, LONGEST_PAUSE, kinds))
        return false;
    cache_meet_database(d->cache, pg_identity(d->pg));
    for (int i = 0; kinds[i]; i++) {
        enum outbox_kind kind = (enum outbox_kind)kinds[i];
        slot_busy(d->slot); /* anew, so that one that hangs is seen */
        if (kind == ORDER_POST)
            more |= index_posts(d);
        else if (kind == ORDER_DROP)
            more |= retry_drops(d);
        else
            more |= take_turns(d, kind);
    }
    flush_search(d, more);
    return more;
}

/* QUIT is heard only here, so that it never cuts a piece off. */
static void rest(int ms, const sigset_t *mask)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};

    ppoll(NULL, 0, &time, mask);
}

int dispatcher_run(const struct config *config, struct scoreboard *scoreboard,
    struct slot *slot)
{
    struct dispatcher d = {
        .config = config,
        .slot = slot,
        .posts = POSTS_MAX,
        .drops = DROPS_MAX,
    };
    sigset_t quit, mask;
    int code = EXIT_DO_NOT_RESTART;

    log_set_process("dispatcher");
    sigemptyset(&quit);
    sigaddset(&quit, SIGQUIT);
    sigprocmask(SIG_BLOCK, &quit, NULL);
    signal(SIGQUIT, stop);
    sigemptyset(&mask);

    d.pg = database_new(config, STATEMENT_TIMEOUT, &scoreboard->db);
    d.flusher = database_new(config, FLUSH_TIMEOUT, NULL); /* may be late */
    d.cache = cache_new(config, d.guards, scoreboard->payments);
    if (!d.pg || !d.flusher || !d.cache)
        goto out;
    while (!stopping) {
        bool more = work_round(&d);
        slot_idle(slot);
        rest(more ? 0 : config->dispatcher_interval, &mask);
    }
    code = EXIT_RETIRED;
out:
    buf_free(&d.orders);
    buf_free(&d.touched);
    cache_free(d.cache);
    pg_free(d.pg);
    pg_free(d.flusher);
    return code;
}
