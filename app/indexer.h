/* Keeps the search index that has a database of its own: a process by itself,
 * so that nothing else waits for that database. */
#ifndef NEWSFEED_INDEXER_H
#define NEWSFEED_INDEXER_H

#include "config.h"
#include "scoreboard.h"

/* Returns the exit code (exit.h). QUIT ends it behind a turn. */
int indexer_run(const struct config *config, struct scoreboard *scoreboard,
    struct slot *slot);

#endif
