/* What does not fit in a request: places and sentences, gathered. */
#ifndef NEWSFEED_FAULT_H
#define NEWSFEED_FAULT_H

#include "buf.h"

enum {
    FAULTS_MAX = 32
}; /* more than these are counted, not kept */

struct fault {
    char *pointer; /* "#/subject", "query:limit", "path:id" */
    char *detail;  /* what is wrong and what would be right */
};

/* Starts as all zeros; give back with faults_free. After a failed allocation
 * `failed` is true and whether there are faults is not known: check freely,
 * test once. */
struct faults {
    struct fault list[FAULTS_MAX];
    int count; /* may exceed FAULTS_MAX */
    bool failed;
};

/* Copies both. */
void fault_add(struct faults *faults, const char *pointer, const char *format,
    ...) __attribute__((format(printf, 3, 4)));
void faults_free(struct faults *faults);

#endif
