/* Tells operators how the service is, on a socket of its own, whatever workers,
 * database or nginx are at. */
#ifndef NEWSFEED_MONITOR_H
#define NEWSFEED_MONITOR_H

#include <limits.h>

#include "buf.h"
#include "config.h"
#include "health.h"
#include "hits.h"
#include "scoreboard.h"

/* Returns the exit code (exit.h). */
int monitor_run(int listen_fd, const struct config *config,
    struct scoreboard *scoreboard, struct slot *slot);

/* Whether monitor.listen holds; a line for each fault. */
bool monitor_check(const struct config *config, struct buf *faults);

/* Where it listens: a path, which begins with '/', or an address and a port. */
void monitor_name(const struct config *config, char address[PATH_MAX]);

/* --- what it tells (monitor_tell.c) -------------------------------------- */

enum {
    MONITOR_SECONDS = 60 /* over which rates are told */
};

/* All that is looked at for one answer. */
struct sight {
    const struct config *config;
    const struct scoreboard *scoreboard;
    const struct health *health;
    const struct hits *hits; /* NULL: nginx counts nothing */
    double rate;             /* requests of the last time, a second */
    double hit_rate;         /* the same of nginx's hits */
};

/* Whether the service can do its work: a line for each thing that it needs,
 * "ok", "failed" or "warning" in front. */
bool monitor_tell_ready(const struct sight *sight, struct buf *out);

/* The same and the counters, for a person. */
void monitor_tell_status(const struct sight *sight, struct buf *out);

/* For a Prometheus. */
void monitor_tell_metrics(
    const struct sight *sight, bool is_openmetrics, struct buf *out);

/* How many requests were answered by workers so far. */
uint64_t monitor_requests(void);

#endif
