/* One worker's life: accept, serve, answer, until told to stop. */
#ifndef NEWSFEED_WORKER_H
#define NEWSFEED_WORKER_H

#include "scoreboard.h"
#include "setup.h"

/* Returns the exit code (exit.h). QUIT, TERM or INT: finishes the request in
 * work, then returns; the three differ in how long the master waits for that.
 * Expects them blocked, as the master leaves them to its children. */
int worker_run(int listen_fd, const struct setup *setup,
    struct scoreboard *scoreboard, struct slot *slot);

#endif
