/* Events into a topic of Kafka, each with its participant as key. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "kafka.h"
#include "log.h"
#include "outlet.h"

enum {
    PATIENCE = 2000, /* ms that a call waits for deliveries */
    PARTING = 500,   /* the same, where it is to stop */
    SLICE = 50,      /* the same, until it looks whether it is */
    SILENCE = 3000,  /* ms without any that make a fault */

    /* ms before a producer that failed is replaced, doubled each time. */
    PAUSE_MIN = 1000,
    PAUSE_MAX = 30000,
};

struct outlet_kafka {
    const struct outlet_means *means;
    struct kafka *kafka; /* NULL: there will be one at retry_at */
    int64_t retry_at;    /* monotonic ms */
    int pause;           /* ms */

    /* Of the events that send() is called with, those in front that were handed
     * over, by the numbers from `first` on. */
    int64_t first;
    int handed;
    bool is_delivered[OUTLET_BATCH_MAX];
    int undelivered;
    bool has_failed; /* one of them, or the producer */

    int64_t waiting_since; /* 0: nothing waits */
    bool is_told;          /* that it fails */
    char fault[512];
};

/* --- settings ----------------------------------------------------------- */

static int count(const struct config *config)
{
    return *config->kafka_servers ? 1 : 0;
}

static void print_name(
    const struct config *config, int number, struct buf *name)
{
    (void)config;
    (void)number;
    buf_puts(name, "kafka");
}

static void *load(const struct config *config, struct buf *faults)
{
    return kafka_load(config->kafka_servers, config->kafka_topic,
        config->kafka_options_file, faults);
}

static void unload(void *loaded)
{
    kafka_unload(loaded);
}

/* --- how it goes -------------------------------------------------------- */

static void keep_fault(struct outlet_kafka *k, const char *fault)
{
    snprintf(k->fault, sizeof(k->fault), "%s", fault);
}

static void take_report(void *context, int64_t number, const char *fault)
{
    struct outlet_kafka *k = context;

    if (fault) {
        k->has_failed = true;
        metrics_count(METRIC_EVENTS, k->means->metric, EVENT_FAILED);
        keep_fault(k, fault);
        return;
    }
    k->is_delivered[number - k->first] = true;
    k->undelivered--;
    metrics_count(METRIC_EVENTS, k->means->metric, EVENT_SENT);
}

/* Once. */
static void tell_fault(struct outlet_kafka *k)
{
    if (!k->is_told)
        log_error("kafka", "no event is taken: %s; they wait",
            *k->fault ? k->fault : "there is no answer");
    k->is_told = true;
}

static void tell_success(struct outlet_kafka *k)
{
    if (k->is_told)
        log_info("kafka", "events are taken again, after %" PRId64 " s",
            (monotonic_ms() - k->waiting_since) / 1000);
    k->is_told = false;
    k->pause = 0;
    k->waiting_since = 0;
    k->fault[0] = '\0';
}

/* --- a producer --------------------------------------------------------- */

/* What is under way is sent again by the next one, so that none comes before
 * one that failed. */
static void end_producer(struct outlet_kafka *k)
{
    kafka_free(k->kafka);
    k->kafka = NULL;
    k->handed = k->undelivered = 0;
    k->has_failed = false;
    memset(k->is_delivered, 0, sizeof(k->is_delivered));
    k->pause = k->pause ? 2 * k->pause : PAUSE_MIN;
    if (k->pause > PAUSE_MAX)
        k->pause = PAUSE_MAX;
    k->retry_at = monotonic_ms() + k->pause;
    tell_fault(k);
}

static bool has_producer(struct outlet_kafka *k)
{
    struct buf reason = {0};

    if (k->kafka || monotonic_ms() < k->retry_at)
        return k->kafka != NULL;
    k->kafka = kafka_new(k->means->loaded, take_report, k, &reason);
    if (!k->kafka) {
        keep_fault(k, buf_text(&reason));
        end_producer(k);
    }
    buf_free(&reason);
    return k->kafka != NULL;
}

/* --- events ------------------------------------------------------------- */

static bool hand_over(struct outlet_kafka *k, const struct outlet_event *event)
{
    char key[24];
    int len = snprintf(key, sizeof(key), "%" PRId64, event->place.sub);
    enum error error = kafka_produce(k->kafka, k->first + k->handed,
        (struct text){key, (size_t)len}, event->body);

    if (error == OK) {
        k->handed++;
        k->undelivered++;
        return true;
    }
    if (error != ERR_UNAVAILABLE) {
        k->has_failed = true;
        metrics_count(METRIC_EVENTS, k->means->metric, EVENT_FAILED);
    }
    snprintf(k->fault, sizeof(k->fault), "event %s, of %zu bytes: %s",
        event->id.data, event->body.len, kafka_fault(k->kafka));
    return false;
}

/* As many as there is room for, until all are delivered, or time is over. */
static void work(
    struct outlet_kafka *k, const struct outlet_event *events, int event_count)
{
    int64_t end = monotonic_ms() + PATIENCE;

    do {
        while (k->handed < event_count && hand_over(k, &events[k->handed]))
            continue;
        if (!k->has_failed && kafka_poll(k->kafka, SLICE)) {
            k->has_failed = true;
            keep_fault(k, kafka_fault(k->kafka));
        }
        if (*k->means->is_stopping && end > monotonic_ms() + PARTING)
            end = monotonic_ms() + PARTING;
    } while (!k->has_failed &&
             (k->handed < event_count || k->undelivered > 0) &&
             monotonic_ms() < end);
}

/* Those in front that are delivered. */
static int settle(struct outlet_kafka *k)
{
    int settled = 0;

    while (settled < k->handed && k->is_delivered[settled])
        settled++;
    int left = k->handed - settled;
    memmove(k->is_delivered, k->is_delivered + settled, (size_t)left);
    memset(k->is_delivered + left, 0, (size_t)settled);
    k->first += settled;
    k->handed = left;
    return settled;
}

static int send_events(
    void *self, const struct outlet_event *events, int event_count)
{
    struct outlet_kafka *k = self;

    if (!k->waiting_since)
        k->waiting_since = monotonic_ms();
    if (!has_producer(k))
        return 0;
    work(k, events, event_count);
    int settled = settle(k);
    if (k->has_failed)
        end_producer(k);
    else if (settled > 0)
        tell_success(k);
    else if (monotonic_ms() - k->waiting_since >= SILENCE) {
        if (k->undelivered > 0 && *kafka_fault(k->kafka))
            keep_fault(k, kafka_fault(k->kafka));
        tell_fault(k);
    }
    return settled;
}

/* --- an outlet ---------------------------------------------------------- */

static void *open_outlet(const struct outlet_means *means)
{
    struct outlet_kafka *k = calloc(1, sizeof(*k));

    if (k)
        k->means = means;
    return k;
}

static void close_outlet(void *self)
{
    struct outlet_kafka *k = self;

    kafka_free(k->kafka);
    free(k);
}

const struct outlet_kind outlet_kafka = {
    .kind = "kafka",
    .is_one = true,
    .batch = OUTLET_BATCH_MAX,
    .metric = OUTLET_KAFKA,
    .count = count,
    .print_name = print_name,
    .load = load,
    .unload = unload,
    .open = open_outlet,
    .send = send_events,
    .close = close_outlet,
};
