/* Does what no client waits for: one process with its connections, a round of
 * followers and jobs, a rest. */
#include <poll.h>
#include <signal.h>

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
    if (monotonic_ms() >= d->next_expiry && !expire_old(&d->shift))
        d->next_expiry = monotonic_ms() + EXPIRY_INTERVAL;
}

/* Those who wait for one turn of something else at most. */
static bool hurry(struct dispatcher *d)
{
    bool more = false;

    for (int i = 0; followers[i]; i++)
        if (followers[i]->is_urgent && followers[i]->is_behind) {
            slot_busy(d->slot); /* anew, so that one that hangs is seen */
            more |= follower_work(&d->shift, followers[i]);
        }
    return more;
}

/* Behind such a turn. */
static bool look_and_hurry(struct dispatcher *d)
{
    slot_busy(d->slot);
    return agenda_look(d->shift.config, d->shift.pg) == OK && hurry(d);
}

static bool follow(struct dispatcher *d, struct follower *follower)
{
    if (follower->is_urgent || !follower->is_behind)
        return false;
    slot_busy(d->slot);
    bool more = follower_work(&d->shift, follower);
    return look_and_hurry(d) || more;
}

static bool work(struct dispatcher *d, struct job *job)
{
    if (!job->is_due)
        return false;
    slot_busy(d->slot);
    bool more = job_work(&d->shift, job);
    return look_and_hurry(d) || more;
}

/* A turn of each follower and each kind of order that has something to do, so
 * that none waits for the whole of another. Where there is nothing to do, all
 * of it is one look. */
static bool work_round(struct dispatcher *d)
{
    const struct shift *shift = &d->shift;

    slot_busy(d->slot);
    cache_pay(shift->cache);
    expire(d);
    if (agenda_look(shift->config, shift->pg))
        return false;
    cache_meet_database(shift->cache, pg_identity(shift->pg));
    bool more = hurry(d);
    for (int i = 0; followers[i]; i++)
        more |= follow(d, followers[i]);
    for (int i = 0; jobs[i]; i++)
        more |= work(d, jobs[i]);
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
    if (!d.shift.pg || !d.shift.flusher || !d.shift.cache)
        goto out;
    while (!stopping) {
        bool more = work_round(&d);
        slot_idle(slot);
        rest(more ? 0 : config->dispatcher_interval, &mask);
    }
    code = EXIT_RETIRED;
out:
    cache_free(d.shift.cache);
    pg_free(d.shift.pg);
    pg_free(d.shift.flusher);
    return code;
}
