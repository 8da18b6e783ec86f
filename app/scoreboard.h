/* What each process is doing, in memory that all of them share. */
#ifndef NEWSFEED_SCOREBOARD_H
#define NEWSFEED_SCOREBOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "breaker.h"

enum {
    /* Two generations of 256 workers, nine outlets and four others. */
    SCOREBOARD_SLOTS = 2 * (256 + 9 + 4),
    SCOREBOARD_CACHES = 64, /* cache servers */
};

/* Written by its own process, read by the master. No locks: a process may be
 * killed at any point, so a reader can see a half-written text. Aligned, so
 * that no two processes write to the same cache line. */
struct slot {
    _Alignas(64) _Atomic int64_t busy_since; /* monotonic ms; 0: idle */
    _Atomic int64_t seen_at;                 /* the same; last known idle */
    _Atomic uint64_t served;                 /* requests so far */
    _Atomic bool ready;     /* it takes requests: started, not told to stop */
    _Atomic bool connected; /* to the database, as far as it knows */
    _Atomic int process;    /* enum process, as long as there is one */
    _Atomic int listeners;  /* to its streams */
    char request_id[65];    /* of the request in work */
    char request_line[160]; /* "POST /participant/1/outbound" */
};

/* One cache server. A page that is not read is only slower, so after a failure
 * reads leave it alone for a while. One that is not dropped is stale, so drops
 * go on, only less patiently. */
struct cache_guard {
    struct breaker reads;
    struct breaker drops; /* never open, but tripped while they fail */
};

/* The database's replicas, all together. */
struct replica_state {
    struct breaker connecting; /* tripped while they fail */
    _Atomic int fault;         /* enum replica_read: why the primary is read
                                  in their place; READ_SERVED: it is not */
    _Atomic int64_t failed_at; /* monotonic ms; the last time */
};

struct scoreboard {
    _Atomic int64_t master_seen_at; /* monotonic ms, once a second */
    struct breaker db;
    struct replica_state replica;
    struct breaker search; /* of its own database */
    struct cache_guard cache[SCOREBOARD_CACHES];
    struct breaker payments[SCOREBOARD_CACHES]; /* of debts to them (cache.h) */
    struct slot slots[SCOREBOARD_SLOTS];
};

/* Shared with every process forked later; NULL if there is no memory. */
struct scoreboard *scoreboard_new(void);
void scoreboard_free(struct scoreboard *scoreboard);

/* For its next process, once the last one has been reaped. That is seen from
 * now on. */
void slot_clear(struct slot *slot);

/* A life of a slot: busy with a connection whose request is not yet known,
 * with this request, idle again; slot_end counts the request, slot_idle says
 * that there was none, and that the process lives: often enough, or the master
 * takes it for hung. slot_begin on an idle slot makes it busy as well. */
void slot_busy(struct slot *slot);
void slot_begin(struct slot *slot, const char *request_id, const char *method,
    const char *path);
void slot_end(struct slot *slot);
void slot_idle(struct slot *slot);

/* Whether it has shown a sign of life lately, or begun a request. */
bool slot_is_alive(const struct slot *slot);

/* Whether any worker that takes requests has a connection to the database, and
 * has shown a sign of life lately, or begun a request. */
bool scoreboard_has_database(const struct scoreboard *scoreboard);

#endif
