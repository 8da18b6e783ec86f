/* What nginx did by itself with requests for feeds: counters in a file of
 * service.runtime_dir that its workers write and others read, for nginx's
 * module too. It stays where newsfeed and nginx come and go. */
#ifndef NEWSFEED_HITS_H
#define NEWSFEED_HITS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define HITS_FILE "nginx-hits"

enum hits_result {
    HITS_HIT,    /* answered with the page */
    HITS_LEASE,  /* a worker makes the page, and stores it */
    HITS_MISS,   /* another does that, or the page is to be made anew */
    HITS_FAILED, /* memcached was away, or too slow */
    HITS_PASSED, /* it was not asked: nobody may read there just now */
    HITS_RESULTS
};

enum {
    HITS_ROWS = 64 /* one for each worker of nginx, as far as there are */
};

struct hits {
    uint64_t form;   /* of what follows */
    int64_t created; /* s since 1970 */
    struct {
        _Alignas(64) _Atomic uint64_t counts[HITS_RESULTS];
    } rows[HITS_ROWS];
};

/* Makes the file, unless there is one of this form. False: errno says why. */
bool hits_make(const char *path);

/* The counters, in memory that all share who have them; NULL: there is no such
 * file, or not for us. They are there until the process ends. */
struct hits *hits_open(const char *path, bool may_count);

void hits_count(struct hits *hits, unsigned worker, enum hits_result result);
uint64_t hits_value(const struct hits *hits, enum hits_result result);

#endif
