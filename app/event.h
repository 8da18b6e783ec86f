/* What has happened, as CloudEvents 1.0 in JSON, for whoever follows it
 * outside: participants, friendships, posts, each in the order in which it
 * happened. */
#ifndef NEWSFEED_EVENT_H
#define NEWSFEED_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "error.h"
#include "pg.h"

/* Where an event stands among all of them, and behind which one goes on: all
 * zeros is before the first. Its text, the event's id, is "ID.PARTICIPANT". */
struct place {
    int64_t id;
    int64_t participant;
};

enum {
    EVENT_PLACE_SIZE = 48 /* of its text, with the NUL */
};

void event_print_place(const struct place *place, char text[EVENT_PLACE_SIZE]);

/* "ID.PARTICIPANT", or "ID": behind all that has this id. False: it is neither.
 */
bool event_parse_place(const char *text, struct place *place);

/* The next events behind a place, up to an id, `limit` at most; how many. */
MUST_CHECK enum error event_read(struct pg *pg, const struct place *behind,
    int64_t up_to, int limit, int *count);

/* Of the row of event_read: its place, and its participant's id. */
struct place event_place(const struct pg *pg, int row);

/* Appends it, on one line without its end. False: there is nothing to tell any
 * more, since what it was about is gone, which a later event says. */
bool event_print(const struct pg *pg, int row, struct buf *out);

#endif
