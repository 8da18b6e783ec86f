/* One worker's life: accept, serve, answer, until told to stop. */
#ifndef NEWSFEED_WORKER_H
#define NEWSFEED_WORKER_H

#include "scoreboard.h"
#include "setup.h"

/* Exit codes that the master acts on; with any other, and when killed, a
 * process has failed and is replaced within a limit. */
enum {
    EXIT_RETIRED = 0,        /* done, or asked to stop: replace it */
    EXIT_DO_NOT_RESTART = 2, /* would fail the same way again */
};

/* Returns the exit code. QUIT, TERM or INT: finishes the request in work, then
 * returns; the three differ in how long the master waits for that. Expects
 * them blocked, as the master leaves them to its children. */
int worker_run(int listen_fd, const struct setup *setup,
    struct scoreboard *scoreboard, struct slot *slot);

#endif
