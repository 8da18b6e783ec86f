/* The only file that knows librdkafka: messages into one topic, each once and
 * in order for each key, to all replicas. */
#ifndef NEWSFEED_KAFKA_H
#define NEWSFEED_KAFKA_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "error.h"

/* What became of a message: fault is NULL if it is where it belongs. */
typedef void kafka_report(void *context, int64_t number, const char *fault);

struct kafka_settings; /* which a process inherits that is forked later */

/* servers: "host:port, host:port". file: of "name=value" lines, with
 * librdkafka's options; "": none. NULL: a line for each fault. Connects
 * nothing, and leaves no thread behind. */
struct kafka_settings *kafka_load(const char *servers, const char *topic,
    const char *file, struct buf *faults);
void kafka_unload(struct kafka_settings *settings);

struct kafka; /* a producer, with threads of its own that take no signals */

/* Waits for nobody. Reports are made in kafka_poll alone. NULL: see reason. The
 * settings must outlive it. */
struct kafka *kafka_new(const struct kafka_settings *settings,
    kafka_report *report, void *context, struct buf *reason);

/* Messages that are under way may arrive or not, and are not reported. */
void kafka_free(struct kafka *kafka);

/* Sends a message, which is copied. ERR_UNAVAILABLE: no more at present, see
 * kafka_poll; ERR_INVALID: not this one. kafka_fault() says why. A message is
 * tried for ever, and one that cannot be delivered by itself is reported. */
MUST_CHECK enum error kafka_produce(
    struct kafka *kafka, int64_t number, struct text key, struct text value);

/* Waits for something to report, for up to so many ms. ERR_INTERNAL: nothing
 * will come of this producer any more. */
MUST_CHECK enum error kafka_poll(struct kafka *kafka, int ms);

/* What went wrong last, "" if nothing did since a message was delivered. */
const char *kafka_fault(const struct kafka *kafka);

#endif
