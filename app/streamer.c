/* Serves live feeds: one process with its listeners and its connection. */
#include <signal.h>
#include <stdlib.h>

#include "database.h"
#include "exit.h"
#include "live.h"
#include "streamer.h"

enum {
    STATEMENT_TIMEOUT = 2000, /* ms; all wait for each */

    /* Those who listen come again to the next process, spread over so many ms,
     * or half of the time that there is. */
    FAREWELL = 5000,
    FAREWELL_INTERVAL = 50,
    TURNED_AWAY = 256, /* connections of those, at a time */
};

struct streamer {
    struct slot *slot;
    struct live *live;
    struct push *push;
    int farewell; /* how many leave at a time */
};

static volatile sig_atomic_t stopping;

static void stop(int signal)
{
    (void)signal;
    stopping = 1;
}

static int leave(struct streamer *s)
{
    push_shut(s->push);
    if (!push_end_some(s->push, s->farewell))
        push_stop(s->push);
    return FAREWELL_INTERVAL;
}

static int turn(void *context)
{
    struct streamer *s = context;

    slot_busy(s->slot);
    int ms = live_turn(s->live);
    s->slot->listeners = live_count(s->live);
    if (stopping)
        ms = leave(s);
    slot_idle(s->slot);
    return ms;
}

/* The same part of all that may listen, each time. */
static int choose_farewell(const struct config *config)
{
    int time = config->worker_shutdown_timeout / 2;
    int times = (time < FAREWELL ? time : FAREWELL) / FAREWELL_INTERVAL + 1;

    return config->stream_listeners / times + 1;
}

static void *open_listener(void *context, struct push_peer *peer,
    const struct push_request *request, struct push_refusal *refusal)
{
    struct streamer *s = context;

    return live_open(s->live, peer, request, refusal);
}

static void close_listener(void *context, void *listener)
{
    struct streamer *s = context;

    live_close(s->live, listener);
}

int streamer_run(int listen_fd, const struct config *config,
    struct scoreboard *scoreboard, struct slot *slot)
{
    struct streamer s = {.slot = slot, .farewell = choose_farewell(config)};
    struct push_service service = {open_listener, close_listener, turn, &s};
    sigset_t none;
    int code = EXIT_FAILURE; /* the rest of the service does without it */

    signal(SIGQUIT, stop);
    struct pg *pg = database_new(config, STATEMENT_TIMEOUT, &scoreboard->db);
    if (pg)
        s.live = live_new(config, pg);
    if (s.live)
        s.push = push_new(listen_fd, config->stream_listeners + TURNED_AWAY,
            config->stream_heartbeat, &service);
    if (!s.push)
        goto out;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    push_run(s.push);
    code = EXIT_RETIRED;
out:
    push_free(s.push);
    live_free(s.live);
    pg_free(pg);
    return code;
}
