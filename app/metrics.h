/* What is counted, and how long things take: one table, in memory that all
 * processes share, so that nothing is lost when one of them ends.
 *
 * Whoever does something counts it where it is done:
 *
 *     metrics_count(METRIC_EVENTS, OUTLET_KAFKA, EVENT_SENT);
 *
 *     int64_t began = monotonic_ns();
 *     ...
 *     metrics_time(METRIC_CACHE_TIME, CACHE_READ, began);
 *
 * A metric is a row in metrics.c: its name, what it means, and the words of its
 * one or two labels, of which there are few. What goes up and down is no
 * counter: that is a process's own, and stands in its slot (scoreboard.h). */
#ifndef NEWSFEED_METRICS_H
#define NEWSFEED_METRICS_H

#include <stdint.h>

#include "error.h"
#include "exposition.h"

enum metric {               /* labels: */
    METRIC_REQUESTS,        /* enum operation or what is behind it, status */
    METRIC_REQUEST_TIME,    /* the same */
    METRIC_WAIT_TIME,       /* - */
    METRIC_REFUSED,         /* enum error, of those that are 503 */
    METRIC_ENDS,            /* enum process, enum end */
    METRIC_DATABASE_TIME,   /* enum process */
    METRIC_DATABASE_FAULTS, /* enum process, enum error */
    METRIC_REPLICA_READS,   /* enum replica_read */
    METRIC_CACHE_TIME,      /* enum cache_work */
    METRIC_CACHE_FAULTS,    /* enum cache_work */
    METRIC_CACHE_LOOKUPS,   /* enum lookup */
    METRIC_CACHE_PAGES,     /* enum page_change */
    METRIC_EVENTS,          /* enum outlet, enum event_end */
    METRIC_STREAMS,         /* enum stream_end */
    METRIC_MESSAGES,        /* - */
    METRICS
};

/* Those of the specification have numbers from OPERATIONS on (api.h). */
enum operation {
    OPERATION_NONE,  /* no path of ours, or it was not looked at */
    OPERATION_ASKED, /* nginx asked whether it may give somebody a page */
    OPERATIONS
};

enum process {
    PROCESS_NONE,
    PROCESS_WORKER,
    PROCESS_DISPATCHER,
    PROCESS_STREAMER,
    PROCESS_PUBLISHER,
    PROCESS_INDEXER,
    PROCESS_MONITOR,
};

enum end {
    END_RETIRED, /* after worker.max_requests, a reload, a stop */
    END_FAILED,  /* with an exit code that says so */
    END_DIED,    /* of a signal that was not the master's */
    END_STUCK,   /* killed while busy */
    END_SILENT,  /* killed while idle, without a sign of life */
    END_LATE,    /* killed since it did not stop in time */
};

/* What became of a read that a replica may serve: all but the first are the
 * primary's. */
enum replica_read {
    READ_SERVED,
    READ_GONE,      /* out of reach, lost, or no answer in time */
    READ_REFUSED,   /* no standby of this database, or not any more */
    READ_BEHIND,    /* it has not replayed what was answered by then */
    READ_FAILED,    /* the statement did, as when it is in replay's way */
    READ_UNSETTLED, /* a post may still come, and only the primary knows */
    READ_UNKNOWN,   /* the primary did not tell how far it is */
};

enum cache_work {
    CACHE_READ,
    CACHE_WRITE,
    CACHE_CHANGE, /* put in front of pages, or dropped */
};

enum lookup {
    LOOKUP_HIT,
    LOOKUP_LEASE, /* the page is made, and stored */
    LOOKUP_MISS,  /* it is made; the cache is away, or has changed meanwhile */
};

enum page_change {
    PAGE_STORED,
    PAGE_PUT, /* something in front of it */
    PAGE_DROPPED,
};

/* Where events are sent to. */
enum outlet {
    OUTLET_KAFKA,
    OUTLET_WEBHOOK, /* the first one; the others, up to eight, are behind it */
};

enum event_end {
    EVENT_SENT,      /* and confirmed */
    EVENT_FAILED,    /* an attempt; there will be another */
    EVENT_SET_ASIDE, /* for a person to look at */
};

enum stream_end {
    STREAM_OPENED,
    STREAM_REFUSED,
    STREAM_DROPPED, /* it took too little of what it was sent */
};

enum {
    METRICS_ROWS = 64,    /* words of a first label, at most */
    METRICS_COLUMNS = 24, /* of a second one, or buckets of times */
    METRICS_ALL = -1,     /* to metrics_quantile: whatever the word */
};

/* Makes the table that all processes share which are forked later. Until then,
 * and where there is no memory for it (false), each counts for itself. */
MUST_CHECK bool metrics_open(void);

/* When it was made, in s since 1970. */
double metrics_created(void);

/* What this process is, in what it counts by processes. */
void metrics_set_process(enum process process);
enum process metrics_process(void);

/* Words are numbers of their label's enum, 0 where there is no such label. */
void metrics_count(enum metric metric, int word, int second_word);
void metrics_add(enum metric metric, int word, int second_word, uint64_t count);
uint64_t metrics_value(enum metric metric, int word, int second_word);

/* Something that began at a time of monotonic_ns has ended, and took as many
 * ns as it gives; it took so many ns. */
int64_t metrics_time(enum metric metric, int word, int64_t began);
void metrics_took(enum metric metric, int word, int64_t ns);

/* The time that so great a part of them stayed below, in s, by the bounds of
 * the buckets; 0: there were none. */
double metrics_quantile(enum metric metric, int word, double part);

/* What a word of a metric's first label is called. */
const char *metrics_word(enum metric metric, int word);

/* The word of a status; those that no answer of ours has are one word. */
int metrics_status(int status);

/* All of it. operation: the name of one of the specification's, by its number;
 * NULL: there is none. */
void metrics_print(
    struct exposition *out, const char *(*operation)(int number));

#endif
