/* Idempotency keys and events that are old enough go. */
#ifndef NEWSFEED_EXPIRE_H
#define NEWSFEED_EXPIRE_H

#include "shift.h"

/* Deletes a piece of them; true: there may be more. */
bool expire_old(const struct shift *shift);

#endif
