/* Works the outbox off: one process with its connections, a round of
 * followers and jobs, a rest. */
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "agenda.h"
#include "clock.h"
#include "database.h"
#include "dispatcher.h"
#include "exit.h"
#include "expire.h"
#include "log.h"

enum {
    FLUSH_TIMEOUT = 300000,    /* ms */
    STATEMENT_TIMEOUT = 10000, /* ms: a piece may take longer than a request */
    EXPIRY_INTERVAL = 60000,   /* ms between looks for old keys */
};

struct dispatcher {
    struct shift shift;
    struct slot *slot;
    struct cache_guard guards[SCOREBOARD_CACHES];
    struct buf letters; /* of all jobs */
    struct buf strange; /* letters that were told of */
    int64_t next_expiry;
};

static volatile sig_atomic_t stopping;

static void stop(int signal)
{
    (void)signal;
    stopping = 1;
}

/* --- a round ------------------------------------------------------------ */

static void expire(struct dispatcher *d)
{
    if (monotonic_ms() >= d->next_expiry && !expire_keys(&d->shift))
        d->next_expiry = monotonic_ms() + EXPIRY_INTERVAL;
}

/* Orders of a kind that another release makes stay for a program that knows
 * it. */
static void note_strange(struct dispatcher *d, const struct outbox_kind *kind)
{
    if (kind->letter == OUTBOX_SET_ASIDE ||
        strchr(buf_text(&d->letters), kind->letter) ||
        strchr(buf_text(&d->strange), kind->letter))
        return;
    buf_add(&d->strange, &kind->letter, 1);
    log_error("dispatcher",
        "there are orders of kind '%c', %s, which this program does not know; "
        "they stay",
        kind->letter, *kind->name ? kind->name : "of which nobody has a name");
}

static bool is_due(char letter, const struct outbox_kind *kinds, int count)
{
    for (int i = 0; i < count; i++)
        if (kinds[i].letter == letter)
            return kinds[i].is_due;
    return false;
}

static bool follow(struct dispatcher *d, struct follower *follower)
{
    slot_busy(d->slot); /* anew, so that one that hangs is seen */
    return follower_is_behind(&d->shift, follower) &&
           follower_work(&d->shift, follower);
}

/* Behind each turn of something else. */
static bool hurry(struct dispatcher *d)
{
    bool more = false;

    for (int i = 0; followers[i]; i++)
        if (followers[i]->is_urgent)
            more |= follow(d, followers[i]);
    return more;
}

/* One look, then a piece of each kind, so that no kind of order waits for the
 * whole of another. */
static bool work_round(struct dispatcher *d)
{
    const struct shift *shift = &d->shift;
    struct outbox_kind kinds[OUTBOX_KINDS_MAX];
    int count;

    slot_busy(d->slot);
    cache_pay(shift->cache);
    expire(d);
    if (outbox_look(shift->pg, buf_text(&d->letters), kinds, &count))
        return false;
    cache_meet_database(shift->cache, pg_identity(shift->pg));
    for (int i = 0; i < count; i++)
        note_strange(d, &kinds[i]);
    bool more = hurry(d);
    for (int i = 0; followers[i]; i++)
        if (!followers[i]->is_urgent) {
            more |= follow(d, followers[i]);
            more |= hurry(d);
        }
    for (int i = 0; jobs[i]; i++)
        if (is_due(jobs[i]->letter, kinds, count)) {
            slot_busy(d->slot);
            more |= job_work(shift, jobs[i]);
            more |= hurry(d);
        }
    for (int i = 0; followers[i]; i++)
        if (followers[i]->end_round)
            followers[i]->end_round(shift, more);
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
        .shift.config = config,
        .slot = slot,
    };
    sigset_t quit, mask;
    int code = EXIT_DO_NOT_RESTART;

    log_set_process("dispatcher");
    sigemptyset(&quit);
    sigaddset(&quit, SIGQUIT);
    sigprocmask(SIG_BLOCK, &quit, NULL);
    signal(SIGQUIT, stop);
    sigemptyset(&mask);

    d.shift.pg = database_new(config, STATEMENT_TIMEOUT, &scoreboard->db);
    d.shift.flusher = database_new(config, FLUSH_TIMEOUT, NULL);
    d.shift.cache = cache_new(config, d.guards, scoreboard->payments);
    job_letters(jobs, &d.letters);
    if (!d.shift.pg || !d.shift.flusher || !d.shift.cache || d.letters.failed)
        goto out;
    while (!stopping) {
        bool more = work_round(&d);
        slot_idle(slot);
        rest(more ? 0 : config->dispatcher_interval, &mask);
    }
    code = EXIT_RETIRED;
out:
    buf_free(&d.letters);
    buf_free(&d.strange);
    cache_free(d.shift.cache);
    pg_free(d.shift.pg);
    pg_free(d.shift.flusher);
    return code;
}
