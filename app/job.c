/* Jobs on the outbox: whether a table of them holds, and a transaction's worth
 * of one. */
#include "job.h"
#include "batch.h"
#include "clock.h"
#include "log.h"

enum {
    SETTLE = 500, /* ms from an order's first turn to the next */
    FAULT_PAUSE = OUTBOX_PAUSE_MAX, /* until one that failed is tried again */
    LATE_PAUSE = 5000,              /* the same for one that took too long */
};

static void check(const struct job *job, struct buf *faults)
{
    if (job->letter < 'a' || job->letter > 'z' ||
        job->letter == OUTBOX_SET_ASIDE)
        buf_printf(faults, "job '%c': its letter must be a to z, not %c\n",
            job->letter, OUTBOX_SET_ASIDE);
    if (!job->name || !*job->name)
        buf_printf(faults, "job '%c': it has no name\n", job->letter);
    if (job->work)
        return;
    if (!job->turn)
        buf_printf(faults, "job '%c': it has no turn\n", job->letter);
    if (job->batch < 1 || job->batch > OUTBOX_BATCH_MAX)
        buf_printf(faults, "job '%c': its batch must be 1 to %d\n", job->letter,
            OUTBOX_BATCH_MAX);
}

bool job_check(struct job *const *table, struct buf *faults)
{
    size_t before = faults->len;

    for (struct job *const *job = table; *job; job++) {
        check(*job, faults);
        for (struct job *const *other = table; other < job; other++)
            if ((*other)->letter == (*job)->letter)
                buf_printf(
                    faults, "job '%c': the letter is twice\n", (*job)->letter);
    }
    return faults->len == before && !faults->failed;
}

void job_letters(struct job *const *table, struct buf *letters)
{
    for (; *table; table++)
        buf_add(letters, &(*table)->letter, 1);
}

enum error job_piece(struct turn *turn, struct pg_statement *statement)
{
    const struct order *order = turn->order;
    struct pg *pg = turn->shift->pg;
    struct pg_params params = {0};

    pg_add_int(&params, order->participant);
    pg_add_int(&params, order->other);
    pg_add_int(&params, order->progress);
    pg_add_int(&params, turn->shift->config->dispatcher_piece);
    pg_add_int(&params, order->id);
    enum error error = pg_exec(pg, statement, &params);
    if (error)
        return error;
    turn->rows = (int)pg_int(pg, 0, 0);
    return OK;
}

/* --- a transaction's worth ---------------------------------------------- */

struct work {
    const struct shift *shift;
    const struct job *job;
    struct order orders[OUTBOX_BATCH_MAX];
    int count;
    const struct order *at; /* in its turn */
    int64_t began;
    int rows;
    bool may_go_on;   /* some came further */
    struct buf done;  /* ids */
    struct buf later; /* ids */
};

static enum error note_drops(const struct work *work, cache_servers servers)
{
    struct buf participants = {0};

    for (int i = 0; i < work->count; i++) {
        const struct order *order = &work->orders[i];
        buf_add(&participants, &order->participant, sizeof(int64_t));
        if (work->job->names_two)
            buf_add(&participants, &order->other, sizeof(int64_t));
    }
    enum error error = job_drop_later(work->shift, &participants, servers);
    buf_free(&participants);
    return error;
}

/* Drops what the last turns changed, or sees to it that it is tried again. */
static enum error drop_readers(const struct work *work)
{
    struct pg *pg = work->shift->pg;
    cache_servers failed = 0;
    struct buf feeds = {0};
    struct buf ids = {0};

    for (int i = 0; i < work->count; i++)
        buf_add(&ids, &work->orders[i].id, sizeof(int64_t));
    enum error error = work->job->readers(pg, &ids);
    for (int i = 0; !error && i < pg_rows(pg); i++)
        pg_ids(pg, i, 0, &feeds);
    if (!error && feeds.failed)
        error = ERR_INTERNAL;
    if (!error)
        failed = shift_drop(work->shift, &feeds, CACHE_EVERYWHERE);
    if (failed)
        error = note_drops(work, failed);
    buf_free(&feeds);
    buf_free(&ids);
    return error;
}

static enum error take_turn(struct work *work, const struct order *order)
{
    struct turn turn = {
        .shift = work->shift,
        .order = order,
    };

    if (order->ready) {
        enum error error = work->job->turn(&turn);
        if (error)
            return error;
    }
    work->rows += turn.rows;
    work->may_go_on |= !turn.waits;
    if (!order->ready || turn.waits)
        buf_add(&work->later, &order->id, sizeof(order->id));
    else if (turn.rows == 0)
        buf_add(&work->done, &order->id, sizeof(order->id));
    return OK;
}

/* Small orders share a transaction, until they had a piece's worth of rows
 * together, or a slow database took a batch's time for them. */
static enum error take_turns(struct work *work)
{
    enum error error = OK;

    for (int i = 0; !error && i < work->count; i++) {
        if (work->rows >= work->shift->config->dispatcher_piece ||
            (i > 0 && monotonic_ms() - work->began >= BATCH_MS))
            break;
        work->at = &work->orders[i];
        error = take_turn(work, work->at);
    }
    if (!error)
        work->at = NULL;
    return error;
}

static enum error put_back(const struct work *work)
{
    struct pg *pg = work->shift->pg;
    enum error error = OK;

    if (work->done.failed || work->later.failed)
        return ERR_INTERNAL;
    if (work->done.len > 0)
        error = outbox_delete(pg, &work->done);
    if (!error && work->later.len > 0)
        error = outbox_postpone(pg, &work->later, SETTLE);
    return error;
}

/* An order that fails must not be the first again at once. Which one it was is
 * known of one in its turn, and of one that stood alone. */
static void set_back(const struct work *work, enum error error)
{
    const struct order *order = work->at;
    int pause = error == ERR_INTERNAL ? FAULT_PAUSE : LATE_PAUSE;

    if (!order && work->count == 1)
        order = &work->orders[0];
    if (!order || !pg_is_connected(work->shift->pg))
        return;
    log_error("dispatcher",
        "order %lld of kind '%c', %s, failed; tried again in %d s",
        (long long)order->id, work->job->letter, work->job->name, pause / 1000);
    if (outbox_delay(work->shift->pg, order->id, pause))
        log_error("dispatcher", "the order could not be put off");
}

static enum error transact(struct work *work, int limit)
{
    const struct job *job = work->job;
    struct pg *pg = work->shift->pg;

    enum error error = pg_begin(pg);
    if (!error)
        error = outbox_take(
            pg, job->letter, limit, job->settles, work->orders, &work->count);
    if (!error && work->count > 0 && job->readers)
        error = drop_readers(work);
    if (!error)
        error = take_turns(work);
    if (!error)
        error = put_back(work);
    if (!error && work->count > 0)
        error = pg_commit(pg);
    pg_rollback(pg);
    return error;
}

static bool take_orders(const struct shift *shift, struct job *job)
{
    struct work work = {
        .shift = shift,
        .job = job,
        .began = monotonic_ms(),
    };
    int size = job->size > 0 ? job->size : job->batch;

    enum error error = transact(&work, size);
    if (!error && work.count > 0 && job->show)
        job->show(shift);
    if (error)
        set_back(&work, error);
    if (work.count > 0)
        job->size =
            batch_next(size, job->batch, !error, monotonic_ms() - work.began);
    buf_free(&work.done);
    buf_free(&work.later);
    return !error && work.may_go_on;
}

bool job_work(const struct shift *shift, struct job *job)
{
    return job->work ? job->work(shift) : take_orders(shift, job);
}
