/* What has come into feeds since, as messages: the statements of live feeds. */
#ifndef NEWSFEED_LIVE_READ_H
#define NEWSFEED_LIVE_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "cursor.h"
#include "error.h"
#include "pg.h"
#include "push.h"

/* Appends the readers whose feeds have changed otherwise than by new posts in
 * (from, to]. */
MUST_CHECK enum error live_touched(
    struct pg *pg, int64_t from, int64_t to, struct buf *touched);

/* The posts in (from, *to], oldest first; where there are as many as `limit`,
 * *to becomes less. */
MUST_CHECK enum error live_posts(
    struct pg *pg, int64_t from, int64_t *to, int limit, int *count);

/* Of these, whose feeds it is in (an int64_t each, appended), and the message
 * that it makes, with a gap for the reader; NULL if there is no memory. Until
 * the next statement. */
int64_t live_post_id(const struct pg *pg, int row);
void live_post_readers(const struct pg *pg, int row, struct buf *readers);
struct push_message *live_post(
    const struct pg *pg, int row, struct buf *scratch);

/* All that has happened to a reader's feed behind a place, up to a position, in
 * order; or the first part of it. */
MUST_CHECK enum error live_catch_up(struct pg *pg, int64_t reader,
    const struct cursor *from, int64_t to, int *count, bool *is_all);

/* One of these: its place, the message; *is_end: the reader is no more. */
struct push_message *live_change(const struct pg *pg, int64_t reader, int row,
    struct buf *scratch, struct cursor *at, bool *is_end);

/* Whether the reader is no more. */
MUST_CHECK enum error live_is_gone(
    struct pg *pg, int64_t reader, bool *is_gone);

/* What is told of the stream itself, at a position. reason: of a reset. */
struct push_message *live_ready(int64_t position);
struct push_message *live_reset(int64_t position, const char *reason);
struct push_message *live_end(int64_t position, int64_t reader);

#endif
