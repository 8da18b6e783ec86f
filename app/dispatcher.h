/* Works the outbox off: one process with its connections, a round of
 * followers and jobs, a rest. */
#ifndef NEWSFEED_DISPATCHER_H
#define NEWSFEED_DISPATCHER_H

#include "buf.h"
#include "config.h"
#include "scoreboard.h"

/* Whether the tables of what it does hold; a line for each fault. */
bool dispatcher_check(struct buf *faults);

/* Returns the exit code (exit.h). QUIT: after the piece in work. */
int dispatcher_run(const struct config *config, struct scoreboard *scoreboard,
    struct slot *slot);

#endif
