/* What has happened, as CloudEvents 1.0 in JSON, for whoever follows it
 * outside: participants, friendships, posts, each in the order in which it
 * happened. */
#ifndef NEWSFEED_EVENT_H
#define NEWSFEED_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "cursor.h"
#include "error.h"
#include "pg.h"

/* The next events behind a place, up to an id, `limit` at most; how many. The
 * place of an event is its id, and the participant's whose event it is. */
MUST_CHECK enum error event_read(struct pg *pg, const struct cursor *behind,
    int64_t up_to, int limit, int *count);

/* Of the row of event_read. */
struct cursor event_place(const struct pg *pg, int row);
int64_t event_time(const struct pg *pg, int row); /* us since 1970 */

/* Appends it, on one line without its end. False: there is nothing to tell any
 * more, since what it was about is gone, which a later event says. */
bool event_print(const struct pg *pg, int row, struct buf *out);

#endif
