/* What nginx did by itself with requests for feeds: counters in a file of
 * service.runtime_dir that its workers add to and others read, for nginx's
 * module too. It stays where newsfeed and nginx come and go. Nobody maps it:
 * whoever may write it could cut it, and end whoever has. */
#ifndef NEWSFEED_HITS_H
#define NEWSFEED_HITS_H

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

struct hits {
    uint64_t form;   /* of what follows */
    int64_t created; /* s since 1970 */
    uint64_t counts[HITS_RESULTS];
};

/* Makes the file, unless there is one of this form. False: errno says why. */
bool hits_make(const char *path);

/* False: there is no such file, or not for us. */
bool hits_read(const char *path, struct hits *hits);

/* Adds these counts to it, and sets them to zeros. False: nothing was done, for
 * there is no such file, or another process is at it just now. */
bool hits_add(const char *path, uint64_t counts[HITS_RESULTS]);

#endif
