/* What the database and the cache are asked of themselves, for whoever watches
 * the service. */
#ifndef NEWSFEED_HEALTH_H
#define NEWSFEED_HEALTH_H

#include "config.h"
#include "error.h"
#include "memc.h"

enum {
    HEALTH_NAME = 1024, /* of an outlet, a URL's too (webhook.c) */
    HEALTH_BACKLOGS = 32,
    HEALTH_LIMIT = 10000, /* what a backlog is counted up to */
};

/* What waits under a name, and for how long its oldest part, in ms. */
struct backlog {
    char name[HEALTH_NAME];
    int64_t count;
    int64_t age;
};

struct backlogs {
    int count;
    struct backlog list[HEALTH_BACKLOGS];
};

struct cache_health {
    char address[128]; /* as in cache.servers */
    bool answers;
    bool is_closed; /* nobody on this host reads from it (runtime.h) */
};

struct health {
    int64_t looked_at; /* monotonic ms; 0: never */

    bool has_database; /* one for this program, which answers */
    char reason[256];  /* why not; "" */
    int schema;        /* its version; 0: unknown. The rest as of then, too */
    char language[HEALTH_NAME]; /* of the search */
    struct backlogs followers;
    struct backlogs jobs;
    struct backlogs outlets;
    struct backlogs waiting; /* at these, participants (waiting.h) */

    bool has_search; /* the search's own database answers, if it has one */
    char search_reason[256]; /* why not; "" */
    char search_state;       /* enum apart_state; 0: unknown */

    int servers;
    struct cache_health cache[MEMC_SERVERS_MAX];
};

struct examiner; /* with connections of its own */

/* Connects nothing yet; the config must outlive it. NULL: no memory. */
struct examiner *examiner_new(const struct config *config);
void examiner_free(struct examiner *examiner);

/* Looks, and takes no longer for the database than HEALTH_TIMEOUT to connect,
 * and again to ask; for a server of the cache, cache.timeout. */
enum {
    HEALTH_TIMEOUT = 1000 /* ms */
};
void examine(struct examiner *examiner, struct health *health);

#endif
