/* One worker's life: accept, serve, answer, until told to stop. */
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "cache.h"
#include "exit.h"
#include "fcgi.h"
#include "log.h"
#include "metrics.h"
#include "serve.h"
#include "worker.h"

enum {
    JITTER_PERCENT = 20,
    CONNECT_INTERVAL = 100, /* ms between attempts without a connection */
    MOMENT = 2,             /* ms without a request, to send what can wait */
};

static const int stop_signals[] = {SIGQUIT, SIGTERM, SIGINT};
enum {
    STOP_SIGNALS = sizeof(stop_signals) / sizeof(*stop_signals)
};

static volatile sig_atomic_t stop;

static void on_stop(int number)
{
    (void)number;
    stop = 1;
}

/* After fcgi_open, because libfcgi installs handlers too. The signals stay
 * blocked but for the wait in fcgi_accept: libfcgi takes an interrupted read
 * or write for the end of the connection and would cut an answer short. */
static void catch_signals(sigset_t *wait_mask)
{
    struct sigaction action = {.sa_handler = on_stop};

    sigprocmask(SIG_BLOCK, NULL, wait_mask);
    for (int i = 0; i < STOP_SIGNALS; i++) {
        sigaction(stop_signals[i], &action, NULL);
        sigdelset(wait_mask, stop_signals[i]);
    }
}

/* While connections keep coming, the wait returns with the next of them and
 * never delivers a signal: a busy worker must look for itself. */
static bool is_told_to_stop(void)
{
    sigset_t pending;

    sigpending(&pending);
    for (int i = 0; i < STOP_SIGNALS; i++)
        if (sigismember(&pending, stop_signals[i]))
            stop = 1;
    return stop;
}

/* Spread, so that workers that started together do not retire together. */
static uint64_t choose_limit(int max_requests)
{
    uint32_t random = 0;

    if (max_requests == 0)
        return UINT64_MAX;
    if (getrandom(&random, sizeof(random), 0) < 0)
        random = 0;
    uint64_t percent = 100 - JITTER_PERCENT + random % (2 * JITTER_PERCENT + 1);
    uint64_t limit = (uint64_t)max_requests * percent / 100;
    return limit > 0 ? limit : 1;
}

static int64_t wall_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void mark_busy(void *slot)
{
    slot_busy(slot);
}

struct worker {
    struct fcgi *fcgi;
    struct service *service;
    struct scoreboard *scoreboard;
    struct slot *slot;
    struct http_response response; /* its memory is used again */
    sigset_t wait_mask;
    int queue_timeout; /* ms */
    int patience;      /* likewise, with the next request */
};

/* Whoever can have no connection, as when the database allows fewer than there
 * are workers, would be done with each request at once, and so take most of
 * them and answer 503. It leaves them to those that have one, if any has. */
static bool may_serve(struct worker *worker, enum fcgi_event last)
{
    bool connected = service_is_connected(worker->service);

    if (!connected || last == FCGI_NOTHING)
        connected = service_connect(worker->service);
    if (connected != worker->slot->connected)
        worker->slot->connected = connected;
    return connected || !scoreboard_has_database(worker->scoreboard);
}

static enum fcgi_event stand_aside(struct worker *worker)
{
    struct timespec time = {.tv_nsec = CONNECT_INTERVAL * 1000000L};

    ppoll(NULL, 0, &time, &worker->wait_mask);
    slot_idle(worker->slot);
    return FCGI_NOTHING;
}

static enum fcgi_event serve_one(struct worker *worker)
{
    struct http_request request;
    int64_t started_ms;
    enum fcgi_event event = fcgi_accept(worker->fcgi, worker->patience,
        &worker->wait_mask, mark_busy, worker->slot, &request, &started_ms);

    if (event != FCGI_REQUEST) {
        service_rest(worker->service, true);
        worker->patience = FCGI_PATIENCE_MAX;
        slot_idle(worker->slot);
        return event;
    }
    int64_t age = started_ms > 0 ? wall_clock_ms() - started_ms : 0;
    request.waited = age;
    request.expired = age > worker->queue_timeout;
    if (started_ms > 0)
        metrics_took(METRIC_WAIT_TIME, 0, age * 1000000);
    if (age > CACHE_LEASE_AGE_MAX)
        request.lease = 0;
    slot_begin(worker->slot, request.id, request.method, request.path);
    log_set_request(request.id);
    serve(worker->service, &request, &worker->response);
    fcgi_respond(worker->fcgi, &worker->response);
    log_set_request(NULL);
    http_response_reset(&worker->response);
    worker->patience =
        service_rest(worker->service, false) ? FCGI_PATIENCE_MAX : MOMENT;
    slot_end(worker->slot);
    return event;
}

int worker_run(int listen_fd, const struct setup *setup,
    struct scoreboard *scoreboard, struct slot *slot)
{
    const struct config *config = setup->config;
    struct worker worker = {
        .service = service_new(config, setup->auth, setup->spec, scoreboard),
        .scoreboard = scoreboard,
        .slot = slot,
        .queue_timeout = config->worker_queue_timeout,
        .patience = FCGI_PATIENCE_MAX,
    };
    uint64_t limit = choose_limit(config->worker_max_requests);
    enum fcgi_event event = FCGI_NOTHING;
    int code = EXIT_DO_NOT_RESTART;

    if (!worker.service)
        goto out;
    code = EXIT_FAILURE;
    worker.fcgi = fcgi_open(listen_fd);
    if (!worker.fcgi)
        goto out;
    catch_signals(&worker.wait_mask);

    slot->ready = true;
    while (!is_told_to_stop() && slot->served < limit && event != FCGI_BROKEN)
        event = may_serve(&worker, event) ? serve_one(&worker)
                                          : stand_aside(&worker);
    if (event != FCGI_BROKEN)
        code = EXIT_RETIRED;

out:
    http_response_free(&worker.response);
    fcgi_close(worker.fcgi);
    service_free(worker.service);
    return code;
}
