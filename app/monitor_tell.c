/* What the monitor tells: whether the service is ready, for a person, and for a
 * Prometheus. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "agenda.h"
#include "apart.h"
#include "api.h"
#include "clock.h"
#include "database.h"
#include "metrics.h"
#include "monitor.h"
#include "outlet.h"
#include "release.h"

enum {
    LOOK_MAX = 10000, /* ms; what was seen before that says nothing */
};

/* --- the processes ------------------------------------------------------ */

struct pool {
    int ready;
    int busy;
    int unready; /* not yet, or no more */
    int listeners;
};

static struct pool count_pool(const struct sight *sight)
{
    struct pool pool = {0};

    for (int i = 0; i < SCOREBOARD_SLOTS; i++) {
        const struct slot *slot = &sight->scoreboard->slots[i];
        pool.listeners += slot->listeners;
        if (slot->process != PROCESS_WORKER)
            continue;
        pool.busy += slot->busy_since != 0;
        pool.ready += slot->ready && slot_is_alive(slot);
        pool.unready += !slot->ready && !slot->busy_since;
    }
    return pool;
}

uint64_t monitor_requests(void)
{
    uint64_t sum = 0;

    for (int row = 0; row < METRICS_ROWS; row++)
        for (int i = 0; i < METRICS_COLUMNS; i++)
            sum += metrics_value(METRIC_REQUESTS, row, i);
    return sum;
}

/* Those that are configured, by what people call them. */
static struct backlogs name_outlets(
    const struct sight *sight, const struct backlogs *all)
{
    struct backlogs named = {0};

    for (int i = 0; i < outlet_count(sight->config); i++) {
        struct backlog *backlog = &named.list[named.count];
        char label[OUTLET_LABEL_SIZE];
        struct buf name = {0};
        int number;
        int kind = outlet_find(sight->config, i, &number);
        outlets[kind]->print_name(sight->config, number, &name);
        outlet_label(sight->config, i, label);
        for (int j = 0; j < all->count && named.count < HEALTH_BACKLOGS; j++)
            if (strcmp(all->list[j].name, buf_text(&name)) == 0) {
                *backlog = all->list[j];
                strcpy(backlog->name, label);
                named.count++;
                break;
            }
        buf_free(&name);
    }
    return named;
}

/* --- ready -------------------------------------------------------------- */

struct verdict {
    bool is_ready;
    struct buf *out;
};

static void check(struct verdict *verdict, bool holds, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void check(struct verdict *verdict, bool holds, const char *format, ...)
{
    va_list args;

    verdict->is_ready &= holds;
    buf_puts(verdict->out, holds ? "ok       " : "failed   ");
    va_start(args, format);
    buf_vprintf(verdict->out, format, args);
    va_end(args);
    buf_puts(verdict->out, "\n");
}

static bool is_known(const char *follower)
{
    for (int i = 0; followers[i]; i++)
        if (strcmp(followers[i]->name, follower) == 0)
            return true;
    return false;
}

static void warn(struct verdict *verdict, bool holds, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Of what requests, or most of them, do without. */
static void warn(struct verdict *verdict, bool holds, const char *format, ...)
{
    va_list args;

    buf_puts(verdict->out, holds ? "ok       " : "warning  ");
    va_start(args, format);
    buf_vprintf(verdict->out, format, args);
    va_end(args);
    buf_puts(verdict->out, "\n");
}

static bool is_apart(const struct sight *sight)
{
    return *sight->config->search_conninfo != '\0';
}

static const char *describe_search(const struct health *health)
{
    switch (health->search_state) {
    case APART_WHOLE:
        return "search: it is whole";
    case APART_NEW:
        return "search: it is being filled";
    case APART_LACKING:
        return "search: it may lack what was changed (newsfeed reindex)";
    case APART_MENDED:
        return "search: it is being built anew, since it may lack what was "
               "changed";
    default:
        return "search: it was not looked at yet";
    }
}

/* Feeds go on without it. */
static void warn_of_search(struct verdict *verdict, const struct sight *sight)
{
    const struct health *health = sight->health;

    if (!is_apart(sight))
        return;
    if (health->looked_at && !health->has_search)
        warn(verdict, false, "%s", health->search_reason);
    else
        warn(verdict, health->search_state == APART_WHOLE, "%s",
            describe_search(health));
}

/* What is no follower of this program's, as a newer one's or one of before, is
 * held up by nothing here. */
static void check_followers(struct verdict *verdict, const struct sight *sight)
{
    const struct backlogs *all = &sight->health->followers;
    int limit = sight->config->monitor_lag_limit;

    for (int i = 0; i < all->count; i++) {
        const struct backlog *follower = &all->list[i];
        if (!is_known(follower->name))
            continue;
        if (is_apart(sight) && strcmp(follower->name, "index") == 0)
            warn(verdict, follower->age <= limit, "follower %s: %.1f s behind",
                follower->name, (double)follower->age / 1000);
        else
            check(verdict, follower->age <= limit,
                "follower %s: %.1f s behind, %.1f s are allowed "
                "(monitor.lag_limit)",
                follower->name, (double)follower->age / 1000,
                (double)limit / 1000);
    }
}

static bool is_fresh(const struct health *health)
{
    return health->looked_at && monotonic_ms() - health->looked_at < LOOK_MAX;
}

/* Requests do without those who are told what happens. */
static void warn_of_outlets(struct verdict *verdict, const struct sight *sight)
{
    struct backlogs all = name_outlets(sight, &sight->health->outlets);

    for (int i = 0; i < all.count; i++)
        warn(verdict, all.list[i].age <= sight->config->monitor_lag_limit,
            "outlet %s: %.1f s behind", all.list[i].name,
            (double)all.list[i].age / 1000);
}

static void check_database(struct verdict *verdict, const struct sight *sight)
{
    const struct health *health = sight->health;

    if (!is_fresh(health))
        check(verdict, false, "database: it was not looked at yet");
    else if (!health->has_database)
        check(verdict, false, "%s", health->reason);
    else {
        check(verdict, true, "database: it has schema version %d, needed is %d",
            health->schema, DATABASE_SCHEMA_VERSION);
        check_followers(verdict, sight);
        warn_of_outlets(verdict, sight);
    }
}

static void warn_of_cache(struct verdict *verdict, const struct sight *sight)
{
    for (int i = 0; i < sight->health->servers; i++) {
        const struct cache_health *cache = &sight->health->cache[i];
        warn(verdict, cache->answers && !cache->is_closed, "cache %s: %s",
            cache->address,
            !cache->answers    ? "it does not answer"
            : cache->is_closed ? "it answers, but is not read from yet"
                               : "it answers");
    }
}

/* Of the last read that one might have served. */
static void warn_of_replicas(struct verdict *verdict, const struct sight *sight)
{
    int fault = sight->scoreboard->replica.fault;

    if (*sight->config->db_read_conninfo == '\0')
        return;
    if (fault)
        buf_printf(verdict->out, "warning  replica: %s; the primary is read\n",
            metrics_word(METRIC_REPLICA_READS, fault));
    else
        buf_puts(verdict->out, "ok       replica: no fault is known\n");
}

bool monitor_tell_ready(const struct sight *sight, struct buf *out)
{
    struct verdict verdict = {.is_ready = true, .out = out};
    struct pool pool = count_pool(sight);

    check(&verdict, pool.ready > 0, "workers: %d of %d are ready, %d busy",
        pool.ready, sight->config->worker_count, pool.busy);
    check_database(&verdict, sight);
    warn_of_replicas(&verdict, sight);
    warn_of_search(&verdict, sight);
    warn_of_cache(&verdict, sight);
    buf_puts(out, verdict.is_ready ? "ready\n" : "not ready\n");
    return verdict.is_ready;
}

/* --- for a person ------------------------------------------------------- */

static void print_age(struct buf *out, int64_t seconds)
{
    if (seconds >= 86400)
        buf_printf(out, "%" PRId64 " d %" PRId64 " h", seconds / 86400,
            seconds % 86400 / 3600);
    else if (seconds >= 3600)
        buf_printf(out, "%" PRId64 " h %" PRId64 " min", seconds / 3600,
            seconds % 3600 / 60);
    else
        buf_printf(
            out, "%" PRId64 " min %" PRId64 " s", seconds / 60, seconds % 60);
}

/* Of all operations together. */
static uint64_t count_statuses(int from, int to)
{
    uint64_t sum = 0;

    for (int status = from; status < to; status++) {
        int word = metrics_status(status);
        for (int row = 0; row < METRICS_ROWS && word != metrics_status(0);
             row++)
            sum += metrics_value(METRIC_REQUESTS, row, word);
    }
    return sum;
}

static void print_requests(struct buf *out, const struct sight *sight)
{
    buf_printf(out,
        "requests   %" PRIu64 " by workers, %.1f a second; "
        "4xx %" PRIu64 ", 5xx %" PRIu64 "\n",
        monitor_requests(), sight->rate, count_statuses(400, 500),
        count_statuses(500, 600));
    if (sight->hits)
        buf_printf(out,
            "           %" PRIu64 " feeds by nginx alone, %.1f a second\n",
            sight->hits->counts[HITS_HIT], sight->hit_rate);
    buf_printf(out,
        "times      99 of 100 wait for a worker up to %g s, take up to %g s; "
        "half of them up to %g s\n",
        metrics_quantile(METRIC_WAIT_TIME, METRICS_ALL, 0.99),
        metrics_quantile(METRIC_REQUEST_TIME, METRICS_ALL, 0.99),
        metrics_quantile(METRIC_REQUEST_TIME, METRICS_ALL, 0.5));
}

static void print_ends(struct buf *out)
{
    static const char *const words[] = {[END_RETIRED] = "retired",
        [END_FAILED] = "failed",
        [END_DIED] = "died",
        [END_STUCK] = "stuck",
        [END_SILENT] = "silent",
        [END_LATE] = "late"};

    buf_puts(out, "ended     ");
    for (int end = 0; end <= END_LATE; end++) {
        uint64_t sum = 0;
        for (int process = 0; process < METRICS_ROWS; process++)
            sum += metrics_value(METRIC_ENDS, process, end);
        buf_printf(out, " %s %" PRIu64, words[end], sum);
    }
    buf_puts(out, "\n");
}

static void print_backlogs(
    struct buf *out, const char *title, const struct backlogs *backlogs)
{
    const char *between = "";

    buf_printf(out, "%-11s", title);
    for (int i = 0; i < backlogs->count; i++) {
        const struct backlog *backlog = &backlogs->list[i];
        if (backlog->count == 0)
            continue;
        buf_printf(out, "%s%s %" PRId64 " (%.1f s)", between, backlog->name,
            backlog->count, (double)backlog->age / 1000);
        between = ", ";
    }
    buf_puts(out, *between ? "\n" : "nothing\n");
}

static uint64_t cache_faults(void)
{
    return metrics_value(METRIC_CACHE_FAULTS, CACHE_READ, 0) +
           metrics_value(METRIC_CACHE_FAULTS, CACHE_WRITE, 0) +
           metrics_value(METRIC_CACHE_FAULTS, CACHE_CHANGE, 0);
}

static uint64_t reads_not_served(void)
{
    uint64_t sum = 0;

    for (int read = READ_SERVED + 1; read <= READ_UNKNOWN; read++)
        sum += metrics_value(METRIC_REPLICA_READS, read, 0);
    return sum;
}

void monitor_tell_status(const struct sight *sight, struct buf *out)
{
    struct pool pool = count_pool(sight);
    struct backlogs named = name_outlets(sight, &sight->health->outlets);
    struct backlogs waiting = name_outlets(sight, &sight->health->waiting);

    buf_printf(out, "newsfeed %s, up ", release_version);
    print_age(out, (int64_t)(time(NULL) - (time_t)metrics_created()));
    buf_puts(out, "\n\n");
    monitor_tell_ready(sight, out);
    buf_puts(out, "\n");
    print_requests(out, sight);
    print_ends(out);
    buf_printf(out,
        "cache      workers found %" PRIu64 " pages, made and stored %" PRIu64
        ", made %" PRIu64 "; faults %" PRIu64 "\n",
        metrics_value(METRIC_CACHE_LOOKUPS, LOOKUP_HIT, 0),
        metrics_value(METRIC_CACHE_LOOKUPS, LOOKUP_LEASE, 0),
        metrics_value(METRIC_CACHE_LOOKUPS, LOOKUP_MISS, 0), cache_faults());
    if (*sight->config->db_read_conninfo)
        buf_printf(out,
            "replicas   served %" PRIu64 " reads, %" PRIu64 " were the "
            "primary's\n",
            metrics_value(METRIC_REPLICA_READS, READ_SERVED, 0),
            reads_not_served());
    buf_printf(out, "streams    %d listen\n", pool.listeners);
    if (sight->health->has_database) {
        buf_printf(out, "search     in %s\n", sight->health->language);
        print_backlogs(out, "to follow", &sight->health->followers);
        print_backlogs(out, "to do", &sight->health->jobs);
        print_backlogs(out, "to tell", &named);
        print_backlogs(out, "waiting", &waiting);
    }
}

/* --- for a Prometheus --------------------------------------------------- */

static void gauge(struct exposition *e, const char *name, const char *unit,
    const char *help, double value)
{
    exposition_begin(e, EXPOSITION_GAUGE, name, unit, help);
    exposition_gauge(e, NULL, value);
}

static void labelled(
    struct exposition *e, const char *name, const char *word, double value)
{
    const struct exposition_label label[EXPOSITION_LABELS] = {{name, word}};

    exposition_gauge(e, label, value);
}

static void print_processes(struct exposition *e, const struct sight *sight)
{
    struct pool pool = count_pool(sight);

    exposition_begin(e, EXPOSITION_GAUGE, "newsfeed_workers", NULL,
        "Workers by what they are at.");
    labelled(e, "state", "busy", pool.busy);
    labelled(e, "state", "idle",
        pool.ready > pool.busy ? pool.ready - pool.busy : 0);
    labelled(e, "state", "unready", pool.unready);
    gauge(e, "newsfeed_workers_wanted", NULL, "Workers that there should be.",
        sight->config->worker_count);
    gauge(e, "newsfeed_requests_in_flight", NULL,
        "Requests that workers are at.", pool.busy);
    gauge(e, "newsfeed_stream_listeners", NULL, "Streams that are open.",
        pool.listeners);
}

static void print_nginx(struct exposition *e, const struct hits *hits)
{
    static const char *const words[] = {[HITS_HIT] = "hit",
        [HITS_LEASE] = "lease",
        [HITS_MISS] = "miss",
        [HITS_FAILED] = "failed",
        [HITS_PASSED] = "passed"};

    if (!hits)
        return;
    e->created = (double)hits->created;
    exposition_begin(e, EXPOSITION_COUNTER, "newsfeed_nginx_lookups", NULL,
        "Feeds that nginx looked for in the cache by itself.");
    for (int i = 0; i < HITS_RESULTS; i++) {
        const struct exposition_label label[EXPOSITION_LABELS] = {
            {"result", words[i]}};
        exposition_count(e, label, hits->counts[i]);
    }
}

static void print_search(struct exposition *e, const struct sight *sight)
{
    const struct health *health = sight->health;

    if (!is_apart(sight))
        return;
    gauge(e, "newsfeed_search_up", NULL,
        "Whether the search's own database answers, and is one for this "
        "program.",
        is_fresh(health) && health->has_search);
    if (health->search_state)
        gauge(e, "newsfeed_search_whole", NULL,
            "Whether the search's index has all that there is to find, but for "
            "what the follower has yet to see.",
            health->search_state == APART_WHOLE);
}

static void print_caches(struct exposition *e, const struct health *health)
{
    exposition_begin(e, EXPOSITION_GAUGE, "newsfeed_cache_up", NULL,
        "Whether a server of the cache answers.");
    for (int i = 0; i < health->servers; i++)
        labelled(
            e, "server", health->cache[i].address, health->cache[i].answers);
    exposition_begin(e, EXPOSITION_GAUGE, "newsfeed_cache_closed", NULL,
        "Whether nobody reads from a server of the cache, since it could not "
        "be told to drop pages.");
    for (int i = 0; i < health->servers; i++)
        labelled(
            e, "server", health->cache[i].address, health->cache[i].is_closed);
}

static void print_all_backlogs(struct exposition *e, const char *label,
    const struct backlogs *all, const char *const count[2],
    const char *const age[2])
{
    exposition_begin(e, EXPOSITION_GAUGE, count[0], NULL, count[1]);
    for (int i = 0; i < all->count; i++)
        labelled(e, label, all->list[i].name, (double)all->list[i].count);
    exposition_begin(e, EXPOSITION_GAUGE, age[0], "seconds", age[1]);
    for (int i = 0; i < all->count; i++)
        labelled(e, label, all->list[i].name, (double)all->list[i].age / 1000);
}

/* What is not known is not told. */
static void print_database(struct exposition *e, const struct sight *sight)
{
    const struct health *health = sight->health;
    struct backlogs named = name_outlets(sight, &health->outlets);
    struct backlogs waiting = name_outlets(sight, &health->waiting);
    bool is_known = is_fresh(health) && health->has_database;

    gauge(e, "newsfeed_database_up", NULL,
        "Whether the database answers, and is one for this program.", is_known);
    if (!is_known)
        return;
    gauge(e, "newsfeed_database_schema_version", NULL,
        "The last migration of the database.", health->schema);
    print_all_backlogs(e, "follower", &health->followers,
        (const char *const[]){"newsfeed_follower_posts",
            "Posts that a follower has yet to see, up to 10,000."},
        (const char *const[]){
            "newsfeed_follower_lag_seconds", "Age of the oldest of them."});
    print_all_backlogs(e, "kind", &health->jobs, /* a job is what is scraped */
        (const char *const[]){
            "newsfeed_job_orders", "Orders in the outbox, up to 10,000."},
        (const char *const[]){
            "newsfeed_job_age_seconds", "Age of the oldest of them."});
    print_all_backlogs(e, "outlet", &named,
        (const char *const[]){"newsfeed_outlet_events",
            "Events that an outlet has yet to tell, up to 10,000."},
        (const char *const[]){
            "newsfeed_outlet_lag_seconds", "Age of the oldest of them."});
    print_all_backlogs(e, "outlet", &waiting,
        (const char *const[]){"newsfeed_outlet_participants_waiting",
            "Participants of whom an outlet did not take an event."},
        (const char *const[]){"newsfeed_outlet_waiting_seconds",
            "For how long nothing was taken of one of them, or of all."});
}

void monitor_tell_metrics(
    const struct sight *sight, bool is_openmetrics, struct buf *out)
{
    struct exposition e = {.out = out, .is_openmetrics = is_openmetrics};
    const struct exposition_label build[EXPOSITION_LABELS] = {
        {"version", release_version}};
    struct buf nothing = {0};

    exposition_begin(
        &e, EXPOSITION_INFO, "newsfeed_build", NULL, "What is running.");
    exposition_info(&e, build);
    gauge(&e, "newsfeed_start_time_seconds", "seconds",
        "When it was started, in seconds since 1970.", metrics_created());
    gauge(&e, "newsfeed_ready", NULL, "Whether /readyz says so.",
        monitor_tell_ready(sight, &nothing));
    buf_free(&nothing);
    print_processes(&e, sight);
    print_database(&e, sight);
    print_search(&e, sight);
    print_caches(&e, sight->health);
    metrics_print(&e, api_name);
    print_nginx(&e, sight->hits);
    exposition_end(&e);
}
