/* Works the outbox off: search index, large deliveries, page drops. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "cache.h"
#include "dispatcher.h"
#include "log.h"
#include "outbox.h"
#include "store.h"
#include "worker.h"

enum {
    ORDERS_MAX = 100,          /* small ones in one transaction */
    POSTS_MAX = 500,           /* indexed in one transaction */
    STATEMENT_TIMEOUT = 10000, /* ms: a piece may take longer than a request */
    CACHE_RETRY = 250,         /* ms: a stale page must go within a second */
    SETTLE = 500,              /* ms from an order's first turn to the next */
    FAULT_PAUSE = 60000,     /* ms until an order that failed is tried again */
    EXPIRY_INTERVAL = 60000, /* ms between looks for old keys */
    EXPIRY_PIECE = 10000,    /* keys in one transaction */
    TOUCHED_KEPT = 64 << 10, /* bytes of a buffer that stay allocated */
};

struct dispatcher {
    const struct config *config;
    struct pg *pg;
    struct cache *cache;
    struct breaker breakers[SCOREBOARD_CACHES];
    int batch; /* posts to take at once: fewer after one failed */
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
    return cache_drop(d->cache, (const int64_t *)(void *)d->touched.data,
        d->touched.len / sizeof(int64_t));
}

/* Drops what the orders touched, or sees to it that it is tried again. */
static enum error drop_or_note(struct dispatcher *d)
{
    if (d->orders.failed || d->touched.failed)
        return ERR_INTERNAL;
    if (drop(d))
        return OK;
    return outbox_drop_later(d->pg, &d->orders, d->config->cache_ttl);
}

/* A post that makes a batch fail must not hold up the others: halve the batch
 * until it stands alone, then set it aside. */
static void isolate_fault(struct dispatcher *d, int count)
{
    if (count > 1) {
        d->batch = count / 2;
        return;
    }
    if (outbox_park_post(d->pg))
        log_error("dispatcher", "a post's order could not be set aside");
    d->batch = POSTS_MAX;
}

/* Each of the following does one transaction's worth of work; true: there may
 * be more. */

static bool index_posts(struct dispatcher *d)
{
    int count = 0;

    if (!start_turn(d))
        return false;
    enum error error = outbox_take_posts(d->pg, d->batch,
        d->config->feed_inline_friends, &count, &d->orders, &d->touched);
    if (!error && count > 0)
        error = drop_or_note(d);
    if (!error && count > 0)
        error = outbox_index_posts(d->pg, &d->orders);
    if (!error && count > 0)
        error = pg_commit(d->pg);
    pg_rollback(d->pg);

    if (error == ERR_INTERNAL && count > 0)
        isolate_fault(d, count);
    else if (!error)
        d->batch = POSTS_MAX;
    return !error && count == POSTS_MAX;
}

/* *is_small: nothing is left of it, or nothing was to be done yet. */
static enum error do_turn(
    struct dispatcher *d, const struct order *order, bool *is_small)
{
    buf_reset(&d->orders, TOUCHED_KEPT);
    buf_reset(&d->touched, TOUCHED_KEPT);
    buf_printf(&d->orders, "{%lld}", (long long)order->id);

    *is_small = true;
    enum error error = outbox_touched(d->pg, order, &d->touched);
    if (!error)
        error = drop_or_note(d);
    if (!error && !order->ready)
        return outbox_postpone(d->pg, order->id, SETTLE);
    if (!error)
        error =
            outbox_work(d->pg, order, d->config->dispatcher_piece, is_small);
    if (!error && *is_small)
        error = outbox_delete(d->pg, order->id);
    return error;
}

/* An order that fails by itself must not be the first again at once. */
static void set_back(struct dispatcher *d, const struct order *order)
{
    log_error("dispatcher",
        "order %lld of kind '%c' failed; tried again in %d s",
        (long long)order->id, order->kind, FAULT_PAUSE / 1000);
    if (outbox_postpone(d->pg, order->id, FAULT_PAUSE))
        log_error("dispatcher", "the order could not be put off");
}

/* Small orders share a transaction; one that has more to do ends it. */
static bool take_turns(struct dispatcher *d, enum outbox_kind kind)
{
    struct order order = {0};
    enum error error = OK;
    bool is_small = true;
    int count = 0;

    if (!start_turn(d))
        return false;
    for (; !error && is_small && count < ORDERS_MAX; count++) {
        order.id = 0;
        error = outbox_take(d->pg, kind, &order);
        if (!error)
            error = do_turn(d, &order, &is_small);
    }
    if (error == ERR_NOT_FOUND && count > 1)
        error = OK;
    if (!error)
        error = pg_commit(d->pg);
    pg_rollback(d->pg);

    if (error == ERR_INTERNAL && order.id)
        set_back(d, &order);
    return !error;
}

static bool retry_drops(struct dispatcher *d)
{
    int count = 0;

    if (!start_turn(d))
        return false;
    enum error error =
        outbox_take_drops(d->pg, &count, &d->orders, &d->touched);
    bool dropped = !error && count > 0 && drop(d);
    if (!error && count > 0)
        error = outbox_forget_drops(d->pg, dropped ? &d->orders : NULL);
    if (!error && count > 0)
        error = pg_commit(d->pg);
    pg_rollback(d->pg);
    return !error && dropped;
}

static void expire_keys(struct dispatcher *d)
{
    if (monotonic_ms() < d->next_expiry)
        return;
    d->next_expiry = monotonic_ms() + EXPIRY_INTERVAL;
    if (outbox_expire_keys(
            d->pg, d->config->feed_idempotency_hours, EXPIRY_PIECE))
        log_warn("dispatcher", "old idempotency keys could not be deleted");
}

/* One look, then a piece of each kind, so that no kind of order waits for the
 * whole of another. */
static bool work_round(struct dispatcher *d)
{
    char kinds[OUTBOX_KINDS_MAX];
    bool more = false;

    expire_keys(d);
    if (outbox_look(d->pg, kinds))
        return false;
    for (const char *kind = kinds; *kind; kind++)
        if (*kind == ORDER_POST)
            more |= index_posts(d);
        else if (*kind == ORDER_DROP)
            more |= retry_drops(d);
        else
            more |= take_turns(d, (enum outbox_kind) * kind);
    return more;
}

/* QUIT is heard only here, so that it never cuts a piece off. */
static void rest(int ms, const sigset_t *mask)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};

    ppoll(NULL, 0, &time, mask);
}

int dispatcher_run(const struct config *config, struct scoreboard *scoreboard)
{
    struct pg_settings settings = {
        .conninfo = config->db_conninfo,
        .connect_timeout = config->db_connect_timeout,
        .statement_timeout = STATEMENT_TIMEOUT,
        .prepare = config->db_prepare,
        .schema_version = STORE_SCHEMA_VERSION,
        .breaker = &scoreboard->db,
    };
    struct dispatcher d = {.config = config, .batch = POSTS_MAX};
    sigset_t quit, mask;
    int code = EXIT_DO_NOT_RESTART;

    log_set_process("dispatcher");
    sigemptyset(&quit);
    sigaddset(&quit, SIGQUIT);
    sigprocmask(SIG_BLOCK, &quit, NULL);
    signal(SIGQUIT, stop);
    sigemptyset(&mask);

    d.pg = pg_new(&settings);
    d.cache = cache_new(config, d.breakers, CACHE_RETRY);
    if (!d.pg || !d.cache)
        goto out;
    while (!stopping)
        rest(work_round(&d) ? 0 : config->dispatcher_interval, &mask);
    code = EXIT_RETIRED;
out:
    buf_free(&d.orders);
    buf_free(&d.touched);
    cache_free(d.cache);
    pg_free(d.pg);
    return code;
}
