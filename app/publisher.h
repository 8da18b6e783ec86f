/* Tells an outlet what has happened: one process for each, with its
 * connection. */
#ifndef NEWSFEED_PUBLISHER_H
#define NEWSFEED_PUBLISHER_H

#include <stdint.h>

#include "scoreboard.h"
#include "setup.h"

/* For the index-th outlet that is configured (outlet.h). `life` is the same for
 * those processes alone of which each begins behind the end of the one before:
 * so it goes on at once where that one was killed. Returns the exit code
 * (exit.h). QUIT, TERM, INT: notes what is settled, lets go of the outlet. */
int publisher_run(int index, uint64_t life, const struct setup *setup,
    struct scoreboard *scoreboard, struct slot *slot);

#endif
