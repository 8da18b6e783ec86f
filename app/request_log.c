/* A line of the log about a request: all of them where that is asked for, and
 * those that are slow. */
#include "request_log.h"
#include "log.h"

enum {
    FIELDS_MAX = 16,
    US = 1000, /* ns */
};

struct fields {
    struct log_field list[FIELDS_MAX];
    int count;
};

static void add_text(struct fields *fields, const char *name, const char *text)
{
    if (text)
        fields->list[fields->count++] =
            (struct log_field){.name = name, .text = text};
}

static void add_number(struct fields *fields, const char *name, int64_t number)
{
    fields->list[fields->count++] =
        (struct log_field){.name = name, .number = number};
}

static void add_ns(struct fields *fields, const char *name, int64_t ns)
{
    fields->list[fields->count++] =
        (struct log_field){.name = name, .number = ns / US, .is_us = true};
}

/* What took how long: the wait for a worker, the worker, and within that time
 * the database and the cache. */
static void add_times(
    struct fields *fields, const struct request_record *record)
{
    const struct spent *database = record->database;

    add_ns(fields, "ms", record->ns);
    add_number(fields, "queue_ms", record->request->waited);
    add_ns(fields, "database_ms", database->ns);
    add_number(fields, "statements", database->count);
    if (database->longest) {
        add_text(fields, "slowest", database->longest);
        add_ns(fields, "slowest_ms", database->longest_ns);
    }
    add_ns(fields, "cache_ms", record->cache->ns);
}

void request_log(
    const struct config *config, const struct request_record *record)
{
    int64_t slow_ns = (int64_t)config->service_log_slow * 1000 * US;
    bool is_slow = slow_ns > 0 && record->ns >= slow_ns;
    struct fields fields = {.count = 0};

    if (!is_slow && !config->service_log_requests)
        return;
    add_text(&fields, "operation", record->operation);
    add_text(&fields, "method", record->request->method);
    add_text(&fields, "path", record->request->path);
    if (record->participant)
        add_number(&fields, "participant", record->participant);
    add_number(&fields, "status", record->response->status);
    add_number(&fields, "bytes", (int64_t)record->response->body.len);
    add_times(&fields, record);
    add_text(&fields, "traceparent", record->request->traceparent);
    log_fields(is_slow ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
        is_slow ? "slow request" : "request", fields.list, fields.count);
}

static double ms(int64_t ns)
{
    return (double)ns / (1000 * US);
}

void request_log_time(const struct config *config,
    const struct request_record *record, struct http_response *response)
{
    if (config->service_server_timing)
        http_header(response, "Server-Timing",
            "queue;dur=%.3f, db;dur=%.3f, cache;dur=%.3f, total;dur=%.3f",
            (double)record->request->waited, ms(record->database->ns),
            ms(record->cache->ns), ms(record->ns));
}
