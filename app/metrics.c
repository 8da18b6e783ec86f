/* What is counted, and how long things take: one table, in memory that all
 * processes share, so that nothing is lost when one of them ends. */
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <time.h>

#include "clock.h"
#include "metrics.h"

/* From what a cached page takes to what a request may: 1, 2.5, 5, 10... */
static const char *const bounds[] = {"5e-05", "0.0001", "0.00025", "0.0005",
    "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5",
    "1.0", "2.5", "5.0", "10.0"};
static const int64_t bounds_us[] = {50, 100, 250, 500, 1000, 2500, 5000, 10000,
    25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};

enum {
    BOUNDS = sizeof(bounds_us) / sizeof(*bounds_us),
    BUCKETS = BOUNDS + 1,
    SUM = BUCKETS, /* the column with all their time, in ns */
};

_Static_assert(
    (int)SUM < (int)METRICS_COLUMNS, "a row has room for a histogram");

/* --- what there is ------------------------------------------------------ */

struct label {
    const char *name;
    const char *const *words; /* NULL among them: not said */
    int count;
};

#define LABEL(id, word, ...)                               \
    static const char *const id##_words[] = {__VA_ARGS__}; \
    static const struct label id##_label = {               \
        word, id##_words, sizeof(id##_words) / sizeof(*id##_words)}

LABEL(operation, "operation", "none", "authorize");
LABEL(status, "status", "200", "204", "304", "400", "401", "403", "404", "405",
    "409", "412", "413", "415", "422", "429", "500", "503", "other");
LABEL(cause, "cause", [ERR_UNAVAILABLE] = "unavailable",
    [ERR_QUEUED] = "queued", [ERR_TIMEOUT] = "timeout", [ERR_LOCKED] = "locked",
    [ERR_NO_DATABASE] = "no_database", [ERR_NO_SEARCH] = "no_search",
    [ERR_UNKNOWN] = "unknown");
LABEL(fault, "fault", [ERR_INVALID] = "schema",
    [ERR_UNAVAILABLE] = "unavailable", [ERR_TIMEOUT] = "timeout",
    [ERR_LOCKED] = "locked", [ERR_NO_DATABASE] = "no_database",
    [ERR_UNKNOWN] = "unknown", [ERR_INTERNAL] = "internal");
LABEL(process,
    "process", [PROCESS_WORKER] = "worker", [PROCESS_DISPATCHER] = "dispatcher",
    [PROCESS_STREAMER] = "streamer", [PROCESS_PUBLISHER] = "publisher",
    [PROCESS_INDEXER] = "indexer", [PROCESS_MONITOR] = "monitor");
LABEL(end, "cause", [END_RETIRED] = "retired", [END_FAILED] = "failed",
    [END_DIED] = "died", [END_STUCK] = "stuck", [END_SILENT] = "silent",
    [END_LATE] = "late");
LABEL(read, "result", [READ_SERVED] = "served", [READ_GONE] = "gone",
    [READ_REFUSED] = "refused", [READ_BEHIND] = "behind",
    [READ_FAILED] = "failed", [READ_UNSETTLED] = "unsettled",
    [READ_UNKNOWN] = "unknown");
LABEL(work, "operation", [CACHE_READ] = "read", [CACHE_WRITE] = "write",
    [CACHE_CHANGE] = "change");
LABEL(result, "result", [LOOKUP_HIT] = "hit", [LOOKUP_LEASE] = "lease",
    [LOOKUP_MISS] = "miss");
LABEL(change, "change", [PAGE_STORED] = "stored", [PAGE_PUT] = "put",
    [PAGE_DROPPED] = "dropped");
LABEL(outlet,
    "outlet", [OUTLET_KAFKA] = "kafka", [OUTLET_WEBHOOK] = "webhook 1",
    "webhook 2", "webhook 3", "webhook 4", "webhook 5", "webhook 6",
    "webhook 7", "webhook 8");
LABEL(outcome, "result", [EVENT_SENT] = "sent", [EVENT_FAILED] = "failed",
    [EVENT_SET_ASIDE] = "set_aside");
LABEL(stream, "result", [STREAM_OPENED] = "opened",
    [STREAM_REFUSED] = "refused", [STREAM_DROPPED] = "dropped");

/* Counters, but for those whose unit is seconds. */
static const struct family {
    const char *name;
    const char *unit;
    const char *help;
    const struct label *label; /* NULL: none */
    const struct label *second;
} families[METRICS] = {
    [METRIC_REQUESTS] = {"newsfeed_requests", NULL,
        "Requests that a worker answered.", &operation_label, &status_label},
    [METRIC_REQUEST_TIME] = {"newsfeed_request_duration_seconds", "seconds",
        "Time that a worker took from a request to its answer.",
        &operation_label, NULL},
    [METRIC_WAIT_TIME] = {"newsfeed_request_wait_seconds", "seconds",
        "Time from nginx's taking a request to a worker's.", NULL, NULL},
    [METRIC_REFUSED] = {"newsfeed_requests_refused", NULL,
        "Requests that were answered 503.", &cause_label, NULL},
    [METRIC_ENDS] = {"newsfeed_process_ends", NULL,
        "Processes that ended, and were replaced.", &process_label, &end_label},
    [METRIC_DATABASE_TIME] = {"newsfeed_database_duration_seconds", "seconds",
        "Time of a statement in the database.", &process_label, NULL},
    [METRIC_DATABASE_FAULTS] = {"newsfeed_database_faults", NULL,
        "Statements and connections that failed.", &process_label,
        &fault_label},
    [METRIC_REPLICA_READS] = {"newsfeed_replica_reads", NULL,
        "Reads that a replica served, or why the primary did.", &read_label,
        NULL},
    [METRIC_CACHE_TIME] = {"newsfeed_cache_duration_seconds", "seconds",
        "Time of an operation in the cache.", &work_label, NULL},
    [METRIC_CACHE_FAULTS] = {"newsfeed_cache_faults", NULL,
        "Operations in the cache that failed.", &work_label, NULL},
    [METRIC_CACHE_LOOKUPS] = {"newsfeed_cache_lookups", NULL,
        "Feeds that workers looked for in the cache.", &result_label, NULL},
    [METRIC_CACHE_PAGES] = {"newsfeed_cache_pages", NULL,
        "Pages that were stored in the cache, had news put in front of them, "
        "or were dropped.",
        &change_label, NULL},
    [METRIC_EVENTS] = {"newsfeed_events", NULL,
        "Events that were sent elsewhere.", &outlet_label, &outcome_label},
    [METRIC_STREAMS] = {"newsfeed_streams", NULL,
        "Streams that were asked for.", &stream_label, NULL},
    [METRIC_MESSAGES] = {"newsfeed_stream_messages", NULL,
        "Messages that were sent to those who listen.", NULL, NULL},
};

/* --- counting ----------------------------------------------------------- */

/* Rows lie on cache lines of their own. */
struct table {
    double created; /* s since 1970 */
    _Alignas(64) _Atomic uint64_t cells[METRICS][METRICS_ROWS][METRICS_COLUMNS];
};

static struct table own;
static struct table *table = &own;
static enum process process;

bool metrics_open(void)
{
    struct timespec now;
    void *memory = mmap(NULL, sizeof(struct table), PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return false;
    table = memory;
    clock_gettime(CLOCK_REALTIME, &now);
    table->created = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    return true;
}

double metrics_created(void)
{
    return table->created;
}

void metrics_set_process(enum process which)
{
    process = which;
}

enum process metrics_process(void)
{
    return process;
}

void metrics_add(enum metric metric, int word, int second_word, uint64_t count)
{
    atomic_fetch_add_explicit(
        &table->cells[metric][word][second_word], count, memory_order_relaxed);
}

void metrics_count(enum metric metric, int word, int second_word)
{
    metrics_add(metric, word, second_word, 1);
}

uint64_t metrics_value(enum metric metric, int word, int second_word)
{
    return table->cells[metric][word][second_word];
}

void metrics_took(enum metric metric, int word, int64_t ns)
{
    int bucket = 0;

    if (ns < 0)
        ns = 0;
    while (bucket < BOUNDS && ns > bounds_us[bucket] * 1000)
        bucket++;
    metrics_add(metric, word, SUM, (uint64_t)ns);
    metrics_count(metric, word, bucket);
}

int64_t metrics_time(enum metric metric, int word, int64_t began)
{
    int64_t ns = monotonic_ns() - began;

    metrics_took(metric, word, ns);
    return ns;
}

static uint64_t sum(enum metric metric, int word, int second_word)
{
    uint64_t all = 0;

    if (word != METRICS_ALL)
        return metrics_value(metric, word, second_word);
    for (int row = 0; row < METRICS_ROWS; row++)
        all += metrics_value(metric, row, second_word);
    return all;
}

double metrics_quantile(enum metric metric, int word, double part)
{
    uint64_t counts[BUCKETS];
    uint64_t count = 0, below = 0;
    int bucket = 0;

    for (int i = 0; i < BUCKETS; i++) {
        counts[i] = sum(metric, word, i);
        count += counts[i];
    }
    if (count == 0)
        return 0;
    while (bucket < BOUNDS - 1) {
        below += counts[bucket];
        if ((double)below >= part * (double)count)
            break;
        bucket++;
    }
    return (double)bounds_us[bucket] / 1e6;
}

const char *metrics_word(enum metric metric, int word)
{
    return families[metric].label->words[word];
}

/* In the order of their words. */
static const int statuses[] = {200, 204, 304, 400, 401, 403, 404, 405, 409, 412,
    413, 415, 422, 429, 500, 503};

enum {
    STATUSES = sizeof(statuses) / sizeof(*statuses)
};

_Static_assert(sizeof(status_words) / sizeof(*status_words) == STATUSES + 1,
    "each status has a word, and all others have one");

int metrics_status(int status)
{
    int i = 0;

    while (i < STATUSES && statuses[i] != status)
        i++;
    return i;
}

/* --- printing ----------------------------------------------------------- */

typedef const char *operation_name(int number);

/* NULL: there is no such word, or no more of them. */
static const char *word_of(
    const struct label *label, int number, operation_name *operation)
{
    if (!label)
        return "";
    if (label == &operation_label && number >= label->count)
        return operation(number);
    return number < label->count ? label->words[number] : NULL;
}

static void print_times(struct exposition *out, enum metric metric, int row,
    const struct exposition_label *labels)
{
    uint64_t counts[BUCKETS];

    for (int i = 0; i < BUCKETS; i++)
        counts[i] = metrics_value(metric, row, i);
    exposition_histogram(out, labels, bounds, counts, BUCKETS,
        (double)metrics_value(metric, row, SUM) / 1e9);
}

/* So are most outlets, of which there may be many. */
static bool is_unused(enum metric metric, int row)
{
    uint64_t all = 0;

    for (int i = 0; i < METRICS_COLUMNS; i++)
        all += metrics_value(metric, row, i);
    return all == 0;
}

/* Of operations and statuses most never meet: those that did are printed. */
static void print_counts(struct exposition *out, enum metric metric, int row,
    struct exposition_label *labels)
{
    const struct label *second = families[metric].second;
    bool is_sparse = second == &status_label;
    int count = second ? second->count : 1;
    const char *word;

    for (int i = 0; i < count; i++) {
        uint64_t value = metrics_value(metric, row, i);
        if (!(word = word_of(second, i, NULL)) || (is_sparse && value == 0))
            continue;
        if (second)
            labels[1] = (struct exposition_label){second->name, word};
        exposition_count(out, labels, value);
    }
}

static void print_family(
    struct exposition *out, enum metric metric, operation_name *operation)
{
    const struct family *family = &families[metric];
    int rows = family->label ? METRICS_ROWS : 1;

    exposition_begin(out,
        family->unit ? EXPOSITION_HISTOGRAM : EXPOSITION_COUNTER, family->name,
        family->unit, family->help);
    for (int row = 0; row < rows; row++) {
        struct exposition_label labels[EXPOSITION_LABELS] = {0};
        const char *word = word_of(family->label, row, operation);
        if (!word || (family->label == &outlet_label && is_unused(metric, row)))
            continue;
        if (family->label)
            labels[0] = (struct exposition_label){family->label->name, word};
        if (family->unit)
            print_times(out, metric, row, labels);
        else
            print_counts(out, metric, row, labels);
    }
}

void metrics_print(struct exposition *out, operation_name *operation)
{
    out->created = table->created;
    for (int metric = 0; metric < METRICS; metric++)
        print_family(out, (enum metric)metric, operation);
}
