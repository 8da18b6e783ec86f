/* Where events are posted to, and how they are signed: by the convention of
 * Standard Webhooks (standardwebhooks.com). */
#ifndef NEWSFEED_WEBHOOK_H
#define NEWSFEED_WEBHOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "config.h"
#include "error.h"

/* How many endpoints there are, and the URL of one of them. */
int webhook_count(const struct config *config);
struct text webhook_url(const struct config *config, int number);

struct webhook; /* the secrets */

/* Checks what is set, and reads the file with the secrets. NULL: a line in
 * `faults` for each fault. */
struct webhook *webhook_new(const struct config *config, struct buf *faults);
void webhook_free(struct webhook *webhook);

/* Appends the value of webhook-signature: one for each secret. The time is in
 * seconds since 1970. */
MUST_CHECK enum error webhook_sign(const struct webhook *webhook,
    const char *id, int64_t time, struct text body, struct buf *out);

#endif
