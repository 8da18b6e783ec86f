/* Does what no client waits for: one process with its connections, a round of
 * followers and jobs, a rest. */
#ifndef NEWSFEED_DISPATCHER_H
#define NEWSFEED_DISPATCHER_H

#include "config.h"
#include "scoreboard.h"

/* Returns the exit code (exit.h). QUIT: after the piece in work. */
int dispatcher_run(const struct config *config, struct scoreboard *scoreboard,
    struct slot *slot);

#endif
