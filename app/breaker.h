/* What has just failed is left alone for a while, by every process. */
#ifndef NEWSFEED_BREAKER_H
#define NEWSFEED_BREAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A time until which it is left alone, in memory that all of them share: the
 * first process to find it out spares the others. Starts as zeros. */
struct breaker {
    _Atomic int64_t open_until; /* monotonic ms */
};

bool breaker_is_open(struct breaker *breaker);
bool breaker_was_tripped(struct breaker *breaker); /* and not reset since */

/* True for one process alone: whose call begins or ends a failure. */
bool breaker_trip(struct breaker *breaker, int ms);
bool breaker_reset(struct breaker *breaker);

/* Trips it unless it is open: true for one process in so many ms. */
bool breaker_take(struct breaker *breaker, int ms);

#endif
