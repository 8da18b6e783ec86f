/* Opens sessions with the database: what is set in them, and whether it is a
 * database for this program. */
#ifndef NEWSFEED_DATABASE_H
#define NEWSFEED_DATABASE_H

#include "config.h"
#include "pg.h"

/* The last migrations that this program was written for. */
enum {
    DATABASE_SCHEMA_VERSION = 11,
    DATABASE_SEARCH_VERSION = 1, /* of sql/search */
};

/* For statements of up to so many ms. breaker: see pg.h. Connects nothing yet;
 * NULL if there is no memory. The config must outlive it. */
struct pg *database_new(const struct config *config, int statement_timeout,
    struct breaker *breaker);

/* A session with a standby, of db.read_conninfo, whose statements are run once.
 * first_host: see pg.h. */
struct pg *database_new_replica(const struct config *config, int first_host);

/* The same with that of the search, if it has one of its own. */
struct pg *database_new_search(const struct config *config,
    int statement_timeout, struct breaker *breaker);

/* Connects, looks whether the schema is one for this program, disconnects. OK;
 * ERR_NO_DATABASE: out of reach (as yet); ERR_INVALID: it is not;
 * ERR_NO_SEARCH: either of that of the search, without which all else goes on.
 * `reason` gets a sentence unless OK. */
MUST_CHECK enum error database_check(
    const struct config *config, struct buf *reason);

#endif
