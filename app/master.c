/* Forks workers and the others, reaps, restarts, drains, reloads. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "dispatcher.h"
#include "exit.h"
#include "hits.h"
#include "indexer.h"
#include "judge.h"
#include "listen.h"
#include "log.h"
#include "master.h"
#include "metrics.h"
#include "monitor.h"
#include "notify.h"
#include "outlet.h"
#include "publisher.h"
#include "report.h"
#include "runtime.h"
#include "streamer.h"
#include "title.h"
#include "worker.h"

enum {
    /* What failed is replaced at once, and once the failures outnumber the
     * workers by this many, one a second: a whole pool that is lost is back
     * at once, a worker that dies at its first step is no fork bomb. A second
     * without a failure earns one replacement at once again. */
    RESTART_SPARE = 8,
    RESTART_INTERVAL = 1000, /* ms */

    /* The dispatcher, publishers and the indexer have statements of up to ten
     * seconds; the streamer has many short ones in a turn. */
    TURN_TIMEOUT = 60000, /* ms in one transaction, or turn */

    /* Whoever is idle says so every second, the dispatcher and the indexer as
     * often as they look for work. */
    SILENCE_TIMEOUT = 15000, /* ms */

    TERM_GRACE = 2000,   /* ms from TERM to KILL */
    READY_INTERVAL = 20, /* ms between looks at a generation that starts up */
    REPORT_INTERVAL = 1000, /* ms between looks at what all have to tell */
};

#define KILLED INT64_MAX

/* One process; its index is that of its slot on the scoreboard. */
struct child {
    pid_t pid; /* 0: free */
    int generation;
    enum process kind;
    int outlet;      /* a publisher's */
    enum end end;    /* how it came to that, if it was killed */
    int64_t kill_at; /* monotonic ms; 0: not told to stop; KILLED: done */
    char name[16 + OUTLET_LABEL_SIZE];
};

/* Processes that run with the same settings. */
struct generation {
    int number;    /* 0: there is none */
    uint64_t life; /* of its publishers; no other one's, on any host */
    struct setup setup;
};

/* A socket that outlives each process that listens on it: whoever comes between
 * two of them waits. The service does without it where it cannot be made. */
struct door {
    int fd; /* -1: it is closed */
    char address[PATH_MAX];
};

struct master {
    int listen_fd;
    struct door stream;
    struct door monitor;
    struct scoreboard *scoreboard;
    const struct setup_source *source;

    int generations; /* so far */
    struct generation current;
    bool is_up; /* every worker of the current generation has been ready */
    struct generation previous; /* fallen back on until the current is up */

    int failures;          /* of the current generation, not yet replaced */
    int deaths;            /* of the current generation before it was up */
    int64_t restart_spent; /* monotonic ms up to which restarts are used up */
    bool is_stopping;
    int exit_code;

    struct judge judge; /* of the children */
    struct report report;
    int64_t report_at; /* monotonic ms */
    sigset_t wait_mask;
    struct child children[SCOREBOARD_SLOTS];
};

/* Signals set flags, the loop acts on them. SIGCHLD only ends the wait. */
static volatile sig_atomic_t got_term, got_quit, got_hup;

static const int signals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD};
enum {
    SIGNALS = sizeof(signals) / sizeof(*signals)
};

static void on_signal(int number)
{
    if (number == SIGTERM || number == SIGINT)
        got_term = 1;
    if (number == SIGQUIT)
        got_quit = 1;
    if (number == SIGHUP)
        got_hup = 1;
}

void master_ignore_signals(void)
{
    static const int meaningless[] = {SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM,
        SIGPROF, SIGPIPE, SIGIO, SIGPWR, SIGSTKFLT, SIGXFSZ};
    sigset_t later;

    for (size_t i = 0; i < sizeof(meaningless) / sizeof(*meaningless); i++)
        signal(meaningless[i], SIG_IGN);
    for (int i = SIGRTMIN; i <= SIGRTMAX; i++)
        signal(i, SIG_IGN);
    sigemptyset(&later);
    sigaddset(&later, SIGHUP);
    sigprocmask(SIG_BLOCK, &later, NULL);
}

/* They are blocked, in the children as well, but while waiting. */
static void catch_signals(sigset_t *wait_mask)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked;

    sigprocmask(SIG_BLOCK, NULL, wait_mask);
    sigemptyset(&blocked);
    for (int i = 0; i < SIGNALS; i++) {
        sigaddset(&blocked, signals[i]);
        sigdelset(wait_mask, signals[i]);
        sigaction(signals[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &blocked, NULL);
}

static struct slot *slot_of(struct master *master, const struct child *child)
{
    return &master->scoreboard->slots[child - master->children];
}

/* Stopping */

/* An earlier deadline stays. */
static void tell(
    struct master *master, struct child *child, int number, int64_t kill_at)
{
    slot_of(master, child)->ready = false;
    kill(child->pid, number);
    if (!child->kill_at || kill_at < child->kill_at)
        child->kill_at = kill_at;
}

/* All generations but this one; 0: all of them. */
static void tell_all_but(
    struct master *master, int generation, int number, int grace)
{
    int64_t kill_at = monotonic_ms() + grace;

    for (int i = 0; i < SCOREBOARD_SLOTS; i++) {
        struct child *child = &master->children[i];
        if (child->pid && child->generation != generation)
            tell(master, child, number, kill_at);
    }
}

static void drain_all_but(struct master *master, int generation)
{
    tell_all_but(master, generation, SIGQUIT,
        master->current.setup.config->worker_shutdown_timeout);
}

static void stop_now(struct master *master, int exit_code)
{
    notify("STOPPING=1");
    master->is_stopping = true;
    master->exit_code = exit_code;
    tell_all_but(master, 0, SIGTERM, TERM_GRACE);
}

static void stop_softly(struct master *master)
{
    notify("STOPPING=1");
    master->is_stopping = true;
    drain_all_but(master, 0);
}

/* How long a child may be busy with one thing, in ms. */
static int busy_limit(const struct master *master, const struct child *child)
{
    return child->kind == PROCESS_WORKER
               ? master->current.setup.config->worker_request_timeout
               : TURN_TIMEOUT;
}

/* How long a look at the replica may take that works (replica_look): three
 * statements of the primary, and what else is at the replica. */
static int look_limit(const struct config *config)
{
    return *config->db_read_conninfo ? 3 * config->db_statement_timeout +
                                           config->worker_request_timeout / 2
                                     : 0;
}

/* How long it may be idle without a sign of life, in ms: a worker connects to
 * the database then, once more if its session was cut. */
static int silence_limit(const struct master *master, const struct child *child)
{
    const struct config *config = master->current.setup.config;

    return SILENCE_TIMEOUT +
           (child->kind == PROCESS_DISPATCHER || child->kind == PROCESS_INDEXER
                   ? config->dispatcher_interval
                   : 2 * config->db_connect_timeout + look_limit(config));
}

static void kill_child(struct child *child, enum end end)
{
    child->end = end;
    child->kill_at = KILLED;
    kill(child->pid, SIGKILL);
}

/* What a child is or was at, to be put behind its name. */
static const char *describe_work(
    struct master *master, const struct child *child)
{
    static char text[256];
    const struct slot *slot = slot_of(master, child);

    if (child->kind != PROCESS_WORKER)
        return "";
    if (!slot->busy_since)
        return " while idle";
    if (!*slot->request_id)
        return " while reading a request";
    snprintf(text, sizeof(text), " in request %.64s (%.159s)", slot->request_id,
        slot->request_line);
    return text;
}

static struct conduct conduct_of(
    struct master *master, const struct child *child)
{
    const struct slot *slot = slot_of(master, child);

    return (struct conduct){
        .busy_since = slot->busy_since,
        .seen_at = slot->seen_at,
        .kill_at = child->kill_at,
        .busy_limit = busy_limit(master, child),
        .silence_limit = silence_limit(master, child),
    };
}

static void kill_if_due(struct master *master, struct child *child, int64_t now)
{
    struct conduct conduct = conduct_of(master, child);
    int pid = (int)child->pid;
    int64_t ms;

    switch (judge_process(&master->judge, &conduct, now, &ms)) {
    case VERDICT_FINE:
        return;
    case VERDICT_STUCK:
        log_error("master", "%s [%d] is killed after %lld ms%s", child->name,
            pid, (long long)ms, describe_work(master, child));
        kill_child(child, END_STUCK);
        break;
    case VERDICT_SILENT:
        log_error("master",
            "%s [%d] is killed: no sign of life for %lld ms while idle",
            child->name, pid, (long long)ms);
        kill_child(child, END_SILENT);
        break;
    case VERDICT_LATE:
        log_warn("master", "%s [%d] is killed%s: it did not stop in time",
            child->name, pid, describe_work(master, child));
        kill_child(child, END_LATE);
        break;
    }
}

static void kill_due(struct master *master)
{
    int64_t now = monotonic_ms();

    judge_wake(&master->judge, now);
    for (int i = 0; i < SCOREBOARD_SLOTS; i++) {
        struct child *child = &master->children[i];
        if (child->pid && child->kill_at != KILLED)
            kill_if_due(master, child, now);
    }
}

/* Starting */

static void close_door(struct door *door)
{
    if (door->fd >= 0)
        close(door->fd);
    door->fd = -1;
}

/* The child's part: returns into the program's end. */
static int run_child(struct master *master, struct child *child, pid_t parent)
{
    const struct setup *setup = &master->current.setup;

    for (int i = 0; i < SIGNALS; i++)
        signal(signals[i], signals[i] == SIGHUP ? SIG_IGN : SIG_DFL);
    /* A dead master leaves no orphans; it may have died before the call. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        return EXIT_RETIRED;
    prctl(PR_SET_NAME, child->name);
    title_set("newsfeed: %s", child->name);
    log_set_process(child->name);
    metrics_set_process(child->kind);

    struct slot *slot = slot_of(master, child);
    if (child->kind != PROCESS_WORKER)
        close(master->listen_fd);
    if (child->kind != PROCESS_STREAMER)
        close_door(&master->stream);
    if (child->kind != PROCESS_MONITOR)
        close_door(&master->monitor);
    switch (child->kind) {
    case PROCESS_DISPATCHER:
        return dispatcher_run(setup->config, master->scoreboard, slot);
    case PROCESS_STREAMER:
        return streamer_run(
            master->stream.fd, setup->config, master->scoreboard, slot);
    case PROCESS_PUBLISHER:
        return publisher_run(child->outlet, master->current.life, setup,
            master->scoreboard, slot);
    case PROCESS_INDEXER:
        return indexer_run(setup->config, master->scoreboard, slot);
    case PROCESS_MONITOR:
        return monitor_run(
            master->monitor.fd, setup->config, master->scoreboard, slot);
    default:
        return worker_run(master->listen_fd, setup, master->scoreboard, slot);
    }
}

static struct child *find_free(struct master *master)
{
    for (int i = 0; i < SCOREBOARD_SLOTS; i++)
        if (!master->children[i].pid)
            return &master->children[i];
    return NULL;
}

static void name_child(const struct master *master, struct child *child)
{
    char label[OUTLET_LABEL_SIZE];

    switch (child->kind) {
    case PROCESS_DISPATCHER:
        strcpy(child->name, "dispatcher");
        break;
    case PROCESS_STREAMER:
        strcpy(child->name, "streamer");
        break;
    case PROCESS_INDEXER:
        strcpy(child->name, "indexer");
        break;
    case PROCESS_MONITOR:
        strcpy(child->name, "monitor");
        break;
    case PROCESS_PUBLISHER:
        outlet_label(master->current.setup.config, child->outlet, label);
        snprintf(child->name, sizeof(child->name), "publisher %s", label);
        break;
    default:
        snprintf(child->name, sizeof(child->name), "worker %d",
            (int)(child - master->children) + 1);
        break;
    }
}

/* False: not now. */
static bool start_child(struct master *master, enum process kind, int outlet)
{
    struct child *child = find_free(master);
    pid_t parent = getpid();

    if (!child)
        return false; /* two generations are ending: there will be room */
    *child = (struct child){
        .generation = master->current.number,
        .kind = kind,
        .outlet = outlet,
    };
    name_child(master, child);
    slot_clear(slot_of(master, child));
    slot_of(master, child)->process = kind;

    child->pid = fork();
    if (child->pid == 0)
        exit(run_child(master, child, parent));
    if (child->pid > 0)
        return true;
    log_error("master", "cannot fork: %s", strerror(errno));
    child->pid = 0;
    slot_clear(slot_of(master, child));
    master->failures++;
    master->restart_spent = monotonic_ms() + RESTART_INTERVAL;
    return false;
}

/* Spends one of the restarts that the limit allows; false if none is left. */
static bool take_restart(struct master *master)
{
    int spare = master->current.setup.config->worker_count + RESTART_SPARE;
    int64_t now = monotonic_ms();
    int64_t oldest = now - (int64_t)spare * RESTART_INTERVAL;

    if (master->restart_spent > now)
        return false;
    if (master->restart_spent < oldest)
        master->restart_spent = oldest;
    master->restart_spent += RESTART_INTERVAL;
    return true;
}

static int count(const struct master *master, enum process kind, int outlet)
{
    int found = 0;

    for (int i = 0; i < SCOREBOARD_SLOTS; i++) {
        const struct child *child = &master->children[i];
        found += child->pid && child->generation == master->current.number &&
                 child->kind == kind && child->outlet == outlet;
    }
    return found;
}

/* Replaces for nothing who retired, within the limit who failed. */
static void fill(
    struct master *master, enum process kind, int outlet, int wanted)
{
    int missing = wanted - count(master, kind, outlet);

    for (; missing > 0; missing--) {
        if (missing <= master->failures) {
            if (!take_restart(master))
                return;
            master->failures--;
        }
        if (!start_child(master, kind, outlet))
            return;
    }
}

static void fill_all(struct master *master)
{
    const struct config *config = master->current.setup.config;

    if (master->is_stopping)
        return;
    fill(master, PROCESS_WORKER, 0, config->worker_count);
    fill(master, PROCESS_DISPATCHER, 0, config->dispatcher_enabled ? 1 : 0);
    fill(master, PROCESS_INDEXER, 0,
        config->dispatcher_enabled && *config->search_conninfo ? 1 : 0);
    fill(master, PROCESS_STREAMER, 0,
        config->stream_enabled && master->stream.fd >= 0 ? 1 : 0);
    for (int i = 0; i < outlet_count(config); i++)
        fill(master, PROCESS_PUBLISHER, i, 1);
    fill(master, PROCESS_MONITOR, 0,
        *config->monitor_listen && master->monitor.fd >= 0 ? 1 : 0);
}

/* Reloading */

/* Whoever may trace a process, or read its core, has the keys and passwords in
 * it. Not to be dumpable ends both, also where a core goes into a program
 * (core_pattern), which no limit of its size stops. */
static void set_dumpable(bool is_dumpable)
{
    struct rlimit limit;

    prctl(PR_SET_DUMPABLE, is_dumpable ? 1 : 0);
    if (is_dumpable || getrlimit(RLIMIT_CORE, &limit) < 0)
        return;
    limit.rlim_cur = 0;
    setrlimit(RLIMIT_CORE, &limit);
}

static void apply(const struct config *config)
{
    log_set_level(config->service_log_level);
    log_set_format(config->service_log_format);
    log_set_output(config->service_log_output);
    set_dumpable(config->service_dumpable);
}

/* False: it stays as it is, at this address or, if that is empty, until nobody
 * falls back on it. */
static bool is_elsewhere(const struct door *door, const char *address)
{
    return *address && (door->fd < 0 || strcmp(door->address, address) != 0);
}

static void open_door(struct door *door, const char *address, int fd)
{
    close_door(door);
    door->fd = fd;
    strcpy(door->address, address);
}

static void open_stream(struct master *master, const struct config *config)
{
    char path[PATH_MAX] = "";
    struct buf reason = {0};
    bool is_shared = false;
    int fd = -1;

    if (config->stream_enabled)
        snprintf(path, sizeof(path), "%s/" CONTRACT_STREAM_SOCKET,
            config->service_runtime_dir);
    if (!is_elsewhere(&master->stream, path))
        return;
    if (runtime_make(config->service_runtime_dir, &reason))
        fd = listen_open_beside(master->listen_fd, path, &is_shared, &reason);
    open_door(&master->stream, path, fd);
    if (fd < 0)
        log_error("master", "there are no streams: %s", buf_text(&reason));
    else if (!is_shared)
        log_warn("master",
            "nginx may not reach %s: this account must be in the group of the "
            "FastCGI socket",
            path);
    buf_free(&reason);
}

static void open_monitor(struct master *master, const struct config *config)
{
    char address[PATH_MAX] = "";
    struct buf reason = {0};
    int fd = -1;

    if (*config->monitor_listen)
        monitor_name(config, address);
    if (!is_elsewhere(&master->monitor, address))
        return;
    if (*address != '/')
        fd = listen_open_port(address, &reason);
    else if (runtime_make(config->service_runtime_dir, &reason))
        fd = listen_open(address, &reason);
    open_door(&master->monitor, address, fd);
    if (fd < 0)
        log_error("master", "there is no monitor: %s", buf_text(&reason));
    buf_free(&reason);
}

/* A number that nobody has drawn before. */
static uint64_t draw(void)
{
    uint64_t number;

    if (getentropy(&number, sizeof(number)))
        number = (uint64_t)monotonic_ms();
    return number;
}

/* Where nginx counts what it answers by itself. */
static void open_hits(struct master *master, const struct config *config)
{
    char path[PATH_MAX];

    if (!*config->cache_servers)
        return;
    snprintf(path, sizeof(path), "%s/" HITS_FILE, config->service_runtime_dir);
    if (!hits_make(path))
        log_error("master", "%s cannot be made: %s", path, strerror(errno));
    else if (!listen_share(master->listen_fd, path))
        log_warn("master",
            "nginx may not count in %s: this account must be in the group of "
            "the FastCGI socket",
            path);
}

static void use(struct master *master, const struct setup *setup)
{
    master->current = (struct generation){
        .number = ++master->generations,
        .life = draw(),
        .setup = *setup,
    };
    master->is_up = false;
    master->failures = 0;
    master->deaths = 0;
    apply(setup->config);
    open_stream(master, setup->config);
    open_monitor(master, setup->config);
    open_hits(master, setup->config);
    if (!auth_is_on(setup->auth))
        log_warn("master", "requests need no token: auth.key_file is empty");
}

/* The old generation serves until every worker of the new one is ready. */
static void reload(struct master *master)
{
    struct setup setup;
    struct buf faults = {0};

    notify("RELOADING=1");
    if (!setup_prepare(master->source, &setup, &faults)) {
        log_lines("master", buf_text(&faults));
        log_error("master", "the reload is refused, nothing has changed");
        if (master->is_up)
            notify("READY=1\nSTATUS=The last reload was refused: see the log");
        goto out;
    }
    log_info("master", "reloading");
    if (master->is_up) {
        master->previous = master->current;
    } else {
        drain_all_but(master, master->previous.number);
        setup_clear(&master->current.setup);
    }
    use(master, &setup);
out:
    buf_free(&faults);
}

static void fall_back(struct master *master)
{
    log_error("master", "the new settings do not work, back to the old ones");
    setup_clear(&master->current.setup);
    master->current = master->previous;
    master->previous = (struct generation){0};
    master->is_up = true;
    master->failures = 0;
    apply(master->current.setup.config);
    drain_all_but(master, master->current.number);
    notify("READY=1\nSTATUS=The last reload did not work: see the log");
}

static bool is_ready(struct master *master)
{
    int ready = 0;

    for (int i = 0; i < SCOREBOARD_SLOTS; i++) {
        const struct child *child = &master->children[i];
        ready += child->pid && child->generation == master->current.number &&
                 slot_of(master, child)->ready;
    }
    return ready >= master->current.setup.config->worker_count;
}

/* nginx keeps a verdict on a token for some seconds (nginx/auth.conf), and none
 * beyond this word. */
static void end_verdicts(const struct master *master)
{
    const struct config *config = master->current.setup.config;
    char word[CONTRACT_WORD_SIZE];

    if (*config->cache_servers == '\0')
        return;
    snprintf(word, sizeof(word), "%016" PRIx64, draw());
    if (!runtime_set(config->service_runtime_dir, CONTRACT_WORD_KEYS, word))
        log_error("master", "%s/" CONTRACT_WORD_KEYS " cannot be made: %s",
            config->service_runtime_dir, strerror(errno));
}

static void settle(struct master *master)
{
    const struct config *config = master->current.setup.config;

    if (master->is_up || master->is_stopping || !is_ready(master))
        return;
    master->is_up = true;
    end_verdicts(master);
    log_info("master", "%d workers are ready", config->worker_count);
    notify("READY=1\nSTATUS=%d workers serve", config->worker_count);
    drain_all_but(master, master->current.number);
    if (!config->stream_enabled)
        close_door(&master->stream);
    if (!*config->monitor_listen)
        close_door(&master->monitor);
    setup_clear(&master->previous.setup);
    master->previous.number = 0;
}

/* Reaping */

static void log_death(
    struct master *master, const struct child *child, int status)
{
    unsigned long long served = slot_of(master, child)->served;
    const char *work = describe_work(master, child);
    const char *name = child->name;
    int pid = (int)child->pid;

    if (WIFSIGNALED(status) && !child->kill_at)
        log_error("master", "%s [%d] died of signal %d (%s)%s", name, pid,
            WTERMSIG(status), strsignal(WTERMSIG(status)), work);
    else if (WIFEXITED(status) && WEXITSTATUS(status) != EXIT_RETIRED)
        log_error("master", "%s [%d] failed with exit code %d%s", name, pid,
            WEXITSTATUS(status), work);
    else if (child->kind != PROCESS_WORKER)
        log_info("master", "%s [%d] ended", name, pid);
    else
        log_info(
            "master", "%s [%d] ended after %llu requests", name, pid, served);
}

/* A generation that never gets up, whether it says so or just dies again and
 * again, gives way to the one before it. */
static void take_failure(struct master *master, int status)
{
    int limit = master->current.setup.config->worker_count + RESTART_SPARE;
    bool is_final =
        WIFEXITED(status) && WEXITSTATUS(status) == EXIT_DO_NOT_RESTART;
    bool is_hopeless = !master->is_up && (is_final || ++master->deaths > limit);

    if (is_hopeless && master->previous.number)
        fall_back(master);
    else if (is_final && !master->is_up) {
        log_error("master", "cannot start, for the reason logged above");
        stop_now(master, EXIT_DO_NOT_RESTART);
    } else
        master->failures++;
}

/* Whether it was the last worker that did not run with the current setup. */
static bool was_last_of_old(
    const struct master *master, const struct child *dead)
{
    if (dead->kind != PROCESS_WORKER ||
        dead->generation == master->current.number)
        return false;
    for (int i = 0; i < SCOREBOARD_SLOTS; i++) {
        const struct child *child = &master->children[i];
        if (child->pid && child != dead && child->kind == PROCESS_WORKER &&
            child->generation != master->current.number)
            return false;
    }
    return true;
}

/* Who was killed, and ended by itself just before that, was killed. */
static enum end end_of(const struct child *child, int status)
{
    if (child->kill_at == KILLED)
        return child->end;
    if (WIFSIGNALED(status))
        return child->kill_at ? END_RETIRED : END_DIED;
    return WEXITSTATUS(status) == EXIT_RETIRED ? END_RETIRED : END_FAILED;
}

static void bury(struct master *master, struct child *child, int status)
{
    bool retired = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_RETIRED;

    if (was_last_of_old(master, child))
        end_verdicts(master);
    log_death(master, child, status);
    metrics_count(METRIC_ENDS, child->kind, end_of(child, status));
    child->pid = 0;
    slot_clear(slot_of(master, child));
    if (!retired && !master->is_stopping &&
        child->generation == master->current.number)
        take_failure(master, status);
}

/* True while there are children. */
static bool reap(struct master *master)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (int i = 0; i < SCOREBOARD_SLOTS; i++)
            if (master->children[i].pid == pid)
                bury(master, &master->children[i], status);
    return pid == 0;
}

/* What nobody else would tell, once a second. */
static void report(struct master *master)
{
    int64_t now = monotonic_ms();

    if (now < master->report_at)
        return;
    master->scoreboard->master_seen_at = now;
    master->report_at = now + REPORT_INTERVAL;
    report_tell(&master->report);
    log_tell_lost();
    notify_alive();
}

/* Waiting */

static void sooner(int64_t *when, int64_t other)
{
    if (other < *when)
        *when = other;
}

/* The next time at which something may be due without a signal. */
static int64_t next_time(struct master *master)
{
    int64_t now = monotonic_ms();
    int64_t next = master->report_at;

    if (!master->is_up)
        sooner(&next, now + READY_INTERVAL);
    if (master->failures > 0 && !master->is_stopping)
        sooner(&next, master->restart_spent);
    for (int i = 0; i < SCOREBOARD_SLOTS; i++) {
        const struct child *child = &master->children[i];
        if (child->pid && child->kill_at != KILLED) {
            struct conduct conduct = conduct_of(master, child);
            sooner(&next, judge_due(&master->judge, &conduct));
        }
    }
    return next;
}

static void wait_for_something(struct master *master)
{
    int64_t ms = next_time(master) - monotonic_ms();

    if (ms < 1)
        ms = 1;
    struct timespec timeout = {
        .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    ppoll(NULL, 0, &timeout, &master->wait_mask);
}

static bool take(volatile sig_atomic_t *flag)
{
    bool was_set = *flag;

    *flag = 0;
    return was_set;
}

static void obey(struct master *master)
{
    if (take(&got_term)) {
        log_info("master", "stopping now");
        stop_now(master, master->exit_code);
    }
    if (take(&got_quit)) {
        log_info("master", "stopping when the requests in work are answered");
        stop_softly(master);
    }
    if (take(&got_hup) && !master->is_stopping)
        reload(master);
}

int master_run(
    int listen_fd, struct setup *setup, const struct setup_source *source)
{
    struct master master = {
        .listen_fd = listen_fd,
        .stream = {.fd = -1},
        .monitor = {.fd = -1},
        .scoreboard = scoreboard_new(),
        .source = source,
    };

    use(&master, setup);
    log_set_process("master");
    title_set("newsfeed: master%s%s", source->file ? " " : "",
        source->file ? source->file : "");
    if (!master.scoreboard || !metrics_open()) {
        log_error("master", "no memory for the scoreboard");
        master.exit_code = EXIT_FAILURE;
        goto out;
    }
    catch_signals(&master.wait_mask);
    while (reap(&master) || !master.is_stopping) {
        obey(&master);
        kill_due(&master);
        settle(&master);
        fill_all(&master);
        report(&master);
        wait_for_something(&master);
    }
    report_tell(&master.report);
    log_info("master", "stopped");
out:
    setup_clear(&master.previous.setup);
    setup_clear(&master.current.setup);
    scoreboard_free(master.scoreboard);
    return master.exit_code;
}
