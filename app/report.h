/* Requests that were answered 503, told by cause, in one line. */
#ifndef NEWSFEED_REPORT_H
#define NEWSFEED_REPORT_H

#include <stdint.h>

#include "error.h"

/* What was told already; starts as all zeros. */
struct report {
    uint64_t told[ERR_INTERNAL + 1];
};

/* Logs how many there were since the last call, unless there were none. */
void report_tell(struct report *report);

#endif
