/* What came back from the service, counted, and printed at the end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json.h>

#include "report.h"

static const struct {
    const char *entity;
    const char *operation;
} names[OPERATIONS] = {
    [PARTICIPANT_ADD] = {"participant", "add"},
    [FRIEND_ADD] = {"friend", "add"},
    [OUTBOUND_ADD] = {"outbound", "add"},
    [OUTBOUND_SEARCH] = {"outbound", "search"},
    [INBOUND_GET] = {"inbound", "get"},
};

/* --- counting ----------------------------------------------------------- */

void tally_success(struct tally *tally, enum operation operation, int64_t us)
{
    struct latencies *list = &tally->latencies[operation];

    pthread_mutex_lock(&tally->lock);
    if (list->count == list->cap) {
        size_t cap = list->cap ? 2 * list->cap : 4096;
        uint32_t *more = realloc(list->us, cap * sizeof(*more));
        if (!more) {
            fputs("load: out of memory for latencies\n", stderr);
            exit(EXIT_FAILURE);
        }
        list->us = more;
        list->cap = cap;
    }
    list->us[list->count++] = (uint32_t)us;
    pthread_mutex_unlock(&tally->lock);
}

void tally_look(struct tally *tally, bool is_hit)
{
    pthread_mutex_lock(&tally->lock);
    tally->looks++;
    tally->hits += is_hit;
    pthread_mutex_unlock(&tally->lock);
}

void tally_error(struct tally *tally, enum operation operation,
    const char *kind, const char *first)
{
    struct fault *fault = tally->faults;

    pthread_mutex_lock(&tally->lock);
    struct fault *end = fault + tally->fault_count;
    while (fault < end &&
           (fault->operation != operation || strcmp(fault->kind, kind) != 0))
        fault++;
    if (fault == end && tally->fault_count < FAULT_KINDS) {
        tally->fault_count++;
        fault->operation = operation;
        snprintf(fault->kind, sizeof(fault->kind), "%s", kind);
        snprintf(fault->first, sizeof(fault->first), "%s", first);
        end++;
    }
    if (fault < end)
        fault->count++;
    tally->errors[operation]++;
    pthread_mutex_unlock(&tally->lock);
}

struct totals tally_totals(struct tally *tally)
{
    struct totals totals = {0};

    pthread_mutex_lock(&tally->lock);
    for (int i = 0; i < OPERATIONS; i++) {
        totals.requests += tally->latencies[i].count + tally->errors[i];
        totals.errors += tally->errors[i];
    }
    totals.posts = tally->latencies[OUTBOUND_ADD].count;
    pthread_mutex_unlock(&tally->lock);
    return totals;
}

void tally_free(struct tally *tally)
{
    for (int i = 0; i < OPERATIONS; i++)
        free(tally->latencies[i].us);
}

/* --- a row of the report ------------------------------------------------ */

enum figure {
    PER_MINUTE,
    MEAN,
    P50,
    P95,
    P99,
    MAX,
    FIGURES
};

static const struct {
    const char *column;
    const char *member; /* of the JSON */
} figure_names[FIGURES] = {
    [PER_MINUTE] = {"a minute", "per_minute"},
    [MEAN] = {"mean ms", "mean_ms"},
    [P50] = {"p50", "p50_ms"},
    [P95] = {"p95", "p95_ms"},
    [P99] = {"p99", "p99_ms"},
    [MAX] = {"max", "max_ms"},
};

static int compare(const void *one, const void *other)
{
    uint32_t a = *(const uint32_t *)one;
    uint32_t b = *(const uint32_t *)other;

    return (a > b) - (a < b);
}

/* What so many percent of a sorted list do not exceed, in milliseconds. */
static double percentile(const struct latencies *list, size_t percent)
{
    return list->us[(list->count * percent + 99) / 100 - 1] / 1000.0;
}

static void make_row(
    struct latencies *list, double seconds, double row[FIGURES])
{
    double sum = 0;

    memset(row, 0, FIGURES * sizeof(*row));
    if (list->count == 0)
        return;
    qsort(list->us, list->count, sizeof(*list->us), compare);
    for (size_t i = 0; i < list->count; i++)
        sum += list->us[i];
    row[PER_MINUTE] = (double)list->count * 60 / seconds;
    row[MEAN] = sum / (double)list->count / 1000;
    row[P50] = percentile(list, 50);
    row[P95] = percentile(list, 95);
    row[P99] = percentile(list, 99);
    row[MAX] = percentile(list, 100);
}

static double hits_percent(const struct tally *tally)
{
    return 100 * (double)tally->hits / (double)tally->looks;
}

/* --- a table ------------------------------------------------------------ */

static void print_table(const struct options *options, struct tally *tally,
    double seconds, double cpu)
{
    struct totals totals = tally_totals(tally);
    double row[FIGURES];

    printf("%" PRId64 " users, %.1f s, %s, seed %" PRId64 "\n"
           "%.0f requests/s, %.0f posts a minute, %" PRIu64 " errors\n\n",
        options->users, seconds, options->url, options->seed,
        (double)totals.requests / seconds, (double)totals.posts * 60 / seconds,
        totals.errors);
    printf("%-12s%-9s%8s", "entity", "operation", "count");
    for (int i = 0; i < FIGURES; i++)
        printf("%9s", figure_names[i].column);
    puts("  errors");
    for (int i = 0; i < OPERATIONS; i++) {
        make_row(&tally->latencies[i], seconds, row);
        printf("%-12s%-9s%8zu%9.0f", names[i].entity, names[i].operation,
            tally->latencies[i].count, row[PER_MINUTE]);
        for (int j = MEAN; j < FIGURES; j++)
            printf("%9.2f", row[j]);
        printf("%8" PRIu64 "\n", tally->errors[i]);
    }
    printf("\nCount and latency are of right answers. The load itself took"
           " %.0f %% of a core.\n",
        100 * cpu / seconds);
    if (tally->looks > 0)
        printf("Of %" PRIu64 " feeds, %.1f %% came from the cache.\n",
            tally->looks, hits_percent(tally));
    if (tally->fault_count > 0)
        puts("\nErrors");
    for (int i = 0; i < tally->fault_count; i++) {
        const struct fault *fault = &tally->faults[i];
        printf("%9" PRIu64 "  %s %s: %s; the first: %s\n", fault->count,
            names[fault->operation].entity, names[fault->operation].operation,
            fault->kind, fault->first);
    }
}

/* --- JSON --------------------------------------------------------------- */

static void add_text(json_object *object, const char *name, const char *text)
{
    json_object_object_add(object, name, json_object_new_string(text));
}

static void add_count(json_object *object, const char *name, uint64_t count)
{
    json_object_object_add(object, name, json_object_new_uint64(count));
}

static void add_number(json_object *object, const char *name, double number)
{
    json_object_object_add(object, name, json_object_new_double(number));
}

/* An object that begins with entity and operation, in a list. */
static json_object *add_entry(json_object *list, enum operation operation)
{
    json_object *entry = json_object_new_object();

    add_text(entry, "entity", names[operation].entity);
    add_text(entry, "operation", names[operation].operation);
    json_object_array_add(list, entry);
    return entry;
}

static void print_json(const struct options *options, struct tally *tally,
    double seconds, double cpu)
{
    struct totals totals = tally_totals(tally);
    json_object *root = json_object_new_object();
    json_object *operations = json_object_new_array();
    json_object *faults = json_object_new_array();
    double row[FIGURES];

    add_text(root, "url", options->url);
    add_count(root, "users", (uint64_t)options->users);
    add_count(root, "seed", (uint64_t)options->seed);
    add_number(root, "seconds", seconds);
    add_number(root, "cpu_seconds", cpu);
    add_count(root, "requests", totals.requests);
    add_number(root, "posts_per_minute", (double)totals.posts * 60 / seconds);
    add_count(root, "errors", totals.errors);
    if (tally->looks > 0)
        add_number(root, "feed_hits_percent", hits_percent(tally));
    json_object_object_add(root, "operations", operations);
    json_object_object_add(root, "faults", faults);
    for (int i = 0; i < OPERATIONS; i++) {
        json_object *entry = add_entry(operations, (enum operation)i);
        add_count(entry, "count", tally->latencies[i].count);
        make_row(&tally->latencies[i], seconds, row);
        for (int j = 0; j < FIGURES; j++)
            add_number(entry, figure_names[j].member, row[j]);
        add_count(entry, "errors", tally->errors[i]);
    }
    for (int i = 0; i < tally->fault_count; i++) {
        const struct fault *fault = &tally->faults[i];
        json_object *entry = add_entry(faults, fault->operation);
        add_text(entry, "kind", fault->kind);
        add_count(entry, "count", fault->count);
        add_text(entry, "first", fault->first);
    }
    json_c_set_serialization_double_format("%.2f", JSON_C_OPTION_GLOBAL);
    puts(json_object_to_json_string_ext(
        root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(root);
}

bool report_print(const struct options *options, struct tally *tally,
    double seconds, double cpu)
{
    (options->json ? print_json : print_table)(options, tally, seconds, cpu);
    return fflush(stdout) == 0 && !ferror(stdout);
}
