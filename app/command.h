/* What the program does besides serving, by the word behind its options. */
#ifndef NEWSFEED_COMMAND_H
#define NEWSFEED_COMMAND_H

#include <stdbool.h>

#include "config.h"

/* Prints what has happened behind a place (see event.h; NULL: all that is
 * kept), a line each, and then ends, or goes on as more happens, until it is
 * told to stop or nobody reads it. The exit code; what is wrong is on standard
 * error. */
int command_events(const struct config *config, const char *from, bool follows);

/* Prints what the monitor of the service that runs with these settings says at
 * a path ("/status"). EX_OK, EXIT_FAILURE where that says that all is not well,
 * EX_UNAVAILABLE where nobody answers. */
int command_ask(const struct config *config, const char *path);

/* Builds the search index anew, in this language (see language.h; NULL: the
 * same as before, or as was begun), or gives up what was begun; one that is new
 * is filled. `empties`: empties that of the database of the service, in whose
 * place there is one with a database of its own. The same of exit code and
 * faults. */
int command_reindex(const struct config *config, const char *language,
    bool cancels, bool empties);

#endif
