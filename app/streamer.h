/* Serves live feeds: one process with its listeners and its connection. */
#ifndef NEWSFEED_STREAMER_H
#define NEWSFEED_STREAMER_H

#include "config.h"
#include "scoreboard.h"

/* Returns the exit code (exit.h). QUIT: tells those who listen to come again,
 * little by little. */
int streamer_run(int listen_fd, const struct config *config,
    struct scoreboard *scoreboard, struct slot *slot);

#endif
