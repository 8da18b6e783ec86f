/* Forks workers, dispatcher, streamer and publishers, reaps, restarts, drains,
 * reloads. */
#ifndef NEWSFEED_MASTER_H
#define NEWSFEED_MASTER_H

#include "setup.h"

/* First of all: what would end a process and has no meaning here, such as USR1,
 * does nothing from now on, and a HUP waits for master_run. */
void master_ignore_signals(void);

/* Runs until told to stop; returns the exit code. Owns *setup and clears it;
 * a reload reads the source again. QUIT: answers the requests in work first.
 * TERM, INT: gives them two seconds. HUP: reloads. */
int master_run(
    int listen_fd, struct setup *setup, const struct setup_source *source);

#endif
