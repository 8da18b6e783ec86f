/* The text that a Prometheus reads, in its own format (0.0.4) or that of
 * OpenMetrics 1.0. */
#ifndef NEWSFEED_EXPOSITION_H
#define NEWSFEED_EXPOSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

enum exposition_type {
    EXPOSITION_COUNTER,
    EXPOSITION_GAUGE,
    EXPOSITION_HISTOGRAM,
    EXPOSITION_INFO,
};

/* What is being written. The first three are the caller's. */
struct exposition {
    struct buf *out;
    bool is_openmetrics;
    double created; /* s since 1970, of what is counted next */
    enum exposition_type type;
    const char *name;
};

/* Ends with a name that is NULL, or behind the last. */
struct exposition_label {
    const char *name;
    const char *value;
};

enum {
    EXPOSITION_LABELS = 4
};

/* Begins a metric: a name without the endings that its type brings, and its
 * unit, the name's last word, or NULL. What follows is of this one. */
void exposition_begin(struct exposition *e, enum exposition_type type,
    const char *name, const char *unit, const char *help);

/* labels: NULL, or up to EXPOSITION_LABELS. */
void exposition_count(struct exposition *e,
    const struct exposition_label *labels, uint64_t count);
void exposition_gauge(
    struct exposition *e, const struct exposition_label *labels, double value);
void exposition_info(
    struct exposition *e, const struct exposition_label *labels);

/* Of how many there were in each bucket, up to its bound (s; of the last one
 * there is none), and of their sum. */
void exposition_histogram(struct exposition *e,
    const struct exposition_label *labels, const char *const *bounds,
    const uint64_t *counts, int buckets, double sum);

void exposition_end(struct exposition *e);

/* Whether one who sent this Accept, or NULL, would rather have OpenMetrics. */
bool exposition_wants_openmetrics(const char *accept);

const char *exposition_content_type(bool is_openmetrics);

#endif
