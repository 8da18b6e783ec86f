/* Tells operators how the service is, on a socket of its own, whatever workers,
 * database or nginx are at: one thread looks, once a second, and one answers at
 * once with what was seen. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "exit.h"
#include "exposition.h"
#include "httpd.h"
#include "listen.h"
#include "monitor.h"

#define TEXT "text/plain; charset=utf-8"

enum {
    LOOK_INTERVAL = 1000,   /* ms */
    MASTER_SILENCE = 10000, /* ms without a sign of life */
};

/* How many there were by then. */
struct reading {
    int64_t at; /* monotonic ms; 0: none */
    uint64_t requests;
    uint64_t hits;
};

struct monitor {
    const struct config *config;
    const struct scoreboard *scoreboard;
    char hits_path[PATH_MAX];

    /* Written by the one who looks, who alone uses the rest. */
    pthread_mutex_t lock;
    struct health health;
    struct reading readings[MONITOR_SECONDS]; /* a ring */
    int next;
};

static volatile sig_atomic_t stopping;

static void stop(int signal)
{
    (void)signal;
    stopping = 1;
}

/* --- the settings ------------------------------------------------------- */

static bool is_port(const char *listen)
{
    return *listen != '/' && strchr(listen, ':');
}

bool monitor_check(const struct config *config, struct buf *faults)
{
    struct sockaddr_storage address;
    const char *listen = config->monitor_listen;

    if (!is_port(listen) || listen_parse_port(listen, &address))
        return true;
    buf_printf(faults,
        "monitor.listen: is \"%s\", must be the path of a socket, or a port of "
        "this host alone, 127.0.0.1:PORT or [::1]:PORT\n",
        listen);
    return false;
}

void monitor_name(const struct config *config, char address[PATH_MAX])
{
    const char *listen = config->monitor_listen;

    bool is_name = *listen != '/' && !is_port(listen);

    snprintf(address, PATH_MAX, "%s%s%s",
        is_name ? config->service_runtime_dir : "", is_name ? "/" : "", listen);
}

/* --- answering ---------------------------------------------------------- */

/* What nginx counts may be gone for a while, or begin anew. */
static double rate(uint64_t now, uint64_t before, int64_t ms)
{
    return ms > 0 && now > before ? (double)(now - before) * 1000 / (double)ms
                                  : 0;
}

/* The last reading and the first that is still kept. */
static void measure(const struct monitor *m, struct sight *sight)
{
    const struct reading *last =
        &m->readings[(m->next + MONITOR_SECONDS - 1) % MONITOR_SECONDS];
    const struct reading *first = &m->readings[m->next];

    if (!first->at)
        first = &m->readings[0];
    sight->rate = rate(last->requests, first->requests, last->at - first->at);
    sight->hit_rate = rate(last->hits, first->hits, last->at - first->at);
}

static bool is_alive(const struct monitor *m)
{
    return monotonic_ms() - m->scoreboard->master_seen_at < MASTER_SILENCE;
}

static void tell_alive(const struct monitor *m, struct httpd_answer *answer)
{
    if (is_alive(m))
        buf_puts(&answer->body, "ok\n");
    else {
        answer->status = 503;
        buf_puts(&answer->body, "failed: the master stands still\n");
    }
}

static void tell_metrics(
    const struct sight *sight, const char *accept, struct httpd_answer *answer)
{
    bool is_openmetrics = exposition_wants_openmetrics(accept);

    answer->content_type = exposition_content_type(is_openmetrics);
    monitor_tell_metrics(sight, is_openmetrics, &answer->body);
}

static void answer_sight(const struct monitor *m, const struct sight *sight,
    const struct httpd_request *request, struct httpd_answer *answer)
{
    const char *path = request->path;

    answer->status = 200;
    answer->content_type = TEXT;
    if (strcmp(path, "/livez") == 0)
        tell_alive(m, answer);
    else if (strcmp(path, "/readyz") == 0)
        answer->status = monitor_tell_ready(sight, &answer->body) ? 200 : 503;
    else if (strcmp(path, "/metrics") == 0)
        tell_metrics(sight, request->accept, answer);
    else if (strcmp(path, "/status") == 0)
        monitor_tell_status(sight, &answer->body);
    else {
        answer->status = 404;
        buf_puts(&answer->body, "There are /livez, /readyz, /metrics and "
                                "/status\n");
    }
}

/* What was seen is not kept from the one who looks. */
static void on_request(void *context, const struct httpd_request *request,
    struct httpd_answer *answer)
{
    struct monitor *m = context;
    static struct health health;
    struct hits hits;
    struct sight sight = {
        .config = m->config,
        .scoreboard = m->scoreboard,
        .health = &health,
        .hits = hits_read(m->hits_path, &hits) ? &hits : NULL,
    };

    pthread_mutex_lock(&m->lock);
    health = m->health;
    measure(m, &sight);
    pthread_mutex_unlock(&m->lock);
    answer_sight(m, &sight, request, answer);
}

/* --- looking ------------------------------------------------------------ */

static void read_counters(struct monitor *m)
{
    struct reading *reading = &m->readings[m->next];
    struct hits hits = {0};

    (void)hits_read(m->hits_path, &hits);
    reading->at = monotonic_ms();
    reading->requests = monitor_requests();
    reading->hits = hits.counts[HITS_HIT];
    m->next = (m->next + 1) % MONITOR_SECONDS;
}

static void look(struct monitor *m, struct examiner *examiner)
{
    static struct health health;

    examine(examiner, &health);
    pthread_mutex_lock(&m->lock);
    m->health = health;
    read_counters(m);
    pthread_mutex_unlock(&m->lock);
}

static void rest(const sigset_t *mask)
{
    struct timespec time = {
        LOOK_INTERVAL / 1000, LOOK_INTERVAL % 1000 * 1000000L};

    ppoll(NULL, 0, &time, mask);
}

int monitor_run(int listen_fd, const struct config *config,
    struct scoreboard *scoreboard, struct slot *slot)
{
    static struct monitor m = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct examiner *examiner = examiner_new(config);
    struct httpd *httpd = NULL;
    sigset_t quit, mask;
    int code = EXIT_FAILURE; /* the rest of the service does without it */

    m.config = config;
    m.scoreboard = scoreboard;
    snprintf(m.hits_path, sizeof(m.hits_path), "%s/" HITS_FILE,
        config->service_runtime_dir);
    sigemptyset(&quit);
    sigaddset(&quit, SIGQUIT);
    sigprocmask(SIG_BLOCK, &quit, NULL);
    signal(SIGQUIT, stop);
    sigemptyset(&mask);

    if (examiner)
        httpd = httpd_start(listen_fd, on_request, &m);
    if (!httpd)
        goto out;
    while (!stopping) {
        look(&m, examiner);
        httpd_end_late(httpd);
        slot_idle(slot);
        rest(&mask);
    }
    code = EXIT_RETIRED;
out:
    httpd_stop(httpd);
    examiner_free(examiner);
    return code;
}
