/* What came back from the service, counted, and printed at the end. */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum operation {
    PARTICIPANT_ADD,
    FRIEND_ADD,
    OUTBOUND_ADD,
    OUTBOUND_SEARCH,
    INBOUND_GET,
    OPERATIONS
};

enum {
    FAULT_KINDS = 32
};

/* Errors of one kind at one operation. */
struct fault {
    enum operation operation;
    char kind[32]; /* "status 503" */
    uint64_t count;
    char first[256]; /* what the first of them was, in words */
};

/* How long each right answer took, in microseconds. */
struct latencies {
    uint32_t *us;
    size_t count;
    size_t cap;
};

/* Of all users together. Four bytes a request, so that percentiles are exact;
 * at some thousand requests a second nobody waits for the lock. */
struct tally {
    pthread_mutex_t lock;
    struct latencies latencies[OPERATIONS];
    uint64_t errors[OPERATIONS];
    uint64_t looks; /* for feeds in the cache */
    uint64_t hits;
    struct fault faults[FAULT_KINDS]; /* further kinds are only errors */
    int fault_count;
};

void tally_success(struct tally *tally, enum operation operation, int64_t us);

/* How a right answer with a feed came about. */
void tally_look(struct tally *tally, bool is_hit);

/* kind and first are copied, and cut where they are too long. */
void tally_error(struct tally *tally, enum operation operation,
    const char *kind, const char *first);

struct totals {
    uint64_t requests; /* that ended, well or badly */
    uint64_t posts;
    uint64_t errors;
};

struct totals tally_totals(struct tally *tally);
void tally_free(struct tally *tally);

struct options {
    const char *url; /* ends with no slash */
    int64_t users;
    int64_t seconds;
    int64_t searchers; /* percent of the rounds */
    int64_t reads;     /* after each post */
    int64_t seed;
    bool json;
};

/* Prints on stdout, once the users have ended, and sorts the tally. seconds
 * are from the first request to the last answer, cpu those that this program
 * computed. False if it could not be written. */
bool report_print(const struct options *options, struct tally *tally,
    double seconds, double cpu);

#endif
