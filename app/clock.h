/* The clock by which is measured how long something takes. */
#ifndef NEWSFEED_CLOCK_H
#define NEWSFEED_CLOCK_H

#include <stdint.h>

/* Milliseconds, and nanoseconds of the same clock; nobody sets it. */
int64_t monotonic_ms(void);
int64_t monotonic_ns(void);

#endif
