/* The clock by which is measured how long something takes. */
#ifndef NEWSFEED_CLOCK_H
#define NEWSFEED_CLOCK_H

#include <stdint.h>

/* Milliseconds; nobody sets it. */
int64_t monotonic_ms(void);

#endif
